"""What the development server takes for a request: no more than the servers for production do."""

from __future__ import annotations

import re
import typing as t

from werkzeug.serving import WSGIRequestHandler

_is_field: t.Callable[[bytes], t.Any] = re.compile(
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00\r\n]*\r?\n"
).fullmatch
"""SPEC(RFC 9112 §5): a name without blanks, and no line break but that at the end."""


class StrictRequestHandler(WSGIRequestHandler):
    """Answers 400 to requests that Python's parser reads otherwise than a proxy might.

    SECURITY(request smuggling): that parser begins a new field at a bare CR, and takes blanks
    before a colon, two lengths, and a transfer encoding besides ``chunked``.
    """

    def parse_request(self) -> bool:
        """Return whether a request was read; otherwise it is answered already."""
        received = self.rfile
        lines = _Lines(received)
        # What reads the body reads the stream itself.
        self.rfile = t.cast("t.Any", lines)
        try:
            parsed = super().parse_request()
        finally:
            self.rfile = received
        if not parsed or self.request_version == "HTTP/0.9":
            return parsed
        problem = self._problem(lines.read)
        if problem is None:
            return True
        self.close_connection = True
        self.send_error(400, problem)
        return False

    def _problem(self, lines: list[bytes]) -> str | None:
        if not all(_is_field(line) for line in lines if line not in {b"\r\n", b"\n"}):
            return "Malformed header field"
        lengths = self.headers.get_all("Content-Length", [])
        encodings = self.headers.get_all("Transfer-Encoding", [])
        if len(lengths) + len(encodings) > 1 or not all(map(_is_length, lengths)):
            return "Ambiguous length"
        if encodings and encodings[0].strip(" \t").lower() != "chunked":
            return "Unknown transfer encoding"
        return None


def _is_length(value: str) -> bool:
    digits = value.strip(" \t")
    return digits.isascii() and digits.isdigit()


class _Lines:
    """A stream that notes the lines that are read of it."""

    def __init__(self, stream: t.Any) -> None:
        self._stream = stream
        self.read: list[bytes] = []

    def readline(self, *size: int) -> bytes:
        """Read a line."""
        line: bytes = self._stream.readline(*size)
        self.read.append(line)
        return line
