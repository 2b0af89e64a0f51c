"""One application per file, written as its framework recommends."""
