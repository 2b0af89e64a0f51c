"""Protected applications, one per file, and the same without protection."""
