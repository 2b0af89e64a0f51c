"""Foundations: the current context, epochs, fast paths. Imports no other package of Costrel."""
