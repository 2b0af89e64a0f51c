"""An event loop that is ended by what runs on it, or left behind by a fork, is replaced."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from costrel import Flask
from costrel.dispatch import loop as loops
from costrel.dispatch.loop import LoopEndedError, async_to_sync
from costrel.serve import lifespan

PATIENCE_S = 30.0


def get(app, path="/"):
    """Ask as a WSGI server does; return the body's pieces as they come, and the status."""
    pieces, status, _headers = run_wsgi_app(app, create_environ(path))
    return pieces, status


def ask(app, path="/"):
    """Ask as a WSGI server does; return status and body."""
    pieces, status = get(app, path)
    return status, b"".join(pieces)


async def stop():
    """Stop the loop."""
    asyncio.get_running_loop().stop()


def leave(error):
    """Return a coroutine function that starts a task which raises an error on the loop."""

    async def fail():
        raise error

    async def start():
        asyncio.get_running_loop().fails = asyncio.ensure_future(fail())

    return start


async def leave_in_callback():
    """Raise SystemExit in a function that the loop calls."""
    asyncio.get_running_loop().call_soon(sys.exit, 3)


ENDS = {
    "loop.stop()": stop,
    "SystemExit in a task": leave(SystemExit(3)),
    "KeyboardInterrupt in a task": leave(KeyboardInterrupt()),
    "SystemExit in a callback": leave_in_callback,
}


@pytest.fixture(params=ENDS)
def end(request):
    """Return a coroutine function that ends the loop it is called on."""
    return ENDS[request.param]


@async_to_sync
async def running_loop():
    """Return the loop this runs on."""
    return asyncio.get_running_loop()


def eventually(reached):
    """Wait until a function returns something true."""
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_view_that_ends_the_loop_fails_and_the_next_request_gets_a_new_one(end, caplog):
    """The error is answered with 500 and logged, and says what happened."""
    app = Flask(__name__)

    @app.get("/end")
    async def ends():
        await end()
        await asyncio.Event().wait()

    @app.get("/")
    async def index():
        await asyncio.sleep(0)
        return "served"

    before = running_loop()
    answers = [ask(app, path) for path in ("/", "/end", "/")]

    assert [status[:3] for status, _body in answers] == ["200", "500", "200"]
    assert "LoopEndedError: The event loop was ended (" in caplog.text
    assert "; its tasks are cancelled" in caplog.text
    assert running_loop() is not before
    eventually(before.is_closed)


def test_everybody_who_waits_is_told(end):
    """Coroutines of other threads end with the loop as well, having cleaned up."""
    cleaned = []
    waiting = []

    @async_to_sync
    async def wait():
        waiting.append("waits")
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("cleaned")

    raised = []

    def waiting_thread():
        try:
            wait()
        except LoopEndedError as error:
            raised.append(error)

    threads = [threading.Thread(target=waiting_thread) for _ in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(waiting) == 3)
    async_to_sync(end)()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert len(raised) == 3
    assert cleaned == ["cleaned"] * 3
    assert running_loop().is_running()


def test_coroutine_that_does_not_heed_its_cancellation_is_left_behind(monkeypatch):
    """Who waits for it is told when the loop is closed."""
    monkeypatch.setattr(loops, "CLEAN_UP_S", 0.1)

    @async_to_sync
    async def stay():
        asyncio.get_running_loop().stop()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if loop_is_over.is_set():
                    raise

    loop_is_over = threading.Event()
    with pytest.raises(LoopEndedError):
        stay()
    loop_is_over.set()

    assert running_loop().is_running()


def test_coroutine_that_ends_the_loop_and_returns_at_once_has_returned():
    """What was reached before the loop stopped counts."""

    @async_to_sync
    async def last():
        asyncio.get_running_loop().stop()
        return "value"

    assert last() == "value"
    assert running_loop().is_running()


