"""Receive requests from a WSGI or ASGI server, and send the responses."""
