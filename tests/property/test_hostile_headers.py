"""No header makes the framework itself answer 500, over either interface."""

from __future__ import annotations

import io
import logging
import typing as t
from functools import partial

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from costrel import Flask, make_response, redirect, request, send_file, session, url_for
from costrel.dispatch.plan import FORCE_GENERAL
from costrel.testing.asgi.bridge import answer_by_asgi
from costrel.wrappers import Request

LONG = "9" * 4_301
"""More digits than Python reads."""

NAMES = (
    "Accept Accept-Charset Accept-Encoding Accept-Language Access-Control-Request-Headers"
    " Authorization Cache-Control Connection Content-Encoding Content-Length Content-Range"
    " Content-Type Cookie Date Expect Forwarded Host If-Match If-Modified-Since If-None-Match"
    " If-Range If-Unmodified-Since Max-Forwards Origin Pragma Range Referer TE User-Agent Via"
    " X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-Proto"
).split()
PARTS = (
    "bytes=",
    *("0-1", "-1", "-", "1-0", LONG, f"-{LONG}", "0", "1", "1e400", "nan", "0.5", "99999999999"),
    *(",", ";", "=", ":", '"', "'", "\\", "/", "*", "%", "%ff", " ", "\t", "..", "====", "\x7f"),
    *('W/"a"', "q=", "gzip", "text/html", "*/*", "a/b;", "charset=utf-16", "filename*=utf-8''%ff"),
    *("Basic ", "Digest ", "Bearer ", "username=", "dTpw", "boundary=", "multipart/form-data"),
    *("max-age=", "no-cache", "bytes 0-1/2", "session=", "a=b", "for=", "host=", "é", "\xff"),
    *("Mon, 01 Jan ", "99999999999999999999", " 00:00:00 GMT", "01 Jan 2020 00:00:00 +"),
    *("[::1]", "x", "xn--", "_a:1", ":99999", "80"),
)
values = st.lists(
    st.sampled_from(PARTS)
    | st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=4),
    max_size=6,
).map("".join)
HUGE = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"

READ = sorted(
    name
    for name in dir(Request)
    if not name.startswith("_") and not callable(getattr(Request, name))
)
"""Everything that a request provides."""


def make_app(folder: t.Any) -> Flask:
    """Create an application that uses the framework's features and nothing else."""
    (folder / "static").mkdir()
    (folder / "static" / "a.txt").write_text("text")
    app = Flask("hostile", root_path=str(folder))
    app.secret_key = "a secret"

    @app.get("/file")
    def file():
        return send_file(io.BytesIO(b"abc"), download_name="a.txt", etag="x", last_modified=1)

    @app.get("/conditional")
    def conditional():
        response = make_response("abc")
        response.add_etag()
        response.last_modified = 1
        return response.make_conditional(request, accept_ranges=True, complete_length=3)

    @app.get("/relayed")
    def relayed():
        response = make_response("abc")
        response.headers["Last-Modified"] = HUGE
        return response.make_conditional(request)

    @app.get("/branch/")
    def branch():
        return url_for("branch", _external=True) + request.url

    @app.get("/redirect")
    def to_branch():
        return redirect(url_for("branch", _external=True))

    @app.get("/session")
    def in_session():
        session["a"] = 1
        return dict(session)

    @app.route("/all", methods=["GET", "POST"])
    def everything():
        for name in READ:
            # 413 and 415 are valid answers.
            getattr(request, name)
        return ""

    return app


TARGETS = (
    *("/static/a.txt", "/file", "/conditional", "/relayed", "/branch", "/branch/", "/redirect"),
    *("/session", "/all"),
)


def environ_of(method: str, target: str, headers: dict[str, str]) -> dict[str, t.Any]:
    """Make the environ of a request as a server has read it."""
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": target,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    return environ


@pytest.mark.parametrize("way", ["planned", "general", "asgi"])
@settings(max_examples=100, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=3),
    st.sampled_from(TARGETS),
    st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"]),
)
@example({"If-Modified-Since": HUGE}, "/static/a.txt", "GET")
@example({"If-Modified-Since": "Mon, 01 Jan 2020 00:00:00 +99999999999999999999"}, "/file", "GET")
@example({"If-Range": HUGE, "Range": "bytes=0-1"}, "/conditional", "GET")
@example({"If-Modified-Since": "Mon, 01 Jan 2020 00:00:00 GMT"}, "/relayed", "GET")
@example({"If-Unmodified-Since": HUGE}, "/all", "GET")
@example({"If-Range": HUGE, "Date": HUGE}, "/all", "GET")
@example({"Range": f"bytes={LONG}-", "Max-Forwards": LONG}, "/all", "GET")
@example({"Host": ""}, "/branch", "GET")
@example({"Host": "\xe9.test"}, "/redirect", "GET")
@example({"Host": "x:99999"}, "/branch/", "GET")
def test_any_header_is_answered_without_an_error(
    way: str,
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
    headers: dict[str, str],
    target: str,
    method: str,
) -> None:
    """Files, conditions, redirects, URLs, the session and all request attributes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FORCE_GENERAL, str(int(way == "general")))
        app = make_app(tmp_path_factory.mktemp("hostile"))
        app.logger.propagate = True
        caplog.clear()
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, fields: list[tuple[str, str]], _info: t.Any = None) -> None:
            started.append((status, fields))

        environ = environ_of(method, target, headers)
        answer: t.Any = partial(answer_by_asgi, app) if way == "asgi" else app
        body = answer(environ, start_response)
        sent = b"".join(body)
        getattr(body, "close", bool)()
    ((status, fields),) = started
    assert status[0] in "234", status
    assert "http:///" not in dict(fields).get("Location", "")
    assert b"http:///" not in sent
    assert [] == [record for record in caplog.records if record.levelno >= logging.ERROR]
