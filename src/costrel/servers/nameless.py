"""What handles requests in Werkzeug's server, without saying what it is and in which version."""

from __future__ import annotations

from .strictrequests import StrictRequestHandler


class NamelessHandler(StrictRequestHandler):
    """Sends no ``Server`` field but one that the application has set."""

    def send_header(self, keyword: str, value: str) -> None:
        """Send a header field, unless it is the server's own name."""
        if keyword != "Server" or value != self.version_string():
            super().send_header(keyword, value)
