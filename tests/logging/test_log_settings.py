"""The log is set up by settings, as far as nobody else did."""

from __future__ import annotations

import json
import logging
import sys
import typing as t

import pytest

from costrel import Flask
from costrel.logging import configure, default_handler
from costrel.logging.formats import JSONFormatter, TextFormatter
from costrel.logging.streams import LogHandler

Make = t.Callable[..., Flask]


def ours(logger: logging.Logger) -> list[type]:
    """Return the formatters of our handlers of a logger."""
    return [type(one.formatter) for one in logger.handlers if isinstance(one, LogHandler)]


def test_logger_gets_a_handler_of_the_format(make_app: Make) -> None:
    """When it is first used; the settings may be changed until then."""
    app = make_app()
    app.config["LOG_FORMAT"] = "json"
    assert ours(app.logger) == [JSONFormatter]
    assert default_handler not in app.logger.handlers


def test_change_of_the_settings_is_applied_by_configuring_again(make_app: Make) -> None:
    """Its handler is replaced, also Flask's."""
    app = make_app(LOG_FORMAT=None)
    assert app.logger.handlers == [default_handler]
    for name, kind in (("text", TextFormatter), ("json", JSONFormatter)):
        app.config.update(LOG_FORMAT=name, LOG_LEVEL="error")
        configure(app)
        assert ours(app.logger) == [kind]
        assert len(app.logger.handlers) == 1
        assert app.logger.level == logging.ERROR


def test_settings_are_applied_at_the_first_request(make_app: Make) -> None:
    """Even if the logger was used before."""
    app = make_app()
    assert ours(app.logger) == [TextFormatter]
    app.config["LOG_FORMAT"] = "json"
    app.test_client().get("/")
    assert ours(app.logger) == [JSONFormatter]


def test_logger_that_was_configured_is_left_alone(make_app: Make) -> None:
    """Neither handlers nor formats of others are touched."""
    app = make_app()
    handler = logging.NullHandler()
    logging.getLogger(app.name).addHandler(handler)
    assert app.logger.handlers == [handler]
    configure(app)
    assert app.logger.handlers == [handler]
    assert handler.formatter is None


def test_json_is_given_to_the_root_logger(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, written: t.Any
) -> None:
    """So that the lines of libraries are JSON too; nothing is written twice."""
    app = make_app(LOG_FORMAT="json")
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    logging.getLogger(app.name).parent.propagate = True  # type: ignore[union-attr]
    app.logger.warning("ours")
    logging.getLogger("library").warning("theirs")
    logging.getLogger("costrel.security").warning("refused")
    assert [json.loads(line)["message"] for line in written.lines] == ["ours", "theirs", "refused"]


def test_line_is_not_written_twice_if_logging_is_configured_later(
    make_app: Make, written: t.Any
) -> None:
    """The handler gives way to one that writes to the terminal."""
    app = make_app()
    app.logger.warning("first")
    parent = t.cast("logging.Logger", app.logger.parent)
    later = logging.StreamHandler(sys.stderr)
    later.setFormatter(logging.Formatter("later: %(message)s"))
    parent.addHandler(later)
    app.logger.warning("second")
    assert [line.rpartition(" ")[2] for line in written.lines] == ["first", "second"]
    assert written.lines[1] == "later: second"
    later.setLevel(logging.ERROR)
    app.logger.warning("third")
    assert "[-] third" in written.lines[2]


@pytest.mark.parametrize(("wanted", "level"), [("debug", 10), ("INFO", 20), (35, 35), (None, 0)])
def test_level_is_set_by_name_or_number(make_app: Make, wanted: object, level: int) -> None:
    """None leaves it as it is."""
    app = make_app(LOG_LEVEL=wanted)
    before = logging.getLogger("costrel").level
    assert app.logger.level == level
    assert logging.getLogger("costrel").level == (level or before)


@pytest.mark.parametrize("settings", [{"LOG_FORMAT": "yaml"}, {"LOG_LEVEL": "loud"}])
def test_wrong_setting_is_an_error_that_says_what_to_write(
    make_app: Make, settings: dict[str, str]
) -> None:
    """When the log is first used, or the application starts."""
    app = make_app(**settings)
    (name,) = settings
    with pytest.raises(ValueError, match=rf"{name} is .* Set it to "):
        _ = app.logger
    with pytest.raises(ValueError, match=rf"{name} is .* Set it to "):
        app._check_start()


def test_flask_without_the_settings_logs_as_flask_does() -> None:
    """Nothing of this is on unless it was asked for."""
    app = Flask("flask_without_settings", root_path=".")
    app.config.update(LOG_FORMAT="%(message)s", LOG_LEVEL="loud")  # settings of its own
    logger = logging.getLogger(app.name)
    logger.propagate = False
    try:
        assert app.logger.handlers == [default_handler]
        assert app._start_checks == ()
    finally:
        logger.handlers.clear()
