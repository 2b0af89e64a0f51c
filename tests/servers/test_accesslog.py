"""The line of one request."""

from __future__ import annotations

import logging

from costrel.servers.accesslog import ACCESS_FORMAT, AccessFormatter

SEEN = {
    "addr": "127.0.0.1",
    "time": "2026-01-31 12:00:00 +0000",
    "method": "GET",
    "path": "/a",
    "query_string": "",
    "protocol": "HTTP/1.1",
    "status": 200,
    "dt_ms": 1.26,
}


def _line(**changes: object) -> str:
    record = logging.LogRecord(
        "granian.access", logging.INFO, "", 0, ACCESS_FORMAT, (SEEN | changes,), None
    )
    return AccessFormatter().format(record)


def test_line_holds_what_was_asked_and_answered() -> None:
    """Address, time, request line, status and duration, in this order."""
    assert (
        _line(query_string="b=1&c=%20")
        == '127.0.0.1 [2026-01-31 12:00:00 +0000] "GET /a?b=1&c=%20 HTTP/1.1" 200 1.3 ms'
    )


def test_line_break_in_the_path_stays_in_one_line() -> None:
    """SECURITY(log-injection): a path cannot start a line, end a quote or move the cursor."""
    line = _line(path='/a\nb\r"\x1b[2J\x9b')

    assert line.isprintable()
    assert '"GET /a%0Ab%0D%22%1B%5B2J%9B HTTP/1.1"' in line


def test_record_of_another_kind_is_left_alone() -> None:
    """A message that is not a request is formatted as usual."""
    record = logging.LogRecord("granian.access", logging.INFO, "", 0, "plain %s", ("text",), None)

    assert AccessFormatter().format(record) == "plain text"
