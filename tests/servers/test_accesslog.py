"""The line of one request."""

from __future__ import annotations

import json
import logging

from costrel.servers.accesslog import AccessFormatter, JSONAccessFormatter

SEEN = {
    "addr": "127.0.0.1",
    "time": "2026-01-31 12:00:00 +0000",
    "method": "GET",
    "path": "/a",
    "query_string": "",
    "protocol": "HTTP/1.1",
    "status": 200,
    "dt_ms": 1.26,
    "request_id": "0190163d-8694",
}


def _line(**changes: object) -> str:
    record = logging.LogRecord(
        "costrel.access", logging.INFO, "", 0, "%(path)s", (SEEN | changes,), None
    )
    return AccessFormatter().format(record)


def test_line_holds_what_was_asked_and_answered() -> None:
    """Address, time, request line, status, duration and id of the request, in this order."""
    assert (
        _line(query_string="b=1&c=%20")
        == '127.0.0.1 [2026-01-31 12:00:00 +0000] "GET /a?b=1&c=%20 HTTP/1.1" 200 1.3 ms'
        " 0190163d-8694"
    )


def test_line_break_in_the_path_stays_in_one_line() -> None:
    """SECURITY(log-injection): a path cannot start a line, end a quote or move the cursor."""
    line = _line(path='/a\nb\r"\x1b[2J\x9b')

    assert line.isprintable()
    assert '"GET /a%0Ab%0D%22%1B%5B2J%9B HTTP/1.1"' in line


def test_record_of_another_kind_is_left_alone() -> None:
    """A message that is not a request is formatted as usual."""
    record = logging.LogRecord("costrel.access", logging.INFO, "", 0, "plain %s", ("text",), None)

    assert AccessFormatter().format(record) == "plain text"


def test_other_parts_of_a_line_can_not_break_it_either() -> None:
    """SECURITY(log-injection): whatever a server makes of what a client sends."""
    line = _line(addr="1\n2", protocol="HTTP/\x1b[2J", method="G\u202eT", query_string="a\rb\x9b")
    assert line.isprintable()


def test_request_is_one_line_of_json() -> None:
    """With the names that other lines have."""
    record = logging.LogRecord(
        "costrel.access",
        logging.INFO,
        "",
        0,
        "%(path)s",
        (SEEN | {"path": "/\xc3\xa4\n", "query_string": "b=%201\n"},),
        None,
    )
    record.created = 1769860800.0
    assert json.loads(JSONAccessFormatter().format(record)) == {
        "time": "2026-01-31T12:00:00.000Z",
        "level": "INFO",
        "logger": "costrel.access",
        "message": "GET /%C3%A4%0A?b=%201%0A 200",
        "client": "127.0.0.1",
        "method": "GET",
        "path": "/\xe4\n",
        "query": "b=%201%0A",
        "status": 200,
        "duration_ms": 1.3,
        "request_id": "0190163d-8694",
    }
    plain = logging.LogRecord("granian", logging.INFO, "", 0, "a\n%s", ("b",), None)
    assert json.loads(JSONAccessFormatter().format(plain))["message"] == "a\nb"
