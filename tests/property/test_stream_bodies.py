"""Generated streams are sent alike on every path and by Flask, and keep to themselves."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import typing as t
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import ModuleType
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from werkzeug.test import create_environ

import costrel
from costrel.dispatch.plan import FORCE_GENERAL, FORCE_LOOP
from costrel.ground.current import context

FLASK = importlib.import_module("flask")
INSIDE = ("app", "other", "request")
"""What a stream enters: a context of its application, of another, or of a request."""

KINDS = ("plain", "tuple", "context", "response", "decorated", "wrapped", "iterator", "template")
Operation = tuple[t.Any, ...]

chunks = st.sampled_from(("a", "é\n", "", b"b", b"\xff", b"", Markup("<p>")))
simple: st.SearchStrategy[Operation] = st.one_of(
    chunks.map(lambda chunk: ("yield", chunk)),
    st.just(("show",)),
    st.just(("show",)),
    st.just(("set",)),
    st.sampled_from((("set",), ("set",), ("raise",))),
)
operations = st.lists(
    st.recursive(
        simple,
        lambda inner: st.tuples(
            st.just("enter"), st.sampled_from(INSIDE), st.lists(inner, max_size=4)
        ),
        max_leaves=8,
    ),
    max_size=5,
)


class Spec(t.NamedTuple):
    """One stream, and how a server reads it."""

    kind: str
    operations: list[Operation]
    method: str
    #: How many pieces are read before the stream is closed.
    read: int
    hooks: bool
    on_close: bool
    #: Whether each piece is read by another thread.
    threads: bool


def is_closed_in_order(spec: Spec) -> bool:
    """Whether nothing is left to the garbage collector, which closes a generator anywhere."""
    return spec.kind != "iterator" or spec.read == 99 or "enter" not in str(spec.operations)


specs = st.builds(
    Spec,
    st.sampled_from(KINDS),
    operations,
    st.sampled_from(("GET", "GET", "GET", "GET", "HEAD")),
    st.sampled_from((99, 99, 99, 0, 1, 2, 3)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
).filter(is_closed_in_order)


class Site:
    """An application with one stream, of Flask or of ours."""

    def __init__(self, flask: ModuleType, spec: Spec) -> None:
        self.flask = flask
        self.spec = spec
        self.log: list[t.Any] = []
        self.torn_down: list[str] = []
        app = self.app = flask.Flask("streaming")
        self.other = flask.Flask("another")
        app.logger.disabled = True
        app.add_url_rule("/stream/<name>", view_func=self.view)
        app.add_url_rule("/between", view_func=self.between)
        app.jinja_env.globals["pieces"] = self.pieces
        if spec.hooks:
            app.after_request(self.after)
            app.teardown_request(self.tear_down)

    def after(self, response: t.Any) -> t.Any:
        response.headers["X-After"] = str(response.is_streamed)
        return response

    def tear_down(self, error: BaseException | None) -> None:
        self.torn_down.append(f"{self.flask.request.path} {error!r}")

    def between(self) -> str:
        """Show what another request finds, and leave something in its own context."""
        found = self.shown()
        self.flask.g.n = 99
        return found

    def view(self, name: str) -> t.Any:
        flask, kind = self.flask, self.spec.kind
        flask.g.n = int(name)
        made: t.Any = self.pieces()
        if kind in {"context", "response"}:
            made = flask.stream_with_context(made)
        elif kind == "decorated":
            made = flask.stream_with_context(self.pieces)()
        elif kind == "wrapped":
            made = self.wrapped(flask.stream_with_context(made))
        elif kind == "iterator":
            made = map(self.same, made)
        elif kind == "template":
            made = flask.stream_template_string(
                "{% for piece in pieces() %}{{ piece }}{% endfor %}{{ g.n }}{{ request.path }}"
            )
        if kind in {"response", "template"} or self.spec.on_close:
            made = flask.Response(made, 201, {"X-Made": "1"}, mimetype="text/plain")
        if self.spec.on_close:
            made.call_on_close(lambda: self.log.append("closed"))
        return (made, 202, {"X-Made": "2"}) if kind == "tuple" else made

    @staticmethod
    def same(piece: t.Any) -> t.Any:
        return piece

    def wrapped(self, stream: t.Any) -> t.Iterator[t.Any]:
        """Pass a stream on, from outside of its request."""
        for piece in stream:
            self.log.append(self.shown())
            yield piece

    def shown(self) -> str:
        """Show what is current."""
        flask = self.flask
        return " ".join(
            (
                flask.current_app.name if flask.has_app_context() else "-",
                flask.request.path if flask.has_request_context() else "-",
                str(flask.g.get("n")) if flask.has_app_context() else "-",
            )
        )

    def pieces(self) -> t.Iterator[t.Any]:
        """Do the operations, and tell when that is over."""
        try:
            yield from self.do(self.spec.operations)
        finally:
            self.log.append(f"ended in {self.shown()}")

    def do(self, operations: list[Operation]) -> t.Iterator[t.Any]:
        for kind, *values in operations:
            if kind == "yield":
                yield values[0]
            elif kind == "show":
                yield f"[{self.shown()}]"
            elif kind == "set":
                if self.flask.has_app_context():
                    self.flask.g.n = self.flask.g.get("n", 0) + 1
            elif kind == "raise":
                raise LookupError(self.shown())
            else:
                inside, inner = values
                with self.entered(inside):
                    yield from self.do(inner)

    def entered(self, inside: str) -> t.Any:
        if inside == "request":
            return self.app.test_request_context("/inner")
        return (self.app if inside == "app" else self.other).app_context()

    # Servers

    def serve(self, check: t.Callable[[], object], threads: t.Any = None) -> t.Any:
        """Act as a WSGI server that closes the stream after some pieces; return what it got."""
        started: list[t.Any] = []
        pieces: list[bytes] = []
        raised = None

        def start_response(status: str, headers: t.Any, _info: t.Any = None) -> t.Any:
            started[:] = status, list(headers)

        environ = create_environ("/stream/7", method=self.spec.method)
        body: t.Any = self.app(environ, start_response)
        try:
            iterator = iter(body)
            while len(pieces) < self.spec.read:
                check()
                piece = (
                    threads.submit(next, iterator, None).result()
                    if threads
                    else next(iterator, None)
                )
                if piece is None:
                    break
                pieces.append(piece)
        except LookupError as error:
            raised = repr(error)
        finally:
            close = getattr(body, "close", None)
            check()
            if close is not None:
                close()
            check()
        return *started, pieces, raised

    async def serve_by_asgi(self, check: t.Callable[[], object]) -> t.Any:
        """Act as an ASGI server whose client leaves after some pieces; return what it got."""
        started: list[t.Any] = [None, ()]
        pieces: list[bytes] = []
        raised = None

        async def receive() -> t.Any:
            await asyncio.Event().wait()

        async def send(message: t.Any) -> None:
            check()
            if message["type"] == "http.response.start":
                fields = [(name.decode(), value.decode()) for name, value in message["headers"]]
                started[:] = message["status"], fields
                return
            if message.get("body"):
                if len(pieces) >= self.spec.read:
                    raise OSError("the client has left")
                pieces.append(message["body"])

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
            "method": self.spec.method, "path": "/stream/7", "raw_path": b"/stream/7",
            "query_string": b"", "headers": [(b"host", b"localhost")], "root_path": "",
            "client": ("127.0.0.1", 1), "server": ("localhost", 80),
        }  # fmt: skip
        try:
            await self.app.asgi(scope, receive, send)
        except LookupError as error:
            raised = repr(error)
        check()
        return *started, pieces, raised


def drop(spec: Spec) -> None:
    """Free what was not read to its end."""
    if spec.method == "HEAD" or spec.read < 99:
        gc.collect()


def serve(spec: Spec, **variables: str) -> tuple[Site, t.Any]:
    """Let our application stream, with another request between any two pieces."""
    with mock.patch.dict(os.environ, {FORCE_GENERAL: "0", FORCE_LOOP: "0", **variables}):
        site = Site(costrel, spec)
        client = site.app.test_client()

        def check() -> None:
            assert context.get(None) is None
            assert client.get("/between").text == "streaming /between None"
            assert context.get(None) is None

        with ExitStack() as stack:
            threads = stack.enter_context(ThreadPoolExecutor(2)) if spec.threads else None
            got = site.serve(check, threads)
    drop(spec)
    return site, got


def lowered(fields: t.Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return header fields as they are sent over ASGI."""
    return [(name.lower(), value) for name, value in fields]


