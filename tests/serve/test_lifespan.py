"""What runs before, around and after the serving: under ASGI, WSGI, and without a server's word."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import re
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from costrel import Flask, current_app, g, has_request_context
from costrel.dispatch import loop as loops
from costrel.globals import app_ctx
from costrel.serve import lifespan

PATIENCE_S = 30
KINDS = ("def", "async def")
INTERFACES = ("asgi", "wsgi")

var = ContextVar("var", default="unset")


def get_by_wsgi(app, path="/"):
    """Ask as a WSGI server does; return the body."""
    pieces, status, _headers = run_wsgi_app(app, create_environ(path), buffered=True)
    return status, b"".join(pieces).decode()


def end_process(app):
    """Do what the interpreter does as a process ends that served under WSGI."""
    if app._life is not None:
        lifespan._end_under_wsgi(app._life, os.getpid())


async def get_on_loop(app, path="/"):
    """Ask as an ASGI server does that tells nothing of its start; return the status."""
    sent = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    await app.asgi(scope, receive, send)
    return sent[0]["status"]


def serve_once(app, interface, path="/"):
    """Serve one request from the start of a server to its end."""

    async def by_asgi():
        async with app.async_test_client() as client:
            await client.get(path)

    if interface == "asgi":
        asyncio.run(by_asgi())
    else:
        get_by_wsgi(app, path)
        end_process(app)


def of_kind(kind, function):
    """Return a function of that kind that calls another."""

    async def on_loop(*args):
        return function(*args)

    def in_thread(*args):
        return function(*args)

    return on_loop if kind == "async def" else in_thread


def generator_of_kind(kind, before, after):
    """Return a generator function of that kind."""

    async def on_loop():
        before()
        yield
        after()

    def in_thread():
        before()
        yield
        after()

    return on_loop if kind == "async def" else in_thread


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("kind", KINDS)
def test_functions_of_both_kinds_run_in_the_documented_order(interface, kind):
    """Functions before generators, generators backwards, then functions in their order."""
    app = Flask(__name__)
    ran, on_loop, loop_thread = [], [], []
    kinds = itertools.cycle((kind, *(other for other in KINDS if other != kind)))

    def chosen():
        on_loop.append((following := next(kinds)) == "async def")
        return following

    def note(name):
        return lambda: ran.append((name, threading.current_thread() is loop_thread[0]))

    @app.before_serving
    async def find_loop():
        loop_thread.append(threading.current_thread())

    for name in ("before 1", "before 2"):
        app.before_serving(of_kind(chosen(), note(name)))
    for name in ("while 1", "while 2"):
        begins, ends = note(f"{name} begins"), note(f"{name} ends")
        app.while_serving(generator_of_kind(chosen(), begins, ends))
    for name in ("after 1", "after 2"):
        app.after_serving(of_kind(chosen(), note(name)))
    app.get("/")(lambda: str(ran.append(("request", False))))

    serve_once(app, interface)

    b1, b2, w1, w2, a1, a2 = on_loop
    assert ran == [
        ("before 1", b1),
        ("before 2", b2),
        ("while 1 begins", w1),
        ("while 2 begins", w2),
        ("request", False),
        ("while 2 ends", w2),
        ("while 1 ends", w1),
        ("after 1", a1),
        ("after 2", a2),
    ]


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("kind", KINDS)
def test_application_is_current_and_no_request_is(interface, kind):
    """`current_app` and `g` are there on both sides, and teardowns of the context run."""
    app = Flask(__name__)
    seen = []

    def look(name):
        def note():
            g.name = name
            seen.append((name, current_app._get_current_object() is app, has_request_context()))

        return note

    app.before_serving(of_kind(kind, look("before")))
    app.while_serving(generator_of_kind(kind, look("begins"), look("ends")))
    app.after_serving(of_kind(kind, look("after")))
    app.teardown_appcontext(lambda _error: seen.append(("teardown", g.get("name"))))
    app.get("/", endpoint="index")(lambda: "")

    serve_once(app, interface)

    assert seen == [
        ("before", True, False),
        ("begins", True, False),
        ("teardown", "begins"),
        ("teardown", None),  # the request's
        ("ends", True, False),
        ("teardown", "ends"),
        ("after", True, False),
        ("teardown", "after"),
    ]


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("kind", KINDS)
def test_generator_may_enter_a_context_around_the_serving(interface, kind, caplog):
    """Several ones may, each its own; what is current once they are left is an active context."""
    app = Flask(__name__)
    seen = []

    def around(name):
        def begin():
            g.name = name
            seen.append(("begins", g.name))

        def end():
            seen.append(("ends", g.name))

        def leave():
            seen.append(("left", app_ctx.is_active, g.get("name")))

        async def on_loop():
            async with app.app_context():
                with app.test_request_context(f"/{name}"):
                    begin()
                    yield
                    end()
            leave()

        def in_thread():
            with app.app_context(), app.test_request_context(f"/{name}"):
                begin()
                yield
                end()
            leave()

        return on_loop if kind == "async def" else in_thread

    for name in ("one", "two"):
        app.while_serving(around(name))
    app.get("/", endpoint="index")(lambda: "")

    serve_once(app, interface)

    left = ("left", True, None)
    assert seen == [
        ("begins", "one"), ("begins", "two"),
        ("ends", "two"), left, ("ends", "one"), left,
    ]  # fmt: skip
    assert caplog.messages == []


@pytest.mark.parametrize("kind", KINDS)
def test_context_variables_reach_from_the_start_to_the_end(kind):
    """A generator's second half, and what comes after it, see what the start has set."""
    app = Flask(__name__)
    seen = []
    app.before_serving(of_kind(kind, lambda: var.set("set")))
    app.while_serving(
        generator_of_kind(kind, lambda: seen.append(var.get()), lambda: seen.append(var.get()))
    )
    app.after_serving(of_kind(kind, lambda: seen.append(var.get())))

    serve_once(app, "asgi")
    serve_once(app, "wsgi")

    assert seen == ["set"] * 6


