"""Protections that the application's own code removes are told of."""

from __future__ import annotations

import logging

import pytest
from werkzeug.test import EnvironBuilder

from costrel import Costrel, Flask
from costrel.security import protect
from costrel.security.guard import is_guarded


class Original(Costrel):
    """Overrides the steps, and calls them."""

    def preprocess_request(self):
        return super().preprocess_request()

    def full_dispatch_request(self):
        return super().full_dispatch_request()

    def process_response(self, response):
        return super().process_response(response)

    def create_url_adapter(self, request):
        return super().create_url_adapter(request)


class Unchecked(Costrel):
    """Runs no before-hooks."""

    def preprocess_request(self):
        return None


class Bare(Costrel):
    """Runs no after-hooks."""

    def process_response(self, response):
        return response


class AnyHost(Costrel):
    """Binds the URL map to whatever host."""

    def create_url_adapter(self, request):
        return self.url_map.bind_to_environ(request.environ) if request else None


def notes_of(app, caplog):
    """Return what the log says at the first request of a server."""

    def start_response(*_args):
        return lambda _piece: None

    with caplog.at_level(logging.WARNING, "costrel.security"):
        for _ in range(2):
            list(app(EnvironBuilder("/").get_environ(), start_response))
    return [r.getMessage() for r in caplog.records if r.name == "costrel.security"]


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (Original, None),
        (Costrel, None),
        (Unchecked, "loses all checks"),
        (Bare, "loses the header fields"),
        (AnyHost, "loses the hosts"),
    ],
)
def test_class_that_removes_a_step_is_told_of_once(cls, expected, caplog):
    """Not a class that calls the original."""
    app = cls(__name__)
    assert is_guarded(app) is (cls is not Unchecked)
    notes = notes_of(app, caplog)
    assert len(notes) == (expected is not None)
    assert expected is None or expected in notes[0]


def test_replaced_lists_of_hooks_are_told_of(caplog):
    """Assigning them removes the hooks of the protections."""
    app = Costrel(__name__)
    app.before_request_funcs[None] = [lambda: None]
    app.after_request_funcs[None] = []
    assert not is_guarded(app)
    before, after = notes_of(app, caplog)
    assert "before_request_funcs[None] no longer has the guard" in before
    assert "after_request_funcs[None] no longer has" in after


def test_flask_is_told_only_if_it_is_protected(caplog):
    """Without `protect`, there is nothing to lose."""
    app = Flask(__name__)
    app.before_request_funcs[None] = []
    assert notes_of(app, caplog) == []
    app = Flask(__name__)
    protect(app)
    app.preprocess_request = lambda: None
    assert not is_guarded(app)
    assert "loses all checks" in notes_of(app, caplog)[0]
