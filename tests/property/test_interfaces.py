"""An application answers alike by WSGI and by ASGI, whichever of its steps are async."""

from __future__ import annotations

import asyncio
import gc
import typing as t

from hypothesis import given, settings
from hypothesis import strategies as st

from costrel import (
    Blueprint,
    Flask,
    abort,
    after_this_request,
    flash,
    g,
    render_template_string,
    request,
    session,
    stream_with_context,
)
from costrel.signals import (
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)

HOOKS = ("preprocess", "before", "after", "teardown")
SIGNALS = {
    "started": request_started,
    "finished": request_finished,
    "exception": got_request_exception,
    "tearing down": request_tearing_down,
}

kinds = st.booleans()
"""Whether a step is async."""

failures = st.sampled_from((None, None, None, "value", "lookup", "abort"))
"""What a step does beside recording that it ran."""

bodies = st.sampled_from(
    (
        "text",
        "json",
        "tuple",
        "nothing",
        "none",
        "generator",
        "async generator",
        "context",
        "template",
    )
)


@st.composite
def descriptions(draw: st.DrawFn) -> dict[str, t.Any]:
    """Draw what an application is made of, and a request."""
    steps = st.lists(st.tuples(kinds, failures), max_size=2)
    return {
        "hooks": {(hook, of): draw(steps) for hook in HOOKS for of in ("app", "blueprint")},
        "app teardown": draw(steps),
        "this": draw(st.lists(kinds, max_size=2)),
        "view": draw(st.tuples(kinds, failures, bodies)),
        "handlers": {
            error: draw(kinds)
            for error in draw(st.sets(st.sampled_from(("lookup", 418, 500, 404))))
        },
        "signals": {name: draw(kinds) for name in draw(st.sets(st.sampled_from(sorted(SIGNALS))))},
        "processors": draw(st.lists(kinds, max_size=2)),
        "method": draw(st.sampled_from(("GET", "GET", "POST", "HEAD", "OPTIONS", "PUT"))),
        "path": draw(st.sampled_from(("/view/x", "/view/x", "/view/x", "/b/view/x", "/nowhere"))),
        "general": draw(st.sampled_from((False, False, True))),
    }


def either(function: t.Callable[..., t.Any], is_async: bool) -> t.Callable[..., t.Any]:
    """Return a function, or a coroutine function that does the same."""
    if not is_async:
        return function

    async def on_loop(*args: t.Any, **kwargs: t.Any) -> t.Any:
        await asyncio.sleep(0)
        return function(*args, **kwargs)

    return on_loop


