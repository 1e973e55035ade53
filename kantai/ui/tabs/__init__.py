"""One file a tab: handlers are plain functions, `build(page)` lays out and wires."""
