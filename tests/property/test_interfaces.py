"""An application gives the same answers under WSGI and over ASGI, whichever steps are async."""

from __future__ import annotations

import asyncio
import gc
import os
import typing as t
from collections import Counter
from contextlib import ExitStack, contextmanager
from functools import wraps
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from costrel import (
    Blueprint,
    Event,
    EventStream,
    Flask,
    Response,
    abort,
    after_this_request,
    current_app,
    flash,
    g,
    render_template_string,
    request,
    session,
    stream_with_context,
)
from costrel.dispatch.plan import FORCE_GENERAL, FORCE_LOOP
from costrel.ground.current import context
from costrel.ground.protection import Check, security_of
from costrel.security import cors, headerrules
from costrel.signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)

HOOKS = ("preprocess", "before", "after", "teardown")
SIGNALS = {
    signal.name: signal
    for signal in (
        appcontext_popped,
        appcontext_pushed,
        appcontext_tearing_down,
        got_request_exception,
        request_finished,
        request_started,
        request_tearing_down,
    )
}
FAILURES = ("lookup", "abort", "zero")
# As the steps require; in a thread; on the event loop with each sync step in a thread.
WAYS: tuple[dict[str, str], ...] = ({}, {FORCE_GENERAL: "1"}, {FORCE_LOOP: "1"})
STREAMS = ("generator", "async generator", "context", "events", "async events")
BODIES = ("text", "json", "tuple", "no content", "none", "response", "template", "posted", *STREAMS)


class Step(t.NamedTuple):
    """One generated function: how it is async, if it is, and what it does besides logging."""

    is_async: str
    action: str = ""


kinds = st.sampled_from(("", "", "async", "async", "decorated", "waited for"))


def steps(*actions: str) -> st.SearchStrategy[Step]:
    """Generate functions, most of which do nothing."""
    return st.builds(Step, kinds, st.sampled_from(("", "", "", *actions)))


class Body(t.NamedTuple):
    """What a view or handler returns."""

    kind: str
    #: The piece of a stream that fails.
    fails_at: int | None = None
    #: Whether a function is called when it is closed.
    on_close: bool = False


bodies = st.builds(
    Body, st.sampled_from(BODIES), st.sampled_from((None, None, None, 0, 1, 2)), st.booleans()
)
hooks = {
    "preprocess": steps(*FAILURES, "change"),
    "before": steps(*FAILURES, "change", "value", "reroute", "this"),
    "after": steps(*FAILURES, "change", "replace", "none"),
    "teardown": steps(*FAILURES),
}


class Spec(t.NamedTuple):
    """The parts of one generated application."""

    hooks: dict[tuple[str, str], list[Step]]
    app_teardown: list[Step]
    this_request: list[Step]
    view: Step
    body: Body
    handlers: dict[t.Any, tuple[Step, Body]]
    receivers: dict[str, str]
    processors: list[str]
    config: dict[str, t.Any]
    checks: list[tuple[bool, bool, str]] | None


class Sent(t.NamedTuple):
    """One request."""

    method: str
    path: str
    arguments: dict[str, t.Any]


specs = st.builds(
    Spec,
    st.fixed_dictionaries(
        {(hook, of): st.lists(hooks[hook], max_size=2) for hook in HOOKS for of in ("app", "bp")}
    ),
    st.lists(steps(*FAILURES), max_size=2),
    st.lists(hooks["after"], max_size=2),
    steps(*FAILURES, "change"),
    bodies,
    st.dictionaries(
        st.sampled_from((LookupError, Exception, 418, 500, 404, 405, 413)),
        st.tuples(steps(*FAILURES), bodies),
        max_size=3,
    ),
    st.dictionaries(st.sampled_from(sorted(SIGNALS)), st.sampled_from(("", "async")), max_size=2),
    st.lists(kinds, max_size=2),
    st.fixed_dictionaries(
        {},
        optional={
            "TESTING": st.just(True),  # errors reach the server
            "MAX_CONTENT_LENGTH": st.just(5),
            "TRAP_HTTP_EXCEPTIONS": st.just(True),
        },
    ),
    # Of a protected application: for safe methods too, in a thread, and what they do.
    st.none()
    | st.lists(
        st.tuples(st.booleans(), st.booleans(), st.sampled_from(("", "", "form", *FAILURES))),
        max_size=3,
    ),
)
sent = st.builds(
    Sent,
    st.sampled_from(("GET", "GET", "POST", "HEAD", "OPTIONS", "PUT")),
    st.sampled_from(("/view/x", "/view/x", "/bp/view/x", "/fixed", "/nowhere", "/slash?a=1")),
    st.sampled_from(({}, {}, {"data": {"field": "value"}}, {"json": {"a": 1}}, {"data": b"123"})),
)


