"""The formats of a line: text and JSON, each one line whatever a client sends."""

from __future__ import annotations

import json
import logging
import re
import sys
import typing as t
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel import Flask, current_app
from costrel.ground.redaction import remember
from costrel.logging import JSONFormatter, TextFormatter, WithRequest, request_id


def record_of(message: str, *args: object, **changes: t.Any) -> logging.LogRecord:
    """Return a record of a fixed time."""
    record = logging.LogRecord("shop", logging.WARNING, "shop.py", 1, message, args, None)
    record.created = datetime(2026, 1, 31, 12, 0, 0, 123_000, UTC).timestamp()
    vars(record).update(changes)
    return record


def raised(message: str) -> t.Any:
    """Return the exception information of an error that was raised."""
    try:
        raise LookupError(message)  # noqa: TRY301  the error is what is wanted
    except LookupError:
        return sys.exc_info()


@pytest.mark.parametrize("formatter", [TextFormatter(), JSONFormatter()])
def test_secret_is_in_no_line(formatter: logging.Formatter) -> None:
    """Neither in the message nor in the traceback, nor in what is passed besides."""
    key = "Xk2-9fQ_secret-key-of-this-test"
    remember(key)
    record = record_of("key is %s", key, extra_key=key, listed=[key])
    record.exc_info = raised(f"bad key {key} at postgresql://shop:hunter22@db/shop")

    line = formatter.format(record)

    assert key not in line
    assert "hunter22" not in line


def test_text_has_time_level_logger_id_and_message() -> None:
    """In this order; outside of a request there is no id."""
    line = TextFormatter().format(record_of("took %d", 3))
    assert re.fullmatch(
        r"2026-01-31 \d\d:\d\d:00\.123[+-]\d\d:\d\d WARNING shop \[-\] took 3", line
    )


def test_message_with_line_breaks_is_one_line_of_text() -> None:
    """SECURITY(CVE-2020-7694, CVE-2024-1681): a client can't forge a line."""
    line = TextFormatter().format(record_of("name: %s", "a\r\n2026-01-31 ERROR forged\x1b[2J"))
    assert line.endswith(r"name: a\r\n2026-01-31 ERROR forged\x1b[2J")
    assert len(line.splitlines()) == 1


def test_traceback_in_text_is_indented() -> None:
    """SECURITY(log-injection): not even the message of an error begins a line."""
    record = record_of("failed", exc_info=raised("a\n2026-01-31 ERROR forged\u202e"))
    first, *others = TextFormatter().format(record).splitlines()
    assert first.endswith("failed")
    assert others[0] == "    Traceback (most recent call last):"
    assert others[-1] == r"    2026-01-31 ERROR forged\u202e"
    assert all(line.startswith("    ") for line in others)


def test_text_of_our_own_keeps_its_lines() -> None:
    """Such as the explanation of where a template was looked for; they are indented."""
    lines = TextFormatter().format(record_of("a\nb\rc", has_lines=True)).splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == ["a", r"b\rc"]
    assert lines[1].startswith("    ")


def test_json_has_the_same_as_members() -> None:
    """The time is UTC; there is no member that is not known."""
    assert json.loads(JSONFormatter().format(record_of("took %d", 3))) == {
        "time": "2026-01-31T12:00:00.123Z",
        "level": "WARNING",
        "logger": "shop",
        "message": "took 3",
    }


def test_json_has_the_traceback_as_a_text() -> None:
    """And the stack, if it was asked for."""
    record = record_of("failed", exc_info=raised("here"), stack_info="Stack:\n  line")
    members = json.loads(JSONFormatter().format(record))
    assert members["exception"].startswith("Traceback (most recent call last):\n")
    assert members["exception"].endswith("LookupError: here")
    assert members["stack"] == "Stack:\n  line"


def test_extra_values_are_members() -> None:
    """None of them replaces a member that a record has anyway."""
    members = json.loads(
        JSONFormatter().format(record_of("paid", amount=3, tags=["a"], time="never"))
    )
    assert (members["amount"], members["tags"]) == (3, ["a"])
    assert members["time"].startswith("2026")


class Broken:
    """Something that can't be shown."""

    def __repr__(self) -> str:
        raise RuntimeError


def circle() -> list[t.Any]:
    """Return a list that contains itself."""
    items: list[t.Any] = []
    items.append(items)
    return items


@pytest.mark.parametrize("value", [object(), float("nan"), Broken(), circle(), {1: {2}}, b"x"])
def test_extra_value_that_is_no_json_does_not_lose_the_line(value: object) -> None:
    """It is written as text."""
    line = JSONFormatter().format(record_of("paid", value=value))
    assert json.loads(line, parse_constant=pytest.fail)["message"] == "paid"


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_any_message_is_one_line_in_both_formats(message: str, logger: str) -> None:
    """And can be written in any encoding, or as UTF-8."""
    record = record_of("%s", message, name=logger)
    line = JSONFormatter().format(record)
    line.encode("ascii")
    assert len(line.splitlines()) == 1
    assert json.loads(line)["message"] == message
    line = TextFormatter().format(record)
    line.encode()
    assert len(line.splitlines()) == 1


def logging_view(path: str) -> str:
    """Write two lines."""
    current_app.logger.warning("one")
    current_app.logger.warning("two")
    return str(request_id())


def test_lines_of_a_request_have_its_id(make_app: t.Callable[..., Flask], written: t.Any) -> None:
    """JSON has the method and the path too, escaped."""
    for wanted in ("text", "json"):
        app = make_app(LOG_FORMAT=wanted)
        app.add_url_rule("/<path:path>", view_func=logging_view)
        id_ = app.test_client().get("/gr%C3%BC%1B%C3%9Fe").text
        lines = written.lines[-2:]
        assert len(lines) == 2
        if wanted == "text":
            assert all(f"[{id_}] " in line for line in lines)
        else:
            members = json.loads(lines[0])
            assert (members["request_id"], members["method"]) == (id_, "GET")
            assert members["path"] == "/gr\u00fc\x1b\u00dfe"


def test_record_that_another_thread_formats_keeps_its_request() -> None:
    """The filter notes it where the request is current."""
    app = Flask(__name__)
    record, outside = record_of("in"), record_of("out")
    with app.test_request_context("/a%0Ab"):
        WithRequest().filter(record)
        id_ = request_id()
    WithRequest().filter(outside)
    assert json.loads(JSONFormatter().format(record))["request_id"] == id_
    assert f"[{id_}] in" in TextFormatter().format(record)
    format_ = logging.Formatter("%(request_id)s %(method)s %(path)s %(message)s")
    assert format_.format(record) == rf"{id_} GET /a\nb in"
    assert format_.format(outside) == "- - - out"
    assert "request_id" not in json.loads(JSONFormatter().format(outside))