def fail():
    """Be what goes wrong."""
    raise LookupError("no database")


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("kind", KINDS)
def test_error_at_the_start_ends_what_was_started_and_is_raised(interface, kind):
    """What was opened is closed, what comes later is not begun, and nothing is served."""
    app = Flask(__name__)
    ran = []
    app.while_serving(
        generator_of_kind(kind, lambda: ran.append("opened"), lambda: ran.append("closed"))
    )
    app.while_serving(generator_of_kind(kind, fail, lambda: ran.append("never")))
    app.while_serving(
        generator_of_kind(kind, lambda: ran.append("never"), lambda: ran.append("never"))
    )
    app.after_serving(of_kind(kind, lambda: ran.append("after")))
    app.get("/")(lambda: ran.append("request") or "")

    with pytest.raises((LookupError, RuntimeError), match="no database"):
        serve_once(app, interface)

    assert ran == ["opened", "closed"]
    assert app._life is None
    assert app.loop_health is None


class OwnError(BaseException):
    """Be no ordinary exception."""


NOT_ORDINARY = [
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError(),
    OwnError("mine"),
]


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("error", NOT_ORDINARY, ids=repr)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("register", ["before_serving", "while_serving"])
def test_start_that_ends_by_what_is_no_exception_is_an_error_like_any_other(
    interface, error, kind, register
):
    """Such as a SystemExit of an argument parser, or the cancellation of a client's request."""
    app = Flask(__name__)

    def leave():
        raise error

    if register == "before_serving":
        app.before_serving(of_kind(kind, leave))
    else:
        app.while_serving(generator_of_kind(kind, leave, leave))

    message = re.escape(f"A function that runs before serving raised {error!r}")
    with pytest.raises(RuntimeError, match=message):
        serve_once(app, interface)

    assert app._life is None


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("error", NOT_ORDINARY, ids=repr)
@pytest.mark.parametrize("kind", KINDS)
def test_end_that_raises_what_is_no_exception_is_logged(interface, error, kind, caplog):
    """The others still run."""
    app = Flask(__name__)
    ran = []

    def leave():
        ran.append("left")
        raise error

    app.while_serving(generator_of_kind(kind, lambda: None, lambda: ran.append("closed")))
    app.while_serving(generator_of_kind(kind, lambda: None, leave))
    app.after_serving(of_kind(kind, leave))
    app.after_serving(of_kind(kind, lambda: ran.append("after")))
    app.get("/")(lambda: "")

    serve_once(app, interface)

    assert ran == ["left", "closed", "left", "after"]
    assert caplog.text.count("failed after serving") == 2


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("kind", KINDS)
def test_errors_at_the_end_are_logged_and_keep_nothing_from_running(interface, kind, caplog):
    """Every function and generator is asked, whatever the others raise."""
    app = Flask(__name__)
    ran = []

    def leave():
        raise SystemExit(3)

    app.while_serving(generator_of_kind(kind, lambda: None, lambda: ran.append("while")))
    app.while_serving(generator_of_kind(kind, lambda: None, fail))
    app.after_serving(of_kind(kind, fail))
    app.after_serving(of_kind(kind, leave))
    app.after_serving(of_kind(kind, lambda: ran.append("after")))

    serve_once(app, interface)

    assert ran == ["while", "after"]
    assert [record.exc_info[0] for record in caplog.records] == [
        LookupError,
        LookupError,
        SystemExit,
    ]
    assert app._life is None