def either(function: t.Callable[..., t.Any], is_async: str) -> t.Callable[..., t.Any]:
    """Return a function, or a coroutine function that does the same, or a decorated one."""
    if not is_async:
        return function

    async def on_loop(*args: t.Any, **kwargs: t.Any) -> t.Any:
        await asyncio.sleep(0)
        return function(*args, **kwargs)

    @wraps(on_loop)
    def decorated(*args: t.Any, **kwargs: t.Any) -> t.Any:
        waits = is_async == "waited for"
        return (current_app.ensure_sync(on_loop) if waits else on_loop)(*args, **kwargs)

    return on_loop if is_async == "async" else decorated


def fail(action: str, name: str) -> None:
    """Raise the error that an action asks for."""
    if action == "lookup":
        raise LookupError(name)
    if action == "zero":
        raise ZeroDivisionError(name)
    if action == "abort":
        abort(418)


class Generated:
    """An application built from a `Spec`, and the order in which its functions ran."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.order: list[t.Any] = []
        self.app = app = Flask("generated", static_folder=None)
        app.config.update(spec.config, SECRET_KEY="not secret")
        app.logger.disabled = True
        if spec.checks is not None:
            self.protect(spec.checks)
        blueprint = Blueprint("bp", "generated", url_prefix="/bp")
        owners: dict[str, t.Any] = {"app": app, "bp": blueprint}
        for (kind, of), added in spec.hooks.items():
            owner = owners[of]
            register = {
                "preprocess": owner.url_value_preprocessor,
                "before": owner.before_request,
                "after": owner.after_request,
                "teardown": owner.teardown_request,
            }[kind]
            for number, step in enumerate(added):
                register(self.hook(kind, f"{kind} {of} {number}", step))
        for number, step in enumerate(spec.app_teardown):
            app.teardown_appcontext(self.hook("teardown", f"teardown context {number}", step))
        view = either(self.view, spec.view.is_async)
        for owner in owners.values():
            owner.add_url_rule("/view/<name>", "view", view, methods=["GET", "POST"])
        app.add_url_rule("/fixed", "view", view, methods=["GET", "POST"])
        app.add_url_rule("/slash/", "slash", lambda: "slash")
        for error, (step, body) in spec.handlers.items():
            app.register_error_handler(error, self.handler(error, step, body))
        for number, is_async in enumerate(spec.processors):
            app.context_processor(
                either(lambda number=number: self.note(f"processor {number}") or {}, is_async)
            )
        app.register_blueprint(blueprint)

    def note(self, *what: t.Any) -> None:
        """Record that a function ran, and that its request was current."""
        self.order.append((*what, request.path))

    @contextmanager
    def receiving(self) -> t.Iterator[None]:
        """Connect the receivers of signals."""
        with ExitStack() as stack:
            for name, is_async in self.spec.receivers.items():

                def receive(_sender: t.Any, name: str = name, **_: t.Any) -> None:
                    self.order.append(("signal", name))

                stack.enter_context(SIGNALS[name].connected_to(either(receive, is_async), self.app))
            yield

    def protect(self, checks: list[tuple[bool, bool, str]]) -> None:
        """Let the application have header fields, a policy of CORS, and checks."""
        headerrules.install(self.app)
        cors(self.app, "http://shop.test", credentials=True)
        for number, (is_safe, blocks, action) in enumerate(checks):

            def run(checked: t.Any, number: int = number, action: str = action) -> None:
                self.note(f"check {number}", checked.form.to_dict() if action == "form" else "")
                fail(action, str(number))

            security_of(self.app).checks.append(
                Check("own", lambda _endpoint, _rule: True, run, is_safe, blocks=blocks)
            )

    def hook(self, kind: str, name: str, step: Step) -> t.Callable[..., t.Any]:
        """Create a hook, which takes nothing, a response or an error."""

        def run(*args: t.Any) -> t.Any:
            self.note(name, repr(args[0]) if kind == "teardown" else "")
            g.count = g.get("count", 0) + 1
            fail(step.action, name)
            if step.action == "change":
                # The plan compiled for this request is no longer valid.
                self.app.config["CHANGED"] = name
            if kind == "after":
                return self.after(name, step, args[0])
            if kind == "before":
                return self.before(name, step)
            return None

        return either(run, step.is_async)

    def before(self, name: str, step: Step) -> t.Any:
        """Act as a before-request hook."""
        if step.action == "value":
            return f"from {name} after {g.count}"
        if step.action == "this":
            self.add_hooks_of_this_request()
        elif step.action == "reroute" and request.view_args:
            request.view_args = {"name": "rerouted"}
        return None

    def after(self, name: str, step: Step, response: t.Any) -> t.Any:
        """Act as an after-request hook."""
        if step.action == "none":
            return None
        if step.action == "replace" and not step.is_async:
            # Async code has no way to close an async body.
            response.close()
            return Response(f"replaced by {name}")
        response.headers.add("X-Steps", f"{name} after {g.count}")
        return response

    def add_hooks_of_this_request(self) -> None:
        """Register the hooks for the current request only."""
        for number, step in enumerate(self.spec.this_request):
            after_this_request(self.hook("after", f"this {number}", step))

    def view(self, name: str = "") -> t.Any:
        """Act as the view."""
        self.note("view", name)
        self.add_hooks_of_this_request()
        session["count"] = session.get("count", 0) + 1
        flash(f"message {session['count']}")
        made = self.make(self.spec.body)
        fail(self.spec.view.action, "view")
        if self.spec.view.action == "change":
            self.app.config["CHANGED"] = "in the view"
        return made

    def handler(self, error: t.Any, step: Step, body: Body) -> t.Callable[..., t.Any]:
        """Create an error handler."""

        def handle(raised: Exception) -> t.Any:
            self.note("handler", error, repr(raised))
            fail(step.action, "handler")
            made = self.make(body)
            return made if isinstance(made, tuple) else (made, 499)

        return either(handle, step.is_async)

    def make(self, body: Body) -> t.Any:
        """Create the return value."""
        made = getattr(self, f"make_{body.kind.replace(' ', '_')}")(body)
        # If closing the stream tears down, as for HEAD, an error in a teardown function
        # ends Werkzeug's `Response.close` before it calls these.
        if body.on_close and made is not None and request.method != "HEAD":
            made = self.app.make_response(made)
            made.call_on_close(lambda: self.order.append("closed"))
        return made

    def pieces(self, body: Body) -> t.Iterator[str]:
        """Yield a stream's pieces, with no request current."""
        for number in range(3):
            self.order.append(f"piece {number}")
            if number == body.fails_at:
                raise LookupError(f"piece {number}")
            yield f"{number}"

    def pieces_in_request(self, body: Body) -> t.Iterator[str]:
        """Yield a stream's pieces, with the request current."""
        try:
            for piece in self.pieces(body):
                self.note("current")
                yield piece
        finally:
            self.note("ended")

    async def pieces_async(self, body: Body) -> t.AsyncIterator[str]:
        """Yield a stream's pieces, on an event loop."""
        for piece in self.pieces_in_request(body):
            yield piece
            await asyncio.sleep(0)

    def make_text(self, _body: Body) -> t.Any:
        return "text ü"

    def make_json(self, _body: Body) -> t.Any:
        return {"a": [1, "ü"]}

    def make_tuple(self, _body: Body) -> t.Any:
        return b"made", 201, {"X-Made": "1"}

    def make_no_content(self, _body: Body) -> t.Any:
        return "", 204

    def make_none(self, _body: Body) -> t.Any:
        return None

    def make_response(self, _body: Body) -> t.Any:
        return Response("response", headers={"X-Made": "2"})

    def make_template(self, _body: Body) -> t.Any:
        return render_template_string("{{ request.path }} {{ get_flashed_messages() }}")

    def make_posted(self, _body: Body) -> t.Any:
        return {"form": request.form.to_dict(), "data": request.get_data(as_text=True)}

    def make_generator(self, body: Body) -> t.Any:
        return self.pieces(body)

    def make_async_generator(self, body: Body) -> t.Any:
        return self.pieces_async(body)

    def make_context(self, body: Body) -> t.Any:
        return stream_with_context(self.pieces_in_request(body))

    def make_events(self, body: Body) -> t.Any:
        return EventStream(Event(piece) for piece in self.pieces_in_request(body))

    def make_async_events(self, body: Body) -> t.Any:
        return EventStream(self.pieces_async(body))

    def ask_by_wsgi(self, requests: list[Sent]) -> list[t.Any]:
        """Send requests over WSGI; return the answers or the errors that reach a server."""
        client = self.app.test_client()
        answers = []
        with self.receiving():
            for method, path, arguments in requests:
                try:
                    answer = client.open(path, method=method, buffered=True, **arguments)
                    answers.append(seen(answer))
                except Exception as error:  # noqa: BLE001  compared
                    answers.append(repr(error))
                self.order.append("left")
                assert context.get(None) is None
        return answers

    async def ask_by_asgi(self, requests: list[Sent]) -> list[t.Any]:
        """Send requests over ASGI; return the same."""
        client = self.app.async_test_client()
        answers = []
        with self.receiving():
            for method, path, arguments in requests:
                try:
                    answer = await client.open(path, method=method, **arguments)
                    answers.append(seen(answer))
                except Exception as error:  # noqa: BLE001  compared
                    answers.append(repr(error))
                self.order.append("left")
                assert context.get(None) is None
        if self.app._workers is not None:
            self.app._workers.close()
        return answers


