"""The page. Arrows point down only: the screens know jobs and workspace, nobody knows them."""
