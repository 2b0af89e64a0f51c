"""What extensions for APIs do to an application, it bears.

Each test does what the extension in its name was found to do. How a step, a
registry or a context behaves in itself is tested beside its module.
"""

from __future__ import annotations

import functools
import importlib
import types

import pytest
from small import make_app
from werkzeug.exceptions import HTTPException, MethodNotAllowed, default_exceptions
from werkzeug.routing import RequestRedirect

import costrel
from costrel import (
    Blueprint,
    Flask,
    abort,
    current_app,
    render_template_string,
    request,
)
from costrel.signals import got_request_exception
from costrel.views import http_method_funcs

pytestmark = pytest.mark.usefixtures("path")


def test_flask_jwt_extended_handles_classes_of_its_own():
    """A handler for each, and tokens written by the provider of the application."""
    app = make_app()
    errors = [type(f"Error{number}", (Exception,), {}) for number in range(16)]
    for number, error in enumerate(errors):
        app.errorhandler(error)(lambda error, number=number: (str(number), 401))
        app.get(f"/{number}", endpoint=f"e{number}")(
            lambda error=error: (_ for _ in ()).throw(error)
        )
    client = app.test_client()
    assert [client.get(f"/{n}").text for n in range(16)] == [str(n) for n in range(16)]
    with app.app_context():
        provider = current_app.json_provider_class(current_app._get_current_object())
        assert provider.loads(provider.dumps({"a": 1})) == {"a": 1}


def test_flask_restful_takes_errors_over_and_asks_for_the_adapter():
    """Handlers are partials on the instance; matching tells the methods that are allowed."""
    app = make_app()
    seen = []

    def handle(original, error):
        got_request_exception.send(current_app._get_current_object(), exception=error)
        if isinstance(error, HTTPException):
            try:
                current_app.create_url_adapter(request).match()
            except MethodNotAllowed as mismatch:
                seen.append(set(mismatch.valid_methods))
            except RequestRedirect as redirect:
                seen.append(redirect.new_url)
            except HTTPException as other:
                seen.append(other.code)
            return {"message": error.name}, error.code
        return original(error)

    app.handle_exception = functools.partial(handle, app.handle_exception)
    app.handle_user_exception = functools.partial(handle, app.handle_user_exception)
    app.before_request(lambda: setattr(request, "unparsed_arguments", {}))
    client = app.test_client()
    response = client.post("/")
    assert (response.status_code, response.json) == (405, {"message": "Method Not Allowed"})
    assert client.get("/nothing").json == {"message": "Not Found"}
    assert seen == [{"GET", "HEAD", "OPTIONS"}, 404]
    assert client.get("/error").status_code == 500


def test_flask_restx_finds_its_private_names():
    """They are where Flask 3.1 has them."""
    scaffold = importlib.import_module("costrel.compat.sansio.scaffold")

    def view():
        """Be a view."""

    assert scaffold._endpoint_from_view_func(view) == "view"
    assert {"get", "post", "delete"} <= http_method_funcs


def test_flask_smorest_reads_the_parts_of_rules():
    """Rules are Werkzeug's own, with their converters and their trace."""
    app = make_app()
    app.add_url_rule("/pets/<int:pet_id>", "pet", lambda pet_id: "", defaults={"a": 1})
    (rule,) = app.url_map.iter_rules("pet")
    assert list(rule._converters) == ["pet_id"]
    assert (True, "pet_id") in rule._trace
    assert rule.defaults == {"a": 1}

    @app.get("/etag")
    def etag():
        response = current_app.make_response("text")
        response.set_etag("tag")
        return response.make_conditional(request)

    assert app.test_client().get("/etag", headers={"If-None-Match": '"tag"'}).status_code == 304


def test_apiflask_overrides_make_response_and_method_routes():
    """The override sees what every view returns, also of the plainest kind."""

    class APIFlask(Flask):
        def make_response(self, rv):
            if isinstance(rv, str):
                rv = rv.upper()
            return super().make_response(rv)

        def _method_route(self, method, rule, options):
            return super()._method_route(method, f"/v1{rule}", options)

    app = make_app(APIFlask)
    assert app.test_client().get("/v1/").text == "INDEX"
    assert default_exceptions[404].code == 404


def test_flask_security_replaces_the_json_provider():
    """Class and instance, after the application was made; and Quart it is not."""

    class Provider(Flask.json_provider_class):
        def dumps(self, obj, **kwargs):
            return super().dumps({"secured": obj}, **kwargs)

    app = make_app()
    app.get("/json")(lambda: {"a": 1})
    client = app.test_client()
    assert client.get("/json").json == {"a": 1}
    app.json_provider_class = Provider
    app.json = app.json_provider_class(app)
    assert client.get("/json").json == {"secured": {"a": 1}}
    assert not hasattr(costrel, "_quart_patched")


def test_flask_injector_rewrites_all_registries():
    """Every function is wrapped, in the containers it is found in."""
    app = make_app()
    log = []
    app.before_request(lambda: log.append("before"))
    app.after_request(lambda response: (log.append("after"), response)[1])
    app.teardown_request(lambda error: log.append("teardown"))
    app.context_processor(lambda: {"name": "name"})
    app.errorhandler(404)(lambda error: ("handled", 404))
    app.jinja_env.globals["helper"] = lambda: "helper"
    app.get("/page")(lambda: render_template_string("{{ name }} {{ helper() }}"))

    def wrap(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            log.append("injected")
            return function(*args, **kwargs)

        return wrapper

    def process_dict(functions):
        for key, function in functions.items():
            if isinstance(function, types.FunctionType):
                functions[key] = wrap(function)

    def process_lists(registry):
        for functions in registry.values():
            functions[:] = [wrap(function) for function in functions]

    client = app.test_client()
    client.get("/page")
    log.clear()
    process_dict(app.view_functions)
    process_dict(app.jinja_env.globals)
    process_lists(app.before_request_funcs)
    process_lists(app.after_request_funcs)
    process_lists(app.teardown_request_funcs)
    process_lists(app.template_context_processors)
    for by_code in app.error_handler_spec.values():
        for handlers in by_code.values():
            process_dict(handlers)
    app.before_request_funcs[None].insert(0, lambda: log.append("scope"))
    assert client.get("/page").text == "name helper"
    assert [entry for entry in log if entry != "injected"] == [
        "scope",
        "before",
        "after",
        "teardown",
    ]
    assert log.count("injected") >= 6
    log.clear()
    assert client.get("/nothing").text == "handled"
    assert log.count("injected") == 4


def test_flasgger_replaces_the_registration_of_rules():
    """``add_url_rule`` of the instance is what the decorators call."""
    app = make_app()
    added = []
    original = app.add_url_rule

    def add_url_rule(rule, *args, **kwargs):
        added.append(rule)
        return original(rule, *args, **kwargs)

    app.add_url_rule = add_url_rule
    app.swag = object()
    app.get("/documented")(lambda: "documented")
    bp = Blueprint("bp", __name__)
    bp.get("/bp", endpoint="view")(lambda: "")
    app.register_blueprint(bp)
    assert added == ["/documented", "/bp"]
    assert app.test_client().get("/documented").text == "documented"


def test_abort_in_a_view_keeps_its_arguments_for_handlers():
    """COMPAT(webargs, Flask-RESTful): what is set on the error is there in its handler."""
    app = make_app()

    @app.get("/abort")
    def view():
        try:
            abort(422)
        except HTTPException as error:
            error.data = {"messages": ["wrong"]}
            raise

    app.errorhandler(422)(lambda error: (error.data, 422))
    assert app.test_client().get("/abort").json == {"messages": ["wrong"]}
