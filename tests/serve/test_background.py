"""Background tasks: where they run, what they see, and how they end."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from contextvars import ContextVar
from functools import partial

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from costrel import Flask, current_app, g, has_request_context, request, session
from costrel.serve import background, lifespan

PATIENCE_S = 30
KINDS = ("def", "async def")

var = ContextVar("var", default="unset")


def of_kind(kind, function):
    """Return a function of that kind that calls another."""

    async def on_loop(*args, **kwargs):
        return function(*args, **kwargs)

    def in_thread(*args, **kwargs):
        return function(*args, **kwargs)

    return on_loop if kind == "async def" else in_thread


def get(app, path="/"):
    """Serve one request from the start of an ASGI server to its end; return the text."""

    async def main():
        async with app.async_test_client() as client:
            return (await client.get(path)).text

    return asyncio.run(main())


def make_app(**config):
    """Make an application with that configuration."""
    app = Flask(__name__)
    app.secret_key = "x" * 32
    app.config.update(config)
    return app


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("view_kind", KINDS)
def test_task_of_a_view_runs_in_an_application_context_of_its_own(kind, view_kind):
    """It has its arguments and its caller's variables, but neither its request nor its `g`."""
    app = make_app()
    seen = []

    def work(*args, **kwargs):
        seen.append((args, kwargs, current_app._get_current_object() is app))
        seen.append((has_request_context(), "user" in g, var.get()))
        var.set("set by the task")
        for proxy in (request, session):
            with pytest.raises(RuntimeError, match="request"):
                proxy.get("x")

    @app.get("/")
    @partial(of_kind, view_kind)
    def index():
        g.user = "Ada"
        session["user"] = "Ada"
        var.set("set by the view")
        app.add_background_task(of_kind(kind, work), 1, two=2)
        return var.get()

    assert get(app) == "set by the view"
    assert seen == [((1,), {"two": 2}, True), (False, False, "set by the view")]


@pytest.mark.parametrize("kind", KINDS)
def test_teardown_of_the_application_context_runs_with_the_error(kind, caplog):
    """Once for each task, as after a request, and the error is logged with the task's name."""
    app = make_app()
    torn_down = []

    def fail():
        raise LookupError("lost")

    async def main():
        async with app.async_test_client():
            app.teardown_appcontext_funcs.append(lambda error: torn_down.append(type(error)))
            app.add_background_task(of_kind(kind, fail))
            app.add_background_task(of_kind(kind, lambda: None))

    asyncio.run(main())

    assert sorted(torn_down, key=str) == [LookupError, type(None)]
    (record,) = caplog.records
    assert record.exc_info[0] is LookupError
    assert "in_thread failed" in caplog.text or "on_loop failed" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_system_exit_of_a_task_is_logged_and_ends_nothing(kind, caplog):
    """The server goes on, and so do the other tasks."""
    app = make_app()
    ran = []

    def leave():
        raise SystemExit(3)

    async def main():
        async with app.async_test_client():
            app.add_background_task(of_kind(kind, leave))
            app.add_background_task(of_kind(kind, lambda: ran.append("other")))

    asyncio.run(main())

    assert ran == ["other"]
    assert [record.exc_info[0] for record in caplog.records] == [SystemExit]


def test_tasks_are_tracked_until_they_end():
    """None is lost to the garbage collector, and none is kept."""
    app = make_app()

    async def main():
        async with app.async_test_client():
            go_on, ended = asyncio.Event(), asyncio.Event()

            async def work():
                await go_on.wait()

            async def last():
                await go_on.wait()
                ended.set()

            app.add_background_task(work)
            app.add_background_task(last)
            tasks = app._life.tasks
            assert len(tasks) == 2
            assert {"background: " + f.__qualname__ for f in (work, last)} <= {
                task.get_name() for task in asyncio.all_tasks()
            }
            go_on.set()
            await asyncio.gather(*tasks._tasks)
            assert len(tasks) == 0
            assert ended.is_set()

    asyncio.run(main())


def test_server_waits_for_its_tasks_and_for_those_they_add():
    """A task that adds a task as the server stops has it run as well."""
    app = make_app()
    ran = []

    async def main():
        async with app.async_test_client():
            asked_to_stop = asyncio.Event()

            async def first():
                await asked_to_stop.wait()
                app.add_background_task(second)

            async def second():
                ran.append("second")
                app.add_background_task(third)

            def third():
                ran.append("third")

            app.add_background_task(first)
            asyncio.get_running_loop().call_soon(asked_to_stop.set)

    asyncio.run(main())

    assert ran == ["second", "third"]


