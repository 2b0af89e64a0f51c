"""Find and load the application that a command runs for, and push its context."""
