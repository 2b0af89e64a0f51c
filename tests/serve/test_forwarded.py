"""What a proxy has forwarded means the same over ASGI, WebSockets included, as under WSGI."""

from __future__ import annotations

import asyncio

import pytest
import wrapt
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix

from costrel import Flask, request, url_for, websocket
from costrel.globals import request_ctx
from costrel.testing.asgi import WebSocketRejected

FORWARDED = ("For", "Proto", "Host", "Port", "Prefix")


def says(request):
    """Return what a request knows of its connection."""
    return [
        request.remote_addr, request.scheme, request.host, request.root_path, request.path,
        request.url, request.environ.get("SERVER_NAME"), str(request.environ.get("SERVER_PORT")),
        url_for("page", _external=True), url_for("page"),
        request.environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR"),
    ]  # fmt: skip


def make_app(*counts):
    """Return an application behind proxies, which set each field so often."""
    app = Flask(__name__)
    for count in counts:
        app.wsgi_app = ProxyFix(app.wsgi_app, count, count, count, count, count)

    @app.get("/page/<name>")
    @app.get("/page", defaults={"name": ""})
    async def page(name):
        return [request_ctx.on_loop, *says(request)]

    @app.websocket("/socket")
    async def socket():
        await websocket.send_json(says(websocket))

    return app


async def ask(app, path, headers):
    """Send a request over ASGI; return what the view said."""
    return (await app.async_test_client().get(path, headers=headers)).json


async def talk(app, headers):
    """Open a WebSocket; return what the view said."""
    async with app.async_test_client().websocket("/socket", headers=headers) as client:
        return await client.receive_json()


values = st.sampled_from(
    ["", "9.9.9.9", "1.1.1.1, 2.2.2.2", "https", "http, https", "example.com", "example.com:81",
     "a.test, b.test:82", "[::1]", "[::1]:83", "8443", "/",
     "/prefix", "/prefix/", "/a, /b", "/page"]
)  # fmt: skip
fields = st.lists(st.tuples(st.sampled_from(FORWARDED), values), max_size=6)


@settings(deadline=None)
@given(fields, st.lists(st.integers(0, 2), min_size=1, max_size=2))
def test_fields_mean_the_same_on_the_loop_and_under_wsgi(fields, counts):
    """Each is counted and believed as `ProxyFix` says, on the loop as elsewhere."""
    app = make_app(*counts)
    headers = [(f"X-Forwarded-{name}", value) for name, value in fields]
    for path in ("/page", "/page/é"):
        expected = app.test_client().get(path, headers=headers)
        given = asyncio.run(app.async_test_client().get(path, headers=headers))
        assert expected.status_code == given.status_code
        if expected.status_code == 200:
            assert expected.json[1:-1] == given.json[1:-1]


def test_request_behind_a_proxy_runs_on_the_loop():
    """Also below a prefix; and `url_for` builds with that."""
    headers = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Host": "example.com",
               "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/app"}  # fmt: skip
    said = asyncio.run(ask(make_app(1), "/page", headers))
    assert said[0] is True
    assert said[1:7] == ["9.9.9.9", "https", "example.com", "/app", "/page",
                         "https://example.com/app/page"]  # fmt: skip
    assert said[-3:] == ["https://example.com/app/page", "/app/page", "127.0.0.1"]


def test_websocket_behind_a_proxy_is_of_the_forwarded_host():
    """Its page may open it, and the page of another host may not."""
    headers = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Host": "example.com",
               "X-Forwarded-Proto": "https", "Origin": "https://example.com"}  # fmt: skip
    said = asyncio.run(talk(make_app(1), headers))
    assert said[:3] == ["9.9.9.9", "https", "example.com"]
    with pytest.raises(WebSocketRejected, match="403"):
        asyncio.run(talk(make_app(1), headers | {"Origin": "https://evil.test"}))


