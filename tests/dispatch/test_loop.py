"""Coroutines run on one loop per process, in the caller's context."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from contextvars import ContextVar

import pytest

from costrel import Flask, g, request, session
from costrel.dispatch.loop import async_to_sync
from costrel.views import MethodView

var = ContextVar("var", default="unset")


@async_to_sync
async def running_loop():
    """Return the loop this runs on."""
    return asyncio.get_running_loop()


def test_every_call_runs_on_the_same_loop():
    """Pools and tasks of async libraries survive from one call to the next."""
    assert running_loop() is running_loop()


def test_background_task_runs_on_after_the_call():
    """What a coroutine started can be awaited by a later one."""

    @async_to_sync
    async def start():
        event = asyncio.Event()

        async def work():
            await event.wait()
            return "done"

        return event, asyncio.create_task(work())

    @async_to_sync
    async def finish(event, task):
        event.set()
        return await task

    assert finish(*start()) == "done"


def test_wrapped_function_looks_like_the_coroutine_function():
    """Name and docstring are kept, arguments and the value are passed on."""

    async def greet(name, *, greeting="Hello"):
        """Greet."""
        return f"{greeting} {name}"

    sync = async_to_sync(greet)
    assert (sync.__name__, sync.__doc__) == ("greet", "Greet.")
    assert sync("you", greeting="Hi") == "Hi you"
    with pytest.raises(TypeError, match="name"):
        sync()


def test_context_variables_go_in_and_come_out():
    """The coroutine sees what the caller set, and the caller what it set."""

    @async_to_sync
    async def change():
        seen = var.get()
        var.set("changed")
        await asyncio.sleep(0)
        return seen

    token = var.set("set")
    try:
        assert change() == "set"
        assert var.get() == "changed"
    finally:
        var.reset(token)


class OwnError(BaseException):
    """Be no ordinary exception."""


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), SystemExit(3), KeyboardInterrupt(), OwnError()]
)
def test_what_the_coroutine_raises_reaches_the_caller_and_the_loop_goes_on(error):
    """The very exception is raised; the next call works, whatever it was."""

    @async_to_sync
    async def fail():
        raise error

    before = running_loop()
    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert running_loop() is before


def test_coroutine_that_was_cancelled_says_so():
    """Cancelling itself ends the wait as well."""

    @async_to_sync
    async def cancel():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        cancel()


def test_waiting_on_the_loops_own_thread_is_refused():
    """It would wait for itself; the error says what to do."""

    @async_to_sync
    async def outer():
        return running_loop()

    with pytest.raises(RuntimeError, match="Make the caller async"):
        outer()


def test_coroutines_of_two_threads_run_side_by_side():
    """One that waits does not keep another from running."""

    @async_to_sync
    async def meet(barrier):
        await barrier.wait()
        return threading.current_thread()

    @async_to_sync
    async def make():
        return asyncio.Barrier(2)

    barrier = make()
    results = []
    threads = [threading.Thread(target=lambda: results.append(meet(barrier))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(results) == 2
    assert results[0] is results[1] is not threading.current_thread()


@pytest.mark.skipif(os.name == "nt", reason="needs a signal that interrupts a wait")
def test_caller_that_is_interrupted_cancels_the_coroutine():
    """When the waiting thread is stopped, nobody waits for the coroutine any more."""
    ended = threading.Event()

    class StopError(Exception):
        pass

    def stop(signum, frame):
        raise StopError

    @async_to_sync
    async def interrupt():
        try:
            os.kill(os.getpid(), signal.SIGUSR1)
            await asyncio.Event().wait()
        finally:
            ended.set()

    before = signal.signal(signal.SIGUSR1, stop)
    try:
        with pytest.raises(StopError):
            interrupt()
        assert ended.wait(timeout=10)
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_process_makes_a_loop_of_its_own():
    """Servers fork after the application ran; threads do not survive that."""
    program = """
        import asyncio, os, sys
        from costrel.dispatch.loop import async_to_sync

        @async_to_sync
        async def work():
            await asyncio.sleep(0)
            return os.getpid()

        parent = work()
        child = os.fork()
        if child == 0:
            os._exit(0 if work() == os.getpid() != parent else 1)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)], timeout=60, check=False
    )
    assert done.returncode == 0


# In an application


@pytest.mark.usefixtures("path")
def test_async_view_sees_its_request_and_changes_it():
    """Request, session and ``g`` are the caller's, in each step."""
    app = Flask(__name__)
    app.secret_key = "dev"

    @app.before_request
    async def before():
        g.log = [request.path]
        var.set("hook")

    @app.get("/<name>")
    async def view(name):
        await asyncio.sleep(0)
        session["name"] = name
        g.log.append(var.get())
        return g.log

    app.get("/")(lambda: session["name"])
    client = app.test_client()
    token = var.set("test")
    try:
        assert client.get("/x").json == ["/x", "hook"]
    finally:
        var.reset(token)
    assert client.get("/").text == "x"


@pytest.mark.usefixtures("path")
def test_async_class_view_is_awaited():
    """Methods of a class view may be coroutine functions."""

    class View(MethodView):
        async def get(self):
            return request.method

    app = Flask(__name__)
    app.add_url_rule("/", view_func=View.as_view("view"))
    assert app.test_client().get("/").text == "GET"


@pytest.mark.usefixtures("path")
def test_overridden_async_to_sync_runs_the_coroutines():
    """COMPAT(Flask): an application may bring a way of its own, at any time."""
    app = Flask(__name__)

    @app.get("/")
    async def view():
        return "view"

    client = app.test_client()
    assert client.get("/").text == "view"
    app.async_to_sync = lambda func: lambda **values: "mine"
    assert client.get("/").text == "mine"


@pytest.mark.usefixtures("path")
def test_application_called_on_the_loop_is_refused_for_async_views():
    """A coroutine that calls the application under WSGI would wait for itself."""
    app = Flask(__name__)
    app.testing = True

    @app.get("/inner")
    async def inner():
        return ""

    @app.get("/outer")
    async def outer():
        with pytest.raises(RuntimeError, match="Make the caller async"):
            app.test_client().get("/inner")
        return "refused"

    assert app.test_client().get("/outer").text == "refused"
