"""One request per file, and what has to come back."""