def test_fields_of_anybody_mean_nothing_without_a_proxy():
    """Nothing is believed that no `ProxyFix` asks for."""
    headers = {f"X-Forwarded-{name}": "example.com" for name in FORWARDED}
    assert asyncio.run(ask(make_app(), "/page", headers))[1:4] == ["127.0.0.1", "http", "localhost"]
    assert asyncio.run(talk(make_app(), headers))[0] == "127.0.0.1"


def test_what_is_changed_on_a_proxy_later_counts():
    """Its numbers, and its class's method, are asked each time."""
    app = make_app(0)
    headers = {"X-Forwarded-For": "9.9.9.9"}
    assert asyncio.run(ask(app, "/page", headers))[:2] == [True, "127.0.0.1"]
    app.wsgi_app.x_for = 1
    assert asyncio.run(ask(app, "/page", headers))[:2] == [True, "9.9.9.9"]


def test_patched_proxy_is_called(monkeypatch):
    """A tracer may replace the method of the class."""
    app, called = make_app(1), []
    original = ProxyFix.__call__

    def patched(self, environ, start_response):
        called.append(environ["HTTP_X_FORWARDED_FOR"])
        return original(self, environ, start_response)

    monkeypatch.setattr(ProxyFix, "__call__", patched)
    assert asyncio.run(ask(app, "/page", {"X-Forwarded-For": "9.9.9.9"}))[:2] == [True, "9.9.9.9"]
    assert called == ["9.9.9.9"]


def test_proxy_of_another_class_is_called_in_a_thread():
    """A subclass may do anything, and so may what is between two of them."""

    class Own(ProxyFix):
        pass

    app = make_app()
    app.wsgi_app = Own(app.wsgi_app)
    assert asyncio.run(ask(app, "/page", {"X-Forwarded-For": "9.9.9.9"}))[:2] == [False, "9.9.9.9"]
    app = make_app(1)
    inner = app.wsgi_app

    def between(environ, start_response):
        return inner(environ, start_response)

    app.wsgi_app = ProxyFix(between)
    assert asyncio.run(ask(app, "/page", {}))[0] is False


def test_wrapper_that_is_equal_to_the_method_is_called():
    """As `wrapt` makes them, for tracers."""
    app, called = make_app(), []

    def wrapper(wrapped, _instance, args, kwargs):
        called.append(1)
        return wrapped(*args, **kwargs)

    app.wsgi_app = ProxyFix(wrapt.FunctionWrapper(app.wsgi_app, wrapper))
    assert asyncio.run(ask(app, "/page", {}))[0] is False
    assert called == [1]


BEHIND = {"X-Forwarded-For": "6.6.6.6, 9.9.9.9", "X-Forwarded-Host": "example.com",
          "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/app",
          "Origin": "https://example.com"}  # fmt: skip
ALL = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_prefix": 1}


def hears(app, headers=BEHIND):
    """Return what a request under WSGI, one over ASGI and a WebSocket know."""
    under_wsgi = app.test_client().get("/page", headers=headers).json
    over_asgi = asyncio.run(ask(app, "/page", headers))
    return [
        answer[:4] for answer in (under_wsgi[1:], over_asgi[1:], asyncio.run(talk(app, headers)))
    ]


@pytest.mark.parametrize("general", [False, True])
def test_setting_trusts_what_it_names(general):
    """Under WSGI, over ASGI and for WebSockets, whatever path requests take."""
    app = make_app()
    app.config["TRUSTED_PROXIES"] = ALL
    if general:
        app.ensure_sync = app.ensure_sync
    assert hears(app) == [["9.9.9.9", "https", "example.com", "/app"]] * 3
    assert asyncio.run(ask(app, "/page", BEHIND))[0] is not general


def test_number_trusts_address_and_scheme_only():
    """A proxy that sets no host leaves whatever host the client has forwarded."""
    app = make_app()
    app.config["TRUSTED_PROXIES"] = 2
    headers = BEHIND | {"Host": "example.com", "X-Forwarded-Host": "evil.test",
                        "X-Forwarded-Proto": "https, http"}  # fmt: skip
    assert hears(app, headers) == [["6.6.6.6", "https", "example.com", ""]] * 3


