"""Worker threads for sync steps, and the way there and back."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import time
import weakref
from contextvars import ContextVar, copy_context

import pytest

from costrel import Flask
from costrel.dispatch.loop import async_to_sync, serving_loop
from costrel.dispatch.threads import WorkerThreads, hop

var = ContextVar("var", default="unset")


@pytest.fixture
def workers():
    """Two worker threads, which end with the test."""
    threads = WorkerThreads(2, "test-worker")
    yield threads
    threads.close()


def test_function_runs_in_a_named_thread_and_its_value_comes_back(workers):
    """The loop's thread is left for as long as the function runs."""

    def work(a, b):
        return threading.current_thread().name, a + b

    name, total = asyncio.run(hop(workers, work, 1, 2))

    assert (name, total) == ("test-worker-1", 3)


def test_context_variables_are_seen_there_and_back(workers):
    """A step sees what was set before it; what it sets is seen after it."""

    async def main():
        var.set("before")

        def work():
            seen = var.get()
            var.set("after")
            return seen

        return await hop(workers, work), var.get()

    assert asyncio.run(main()) == ("before", "after")


def test_what_was_set_before_an_error_is_seen(workers):
    """Also where the step fails, as if it was called here."""

    async def main():
        def work():
            var.set("set")
            raise LookupError("no")

        with pytest.raises(LookupError, match="no"):
            await hop(workers, work)
        return var.get()

    assert asyncio.run(main()) == "set"


def test_no_more_threads_than_the_limit_run(workers):
    """What exceeds the limit waits its turn."""
    barrier = threading.Barrier(2)

    async def main():
        await asyncio.gather(*(hop(workers, barrier.wait, 5) for _ in range(6)))

    asyncio.run(main())

    assert len(workers._work.threads) == 2


def test_limit_below_one_is_refused():
    """Nothing would ever run."""
    with pytest.raises(ValueError, match="worker threads is 0"):
        WorkerThreads(0, "none")


def test_cancelled_task_waits_for_its_thread(workers):
    """What it does next may depend on what the function left behind."""
    begun, end = threading.Event(), threading.Event()
    order = []

    def work():
        begun.set()
        end.wait(5)
        order.append("function")

    async def main():
        task = asyncio.create_task(hop(workers, work))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        order.append("task")

    asyncio.run(main())

    assert order == ["function", "task"]


def test_task_cancelled_after_the_end_leaves_its_thread_behind(workers):
    """Once the threads are closed the process ends, and nothing waits for what they still do."""
    begun, end = threading.Event(), threading.Event()

    def work():
        begun.set()
        end.wait(20)

    async def main():
        task = asyncio.create_task(hop(workers, work))
        await asyncio.to_thread(begun.wait, 20)
        workers.close()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)
        assert not end.is_set()
        end.set()

    asyncio.run(main())


def test_task_cancelled_between_the_result_and_its_next_step_goes_on(workers):
    """A cancellation that comes right after the result is not waited for forever."""

    async def main():
        loop = asyncio.get_running_loop()
        settled = asyncio.Event()
        call = loop.call_soon_threadsafe

        def cancel_right_after(settle):
            def both():
                settle()
                task.cancel()
                settled.set()

            call(both)

        task = asyncio.create_task(hop(workers, int, "1"))
        loop.call_soon_threadsafe = cancel_right_after
        await settled.wait()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(task), 5)

    asyncio.run(main())


def test_coroutine_that_a_worker_waits_for_runs_on_the_loop(workers):
    """`ensure_sync` of an async function leads back to the loop that is served by."""

    @async_to_sync
    async def where():
        var.set("set on the loop")
        return asyncio.get_running_loop(), threading.current_thread()

    async def main():
        def work():
            assert serving_loop() is loop
            return where(), var.get()

        loop = asyncio.get_running_loop()
        (found, thread), seen = await workers.run(work, context=copy_context())
        assert found is loop
        assert thread is threading.current_thread()
        assert seen == "set on the loop"

    asyncio.run(main())


def test_error_being_handled_is_seen_by_the_coroutine_that_handles_it():
    """An async handler may log it by ``logger.exception``, whichever thread it runs in."""

    @async_to_sync
    async def handle():
        return sys.exc_info()[1]

    error = LookupError("handled")
    try:
        raise error
    except LookupError:
        assert handle() is error
    assert handle() is None


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("view_kind", ["def", "async def"])
@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_error_handler_logs_the_traceback(caplog, kind, view_kind, interface):
    """``logger.exception`` in a handler knows the error, wherever it runs."""
    app = Flask(__name__)

    def fail():
        raise LookupError("the error")

    async def fail_on_loop():
        fail()

    def handle(error):
        app.logger.exception("handled")  # noqa: LOG004  called while it is handled
        return str(sys.exc_info()[1] is error), 418

    async def handle_on_loop(error):
        return handle(error)

    app.get("/")(fail if view_kind == "def" else fail_on_loop)
    app.errorhandler(LookupError)(handle if kind == "def" else handle_on_loop)

    async def by_asgi():
        async with app.async_test_client() as client:
            return await client.get("/")

    with caplog.at_level(logging.ERROR):
        response = app.test_client().get("/") if interface == "wsgi" else asyncio.run(by_asgi())

    assert (response.status_code, response.text) == (418, "True")
    assert "LookupError: the error" in caplog.text


def test_worker_does_not_hold_what_it_ran(workers):
    """A finished call keeps neither its arguments nor its error alive."""

    class Thing:
        pass

    async def main():
        thing = Thing()
        gone = weakref.ref(thing)

        def fail(thing):
            raise LookupError

        with pytest.raises(LookupError):
            await hop(workers, fail, thing)
        del thing
        return gone

    gone = asyncio.run(main())
    gc.collect()

    assert gone() is None


def test_threads_end_with_their_application():
    """An application that nobody refers to any more leaves none of its threads behind."""
    ran_in = []

    def serve():
        app = Flask(__name__)
        app.get("/", endpoint="index")(lambda: str(ran_in.append(threading.current_thread())))

        async def main():
            await app.async_test_client().get("/")

        asyncio.run(main())
        return weakref.ref(app)

    gone = serve()
    (thread,) = ran_in
    end = time.monotonic() + 20
    while thread.is_alive() and time.monotonic() < end:
        # It may be about to let go of its last call.
        gc.collect()
        thread.join(0.01)

    assert gone() is None
    assert not thread.is_alive()


def test_threads_that_are_busy_end_after_their_call():
    """What was left behind in a thread is finished, though its owner is gone."""
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    ran_in = []

    def work():
        ran_in.append(threading.current_thread())
        begun.set()
        go_on.wait(20)
        ended.set()

    async def main():
        workers = WorkerThreads(1, "test-worker")
        task = asyncio.create_task(workers.run_loosely(work, context=copy_context()))
        await asyncio.to_thread(begun.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    gc.collect()
    go_on.set()

    ran_in[0].join(20)
    assert not ran_in[0].is_alive()
    assert ended.is_set()
