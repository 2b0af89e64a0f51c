"""What everything stands on: the current context, epochs, fast paths. Imports nothing of ours."""