def test_cancellation_of_its_own_is_not_taken_for_the_end_of_the_loop():
    """It is raised as it is."""

    @async_to_sync
    async def cancel():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    before = running_loop()
    with pytest.raises(asyncio.CancelledError):
        cancel()
    assert running_loop() is before


def test_stream_during_which_the_loop_ends_fails_and_the_next_one_is_whole(end):
    """It is cut off by an error, and not ended as if it were complete."""
    app = Flask(__name__)

    @app.get("/<int:ending>")
    async def stream(ending):
        async def pieces():
            yield b"1"
            if ending:
                await end()
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            yield b"2"

        return pieces()

    with pytest.raises(LoopEndedError):
        ask(app, "/1")

    assert ask(app, "/0") == ("200 OK", b"12")


def test_stream_goes_on_if_the_loop_ends_between_its_pieces(end):
    """It belongs to no loop."""
    app = Flask(__name__)

    @app.get("/")
    async def stream():
        async def pieces():
            for number in range(3):
                await asyncio.sleep(0)
                yield str(number)

        return pieces()

    pieces, _status = get(app)
    received = [next(iter(pieces))]
    before = running_loop()
    async_to_sync(end)()
    eventually(before.is_closed)
    received += list(pieces)

    assert received == [b"0", b"1", b"2"]


def test_life_ends_with_its_loop_and_another_one_begins(end):
    """What was opened for the loop is closed on it, and opened again for the next request."""
    app = Flask(__name__)
    ran = []

    @app.while_serving
    async def pool():
        ran.append("opened")
        yield
        ran.append("closed")

    @app.after_serving
    def after():
        ran.append("after")

    app.get("/")(lambda: "served")

    @app.get("/end")
    async def ends():
        await end()
        await asyncio.Event().wait()

    assert ask(app) == ("200 OK", b"served")
    assert ask(app, "/end")[0] == "500 INTERNAL SERVER ERROR"
    eventually(lambda: app._life is None)
    assert ran == ["opened", "closed", "after"]

    assert ask(app) == ("200 OK", b"served")
    assert ran == ["opened", "closed", "after", "opened"]
    lifespan._end_under_wsgi(app._life, os.getpid())
    assert ran == ["opened", "closed", "after"] * 2


def test_background_tasks_run_on_the_next_loop(end):
    """Those of the ended one are cancelled; those that come later run."""
    app = Flask(__name__)
    ran = []

    async def task(name, *, waits):
        if waits:
            try:
                await asyncio.Event().wait()
            finally:
                ran.append(f"{name} cancelled")
        ran.append(name)

    app.add_background_task(task, "first", waits=True)
    before = running_loop()
    async_to_sync(end)()
    eventually(before.is_closed)
    assert ran == ["first cancelled"]

    app.add_background_task(task, "second", waits=False)
    eventually(lambda: ran[1:] == ["second"])
    app.add_background_task(lambda: ran.append("in a thread"))
    eventually(lambda: ran[2:] == ["in a thread"])
    lifespan._end_under_wsgi(app._life, os.getpid())


def test_wait_for_a_foreign_loop_ends_when_that_is_closed():
    """A worker thread does not wait for a loop that nobody runs any more."""
    loop = asyncio.new_event_loop()
    raised = []

    async def wait():
        await asyncio.Event().wait()

    def waiting_thread():
        try:
            loops.run_on(loop, wait)
        except LoopEndedError as error:
            raised.append(error)

    thread = threading.Thread(target=waiting_thread)
    thread.start()
    eventually(lambda: loop._ready)
    loop.close()
    thread.join(PATIENCE_S)

    assert len(raised) == 1


