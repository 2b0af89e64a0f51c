"""Applications whose log is set up by Costrel, beneath a logger without handlers."""

from __future__ import annotations

import io
import logging
import typing as t

import pytest

from costrel import Flask
from costrel.logging import configure
from costrel.security import finish

SETTINGS = {
    "LOG_FORMAT": "text",
    "LOG_LEVEL": None,
    "REQUEST_ID_HEADER": "X-Request-ID",
    "REQUEST_ID_TRUSTED": None,
}


class Stream(io.StringIO):
    """What a server would write to its log."""

    @property
    def lines(self) -> list[str]:
        """The lines so far."""
        return self.getvalue().splitlines()


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Stream:
    """Return where lines go outside of requests, and in those that are sent with it."""
    stream = Stream()
    monkeypatch.setattr("sys.stderr", stream)
    return stream


@pytest.fixture
def make_app(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> t.Iterator[t.Callable[..., Flask]]:
    """Return a function that makes an application; all changes to loggers are undone.

    A function, because pytest adds its own handlers after fixtures were made.
    """
    parent = logging.getLogger(f"parent of {request.node.name}".replace(".", "-"))
    name = f"{parent.name}.shop"
    touched = [logging.getLogger(), logging.getLogger("costrel"), logging.getLogger(name), parent]
    before = [(logger, logger.level, list(logger.handlers)) for logger in touched]

    def make(**settings: t.Any) -> Flask:
        monkeypatch.setattr(parent, "propagate", False)
        monkeypatch.setattr(parent, "handlers", [])
        app = Flask(name, root_path=".")
        app.config.update(SETTINGS | settings)
        configure(app)
        finish.install(app)
        return app

    yield make
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
