"""What clients send can't act on the log where others have added handlers with plain formats."""

from __future__ import annotations

import io
import logging
import typing as t

import pytest

from costrel import Flask
from costrel.ground import redaction
from costrel.ground.securitylog import security_log

Make = t.Callable[..., Flask]

EVIL = "a\r\n2026-01-01 ERROR forged\x1b[2J\u202e hunter2-hunter2"
SHOWN = r"a\r\n2026-01-01 ERROR forged\x1b[2J\u202e (hidden)"


@pytest.fixture
def basic_config(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> t.Callable[..., io.StringIO]:
    """Return what adds a handler as `logging.basicConfig` does, above the application's logger."""
    monkeypatch.setattr(redaction, "_remembered", ())
    redaction.remember("hunter2-hunter2")

    def configure(formatter: logging.Formatter | None = None, stream: t.Any = None) -> io.StringIO:
        stream = stream or io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter or logging.Formatter(logging.BASIC_FORMAT))
        for name in (f"parent of {request.node.name}".replace(".", "-"), "costrel"):
            monkeypatch.setattr(logging.getLogger(name), "handlers", [handler])
        return t.cast("io.StringIO", stream)

    return configure


def log_everything(app: Flask) -> None:
    """Log what a client sends, in each way."""
    app.logger.warning("q %s", EVIL)
    app.logger.getChild("part").warning(EVIL, extra={"user": EVIL})
    security_log.warning("Refused %s", EVIL)
    error = RuntimeError(EVIL)
    app.logger.error("It failed", exc_info=error, stack_info=True)


def lines_at_the_margin(text: str) -> list[str]:
    """Return the lines that look like records, where they begin with one of these characters."""
    return [line for line in text.split("\n") if line and not line.startswith("    ")]


def test_handler_that_was_there_before_writes_safe_lines(
    make_app: Make, basic_config: t.Callable[..., io.StringIO]
) -> None:
    """As under waitress-serve, and in its own format."""
    app = make_app()
    written = basic_config()
    log_everything(app)
    text = written.getvalue()
    assert lines_at_the_margin(text) == [
        f"WARNING:{app.name}:q {SHOWN}",
        f"WARNING:{app.name}.part:{SHOWN}",
        f"WARNING:costrel.security:Refused {SHOWN}",
        f"ERROR:{app.name}:It failed",
    ]
    assert "hunter2" not in text
    assert text.isprintable() or set(filter(lambda one: not one.isprintable(), text)) == {"\n"}
    assert "RuntimeError: a" in text


def test_handler_that_is_added_later_writes_safe_lines(
    make_app: Make, basic_config: t.Callable[..., io.StringIO], capsys: t.Any
) -> None:
    """From the first record on, whether it writes to the terminal or elsewhere."""
    app = make_app()
    app.logger.warning("first")
    ours = app.logger.handlers
    written = basic_config()
    assert ours
    app.logger.warning("q %s", EVIL)
    assert written.getvalue() == f"WARNING:{app.name}:q {SHOWN}\n"


def test_fields_that_a_plain_format_names_are_escaped(
    make_app: Make, basic_config: t.Callable[..., io.StringIO]
) -> None:
    """What was passed as ``extra`` may come from a client too."""
    app = make_app()
    written = basic_config(logging.Formatter("{user}|{message}", style="{"))
    app.logger.warning("m", extra={"user": EVIL})
    assert written.getvalue() == f"{SHOWN}|m\n"


def test_records_of_others_and_formats_of_ones_own_stay(
    make_app: Make, basic_config: t.Callable[..., io.StringIO]
) -> None:
    """Only what would write the application's records as they are is made safe."""

    class Own(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return f"own {record.args}"

    app = make_app()
    written = basic_config(Own())
    app.logger.warning("q %s", EVIL)
    assert written.getvalue() == f"own {(EVIL,)}\n"
    other = basic_config()
    app.logger.warning("")
    stranger = logging.getLogger("stranger")
    stranger.handlers = logging.getLogger("costrel").handlers
    stranger.warning("a\nb")
    stranger.handlers = []
    assert other.getvalue().endswith("WARNING:stranger:a\nb\n")


def test_record_itself_stays_as_it_is(
    make_app: Make, basic_config: t.Callable[..., io.StringIO]
) -> None:
    """Handlers that send records elsewhere group them by their message without arguments."""
    app = make_app()
    basic_config()
    seen: list[logging.LogRecord] = []

    class Seeing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    parent = app.logger.parent
    assert parent
    parent.handlers.append(Seeing())
    app.logger.warning("q %s", EVIL)
    assert [(record.msg, record.args) for record in seen] == [("q %s", (EVIL,))]
