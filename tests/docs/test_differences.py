"""Costrel's half of what docs/differences.md says."""

from __future__ import annotations

import asyncio
import functools
import io
import logging
import threading
import time
import traceback

import pytest
from werkzeug.routing import Map
from werkzeug.test import EnvironBuilder, create_environ, run_wsgi_app

import costrel
from costrel import (
    Flask,
    appcontext_pushed,
    g,
    has_request_context,
    render_template_string,
    request,
    session,
    stream_template_string,
    stream_with_context,
    url_for,
)
from costrel.ctx import AppContext, RequestContext
from costrel.globals import _cv_app, app_ctx, request_ctx
from costrel.servers.debugger import Debugger, fold
from costrel.templating import strings
from costrel.views import MethodView


@pytest.fixture
def app():
    """Make an application that logs nothing."""
    app = Flask("app")
    app.secret_key = "test"
    app.logger.handlers = [logging.NullHandler()]
    app.logger.propagate = False
    return app


def answer(app, environ):
    """Return status and body for a WSGI environ."""
    body, status, _headers = run_wsgi_app(app, environ)
    return status, b"".join(body)


def chunked(body):
    """Return the environ of a POST whose length was not announced."""
    environ = EnvironBuilder(method="POST", input_stream=io.BytesIO(body)).get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ.update(HTTP_TRANSFER_ENCODING="chunked")
    environ["wsgi.input_terminated"] = True
    return environ


def test_chunked_body_over_the_limit_answers_413(app):
    """A body whose length was not announced is refused, not cut."""
    app.config["MAX_CONTENT_LENGTH"] = 5
    app.add_url_rule("/", view_func=lambda: str(len(request.data)), methods=["POST"])
    assert answer(app, chunked(b"12345")) == ("200 OK", b"5")
    assert answer(app, chunked(b"123456"))[0][:3] == "413"


@pytest.mark.parametrize("host", ["a/../x?", "ex ample", "a@b"])
def test_malformed_host_answers_400(app, host):
    """A host that can't be one is refused."""
    app.add_url_rule("/", view_func=lambda: "x")
    assert answer(app, {**create_environ(), "HTTP_HOST": host})[0] == "400 BAD REQUEST"


def test_refused_host_leaves_urls_usable(app):
    """The page for a host that is not served can link within the site."""
    app.config["TRUSTED_HOSTS"] = ["ok.test"]
    app.add_url_rule("/", endpoint="home")
    app.register_error_handler(400, lambda _: [url_for("home"), request.url])
    assert app.test_client().get("/").json == ["/", "http:///"]


def test_label_of_a_host_that_python_can_not_decode_stays_encoded(app):
    """It is a valid name by newer rules, so that the request is served."""
    app.add_url_rule("/", view_func=lambda: request.url)
    environ = {**create_environ(), "HTTP_HOST": "xn--strae-oqa.de:81"}
    assert answer(app, environ) == ("200 OK", b"http://xn--strae-oqa.de:81/")


def test_query_that_is_not_utf_8_stays_encoded(app):
    """Bytes of a query that are not text can be read as the client should have sent them."""
    app.add_url_rule("/", view_func=lambda: [request.args["a"], request.full_path])
    environ = {**create_environ(), "QUERY_STRING": "a=\xff"}
    assert answer(app, environ)[1] == b'["%FF","/?a=%FF"]\n'


def test_form_with_a_byte_that_is_not_utf_8_is_there(app):
    """One byte that is not text does not lose the fields."""
    app.add_url_rule("/", view_func=lambda: dict(request.form), methods=["POST"])
    content_type = "application/x-www-form-urlencoded"
    response = app.test_client().post("/", data=b"a=\xff&b=1", content_type=content_type)
    assert response.json == {"a": "%FF", "b": "1"}


def test_authorization_that_is_not_ascii_is_none(app):
    """Credentials that can't be read are none."""
    app.add_url_rule("/", view_func=lambda: [request.authorization])
    environ = {**create_environ(), "HTTP_AUTHORIZATION": "Basic \xff"}
    assert answer(app, environ)[1] == b"[null]\n"


