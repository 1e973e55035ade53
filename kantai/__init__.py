"""KantaiBERT playground: from a text file to a masked language model that fills masks."""
