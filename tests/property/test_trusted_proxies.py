"""``TRUSTED_PROXIES`` does what ``ProxyFix`` does, whatever is forwarded, on every way in."""

from __future__ import annotations

import asyncio

from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix

from costrel import Flask, request, websocket
from costrel.testing.asgi import WebSocketRejected

NAMES = ("x_for", "x_proto", "x_host", "x_port", "x_prefix")
FIELDS = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
          "X-Forwarded-Prefix", "Host", "Forwarded", "X_Forwarded_For")  # fmt: skip
VARIABLES = ("REMOTE_ADDR", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT",
             "SCRIPT_NAME", "PATH_INFO", "wsgi.url_scheme")  # fmt: skip


def told(request):
    """Return what a request knows of its connection, as bytes where they may be any."""
    environ = request.environ
    variables = {name: environ.get(name) for name in VARIABLES}
    # Over ASGI it has no slash at its end (PEP 3333), whoever has set it.
    variables["SCRIPT_NAME"] = variables["SCRIPT_NAME"].rstrip("/")
    return [
        variables, request.remote_addr, request.scheme, request.is_secure, request.root_path,
        request.path, list(request.access_route), seen_of(request),
    ]  # fmt: skip


def seen_of(request):
    """Return the URL, or the name of the error for a host that is none."""
    try:
        return request.host, request.url
    except Exception as error:  # noqa: BLE001  compared
        return type(error).__name__


def make_app(counts, *, by_setting, more=0):
    """Return an application behind proxies, and the list that its views report to."""
    app, heard = Flask(__name__), []
    app.config["WEBSOCKET_ORIGINS"] = ["*"]
    if by_setting:
        app.config["TRUSTED_PROXIES"] = counts
    else:
        app.wsgi_app = ProxyFix(app.wsgi_app, **(dict.fromkeys(NAMES, 0) | counts))
    for _ in range(more):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_prefix=1)

    @app.get("/any")
    def sync():
        heard.append(told(request))
        return ""

    @app.post("/any")
    async def loop():
        heard.append(told(request))
        return ""

    @app.websocket("/any")
    async def socket():
        heard.append(told(websocket))
        await websocket.send("")

    return app, heard


def ask(app, heard, method, headers):
    """Return the status over WSGI and over ASGI, each with what the view was told."""
    options = {"method": method, "headers": headers}
    status = app.test_client().open("/any", **options).status_code
    yield status, *heard
    heard.clear()
    status = asyncio.run(app.async_test_client().open("/any", **options)).status_code
    yield status, *heard
    heard.clear()


def talk(app, heard, headers):
    """Return what the view of a WebSocket was told, or the status of its rejection."""

    async def run():
        async with app.async_test_client().websocket("/any", headers=headers) as client:
            await client.receive()

    try:
        asyncio.run(run())
        status = 200
    except WebSocketRejected as rejected:
        status = rejected.status_code
    answer = (status, *heard)
    heard.clear()
    return answer


parts = st.sampled_from(
    ["", " ", "9.9.9.9", "9.9.9.9:81", "::1", "[::1]", "[::1]:83", "unknown", "_hidden", '"', "\\",
     '"a, b"', '"[2001:db8::1]:47"', "https", "http", "wss", "HTTPS", "example.com",
     "example.com:81", "example.com:", "a.test:x", "evil.test@example.com", "8443", "0", "-1",
     "99999999999", "/", "//", "//evil.test", "/prefix", "/prefix/", "prefix", "/any", "/a b",
     "/%2e%2e/", "/../", "\xe9", "\xc3\xa9", "\xff/", "for=1.2.3.4;proto=https"]
) | st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"),
            max_size=6)  # fmt: skip
values = st.lists(parts, max_size=5).flatmap(
    lambda chosen: st.sampled_from([",", ", ", " ,", ",,", "\t,"]).map(lambda by: by.join(chosen))
)
headers = st.lists(st.tuples(st.sampled_from(FIELDS), values), max_size=6)
counts = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3))


@settings(deadline=None)
@given(headers, counts, st.integers(0, 1))
@example([("X-Forwarded-Prefix", "\xff/")], {"x_prefix": 1}, 0)
@example([("X-Forwarded-Proto", "wss"), ("X-Forwarded-Host", "[::1]:83")],
         {"x_proto": 1, "x_host": 1}, 0)  # fmt: skip
@example([("X-Forwarded-For", "," * 5_000 + "1.1.1.1")], {"x_for": 2}, 1)
def test_setting_and_proxy_fix_agree_on_every_way_in(headers, counts, more):
    """Under WSGI, over ASGI in a thread and on the loop, and for WebSockets: byte for byte."""
    outcomes = {"GET": set(), "POST": set(), "socket": set()}
    for by_setting in (True, False):
        app, heard = make_app(counts, by_setting=by_setting, more=more)
        for method in ("GET", "POST"):
            outcomes[method].update(map(repr, ask(app, heard, method, headers)))
        outcomes["socket"].add(repr(talk(app, heard, headers)))
    for found in outcomes.values():
        assert len(found) == 1, "\n".join(found)
    # Werkzeug has requests of these schemes match as WebSockets, so their views don't run.
    if not any(value for name, value in headers if name.endswith("Proto") and "ws" in value):
        assert len(set.union(*outcomes.values())) == 1, outcomes