def test_json_nested_too_deeply_answers_400(app):
    """The client is told that its JSON is bad."""
    app.add_url_rule("/", view_func=lambda: str(request.json), methods=["POST"])
    response = app.test_client().post("/", data="[" * 100_000, content_type="application/json")
    assert response.status_code == 400


@pytest.mark.parametrize("method", ["DISPATCH_REQUEST", "AS_VIEW"])
def test_method_that_names_an_attribute_answers_405(app, method):
    """A method of HTTP never reaches what a view has for itself."""

    class View(MethodView):
        methods = ("GET", method)

    app.add_url_rule("/", view_func=View.as_view("view"))
    assert app.test_client().open("/", method=method).status_code == 405


def test_view_of_handshakes_is_not_run_without_a_socket_for_it(app):
    """A view of ``websocket=True`` answers no request that it could not speak WebSocket with."""
    app.add_url_rule("/", "view", lambda: "ran", websocket=True)
    fields = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert app.test_client().get("/", headers=fields).status_code == 400


def test_control_characters_in_a_logged_path_are_escaped(app):
    """A path can't forge a line of the log."""
    log = io.StringIO()
    app.logger.addHandler(logging.StreamHandler(log))
    app.add_url_rule("/<name>", view_func=lambda name: 1 / 0)
    app.test_client().get("/a%0AERROR")
    assert log.getvalue().splitlines()[0] == r"Exception on /a\nERROR [GET]"


def test_malformed_chunk_answers_400(app):
    """Also where the server tells it by an error of a class of its own."""
    malformed = type("InvalidChunk", (Exception,), {"__module__": "gunicorn.http.errors"})

    class Stream(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, _buffer):
            raise malformed

    app.add_url_rule("/", view_func=lambda: request.data, methods=["POST"])
    for limit in (None, 1000):
        app.config["MAX_CONTENT_LENGTH"] = limit
        status, _body = answer(app, chunked(b"") | {"wsgi.input": Stream()})
        assert status == "400 BAD REQUEST"


@pytest.mark.parametrize(
    "rv", [("text", 1000), ("text", "FOO"), ("text", {"X-A": "\x00"}), ("text", {"Bad Name": "x"})]
)
def test_response_that_can_not_be_sent_answers_500(app, rv):
    """The view's error, whatever the server would make of it."""
    app.add_url_rule("/", view_func=lambda: rv)
    assert app.test_client().get("/").status_code == 500


def test_fields_about_a_connection_are_left_to_the_server(app):
    """A response that was relayed has the others."""
    fields = {"Transfer-Encoding": "chunked", "Connection": "keep-alive", "X-A": "x"}
    app.add_url_rule("/", view_func=lambda: ("text", fields))
    headers = app.test_client().get("/").headers
    assert [name in headers for name in fields] == [False, False, True]


def test_request_has_one_context(app):
    """Application and request contexts are one object in a request."""
    assert issubclass(RequestContext, AppContext)
    with app.test_request_context():
        assert app_ctx._get_current_object() is request_ctx._get_current_object()
        assert not hasattr(_cv_app, "set")


def test_request_is_there_first_and_last(app):
    """Receivers of appcontext_pushed and teardown_appcontext functions can use the request."""
    log = []

    def pushed(_app, **_):
        log.append(has_request_context())

    appcontext_pushed.connect(pushed, app)
    app.teardown_appcontext(lambda _error: log.append(request.path))
    app.add_url_rule("/", view_func=lambda: "x")
    app.test_client().get("/")
    assert log == [True, "/"]


def test_untouched_request_is_not_made(app):
    """A request, a session and an app_context() that nobody asks for do not come into being."""

    class Untouched(costrel.Request):
        def __init__(self, *args):
            raise AssertionError

    app.request_class = Untouched
    app.app_context = None
    app.add_url_rule("/", view_func=lambda: "x")
    environ = {**create_environ(), "HTTP_COOKIE": "other=1"}
    assert answer(app, environ) == ("200 OK", b"x")