class Drawn:
    """An application made from a description, and the order in which its steps ran."""

    def __init__(self, description: dict[str, t.Any]) -> None:
        self.description = description
        self.order: list[t.Any] = []
        app = self.app = Flask(__name__)
        app.secret_key = "not secret"
        app.logger.disabled = True
        if description["general"]:
            app.dispatch_request = app.dispatch_request  # type: ignore[method-assign]
        blueprint = Blueprint("b", __name__, url_prefix="/b")
        for owner, name in ((app, "app"), (blueprint, "blueprint")):
            self.add_hooks(t.cast("t.Any", owner), name)
        for number, (is_async, failure) in enumerate(description["app teardown"]):
            app.teardown_appcontext(self.step(f"app teardown {number}", is_async, failure))
        for owner in (app, blueprint):
            owner.add_url_rule(
                "/view/<name>", endpoint="view", view_func=self.view(), methods=["GET", "POST"]
            )
        for error, is_async in description["handlers"].items():
            app.register_error_handler(
                LookupError if error == "lookup" else error, self.handler(error, is_async)
            )
        for number, is_async in enumerate(description["processors"]):
            app.context_processor(
                either(lambda number=number: self.note(f"processor {number}") or {}, is_async)
            )
        self.receivers = []
        for name, is_async in description["signals"].items():
            receiver = either(lambda sender, name=name, **_: self.note(f"signal {name}"), is_async)
            self.receivers.append(receiver)
            SIGNALS[name].connect(receiver, app)
        app.register_blueprint(blueprint)

    def note(self, name: t.Any) -> None:
        """Record that a step ran."""
        self.order.append(name)

    def step(
        self, name: str, is_async: bool, failure: str | None, value: t.Any = None
    ) -> t.Callable[..., t.Any]:
        """Make a step that returns its argument if `value` says so."""

        def run(*args: t.Any, **_kwargs: t.Any) -> t.Any:
            told = type(args[0]).__name__ if "teardown" in name else ""
            self.note((name, told, request.path))
            steps = g.setdefault("steps", [])
            steps.append(name)
            if failure == "value" and "teardown" not in name and value is None:
                return f"from {name} {len(steps)}"
            if failure == "lookup":
                raise LookupError(name)
            if failure == "abort":
                abort(418)
            if value == "argument":
                args[0].headers.add("X-Steps", f"{name} {len(steps)}")
                return args[0]
            return None

        return either(run, is_async)

    def add_hooks(self, owner: t.Any, name: str) -> None:
        """Register the hooks of an application or blueprint."""
        register = {
            "preprocess": owner.url_value_preprocessor,
            "before": owner.before_request,
            "after": owner.after_request,
            "teardown": owner.teardown_request,
        }
        for hook in HOOKS:
            value = "argument" if hook == "after" else None
            for number, (is_async, failure) in enumerate(self.description["hooks"][hook, name]):
                register[hook](self.step(f"{hook} {name} {number}", is_async, failure, value))

    def handler(self, error: t.Any, is_async: bool) -> t.Callable[..., t.Any]:
        """Make an error handler."""

        def handle(raised: Exception) -> t.Any:
            self.note(("handler", error, type(raised).__name__))
            return f"handled {error}", 400

        return either(handle, is_async)

    def view(self) -> t.Callable[..., t.Any]:
        """Make the view."""
        is_async, failure, body = self.description["view"]

        def view(name: str) -> t.Any:
            self.note(("view", name))
            for number, this_async in enumerate(self.description["this"]):
                after_this_request(self.step(f"this {number}", this_async, None, "argument"))
            if failure == "lookup":
                raise LookupError("view")
            if failure == "abort":
                abort(418)
            session["name"] = name
            flash("a message")
            return self.body(body)

        return either(view, is_async)

    def body(self, kind: str) -> t.Any:
        """Make what the view returns."""

        def pieces(*, in_request: bool = False) -> t.Iterator[str]:
            for number in range(3):
                self.note(f"piece {number}")
                yield request.path if in_request else str(number)

        async def pieces_async() -> t.AsyncIterator[str]:
            for piece in pieces(in_request=True):
                yield piece

        if kind == "template":
            return render_template_string("{{ request.path }} {{ get_flashed_messages() }}")
        makers: dict[str, t.Callable[[], t.Any]] = {
            "text": lambda: "text",
            "json": lambda: {"a": [1, "ü"]},
            "tuple": lambda: (b"made", 201, {"X-A": "1"}),
            "nothing": lambda: ("", 204),
            "none": lambda: None,
            "generator": pieces,
            "async generator": pieces_async,
            "context": lambda: stream_with_context(pieces(in_request=True)),
        }
        return makers[kind]()

    def ask_wsgi(self) -> t.Any:
        """Send the request by WSGI."""
        return self.result(
            self.app.test_client().open(
                self.description["path"], method=self.description["method"], buffered=True
            )
        )

    async def ask_asgi(self) -> t.Any:
        """Send the request by ASGI."""
        client = self.app.async_test_client()
        return self.result(
            await client.open(self.description["path"], method=self.description["method"])
        )

    def result(self, response: t.Any) -> t.Any:
        """Return all that the client sees of a response."""
        headers = [(name.lower(), value) for name, value in response.headers]
        return response.status_code, headers, response.data


def outcome(ask: t.Callable[[], t.Any]) -> t.Any:
    """Return what a client sees, or the error that reaches its server."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001  compared
        return type(error), str(error)


@settings(max_examples=250, deadline=None)
@given(descriptions())
def test_answers_and_order_of_steps_are_the_same_by_both_interfaces(
    description: dict[str, t.Any],
) -> None:
    """Status, headers, body, and which steps ran in what order; also where some of them fail."""
    wsgi, asgi = Drawn(description), Drawn(description)

    expected = outcome(wsgi.ask_wsgi)
    answered = outcome(lambda: asyncio.run(asgi.ask_asgi()))
    if asgi.app._workers is not None:
        asgi.app._workers.close()

    assert answered == expected
    if asgi.order != wsgi.order:
        # A stream that an after-hook's error left unsent is torn down when it is dropped.
        gc.collect()
    assert asgi.order == wsgi.order
