"""The application's logger is set up only as far as nobody else did."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from costrel import Flask
from costrel.logging import default_handler, has_level_handler, wsgi_errors_stream


@pytest.fixture
def make_app(monkeypatch, request):
    """Return a function that makes an application, beneath a logger without handlers.

    A function, because pytest adds its own handlers after fixtures were made.
    """
    parent = logging.getLogger("test_logging")
    name = f"{parent.name}.{request.node.name}"

    def make():
        monkeypatch.setattr(parent, "propagate", False)
        monkeypatch.setattr(parent, "handlers", [])
        return Flask(name), parent

    yield make
    logging.getLogger(name).handlers.clear()


def test_logger_that_nobody_configured_is_given_a_handler(make_app):
    """Without configuration, messages reach the default handler once."""
    app, _ = make_app()
    assert app.logger.name == app.name
    assert app.logger.handlers == [default_handler]
    assert app.logger.level == logging.NOTSET
    assert app.logger is app.logger


def test_logger_in_debug_mode_lets_everything_through(make_app):
    """Debug mode sets the level, unless one is set."""
    app, _ = make_app()
    app.debug = True
    assert app.logger.level == logging.DEBUG


def test_logger_with_a_level_keeps_it_in_debug_mode(make_app):
    """A level that was set is somebody's choice."""
    app, _ = make_app()
    logging.getLogger(app.name).setLevel(logging.ERROR)
    app.debug = True
    assert app.logger.level == logging.ERROR


def test_logger_that_was_configured_is_left_alone(make_app):
    """A handler of a logger above takes the messages already."""
    app, parent = make_app()
    parent.addHandler(logging.NullHandler())
    assert app.logger.handlers == []


def test_handler_counts_if_it_takes_what_the_logger_passes(make_app):
    """Level and propagation decide whether messages reach a handler."""
    app, parent = make_app()
    logger = logging.getLogger(app.name)
    assert not has_level_handler(logger)
    handler = logging.NullHandler()
    parent.addHandler(handler)
    assert has_level_handler(logger)
    handler.setLevel(logging.ERROR)
    assert not has_level_handler(logger)
    logger.setLevel(logging.ERROR)
    assert has_level_handler(logger)
    logger.propagate = False
    assert not has_level_handler(logger)


def test_message_in_a_request_goes_to_the_servers_stream(make_app):
    """The server decides where errors of its requests go; elsewhere it is stderr."""
    app, _ = make_app()

    @app.get("/")
    def index():
        app.logger.error("it %s", "broke")
        return ""

    stream = io.StringIO()
    app.test_client().get("/", errors_stream=stream)
    assert stream.getvalue().endswith("] ERROR in test_logging: it broke\n")
    assert wsgi_errors_stream._get_current_object() is sys.stderr
    with app.app_context():
        assert wsgi_errors_stream._get_current_object() is sys.stderr
    with app.test_request_context(errors_stream=stream):
        assert wsgi_errors_stream._get_current_object() is stream


def test_exception_in_a_view_is_logged_with_its_request(make_app):
    """Method, path and traceback are in the log."""
    app, _ = make_app()

    @app.get("/")
    def index():
        raise ZeroDivisionError("oops")

    stream = io.StringIO()
    assert app.test_client().get("/", errors_stream=stream).status_code == 500
    assert "Exception on / [GET]" in stream.getvalue()
    assert "ZeroDivisionError: oops" in stream.getvalue()


@pytest.mark.usefixtures("path")
def test_errors_are_logged_in_the_words_of_flask(make_app):
    """Their lines and records name the module and the step, for filters and alerts."""
    app, _ = make_app()
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    app.logger.addHandler(handler)
    app.add_url_rule("/boom", "boom", lambda: 1 / 0)
    app.after_request(lambda response: 1 / 0)
    stream = io.StringIO()
    app.test_client().get("/boom", errors_stream=stream)
    assert [(r.module, r.funcName, r.levelname, r.msg, r.args) for r in records] == [
        ("app", "log_exception", "ERROR", "Exception on /boom [GET]", ()),
        (
            "app",
            "finalize_request",
            "ERROR",
            "Request finalizing failed with an error while handling an error",
            (),
        ),
    ]
    handler.close()
