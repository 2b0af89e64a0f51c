"""The planned and the general path give the same results."""

from __future__ import annotations

import os
import typing as t
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException, NotFound

import costrel
from costrel import Blueprint, Flask, Response, after_this_request, flash, g, request, session
from costrel.dispatch.plan import FORCE_GENERAL
from costrel.ground.current import context
from costrel.ground.protection import Check, Finisher, security_of
from costrel.security import cors, finish, guard, headerrules

HOOKS = (
    "url_value_preprocessor",
    "before_request",
    "after_request",
    "teardown_request",
    "context_processor",
)


class Boom(Exception):  # noqa: N818  a name for tests
    """Raised by generated views and hooks."""


class _Untyped(NotFound):
    """Writes bytes, and names no type."""

    def get_body(self, *_: t.Any) -> t.Any:
        return b"bytes"

    def get_headers(self, *_: t.Any) -> list[tuple[str, str]]:
        return [("X-Error", "1")]


def _stream() -> t.Iterator[str]:
    yield "a"
    yield costrel.request.path


# The actions of a view. Each takes the log and the rule's values.
ACTIONS: dict[str, t.Callable[..., t.Any]] = {
    "str": lambda **_: "text é",
    "bytes": lambda **_: b"\xff\x00",
    "empty": lambda **_: "",
    "dict": lambda **kw: {"b": 1, "a": [kw and sorted(map(str, kw.values()))]},
    "list": lambda **_: [1, "é", None],
    "none": lambda **_: None,
    "bool": lambda **_: True,
    "status": lambda **_: ("made", 201),
    "headers": lambda **_: ("text", {"X-A": "1", "Content-Type": "text/plain"}),
    "three": lambda **_: ({"a": 1}, 418, [("X-B", "2")]),
    "four": lambda **_: ("a", 200, {}, 1),
    "no content": lambda **_: ("", 204),
    "response": lambda **_: Response("r", status=202, headers={"X-C": "3"}),
    "generator": lambda **_: (part for part in ("a", "b")),
    "stream": lambda **_: costrel.stream_with_context(_stream()),
    "redirect": lambda **_: costrel.redirect("/elsewhere"),
    "url_for": lambda **_: costrel.url_for("view0", _external=True),
    "template": lambda **_: costrel.render_template_string("{{ request.path }}<{{ g.x }}{{ c }}"),
    "abort": lambda **_: costrel.abort(403),
    "abort response": lambda **_: costrel.abort(Response("gone", 410)),
    "untyped error": lambda **_: _raise(_Untyped()),
    "boom": lambda **_: _raise(Boom("b")),
    "value error": lambda **_: _raise(ValueError("v")),
    "key": lambda **_: request.form["missing"],
    "json": lambda **_: {"got": request.get_json(silent=True)},
    "args": lambda **_: request.args.to_dict(flat=False),
    "session": lambda **_: str(session.setdefault("n", 1)),
    "session read": lambda **_: str("n" in session),
    "permanent": lambda **_: _set(session, permanent=True) or "permanent",
    "flash": lambda **_: flash("hello", "info") or "flashed",
    "g": lambda **_: _set(g, x=2) or str(g.x),
    "after this": lambda **_: after_this_request(_mark) and "marked",
    "wsgi": lambda **_: _wsgi,
}


def _raise(error: Exception) -> t.NoReturn:
    raise error


def _set(target: t.Any, **values: t.Any) -> None:
    for name, value in values.items():
        setattr(target, name, value)


def _mark(response: Response) -> Response:
    response.headers["X-Marked"] = "1"
    return response


def _wsgi(environ: t.Any, start_response: t.Any) -> t.Iterable[bytes]:
    start_response("206 Partial", [("X-W", "1")])
    return [b"wsgi"]


class Hook(t.NamedTuple):
    """One generated hook: where it is registered, and what it does."""

    kind: str
    blueprint: int
    action: str


class View(t.NamedTuple):
    """One generated view."""

    rule: str
    methods: tuple[str, ...]
    blueprint: int
    action: str


