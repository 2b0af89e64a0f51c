"""The same two typed views per file, written as its framework recommends."""