def no_generator():
    """Be registered by mistake."""


async def no_async_generator():
    """Be registered by mistake."""


def no_yield():
    """End without a yield."""
    yield from ()


async def no_async_yield():
    """End without a yield."""
    for _ in ():
        yield


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_generator, "no_generator is registered .* but is not a generator function"),
        (no_async_generator, "no_async_generator is registered .* but is not a generator function"),
        (no_yield, "no_yield .* returned without reaching a `yield`"),
        (no_async_yield, "no_async_yield .* returned without reaching a `yield`"),
    ],
)
def test_what_is_no_generator_is_refused_with_its_name(function, message):
    """The error names the function and what it lacks, and no coroutine is left unawaited."""
    app = Flask(__name__)
    app.while_serving(function)

    with pytest.raises(RuntimeError, match=message):
        serve_once(app, "asgi")


@pytest.mark.parametrize("kind", KINDS)
def test_generator_that_yields_twice_is_closed_and_logged(kind, caplog):
    """It is told by name, and its ``finally`` runs."""
    app = Flask(__name__)
    ran = []

    async def twice_on_loop():
        try:
            yield
            yield
        finally:
            ran.append("closed")

    def twice():
        try:
            yield
            yield
        finally:
            ran.append("closed")

    app.while_serving(twice_on_loop if kind == "async def" else twice)

    serve_once(app, "asgi")

    assert ran == ["closed"]
    assert "yields more than once" in caplog.text


def test_task_group_may_be_entered_around_the_serving():
    """Both halves of a generator run in one task, as structured concurrency demands."""
    app = Flask(__name__)
    done = []

    @app.while_serving
    async def workers():
        async with asyncio.TaskGroup() as app.group:
            yield

    @app.get("/")
    async def index():
        async def work():
            done.append("worked")

        app.group.create_task(work())
        return ""

    serve_once(app, "asgi")
    serve_once(app, "wsgi")

    assert done == ["worked", "worked"]


# Under WSGI


@pytest.mark.parametrize("kind", KINDS)
def test_concurrent_first_requests_start_once_and_wait(kind):
    """No request is answered before the start is over, which happens once."""
    app = Flask(__name__)
    ran = []
    others, go_on = threading.Barrier(5), threading.Event()

    def start():
        go_on.wait(PATIENCE_S)
        ran.append("start")

    def first():
        others.wait(PATIENCE_S)
        return get_by_wsgi(app)[1]

    # The async one blocks the loop, which nobody else uses.
    app.before_serving(of_kind(kind, start))
    app.get("/")(lambda: str(len(ran)))
    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(first) for _ in range(4)]
        others.wait(PATIENCE_S)
        assert not any(answer.done() for answer in answers)
        go_on.set()
        texts = [answer.result(PATIENCE_S) for answer in answers]
    end_process(app)

    assert texts == ["1"] * 4