hooks = st.builds(
    Hook,
    st.sampled_from(HOOKS),
    st.integers(0, 2),
    st.sampled_from(("pass", "pass", "pass", "boom", "value", "abort")),
)
views = st.builds(
    View,
    st.sampled_from(("/", "/a", "/a/", "/<int:n>", "/<name>", "/<path:rest>", "/x/<name>/y")),
    st.sampled_from((("GET",), ("GET", "POST"), ("POST",), ("GET", "OPTIONS"))),
    st.integers(0, 2),
    st.sampled_from(tuple(ACTIONS)),
)
handlers = st.tuples(
    st.integers(0, 2),
    st.sampled_from(
        (403, 404, 405, 500, 400, Boom, ValueError, Exception, HTTPException, NotFound, LookupError)
    ),
    st.sampled_from(("text", "raise", "edited", "itself", "json", "redirect", "made")),
)
requests = st.tuples(
    st.sampled_from(("GET", "HEAD", "POST", "OPTIONS", "DELETE")),
    st.sampled_from(
        (
            "/",
            "/a",
            "/a/",
            "/7",
            "/w",
            "/x/n/y",
            "/b1/",
            "/b1/a",
            "/b1/7",
            "/b1/b2/a",
            "/b1/b2/z/q",
            "//evil.test",
            "/a?q=1&q=2",
            "/é",
            "/nothing/here",
        )
    ),
    st.sampled_from((None, "json", "bad json", "form")),
    st.sampled_from((None, None, "http://shop.test", "http://other.test")),
)


class Protection(t.NamedTuple):
    """What protects one generated application: header fields, checks, and a policy of CORS."""

    headers: bool
    checks: list[tuple[str, bool, str]]
    finishers: list[str]
    cors: int | None


protections = st.builds(
    Protection,
    st.booleans(),
    st.lists(
        st.tuples(
            st.sampled_from(("hosts", "limits", "rates", "csrf", "own")),
            st.booleans(),
            st.sampled_from(("pass", "pass", "refuse", "boom", "other rule", "no query")),
        ),
        max_size=3,
    ),
    st.lists(st.sampled_from(("always", "query", "never")), max_size=2),
    st.sampled_from((None, None, 0, 1, 2)),
)


class Spec(t.NamedTuple):
    """The parts of one generated application."""

    views: list[View]
    hooks: list[Hook]
    handlers: list[tuple[int, t.Any, str]]
    config: dict[str, t.Any]
    protection: Protection | None


specs = st.builds(
    Spec,
    st.lists(views, min_size=1, max_size=5),
    st.lists(hooks, max_size=5),
    st.lists(handlers, max_size=3),
    st.fixed_dictionaries(
        {},
        optional={
            "SECRET_KEY": st.just("k"),
            "TRAP_HTTP_EXCEPTIONS": st.just(True),
            "SESSION_REFRESH_EACH_REQUEST": st.just(False),
            "TRUSTED_HOSTS": st.sampled_from((["localhost"], ["other.test"])),
            "PROVIDE_AUTOMATIC_OPTIONS": st.just(False),
        },
    ),
    st.none() | protections,
)


def make_app(spec: Spec, log: list[str]) -> Flask:
    """Create an application with a blueprint and one nested in that."""
    app = Flask("generated", static_folder=None)
    app.config.update(spec.config)
    outer = Blueprint("outer", "generated", url_prefix="/b1")
    inner = Blueprint("inner", "generated", url_prefix="/b2")
    owners: list[t.Any] = [app, outer, inner]
    if spec.protection is not None:
        _protect(owners, spec.protection, log)

    for number, hook in enumerate(spec.hooks):
        getattr(owners[hook.blueprint], hook.kind)(_make_hook(hook, number, log))
    for number, (owner, what, action) in enumerate(spec.handlers):
        owners[owner].register_error_handler(what, _make_handler(number, action, log))
    for number, view in enumerate(spec.views):
        owners[view.blueprint].add_url_rule(
            view.rule, f"view{number}", _make_view(number, view, log), methods=view.methods
        )
    app.add_url_rule("/view0", "view0", lambda: "0") if spec.views[0].blueprint else None

    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    return app


def _protect(owners: list[t.Any], protection: Protection, log: list[str]) -> None:
    app = owners[0]
    guard.install(app)
    finish.install(app)
    if protection.headers:
        headerrules.install(app)
    for number, (name, is_safe, action) in enumerate(protection.checks):
        security_of(app).checks.append(_make_check(name, is_safe, action, number, log))
    for number, concern in enumerate(protection.finishers):
        security_of(app).finishers.append(_make_finisher(concern, number))
    if protection.cors is not None:
        cors(owners[protection.cors], "http://shop.test", credentials=True)


def _make_check(name: str, is_safe: bool, action: str, number: int, log: list[str]) -> Check:
    def run(request: t.Any) -> None:
        log.append(f"check {number} of {request.endpoint}")
        if action == "boom":
            raise Boom(str(number))
        if action == "refuse":
            costrel.abort(403)

    def applies(endpoint: t.Any, _rule: t.Any) -> bool:
        return action != "other rule" or endpoint in {None, "view1"}

    def has_query(environ: t.Any) -> bool:
        return bool(environ.get("QUERY_STRING"))

    return Check(name, applies, run, is_safe, has_query if action == "no query" else None)