@pytest.mark.parametrize("grace_s", [None, 60])
def test_tasks_may_take_the_grace(grace_s):
    """Those that end in time are not cancelled, and come before what ends the serving."""
    app = make_app(BACKGROUND_GRACE_S=grace_s)
    ran = []

    @app.after_serving
    async def after():
        ran.append("after")

    async def main():
        async with app.async_test_client():

            async def work():
                for _ in range(10):
                    await asyncio.sleep(0)
                ran.append("worked")

            app.add_background_task(work)

    asyncio.run(main())

    assert ran == ["worked", "after"]


def test_task_beyond_the_grace_is_cancelled_and_may_clean_up(caplog):
    """A warning names it, and its ``finally`` runs before the end of the server."""
    app = make_app(BACKGROUND_GRACE_S=0)
    ran = []

    @app.after_serving
    async def after():
        ran.append("after")

    async def main():
        async with app.async_test_client() as client:
            begun = asyncio.Event()

            async def endless():
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    await asyncio.sleep(0)
                    ran.append("cleaned up")

            app.add_background_task(endless)
            await begun.wait()
            await client.get("/")

    asyncio.run(main())

    assert ran == ["cleaned up", "after"]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "endless did not end within 0 s and was cancelled" in record.getMessage()


def test_task_that_does_not_heed_its_cancellation_holds_up_nothing(caplog, monkeypatch):
    """The server ends all the same, and says which task goes on."""
    monkeypatch.setattr(background, "CANCEL_S", 0.01)
    app = make_app(BACKGROUND_GRACE_S=0)

    async def main():
        begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def stubborn():
            begun.set()
            while not go_on.is_set():
                try:
                    await go_on.wait()
                except asyncio.CancelledError:
                    continue
            ended.set()

        async with app.async_test_client():
            app.add_background_task(stubborn)
            await begun.wait()
        go_on.set()
        await ended.wait()

    asyncio.run(main())

    assert "stubborn was cancelled but is still running" in caplog.text


def test_sync_task_beyond_the_grace_is_left_behind(caplog):
    """A thread can't be cancelled; the server's end does not wait for it."""
    app = make_app(BACKGROUND_GRACE_S=0)
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        go_on.wait(PATIENCE_S)
        ended.set()

    async def main():
        async with app.async_test_client():
            app.add_background_task(work)
            await asyncio.to_thread(begun.wait, PATIENCE_S)

    asyncio.run(main())

    assert not ended.is_set()
    assert "work did not end within 0 s" in caplog.text
    go_on.set()
    assert ended.wait(PATIENCE_S)


def test_sync_tasks_take_no_threads_from_requests():
    """As many long ones as there are threads leave those for requests free."""
    app = make_app(SYNC_THREADS=1)
    begun, go_on = threading.Event(), threading.Event()
    names = []

    def work():
        names.append(threading.current_thread().name)
        begun.set()
        go_on.wait(PATIENCE_S)

    @app.get("/")
    def index():
        app.add_background_task(work)
        return "index"

    @app.get("/release")
    def release():
        go_on.set()
        return threading.current_thread().name

    async def main():
        async with app.async_test_client() as client:
            await client.get("/")
            await asyncio.to_thread(begun.wait, PATIENCE_S)
            return (await client.get("/release")).text

    assert asyncio.run(main()) == "costrel-worker-1"
    assert names == ["costrel-background-1"]


def test_task_may_wait_for_the_loop_it_works_for():
    """In a sync task, `ensure_sync` runs a coroutine on the server's loop."""
    app = make_app()
    found = []

    async def which():
        return asyncio.get_running_loop()

    async def main():
        async with app.async_test_client():
            app.add_background_task(lambda: found.append(app.ensure_sync(which)()))
        return asyncio.get_running_loop()

    assert [asyncio.run(main())] == found


@pytest.mark.parametrize("partially", [False, True])
def test_callable_that_returns_a_coroutine_is_awaited(partially):
    """A lambda or partial function of a coroutine function does what was meant."""
    app = make_app()
    ran = []

    async def work(name):
        ran.append((name, current_app._get_current_object() is app))

    async def main():
        async with app.async_test_client():
            if partially:
                app.add_background_task(partial(work, "x"))
            else:
                app.add_background_task(lambda: work("x"))

    asyncio.run(main())

    assert ran == [("x", True)]


