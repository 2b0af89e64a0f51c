"""Requests on an event loop: where each step runs, and how often a thread is asked."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from costrel import Flask, after_this_request, g, request, session
from costrel.dispatch.plan import FORCE_LOOP
from costrel.dispatch.threads import WorkerThreads
from costrel.signals import request_finished, request_started, request_tearing_down

pytestmark = pytest.mark.usefixtures("planned")
var = ContextVar("var", default="unset")

STEPS = ("preprocess", "before", "view", "this", "after", "teardown", "app teardown")


class Recorder:
    """Make steps of either kind that record where they ran."""

    def __init__(self):
        self.ran = []

    def step(self, name, value, *, is_async):
        """Return a step that returns a value: its only argument if that is callable."""

        def note(*args, **kwargs):
            on_loop = asyncio._get_running_loop() is not None
            self.ran.append((name, threading.current_thread(), on_loop))
            if name == "view":
                after_this_request(self.this)
            return args[0] if value == "argument" else value

        async def note_on_loop(*args, **kwargs):
            return note(*args, **kwargs)

        return note_on_loop if is_async else note


def make_app(kinds):
    """Make an application of one step of each name, of these kinds."""
    app = Flask(__name__)
    app.testing = True
    record = app.recorder = Recorder()
    steps = {
        name: record.step(
            name,
            {"view": "body", "this": "argument", "after": "argument"}.get(name),
            is_async=is_async,
        )
        for name, is_async in kinds.items()
    }
    record.this = steps["this"]
    app.url_value_preprocessor(steps["preprocess"])
    app.before_request(steps["before"])
    app.get("/")(steps["view"])
    app.after_request(steps["after"])
    app.teardown_request(steps["teardown"])
    app.teardown_appcontext(steps["app teardown"])
    return app


@pytest.fixture
def hops(monkeypatch):
    """Count the hops to worker threads."""
    counted = []
    run = WorkerThreads.run

    async def counting(self, function, *args, context):
        counted.append(function)
        return await run(self, function, *args, context=context)

    monkeypatch.setattr(WorkerThreads, "run", counting)
    return counted


def ask(app, path="/", method="GET", **kwargs):
    """Send one request over ASGI, on a loop of its own."""

    async def main():
        async with app.async_test_client() as client:
            return await client.open(path, method=method, **kwargs)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("asynchronous", "expected"),
    [
        ((), 1),
        (STEPS, 0),
        # In runs: those on the way in, those of the response, those of the teardown.
        (("view",), 3),
        (("before",), 4),
        (("after", "this"), 2),
        (("teardown", "app teardown"), 2),
        (("preprocess", "before", "view"), 2),
        (("preprocess", "before", "view", "this", "after"), 1),
        # Not known before the request runs.
        (("this",), 1),
    ],
)
def test_runs_of_sync_steps_take_one_hop_each(hops, asynchronous, expected):
    """All sync: one hop in all. All async: none. Mixed: one for each run between async steps."""
    app = make_app({name: name in asynchronous for name in STEPS})

    assert ask(app).text == "body"

    assert len(hops) == expected
    assert [name for name, _thread, _on_loop in app.recorder.ran] == list(STEPS)


def test_plan_of_sync_steps_is_put_on_the_loop_if_asked(hops, monkeypatch):
    """``COSTREL_LOOP_PATH=1``, for tests: then too, sync code runs in threads only."""
    monkeypatch.setenv(FORCE_LOOP, "1")
    app = make_app(dict.fromkeys(STEPS, False))
    assert ask(app).text == "body"
    assert [on_loop for _, _, on_loop in app.recorder.ran] == [False] * len(STEPS)
    assert len(hops) == 3  # to the view, from the view, and the teardown


@pytest.mark.parametrize("name", STEPS)
def test_sync_code_never_runs_on_the_loop_and_async_code_always(name):
    """Whichever one step is of the other kind."""
    for rest in (False, True):
        kinds = dict.fromkeys(STEPS, rest) | {name: not rest}
        app = make_app(kinds)

        ask(app)

        for step, thread, on_loop in app.recorder.ran:
            is_main = thread is threading.main_thread()
            assert (is_main, on_loop) == (kinds[step], kinds[step]), step


@pytest.mark.parametrize("is_async", [False, True])
def test_error_handlers_run_where_they_belong(is_async):
    """Also those that a sync application reaches through `ensure_sync`."""
    for view_async in (False, True):
        app = Flask(__name__)
        recorder = Recorder()

        def fail():
            raise LookupError

        async def fail_on_loop():
            raise LookupError

        app.get("/")(fail_on_loop if view_async else fail)
        app.errorhandler(LookupError)(recorder.step("handler", "handled", is_async=is_async))

        assert ask(app).text == "handled"

        ((_name, thread, _on_loop),) = recorder.ran
        assert (thread is threading.main_thread()) is is_async


@pytest.mark.parametrize("view_async", [False, True])
def test_signals_reach_receivers_of_both_kinds_where_they_belong(view_async):
    """Async receivers on the loop, sync ones in a worker thread."""
    app = Flask(__name__)
    ran = []

    def note(sender, **_arguments):
        ran.append(("def", threading.current_thread() is threading.main_thread()))

    async def note_on_loop(sender, **_arguments):
        ran.append(("async def", threading.current_thread() is threading.main_thread()))

    def view():
        return "body"

    async def view_on_loop():
        return "body"

    app.get("/")(view_on_loop if view_async else view)
    for signal in (request_started, request_finished, request_tearing_down):
        signal.connect(note, app)
        signal.connect(note_on_loop, app)

    assert ask(app).text == "body"
    for signal in (request_started, request_finished, request_tearing_down):
        signal.disconnect(note)
        signal.disconnect(note_on_loop)

    assert sorted(ran) == sorted([("def", False), ("async def", True)] * 3)


@pytest.mark.parametrize("first", [False, True])
def test_context_variables_go_from_sync_to_async_steps_and_back(first):
    """Each step sees what the one before it has set."""
    app = Flask(__name__)
    seen = []

    def step(name):
        seen.append(var.get())
        var.set(name)

    def before():
        step("before")

    async def before_on_loop():
        step("before")

    def view():
        step("view")
        return "body"

    async def view_on_loop():
        return view()

    def after(response):
        step("after")
        return response

    async def after_on_loop(response):
        return after(response)

    app.before_request(before_on_loop if first else before)
    app.get("/")(view if first else view_on_loop)
    app.after_request(after_on_loop if first else after)

    ask(app)

    assert seen == ["unset", "before", "view"]


def test_g_request_and_session_are_shared_by_all_steps():
    """They are those of one request, in whichever thread."""
    app = Flask(__name__)
    app.secret_key = "not secret"

    @app.before_request
    def before():
        g.steps = ["before"]
        session["n"] = 1

    @app.get("/<name>")
    async def view(name):
        g.steps.append(request.path)
        session["n"] += 1
        return name

    @app.after_request
    def after(response):
        response.headers["X-Steps"] = f"{g.steps} {session['n']}"
        return response

    assert ask(app, "/x").headers["X-Steps"] == "['before', '/x'] 2"


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_every_teardown_runs_once_though_others_fail(kind):
    """The first error is raised, the others are noted on it."""
    app = Flask(__name__)
    ran = []

    @app.get("/")
    async def view():
        return "body"

    for number in range(4):

        def fail(error, number=number):
            ran.append(number)
            raise LookupError(str(number))

        async def fail_on_loop(error, fail=fail):
            fail(error)

        app.teardown_request(fail if kind == "def" or number % 2 else fail_on_loop)

    with pytest.raises(LookupError, match="3") as caught:
        ask(app)

    assert ran == [3, 2, 1, 0]
    assert len(caught.value.__notes__) == 3


def test_request_is_left_before_its_response_is_sent():
    """As under WSGI: what a teardown commits, a client that has its answer sees."""
    app = Flask(__name__)
    order = []

    @app.get("/")
    async def view():
        return "body"

    @app.teardown_request
    async def teardown(error):
        order.append("teardown")

    async def main():
        async with app.async_test_client() as client:
            asgi = app.asgi

            async def noting(scope, receive, send):
                async def send_noted(message):
                    order.append(message["type"])
                    await send(message)

                await asgi(scope, receive, send_noted)

            app.asgi = noting
            await client.get("/")

    asyncio.run(main())

    assert order == ["teardown", "http.response.start", "http.response.body"]


def test_hook_added_while_the_request_runs_is_run():
    """A before-hook that registers another is followed by it, as on the general path."""
    app = Flask(__name__)
    ran = []

    @app.before_request
    async def first():
        ran.append("first")
        if len(ran) == 1:
            app._got_first_request = False
            app.before_request(lambda: ran.append("second"))

    @app.get("/")
    async def view():
        ran.append("view")
        return "body"

    assert ask(app).text == "body"

    assert ran == ["first", "second", "view"]


def test_rerouted_request_is_dispatched_anew():
    """A hook that changes what matched has its way."""
    app = Flask(__name__)

    @app.before_request
    async def reroute():
        request.view_args = {"name": "other"}

    @app.get("/<name>")
    async def view(name):
        return name

    assert ask(app, "/x").text == "other"


def test_waiting_for_async_code_on_the_loop_is_a_clear_error():
    """It would hold up every other request."""
    app = Flask(__name__)
    app.testing = True

    async def other():
        return "never"

    @app.get("/")
    async def view():
        return app.ensure_sync(other)()

    with pytest.raises(RuntimeError, match="Make the caller async and await it"):
        ask(app)