def test_session_is_opened_when_touched(app):
    """The default session is not opened by a request that does not use it."""
    opened = []

    def view():
        opened.append("_opened_session" in vars(request_ctx._get_current_object()))
        session.get("x")
        opened.append("_opened_session" in vars(request_ctx._get_current_object()))
        return "x"

    app.add_url_rule("/", view_func=view)
    app.test_client().get("/")
    assert opened == [False, True]


def stream(app, log):
    """Have "/" stream two pieces, and note what happens."""

    def pieces():
        yield "a"
        log.append("between")
        yield "b"

    app.teardown_request(lambda error: log.append(f"request {error!r}"))
    app.teardown_appcontext(lambda error: log.append(f"app {error!r}"))
    app.add_url_rule("/", view_func=lambda: stream_with_context(pieces()))


def test_stream_tears_down_once_at_its_end(app):
    """Teardown functions wait for the stream's end, and run once."""
    log = []
    stream(app, log)
    body = app.test_client().get("/").response
    log.append("answered")
    assert "".join(piece.decode() for piece in body) == "ab"
    assert log == ["answered", "between", "request None", "app None"]


def test_stream_leaves_nothing_current_between_pieces(app):
    """The thread that serves a stream is free for something else between its pieces."""
    stream(app, [])
    pieces = iter(app(create_environ(), lambda *_: None))
    next(pieces)
    assert not has_request_context()


def test_stream_that_is_given_up_tears_down_without_an_error(app):
    """A client that goes away is no error."""
    log = []
    stream(app, log)
    pieces = app(create_environ(), lambda *_: None)
    next(iter(pieces))
    pieces.close()
    assert log == ["request None", "app None"]


def test_all_teardown_functions_run(app):
    """A teardown function that raises keeps no other from running."""
    log = []

    def fail(_error):
        log.append("fail")
        raise ValueError(len(log))

    for register in (app.teardown_appcontext, app.teardown_request):
        register(lambda _error: log.append("ran"))
        register(fail)
        register(fail)
    app.add_url_rule("/", view_func=lambda: "x")
    with pytest.raises(ValueError, match="4"):
        app.test_client().get("/")
    assert log == ["fail", "fail", "ran"] * 2


def test_coroutines_share_a_loop_that_lives_on(app):
    """A task that a request started goes on when the request is over."""
    loops = set()
    done = threading.Event()
    tasks = []

    async def finish():
        await asyncio.sleep(0)
        done.set()

    async def view():
        loops.add(asyncio.get_running_loop())
        tasks.append(asyncio.ensure_future(finish()))
        return "x"

    app.add_url_rule("/", view_func=view)
    app.test_client().get("/")
    app.test_client().get("/")
    assert done.wait(10)
    assert len(loops) == 1