def test_what_can_not_be_called_is_refused():
    """Most likely the function was called already; its coroutine is closed."""
    app = make_app()

    async def work():
        pass

    for wrong in (work(), "work", None):
        with pytest.raises(TypeError, match="Pass the function and its arguments"):
            app.add_background_task(wrong)


def test_task_added_as_the_last_functions_run_is_logged(caplog):
    """When the server has waited for its tasks, another one comes too late."""
    app = make_app()
    app.after_serving(lambda: app.add_background_task(test_what_can_not_be_called_is_refused))

    get(app)

    assert "was added after the server ended" in caplog.text


def test_task_before_the_start_is_run_by_the_life_it_comes_in():
    """What comes before the first request may add tasks, which go on beside the requests."""
    app = make_app()
    ran = []

    async def main():
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def work():
            begun.set()
            await go_on.wait()
            ran.append("worked")

        @app.before_serving
        async def before():
            app.add_background_task(work)

        async with app.async_test_client():
            await begun.wait()
            assert ran == []
            go_on.set()

    asyncio.run(main())

    assert ran == ["worked"]


def test_tasks_of_a_start_that_failed_are_cancelled():
    """Nothing goes on beside a server that is not there."""
    app = make_app()
    ran = []

    @app.before_serving
    async def before():
        async def work():
            try:
                await asyncio.Event().wait()
            finally:
                ran.append("cancelled")

        app.add_background_task(work)
        await asyncio.sleep(0)
        raise LookupError("no database")

    with pytest.raises(RuntimeError, match="no database"):
        get(app)

    assert ran == ["cancelled"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("view_kind", KINDS)
def test_task_under_wsgi_runs_on_the_loop_of_the_process(kind, view_kind):
    """The response does not wait for it, and it outlives its request."""
    app = make_app()
    go_on, ended = threading.Event(), threading.Event()
    threads = []

    def work():
        threads.append(threading.current_thread().name)
        if kind == "def":
            go_on.wait(PATIENCE_S)
        ended.set()

    @app.get("/")
    @partial(of_kind, view_kind)
    def index():
        app.add_background_task(of_kind(kind, work))
        return "answered"

    pieces, _status, _headers = run_wsgi_app(app, create_environ("/"), buffered=True)
    go_on.set()

    assert b"".join(pieces) == b"answered"
    assert ended.wait(PATIENCE_S)
    assert threads == ["costrel-loop" if kind == "async def" else "costrel-background-1"]
    lifespan._end_under_wsgi(app._life, os.getpid())
    assert app._life is None


def test_task_outside_of_requests_runs_on_the_loop_of_the_process():
    """As in a command or a script: it begins a life there, with all that belongs to it."""
    app = make_app()
    ran = []
    ended = threading.Event()
    app.before_serving(lambda: ran.append("before"))

    async def work():
        ran.append("worked")
        ended.set()

    app.add_background_task(work)

    assert ended.wait(PATIENCE_S)
    assert ran == ["before", "worked"]
    lifespan._end_under_wsgi(app._life, os.getpid())


def test_task_from_another_thread_runs_on_the_loop_that_serves():
    """A thread of the application's own need not know the loop."""
    app = make_app()
    found = []

    async def work():
        found.append(asyncio.get_running_loop())

    async def main():
        async with app.async_test_client():
            thread = threading.Thread(target=app.add_background_task, args=(work,))
            thread.start()
            await asyncio.to_thread(thread.join)
        return asyncio.get_running_loop()

    assert [asyncio.run(main())] == found


def test_task_is_run_by_a_server_that_tells_nothing():
    """Without a word of the server's start, the running loop is it."""
    app = make_app()
    ended = []

    async def main():
        done = asyncio.Event()

        async def work():
            done.set()
            ended.append(asyncio.get_running_loop())

        app.add_background_task(work)
        await done.wait()
        return asyncio.get_running_loop()

    assert [asyncio.run(main())] == ended


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("view_kind", KINDS)
def test_view_adds_a_task_on_a_server_that_tells_nothing(monkeypatch, kind, view_kind):
    """A sync view adds it from a thread, where no loop is running and none may have been."""
    monkeypatch.setattr(lifespan.loops._thread, "_loop", None)
    app = make_app()
    ended = threading.Event()

    @app.get("/")
    @partial(of_kind, view_kind)
    def index():
        app.add_background_task(of_kind(kind, ended.set))
        return "answered"

    async def main():
        text = (await app.async_test_client().get("/")).text
        await asyncio.to_thread(ended.wait, PATIENCE_S)
        return text

    assert asyncio.run(main()) == "answered"
    assert ended.is_set()