def test_setting_that_is_changed_counts_for_the_next_request():
    """Each way, and back."""
    app = make_app()
    origin = {"Origin": "http://localhost"}
    for trusted, address in ((0, "127.0.0.1"), (1, "9.9.9.9"), (2, "6.6.6.6"), (None, "127.0.0.1")):
        app.config["TRUSTED_PROXIES"] = trusted
        said = hears(app, {"X-Forwarded-For": BEHIND["X-Forwarded-For"]} | origin)
        assert said == [[address, "http", "localhost", ""]] * 3


def test_setting_and_proxy_fix_do_not_count_twice():
    """Both read the header as it came."""
    app = make_app(1)
    app.config["TRUSTED_PROXIES"] = ALL
    assert hears(app) == [["9.9.9.9", "https", "example.com", "/app"]] * 3


class Middleware:
    """Pass requests on."""

    def __init__(self, wrapped):
        self.wsgi_app = wrapped

    def __call__(self, environ, start_response):
        return self.wsgi_app(environ, start_response)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("by_setting", [False, True])
def test_other_middleware_does_not_keep_it_from_websockets(inside, by_setting):
    """Around it or inside; requests run in threads."""
    app = make_app()
    if inside:
        app.wsgi_app = Middleware(app.wsgi_app)
    if by_setting:
        app.config["TRUSTED_PROXIES"] = ALL
    else:
        app.wsgi_app = ProxyFix(app.wsgi_app, **ALL)
    if not inside:
        app.wsgi_app = Middleware(app.wsgi_app)
    assert hears(app) == [["9.9.9.9", "https", "example.com", "/app"]] * 3
    assert asyncio.run(ask(app, "/page", BEHIND))[0] is False


def test_middleware_that_never_ends_is_looked_through_for_a_while():
    """Some objects have any attribute, and some wrap themselves."""
    app = make_app()
    outer = Middleware(app.wsgi_app)
    outer.app = outer
    app.wsgi_app = ProxyFix(outer)
    assert asyncio.run(talk(app, {"X-Forwarded-For": "9.9.9.9"}))[0] == "9.9.9.9"


@pytest.mark.parametrize("trusted", [True, -1, "1", 1.0, {"for": 1}, {"x_for": True}, ["10.0.0.1"]])
def test_wrong_setting_says_what_to_write(trusted):
    """No request is served as if it were right."""
    app = make_app()
    app.config["TRUSTED_PROXIES"] = trusted
    with pytest.raises(ValueError, match="Set it to the number of proxies"):
        app.test_client().get("/page")
    with pytest.raises(ValueError, match="Set it to the number of proxies"):
        asyncio.run(talk(app, {}))


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("example.com", "https://example.com", True),
        ("example.com:443", "https://example.com", True),
        ("example.com:8443", "https://example.com:8443", True),
        ("example.com:8443", "https://example.com", False),
        ("EXAMPLE.com", "https://example.com", True),
        ("[2001:db8::1]", "https://[2001:db8::1]", True),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443", True),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]", False),
        ("example.com", "http://example.com", False),
        ("example.com", "https://localhost", False),
        ("example.com", "null", False),
        ("evil.test, example.com", "https://evil.test", False),
    ],
)
def test_page_may_open_a_websocket_to_the_host_that_the_proxy_forwards(host, origin, allowed):
    """SECURITY(CSWSH): the host is the one that the browser has asked."""
    app = make_app()
    app.config["TRUSTED_PROXIES"] = ALL
    headers = {"X-Forwarded-Host": host, "X-Forwarded-Proto": "https", "Origin": origin}
    if allowed:
        assert asyncio.run(talk(app, headers))[1] == "https"
    else:
        with pytest.raises(WebSocketRejected, match="403"):
            asyncio.run(talk(app, headers))
