"""One request per file, and the check of its response."""
