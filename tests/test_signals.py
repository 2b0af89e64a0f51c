"""Signals tell of a request's steps, in order, from the real application."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from costrel import Flask, flash, render_template_string, signals

NAMES = [
    "appcontext_pushed",
    "request_started",
    "before_render_template",
    "template_rendered",
    "request_finished",
    "request_tearing_down",
    "appcontext_tearing_down",
    "appcontext_popped",
]


@pytest.mark.parametrize("name", [*NAMES, "got_request_exception", "message_flashed"])
def test_signal_is_known_by_its_name(name):
    """Each signal is in the namespace under its name with hyphens."""
    signal = getattr(signals, name)
    assert signal.name == name.replace("_", "-")
    assert signals._signals[signal.name] is signal


def test_request_sends_its_signals_in_order():
    """Each step of a request is told once, with what belongs to it."""
    app = Flask(__name__)
    app.get("/")(lambda: render_template_string("x{{ a }}", a=1))
    seen = []
    with ExitStack() as stack:
        for name in NAMES:

            def receive(sender, _name=name, **extra):
                assert sender is app
                seen.append(_name)
                if _name == "template_rendered":
                    assert extra["context"]["a"] == 1
                if _name == "request_finished":
                    assert extra["response"].data == b"x1"

            stack.enter_context(getattr(signals, name).connected_to(receive, app))
        assert app.test_client().get("/").text == "x1"
    assert seen == NAMES


def test_exception_that_nobody_handles_is_told():
    """The exception is sent before the client gets its 500."""
    app = Flask(__name__)
    error = ZeroDivisionError()

    @app.get("/")
    def index():
        raise error

    seen = []

    def receive(sender, exception, **_):
        seen.append((sender, exception))

    with signals.got_request_exception.connected_to(receive, app):
        assert app.test_client().get("/").status_code == 500
    assert seen == [(app, error)]


def test_message_flashed_is_told():
    """Message and category are sent."""
    app = Flask(__name__)
    app.secret_key = "dev"
    seen = []

    def receive(sender, message, category, **_):
        seen.append((sender, message, category))

    with (
        app.test_request_context(),
        signals.message_flashed.connected_to(receive, app),
    ):
        flash("hello", "info")
    assert seen == [(app, "hello", "info")]
