"""Receive a request from a server, and send it the response."""