def test_start_is_tried_again_after_an_error():
    """Under WSGI the request that fails to start gets the error, and the next one tries.

    It is no OSError, which a server may take for the client's leaving.
    """
    app = Flask(__name__)
    tries = []

    @app.before_serving
    async def connect():
        tries.append("try")
        if len(tries) < 3:
            raise ConnectionError("not yet")

    app.get("/")(lambda: "served")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="could not be started: ConnectionError"):
            get_by_wsgi(app)

    answers = [get_by_wsgi(app) for _ in range(2)]
    end_process(app)

    assert answers == [("200 OK", "served")] * 2
    assert len(tries) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_request_made_while_starting_is_answered(kind):
    """To warm a cache, the application may ask itself, without waiting for its own start."""
    app = Flask(__name__)
    answers = []

    @app.before_serving
    def warm():
        answers.append(get_by_wsgi(app))

    @app.before_serving
    async def warm_on_loop():
        answers.append(await asyncio.to_thread(get_by_wsgi, app))

    app.get("/")(of_kind(kind, lambda: "warm"))

    serve_once(app, "wsgi")
    serve_once(app, "asgi")

    assert answers == [("200 OK", "warm")] * 4


def run_program(code, tmp_path):
    """Run a program in a process of its own; return what it prints."""
    (tmp_path / "program.py").write_text(f"{PRELUDE}\n{code}")
    done = subprocess.run(
        [sys.executable, "-W", "error", "program.py"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


PRELUDE = """
import asyncio, os, sys, threading, warnings
from werkzeug.test import create_environ, run_wsgi_app
from costrel import Flask

app = Flask(__name__)
app.get("/")(lambda: "served")
warnings.filterwarnings("ignore", "This process .* is multi-threaded")

def ask():
    say(b"".join(run_wsgi_app(app, create_environ("/"), buffered=True)[0]).decode())

def say(*words):
    # One call, so that what several threads say is not mixed up.
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""


@pytest.mark.parametrize("kind", KINDS)
def test_process_that_served_by_wsgi_ends_its_life_at_exit(tmp_path, kind):
    """Tasks are finished first; no thread has to be started, which Python 3.12 can't by then."""
    function = "async def" if kind == "async def" else "def"
    code = f"""
@app.after_serving
{function} after():
    say("after")

go_on = asyncio.Event()

async def work():
    await go_on.wait()
    say("worked")
    app.add_background_task(last)

{function} last():
    say("last")

async def release():
    go_on.set()

ask()
app.add_background_task(work)
app.add_background_task(release)
say("exit")
"""
    printed = run_program(code, tmp_path)

    assert printed[0] == "served"
    assert set(printed[1:4]) == {"exit", "worked", "last"}
    assert printed[4:] == ["after"]


def test_task_of_an_async_view_is_finished_at_exit(tmp_path):
    """Also where nothing else needs a life, and the view runs on the process's own loop."""
    code = """
@app.get("/join")
async def join():
    app.add_background_task(send_mail)
    return ""

async def send_mail():
    await asyncio.sleep(0.05)
    say("sent")
    app.add_background_task(last)

def last():
    say("last")

run_wsgi_app(app, create_environ("/join"), buffered=True)
say("exit")
"""
    printed = run_program(code, tmp_path)

    assert {"exit", "sent"} == set(printed[:2])
    assert printed[2:] == ["last"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_forked_process_begins_a_life_of_its_own(tmp_path):
    """The child starts and ends for itself, and leaves its parent's life alone."""
    code = """
parent = os.getpid()
def who():
    return "parent" if os.getpid() == parent else "child"

@app.while_serving
async def around():
    say(who(), "begins")
    yield
    say(who(), "ends")

@app.after_serving
def after():
    say(who(), "after")

ask()
pid = os.fork()
if pid == 0:
    ask()
    sys.exit(0)
os.waitpid(pid, 0)
ask()
"""
    assert run_program(code, tmp_path) == [
        "parent begins",
        "served",
        "child begins",
        "served",
        "child ends",
        "child after",
        "served",
        "parent ends",
        "parent after",
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_fork_during_the_start_does_not_lock_the_child_out(tmp_path):
    """The lock that the parent's start holds is not the child's."""
    code = """
@app.before_serving
def start():
    if os.getpid() == parent:
        started.set()
        go_on.wait(20)

parent = os.getpid()
started, go_on = threading.Event(), threading.Event()
thread = threading.Thread(target=ask)
thread.start()
started.wait(20)
pid = os.fork()
if pid == 0:
    ask()
    os._exit(0)
os.waitpid(pid, 0)
go_on.set()
thread.join()
"""
    assert run_program(code, tmp_path) == ["served", "served"]


def test_process_of_multiprocessing_ends_its_life(tmp_path):
    """Such a process, as a worker of Granian, runs no `atexit` functions."""
    code = """
import multiprocessing

@app.while_serving
def around():
    say("begins")
    yield
    say("ends")

if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=ask)
    worker.start()
    worker.join()
"""
    assert run_program(code, tmp_path) == ["begins", "served", "ends"]


# Under ASGI, by servers that do not tell of their start


def test_server_that_tells_nothing_starts_with_its_first_requests():
    """They wait for the start, which happens once; a later error-free request does not."""
    app = Flask(__name__)
    ran = []

    @app.before_serving
    async def start():
        await asyncio.sleep(0)
        ran.append("start")

    @app.get("/")
    async def index():
        ran.append("request")
        return ""

    async def main():
        assert [200] * 3 == await asyncio.gather(*(get_on_loop(app) for _ in range(3)))
        assert await get_on_loop(app) == 200
        await app._life.end()

    asyncio.run(main())

    assert ran == ["start", *["request"] * 4]


def test_failed_start_without_a_server_that_knows_is_tried_again():
    """Each request that waited gets the error, and a later one tries anew."""
    app = Flask(__name__)
    tries = []

    @app.before_serving
    async def start():
        tries.append("try")
        if len(tries) == 1:
            raise ConnectionError("not yet")

    @app.get("/")
    async def index():
        return ""

    async def main():
        outcomes = await asyncio.gather(
            *(get_on_loop(app) for _ in range(2)), return_exceptions=True
        )
        assert [ConnectionError] * 2 == [type(outcome) for outcome in outcomes]
        assert await get_on_loop(app) == 200
        await app._life.end()

    asyncio.run(main())
    assert len(tries) == 2


def test_first_request_that_is_cancelled_does_not_cancel_the_start():
    """A client that leaves takes nothing from the others that wait."""
    app = Flask(__name__)
    begun, go_on = [], []

    @app.before_serving
    async def start():
        begun[0].set()
        await go_on[0].wait()

    @app.get("/")
    async def index():
        return ""

    async def main():
        begun.append(asyncio.Event())
        go_on.append(asyncio.Event())
        first, second = (asyncio.create_task(get_on_loop(app)) for _ in range(2))
        await begun[0].wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go_on[0].set()
        assert await second == 200
        await app._life.end()

    asyncio.run(main())


def test_application_served_twice_in_one_process_has_a_life_each():
    """A test that serves it on a loop of its own does not take that of a process from it."""
    app = Flask(__name__)
    ran = []
    app.while_serving(
        generator_of_kind("async def", lambda: ran.append("begin"), lambda: ran.append("end"))
    )
    app.get("/")(lambda: "")

    get_by_wsgi(app)
    outer = app._life
    serve_once(app, "asgi")
    assert app._life is outer
    assert ran == ["begin", "begin", "end"]
    get_by_wsgi(app)
    end_process(app)

    assert ran == ["begin", "begin", "end", "end"]


def test_application_that_was_served_by_asgi_is_freed():
    """Nothing of its life keeps it."""
    app = Flask(__name__)
    app.while_serving(generator_of_kind("def", lambda: None, lambda: None))
    app.get("/")(lambda: "")
    serve_once(app, "asgi")
    gone = weakref.ref(app)

    del app
    gc.collect()

    assert gone() is None


def test_application_without_a_life_starts_no_loop_under_wsgi(monkeypatch):
    """Who registers nothing pays for nothing: neither a thread nor a context."""
    monkeypatch.setattr(loops, "_thread", loops.LoopThread())
    app = Flask(__name__)
    app.get("/")(lambda: "")

    get_by_wsgi(app)

    assert loops._thread._thread is None
    assert app._life is None