FORK = """
import asyncio, ctypes, os, pathlib, sys, threading, time
from costrel import Flask
from costrel.dispatch.loop import async_to_sync

def switches():
    # How often each other thread went to rest, and woke up.
    tasks = pathlib.Path("/proc/self/task").iterdir()
    others = [task for task in tasks if int(task.name) != threading.get_native_id()]
    try:
        return [(task / "status").read_text().split("ctxt_switches:")[1:] for task in others]
    except OSError:
        return [object()]  # one has just ended

def fork():
    # As a server written in C does: none of Python's hooks runs. Without them a child may
    # hang whose parent's threads were on their way, which is none of ours: let these rest.
    deadline = time.monotonic() + 20
    calm = 0
    while calm < 10 and time.monotonic() < deadline:
        before = switches()
        time.sleep(0.01)
        calm = calm + 1 if switches() == before else 0
    return ctypes.PyDLL(None).fork()

def in_child(check):
    pid = fork()
    if pid == 0:
        status = 1
        try:
            check()
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 0, code

app = Flask("app")

@app.get("/sync")
def sync():
    return "sync"

@app.get("/async")
async def asynchronous():
    await asyncio.sleep(0)
    return "async"

@app.get("/stream")
async def stream():
    async def pieces():
        for number in "123":
            await asyncio.sleep(0)
            yield number
    return pieces()

def get(path):
    return app.test_client().get(path).text

@async_to_sync
async def process():
    await asyncio.sleep(0)
    return os.getpid()

ran = []

async def task(name):
    ran.append(name)
    done.set()

def in_thread(name):
    ran.append(name)
    done.set()

def wait_for(*names):
    assert done.wait(20)
    done.clear()
    assert ran[-1] in names, ran

done = threading.Event()
"""

FORKED = {
    "an async view": """
assert get("/async") == "async"
in_child(lambda: [get("/async"), get("/async")] == ["async"] * 2 or 1 / 0)
""",
    "a stream": """
assert get("/stream") == "123"
in_child(lambda: get("/stream") == "123" or 1 / 0)
""",
    "the teardown of a request": """
@app.teardown_appcontext
async def close(error):
    pass
with app.app_context():
    pass
in_child(lambda: get("/sync") == "sync" or 1 / 0)
""",
    "a grandchild": """
process()
def child():
    assert process() == os.getpid()
    in_child(lambda: process() == os.getpid() or 1 / 0)
in_child(child)
""",
    "a coroutine of several threads at once": """
process()
def child():
    found = []
    def ask():
        found.append(process())
    threads = [threading.Thread(target=ask) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]
    assert found == [os.getpid()] * 8
in_child(child)
""",
    "a background task": """
app.add_background_task(task, "parent")
wait_for("parent")
app.add_background_task(in_thread, "parent's thread")
wait_for("parent's thread")
def child():
    app.add_background_task(task, "child")
    wait_for("child")
    app.add_background_task(in_thread, "child's thread")
    wait_for("child's thread")
in_child(child)
""",
    "a life that a coroutine finds left behind": """
@app.while_serving
async def around():
    ran.append(os.getpid())
    yield
assert get("/async") == "async"
def child():
    get("/async")
    get("/async")
    assert ran == [os.getppid(), os.getpid()], ran
in_child(child)
""",
    "the threads of a loop": """
async def ask():
    async with app.async_test_client() as client:
        return (await client.get("/sync")).status_code
assert asyncio.run(ask()) == 200
in_child(lambda: asyncio.run(ask()) == 200 or 1 / 0)
""",
    "worker threads that outlive their loop": """
from costrel.dispatch.threads import WorkerThreads, hop
workers = WorkerThreads(2, "kept")
assert asyncio.run(hop(workers, os.getpid)) == os.getpid()
in_child(lambda: asyncio.run(hop(workers, os.getpid)) == os.getpid() or 1 / 0)
""",
}


@pytest.mark.skipif(sys.platform != "linux", reason="looks at its threads in /proc")
@pytest.mark.parametrize("what", FORKED)
def test_process_forked_without_hooks_begins_anew(what):
    """Whatever it needs of its parent's loops and threads it makes for itself."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK + textwrap.dedent(FORKED[what])],
        timeout=60,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (0, "") == (run.returncode, run.stderr)