NESTED: list[Operation] = [
    ("set",),
    ("enter", "other", [("set",), ("show",), ("set",), ("show",)]),
    ("enter", "app", [("show",), ("enter", "request", [("show",), ("show",)]), ("show",)]),
    ("show",),
]


@settings(max_examples=50, deadline=None)
@given(specs)
@example(Spec("context", NESTED, "GET", 99, False, False, True))
@example(Spec("context", NESTED, "GET", 3, False, False, False))
@example(Spec("plain", NESTED, "GET", 99, True, True, True))
def test_stream_is_sent_as_flask_sends_it(spec: Spec) -> None:
    """On both paths: piece by piece, with the same contexts, errors and ends."""
    (planned, by_plan), (general, by_steps) = serve(spec), serve(spec, **{FORCE_GENERAL: "1"})
    assert by_plan == by_steps
    assert planned.log == general.log
    for site in (planned, general):
        torn_down = [line for line in site.torn_down if line.startswith("/stream")]
        assert len(torn_down) == spec.hooks
    assert planned.torn_down == general.torn_down

    flask = Site(FLASK, spec)
    expected = flask.serve(lambda: None)
    drop(spec)
    if spec.kind == "template":
        assert (*by_plan[:2], by_plan[3]) == (*expected[:2], expected[3])
        assert b"".join(by_plan[2]).startswith(b"".join(expected[2]))
    else:
        assert by_plan == expected
    if spec.method == "GET" and spec.kind != "wrapped":
        # Flask's request stays current in a generator that wraps such a stream.
        assert planned.log == flask.log


