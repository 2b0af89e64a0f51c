"""One application per file, in the way its framework is written."""