def test_blocking_coroutine_holds_up_others(app):
    """Two coroutines never run at the same time."""
    inside = []

    async def view():
        inside.append("in")
        time.sleep(0.01)  # noqa: ASYNC251  what not to do is the point
        inside.append("out")
        return "x"

    app.add_url_rule("/", view_func=view)
    threads = [threading.Thread(target=app.test_client().get, args=["/"]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == ["in", "out"] * 3


def test_coroutine_view_can_be_called_on_a_running_loop(app):
    """An async test may use the test client."""

    async def view():
        return "x"

    async def test():
        return app.test_client().get("/").text

    app.add_url_rule("/", view_func=view)
    assert asyncio.run(test()) == "x"


def test_coroutine_that_a_decorator_returns_is_awaited(app):
    """The decorator is sync, and does not call `ensure_sync`."""

    async def view():
        return "x"

    @functools.wraps(view)
    def decorated():
        return view()

    app.add_url_rule("/", view_func=decorated)
    assert app.test_client().get("/").text == "x"


def test_types_are_subclasses(app):
    """Registries are dicts and lists, but of classes of their own."""
    app.before_request(lambda: None)
    assert isinstance(app.before_request_funcs, dict)
    assert type(app.before_request_funcs[None]) is not list
    assert Flask.__module__ == "costrel.app"


def test_foreign_metaclass_conflicts():
    """A metaclass has to derive from that of Flask."""
    with pytest.raises(TypeError, match="metaclass conflict"):
        type("Meta", (type,), {})("App", (Flask,), {})

    own = type("Meta", (type(Flask),), {})("App", (Flask,), {})
    assert own("app").name == "app"


def test_template_gets_proxies_where_nobody_looks(app):
    """Nothing is made for a template that does not ask for it."""
    made = []

    def view():
        text = render_template_string("hello")
        made.append("request" in vars(request_ctx._get_current_object()))
        text += render_template_string("{{ request.path }}")
        made.append("request" in vars(request_ctx._get_current_object()))
        return text

    app.add_url_rule("/", view_func=view)
    assert app.test_client().get("/").text == "hello/"
    assert made == [False, True]


def test_string_template_is_compiled_once(app, monkeypatch):
    """The second rendering of the same string compiles nothing."""
    compiled = []
    compile_source = strings._compile_unfolded

    def count(*args):
        compiled.append(1)
        return compile_source(*args)

    # Not a method of the environment: where that is replaced, nothing is kept.
    monkeypatch.setattr(strings, "_compile_unfolded", count)
    with app.app_context():
        for name in ("a", "b"):
            assert render_template_string("{{ name }}", name=name) == name
        assert compiled == [1]
        app.jinja_env.filters["late"] = str.upper
        assert render_template_string("{{ name }}", name="c") == "c"
    assert compiled == [1, 1]


def test_streamed_template_comes_a_row_at_a_time(app):
    """A row's texts and variables are one piece."""
    with app.app_context():
        pieces = stream_template_string("{% for x in 'ab' %}<li>{{ x }}, {{ x }}</li>{% endfor %}")
        assert ["<li>a, a</li>", "<li>b, b</li>"] == list(pieces)


def test_after_hook_without_a_response_is_named(app):
    """The error says which hook forgot to return it."""
    app.add_url_rule("/", view_func=lambda: "x")
    app.after_request(lambda response: None)
    app.testing = True
    with pytest.raises(TypeError, match="after-hook"):
        app.test_client().get("/")


def test_upload_that_breaks_off_is_a_bad_request(app):
    """Half a body is not taken for all of it, whoever marks its end."""

    @app.post("/")
    def body():
        return request.get_data()

    response = app.test_client().post(
        "/",
        input_stream=io.BytesIO(b"half"),
        environ_overrides={"CONTENT_LENGTH": "8", "wsgi.input_terminated": True},
    )
    assert response.status_code == 400


def test_file_is_what_was_sent_wherever_a_piece_ends(app):
    """Also where a piece of 64 KiB ends between the dashes after the last boundary."""

    @app.post("/")
    def index():
        return request.files["f"].read()

    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
    content = b"x" * (65_536 - len(head) - len(b"\r\n--b-"))
    response = app.test_client().post(
        "/",
        data=head + content + b"\r\n--b--\r\n",
        content_type="multipart/form-data; boundary=b",
    )
    assert response.data == content


def test_json_that_can_not_be_written_back_is_a_bad_request(app):
    """Half of a surrogate pair, as the text of a response."""

    @app.post("/")
    def view():
        return request.get_json()

    client = app.test_client()
    sent = {"content_type": "application/json"}
    assert client.post("/", data=rb'"\ud800"', **sent).status_code == 400
    assert client.post("/", data=b'"a"', **sent).status_code == 200


def test_session_cookie_of_unreadable_data_is_an_empty_session(app):
    """Its signature is right, and what it signs is no JSON."""
    app.add_url_rule("/", view_func=lambda: dict(session))
    client = app.test_client()
    signing = app.session_interface.get_signing_serializer(app)
    client.set_cookie("session", signing.make_signer(signing.salt).sign("bm8").decode())
    assert {} == client.get("/").json


def test_date_with_a_number_that_is_too_large_is_none(app):
    """It is no condition, and no error."""
    app.add_url_rule("/", view_func=lambda: str(request.if_modified_since))
    headers = {"If-Modified-Since": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}
    assert "None" == app.test_client().get("/", headers=headers).text


def test_url_without_a_host_from_the_client_names_the_server(app):
    """As it does where there is no header at all."""
    app.add_url_rule("/", endpoint="index", view_func=lambda: url_for("index", _external=True))
    environ = {**create_environ("/"), "HTTP_HOST": "", "SERVER_NAME": "own.test"}
    assert ("200 OK", b"http://own.test/") == answer(app, environ)


def test_route_without_parentheses_registers_nothing_and_warns(app):
    """As in Flask nothing is registered; here a warning says so."""
    with pytest.warns(UserWarning, match="nothing is registered"):
        app.route(lambda: "view")
    assert [rule.endpoint for rule in app.url_map.iter_rules()] == ["static"]


def test_class_as_a_view_answers_500_and_warns(app):
    """It is accepted as in Flask, and warned of."""
    with pytest.warns(UserWarning, match="Pass MethodView.as_view"):
        app.add_url_rule("/", view_func=MethodView)
    assert app.test_client().get("/").status_code == 500


def test_blueprint_handler_of_an_unknown_status_raises_at_once():
    """Not when the blueprint is registered."""
    with pytest.raises(ValueError, match="no HTTP error 999"):
        costrel.Blueprint("users", __name__).app_errorhandler(999)


def test_late_patch_of_a_werkzeug_class_is_seen_with_the_next_change(app, monkeypatch):
    """It tells nobody, unlike one of a class of ours."""
    app.add_url_rule("/", "index", lambda: "index")
    client = app.test_client()
    client.get("/")
    asked = []
    original = Map.bind_to_environ
    monkeypatch.setattr(Map, "bind_to_environ", lambda *args: asked.append(1) or original(*args))
    client.get("/")
    before = len(asked)
    app.config["CHANGED"] = True
    client.get("/")
    assert len(asked) > before


def test_request_of_a_server_shares_nothing_with_what_is_current(app):
    """Neither `g` nor the end; a test client's request does."""
    app.add_url_rule("/", view_func=lambda: " ".join(sorted(g)))
    with app.app_context():
        g.mine = 1
        # As a server does it, and not by a test client's function.
        pieces = app(create_environ("/"), lambda _status, _headers, _exc_info=None: None)
        assert b"" == b"".join(pieces)
        assert "mine" == app.test_client().get("/").text


def test_if_range_with_a_number_that_is_too_large_can_be_written(app):
    """It is taken for an entity tag, like any other text that is no date."""
    app.add_url_rule("/", view_func=lambda: str(request.if_range))
    value = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
    assert f'"{value}"' == app.test_client().get("/", headers={"If-Range": value}).text


def test_application_can_be_called_over_asgi(app):
    """With a scope and two functions, or with a scope alone; with less it is no application."""
    coroutine = app({"type": "lifespan"}, print, print)
    coroutine.close()

    assert asyncio.iscoroutine(coroutine)
    assert callable(app({"type": "lifespan"}))
    with pytest.raises(TypeError):
        app()


def test_debugger_answers_only_under_the_names_of_this_machine(app):
    """The name given as ``--host`` is none of them, and a foreign page can't use it either."""
    debugger = Debugger(app)

    def trusts(host, **environ):
        return debugger.check_host_trust({"HTTP_HOST": host, **environ})

    assert all(map(trusts, ("localhost:5000", "a.localhost", "127.0.0.1:5000", "[::1]", "[::1]:1")))
    assert not any(map(trusts, ("", "192.0.2.7:5000", "localhost.example", "[::1].example")))
    assert trusts("localhost:5000", HTTP_ORIGIN="http://localhost:5000")
    for origin in ("null", "http://localhost:8000", "http://example.com"):
        assert not trusts("localhost:5000", HTTP_ORIGIN=origin)


def test_error_pages_leave_out_the_frames_of_the_framework(app):
    """The frames of the user's code remain: here those of this file."""

    def view():
        raise LookupError

    app.debug = True
    app.add_url_rule("/", view_func=view)
    with pytest.raises(LookupError) as raised:
        app.test_client().get("/")

    steps = traceback.extract_tb(fold(raised.value).__traceback__)

    assert {step.filename for step in steps} == {__file__}
    assert steps[-1].name == "view"