def seen(response: t.Any) -> t.Any:
    """Return all that a client sees of a response."""
    fields = [(name.lower(), value) for name, value in response.headers]
    return response.status_code, fields, response.data


def is_event_stream(answer: t.Any) -> bool:
    """Return whether what a client has seen are events."""
    if isinstance(answer, str):
        return False
    _status, fields, body = answer
    return bool(body) and ("content-type", "text/event-stream; charset=utf-8") in fields


@contextmanager
def clean_ends() -> t.Iterator[None]:
    """Disable automatic garbage collection, and detect unraisable errors."""
    unseen: list[str] = []
    gc.disable()
    try:
        with mock.patch("sys.unraisablehook", lambda args: unseen.append(repr(args.exc_value))):
            yield
    finally:
        gc.enable()
    assert unseen == []


@settings(max_examples=300, deadline=None)
@given(specs, st.lists(sent, min_size=1, max_size=2), st.sampled_from(WAYS))
def test_request_by_both_interfaces_gives_the_same_answer_and_events(
    spec: Spec, requests: list[Sent], way: dict[str, str]
) -> None:
    """Both send the same, run the same functions in the same order, and tear down once."""
    by_wsgi, by_asgi = Generated(spec), Generated(spec)
    with clean_ends(), mock.patch("time.time", return_value=1_700_000_000.0):
        expected = by_wsgi.ask_by_wsgi(requests)
        with mock.patch.dict(os.environ, way):
            answered = asyncio.run(by_asgi.ask_by_asgi(requests))

    assert expected == answered
    assert by_wsgi.order == by_asgi.order
    torn_down = Counter(name for name, *_ in by_wsgi.order if "teardown context" in name)
    # An event stream tears down before its first piece too.
    least = len(requests) + sum(map(is_event_stream, expected))
    # An error may have broken off such a stream.
    most = least + sum(isinstance(answer, str) for answer in expected)
    assert len(torn_down) == len(spec.app_teardown)
    assert all(least <= count <= most for count in torn_down.values())
