"""An after-hook that forgets to return the response is named."""

from __future__ import annotations

import typing as t

import pytest

from costrel import Flask, after_this_request


def forgetful(_response: t.Any) -> None:
    """Return nothing."""


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("how", ["after_request", "after_this_request"])
def test_after_hook_that_returns_none_is_named_in_the_error(how: str) -> None:
    """The error says which function it was, and the client gets a plain 500."""
    app = Flask(__name__)

    @app.get("/")
    def index() -> str:
        if how == "after_this_request":
            after_this_request(t.cast("t.Any", forgetful))
        return "text"

    if how == "after_request":
        app.after_request(t.cast("t.Any", forgetful))
    assert app.test_client().get("/").status_code == 500
    app.testing = True
    with pytest.raises(TypeError, match=r"after-hook forgetful .*test_after_hooks\.py:\d+. return"):
        app.test_client().get("/")
