"""What tracers, debuggers and test plugins do to an application, it bears.

Each test does what the extension in its name was found to do. How a step, a
registry or a context behaves in itself is tested beside its module.
"""

from __future__ import annotations

import functools
import importlib
import weakref
from collections import Counter
from unittest import mock

import pytest
from small import make_app

from costrel import (
    Blueprint,
    Flask,
    Response,
    current_app,
    has_request_context,
    request,
    templating,
)
from costrel.globals import request_ctx
from costrel.signals import got_request_exception, request_finished, request_started
from costrel.views import MethodView, View

pytestmark = pytest.mark.usefixtures("path")


def test_flask_debugtoolbar_replaces_dispatch_request():
    """It dispatches by itself, with the names of the context."""
    app = make_app()
    profiled = []

    def dispatch_request():
        req = request_ctx.request
        if req.routing_exception is not None:
            app.raise_routing_exception(req)
        rule = req.url_rule
        if getattr(rule, "provide_automatic_options", False) and req.method == "OPTIONS":
            return app.make_default_options_response()
        profiled.append(rule.endpoint)
        return app.ensure_sync(app.view_functions[rule.endpoint])(**req.view_args)

    client = app.test_client()
    assert client.get("/").text == "index"
    app.dispatch_request = dispatch_request
    assert client.get("/").text == "index"
    assert client.get("/nothing").status_code == 404
    assert set(client.options("/").allow) == {"GET", "HEAD", "OPTIONS"}
    assert profiled == ["index"]


def test_dash_handles_all_errors_and_imports_the_debugger():
    """A handler of `Exception`, and Werkzeug's own modules."""
    app = make_app()
    app.register_blueprint(Blueprint("assets", __name__, static_folder="assets"))
    app.errorhandler(Exception)(lambda error: (f"handled {type(error).__name__}", 500))
    assert app.test_client().get("/error").text == "handled ZeroDivisionError"
    assert importlib.import_module("werkzeug.debug.tbtools").DebugTraceback


@pytest.mark.wsgi_only("a worker thread may be about to let go of its last request")
def test_opentelemetry_keeps_weak_references_and_removes_its_hooks():
    """The context of the request can be referred to, and a hook taken away by identity."""
    app = make_app()
    seen = []

    def before():
        seen.append(weakref.ref(request_ctx._get_current_object()))

    app.before_request_funcs[None].append(before)
    client = app.test_client()
    client.get("/")
    app.before_request_funcs[None].remove(before)
    client.get("/")
    assert len(seen) == 1
    assert seen[0]() is None


def test_sentry_hears_signals_with_the_real_request():
    """Sender and request are the objects themselves; the rule tells the transaction's name."""
    app = make_app()
    seen = []

    def started(sender, **kwargs):
        real = request._get_current_object()
        seen.append((sender, real.url_rule.rule, real.url_rule.endpoint))

    with request_started.connected_to(started):
        app.test_client().get("/")
    assert seen == [(app, "/", "index")]


def test_elastic_apm_gets_the_real_application_as_the_sender():
    """Never a proxy, for each signal of a request."""
    app = make_app()
    senders = []

    def receive(sender, **kwargs):
        senders.append(sender)

    with (
        request_started.connected_to(receive),
        request_finished.connected_to(receive),
        got_request_exception.connected_to(receive),
    ):
        app.test_client().get("/error")
    assert len(senders) == 3
    assert all(type(sender) is Flask and sender is app for sender in senders)


def test_ddtrace_wraps_registration_rendering_and_signals(monkeypatch):
    """Methods of the classes and functions of modules, replaced after import."""
    calls = []

    def traced(name, function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            calls.append(name)
            return function(*args, **kwargs)

        return wrapper

    for owner, names in (
        (Flask, ["add_url_rule", "before_request", "register_error_handler", "dispatch_request"]),
        (Blueprint, ["after_request"]),
        (templating, ["_render"]),
    ):
        for name in names:
            monkeypatch.setattr(owner, name, traced(name, getattr(owner, name)))
    app = make_app()
    app.before_request(lambda: None)
    app.register_error_handler(404, lambda error: ("", 404))
    bp = Blueprint("bp", __name__)
    bp.after_request(lambda response: response)
    app.register_blueprint(bp)
    app.get("/page")(lambda: templating.render_template_string("{{ 1 }}"))
    assert calls.count("add_url_rule") == 4
    assert app.test_client().get("/page").text == "1"
    assert Counter(calls)["before_request"] == 1
    assert {"register_error_handler", "after_request", "dispatch_request", "_render"} <= set(calls)
    assert list(request_started.receivers_for(app)) == []


def test_new_relic_wraps_the_making_of_class_views():
    """``View.as_view`` is a class method that can be replaced; views know their class."""
    original = View.as_view.__func__
    named = []

    def as_view(cls, name, *args, **kwargs):
        named.append(name)
        return original(cls, name, *args, **kwargs)

    class Pets(MethodView):
        def get(self):
            return "pets"

    with mock.patch.object(View, "as_view", classmethod(as_view)):
        view = Pets.as_view("pets")
    app = make_app()
    app.add_url_rule("/pets", view_func=view)
    assert app.test_client().get("/pets").text == "pets"
    assert (named, view.view_class, view.methods) == (["pets"], Pets, {"GET"})


def test_prometheus_exporter_wraps_views_that_are_registered_already():
    """The registry's entry is replaced, and the request carries the time."""
    app = make_app()
    original = app.view_functions["index"]
    client = app.test_client()
    client.get("/")

    @functools.wraps(original)
    def measured():
        request.prom_start_time = 1
        try:
            return f"measured {original()}"
        except Exception as error:  # noqa: BLE001  as the exporter has it
            return current_app.handle_user_exception(error)

    app.view_functions["index"] = measured
    app.after_request_funcs[None].append(
        lambda response: (response.headers.add("X-Start", request.prom_start_time), response)[1]
    )
    response = client.get("/")
    assert (response.text, response.headers["X-Start"]) == ("measured index", "1")


def test_pytest_flask_patches_the_response_class_inside_of_a_request(monkeypatch):
    """The class is read for each response, while a request context is pushed around a test."""

    class JSONResponse(Response):
        def __eq__(self, other):
            return self.status_code == other

        __hash__ = None

    app = make_app()
    client = app.test_client()
    assert client.get("/") != 200
    monkeypatch.setattr(app, "response_class", JSONResponse)
    ctx = app.test_request_context()
    ctx.push()
    assert app.test_client().get("/") == 200
    assert request.path == "/"
    ctx.pop()
    assert not has_request_context()