@settings(max_examples=30, deadline=None)
@given(specs, st.booleans())
@example(Spec("context", NESTED, "GET", 99, True, False, False), True)
@example(Spec("context", NESTED, "GET", 3, True, False, False), False)
def test_stream_by_asgi_is_that_by_wsgi(spec: Spec, on_loop: bool) -> None:
    """In a thread and on the event loop: the same bytes and contexts, and one teardown."""
    expected, by_wsgi = serve(spec._replace(threads=False))
    with mock.patch.dict(os.environ, {FORCE_GENERAL: "0", FORCE_LOOP: str(int(on_loop))}):
        site = Site(costrel, spec)

        def check() -> None:
            assert context.get(None) is None

        status, fields, pieces, raised = asyncio.run(site.serve_by_asgi(check))
        if site.app._workers is not None:
            site.app._workers.close()
    drop(spec)
    if status is not None or raised is None:  # nothing is sent if the first piece fails
        assert (status, lowered(fields)) == (int(by_wsgi[0][:3]), lowered(by_wsgi[1]))
    assert len([line for line in site.torn_down if line.startswith("/stream")]) == spec.hooks
    if spec.read == 99 or spec.method == "HEAD":
        assert (b"".join(pieces), raised) == (b"".join(by_wsgi[2]), by_wsgi[3])
        if spec.method == "GET":
            assert site.log == expected.log
    else:
        assert len([line for line in site.log if line.startswith("ended")]) <= 1
