"""Applications whose log is set up by Costrel, beneath a logger without handlers."""

from __future__ import annotations

import logging
import typing as t

import pytest

from costrel import Flask, current_app, request
from costrel.ground.protection import security_of
from costrel.logging import configure

SETTINGS = {
    "LOG_FORMAT": "text",
    "LOG_LEVEL": None,
    "REQUEST_ID_HEADER": "X-Request-ID",
    "REQUEST_ID_TRUSTED": None,
}


def finish(response: t.Any) -> t.Any:
    """Finish a response, as the hook of `costrel.security.protect` does."""
    for finisher in security_of(current_app).finishers:
        if finisher.concerns(request.environ) or response.status_code >= 500:
            finisher.run(response)
    return response


class Written:
    """What was written to the server's log so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    @property
    def text(self) -> str:
        """All of it."""
        self._text += self._capsys.readouterr().err
        return self._text

    @property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.text.splitlines()


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Written:
    """Return what is written to standard error, where servers in tests have their log."""
    return Written(capsys)


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
        app.after_request(finish)
        return app

    yield make
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