def _make_finisher(concern: str, number: int) -> Finisher:
    def run(response: t.Any) -> None:
        # What concerns no request adds to errors only.
        if concern == "always" or response.status_code >= 500 or request.query_string:
            response.headers[f"X-Finished-{number}"] = concern

    def concerns(environ: t.Any) -> bool:
        return concern == "always" or bool(environ.get("QUERY_STRING"))

    return Finisher("own", run, concerns)


def _make_hook(hook: Hook, number: int, log: list[str]) -> t.Callable[..., t.Any]:
    def function(*args: t.Any) -> t.Any:
        log.append(f"{hook.kind} {number} of {request.endpoint} in {context.get().app.name}")
        if hook.kind == "teardown_request":
            log.append(f"told {args[0]!r}")
            return None
        if hook.action == "boom":
            raise Boom(str(number))
        if hook.action == "abort":
            costrel.abort(403)
        if hook.kind == "before_request":
            g.x = number
            return "from a hook" if hook.action == "value" else None
        if hook.kind == "after_request":
            args[0].headers.add("X-After", str(number))
            return args[0]
        return {"c": number} if hook.kind == "context_processor" else None

    return function


def _make_handler(number: int, action: str, log: list[str]) -> t.Callable[..., t.Any]:
    def handler(error: Exception) -> t.Any:
        log.append(f"handler {number} of {type(error).__name__}")
        if action == "raise":
            raise Boom("in a handler")
        if isinstance(error, HTTPException):
            if action == "edited":
                response: t.Any = error.get_response()
                response.data = f"{error.code} {error.name}"
                response.content_type = "application/json"
                return response
            if action == "itself":
                return error
        if action == "json":
            return costrel.jsonify(error=str(error)), 498
        if action == "redirect":
            return costrel.redirect("/a?b=c")
        if action == "made":
            made = costrel.make_response(f"made for {type(error).__name__}", 497)
            made.set_cookie("a", "b")
            return made
        return f"handled {type(error).__name__}", 499

    return handler


def _make_view(number: int, view: View, log: list[str]) -> t.Callable[..., t.Any]:
    def function(**values: t.Any) -> t.Any:
        log.append(f"view {number} with {values}")
        return ACTIONS[view.action](**values)

    return function


BODIES: dict[str | None, dict[str, t.Any]] = {
    None: {},
    "json": {"json": {"a": [1]}},
    "bad json": {"data": "{", "content_type": "application/json"},
    "form": {"data": {"field": "value"}},
}


class Recorder:
    """Record exactly what an application sends, and pass it on."""

    def __init__(self, wsgi_app: t.Any) -> None:
        self.wsgi_app = wsgi_app
        self.sent: list[t.Any] = []

    def __call__(self, environ: t.Any, start_response: t.Any) -> t.Iterable[bytes]:
        """Act as the application."""

        def start(status: str, headers: t.Any, *rest: t.Any) -> t.Any:
            self.sent.append((status, list(headers)))
            return start_response(status, headers, *rest)

        body = self.wsgi_app(environ, start)
        parts = list(body)
        self.sent.append(b"".join(parts))
        if hasattr(body, "close"):
            body.close()
        return parts


def answers(spec: Spec, sent: list[t.Any], general: str) -> list[t.Any]:
    """Send the requests on one path; returns what it sends and logs, in order."""
    log: list[str] = []
    with (
        mock.patch.dict(os.environ, {FORCE_GENERAL: general}),
        mock.patch("time.time", return_value=1_700_000_000.0),
    ):
        app = make_app(spec, log)
        app.logger.disabled = True
        recorder = Recorder(app.wsgi_app)
        app.wsgi_app = recorder  # type: ignore[method-assign]
        client = app.test_client()
        for method, path, body, origin in sent:
            asked = {} if origin is None else {"Access-Control-Request-Method": "POST"}
            headers = {} if origin is None else {"Origin": origin, **asked}
            try:
                client.open(path, method=method, headers=headers, **BODIES[body]).close()
            except Exception as error:  # noqa: BLE001  an answer as well
                recorder.sent.append(repr(error))
            assert context.get(None) is None
    return [*recorder.sent, *log]


@settings(max_examples=300, deadline=None)
@given(specs, st.lists(requests, min_size=1, max_size=5))
def test_request_on_both_paths_gives_the_same_bytes_and_events(
    spec: Spec, sent: list[t.Any]
) -> None:
    """Both paths send the same bytes, run the same functions in order and clean up."""
    assert answers(spec, sent, "0") == answers(spec, sent, "1")
