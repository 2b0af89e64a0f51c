"""A thread that waits for a coroutine runs its sync steps, so no number of threads is too small."""

from __future__ import annotations

import asyncio
import threading

import pytest

from costrel import EventStream, Flask, render_template_string_async, request
from costrel.dispatch.loop import LoopThread, async_to_sync, run_on
from costrel.dispatch.threads import WorkerThreads, hop

PATIENCE_S = 20


@pytest.fixture
def workers():
    """One worker thread, which ends with the test."""
    threads = WorkerThreads(1, "test-worker")
    yield threads
    threads.close()


def within_time(coroutine):
    """Run a coroutine; fail if it takes long, as it does when everybody waits for everybody."""

    async def main():
        return await asyncio.wait_for(coroutine, PATIENCE_S)

    return asyncio.run(main())


def passing_through(inner):
    """Return middleware that does nothing, which nobody can know."""

    def middleware(environ, start_response):
        return inner(environ, start_response)

    return middleware


def name_of_thread():
    """Return the name of the thread that calls this."""
    return threading.current_thread().name


def test_step_of_an_awaited_coroutine_runs_in_the_thread_that_waits(workers):
    """Down to any depth, with one thread for all of it."""

    async def main():
        loop = asyncio.get_running_loop()

        def down(depth):
            if not depth:
                return [name_of_thread()]

            async def below():
                return await hop(workers, down, depth - 1)

            return [name_of_thread(), *run_on(loop, below)]

        return await hop(workers, down, 3)

    assert within_time(main()) == ["test-worker-1"] * 4


def test_steps_of_tasks_run_in_the_thread_that_waits(workers):
    """Also of tasks that the coroutine has started, in turn."""

    async def main():
        loop = asyncio.get_running_loop()

        async def several():
            return await asyncio.gather(*(hop(workers, name_of_thread) for _ in range(5)))

        return await hop(workers, lambda: run_on(loop, several))

    assert within_time(main()) == ["test-worker-1"] * 5


def test_step_of_a_task_that_goes_on_runs_in_a_worker_thread(workers):
    """When nobody waits for its coroutine any more."""

    async def main():
        loop = asyncio.get_running_loop()
        tasks = []

        async def start():
            async def later():
                await go_on.wait()
                return await hop(workers, name_of_thread)

            tasks.append(asyncio.create_task(later()))

        go_on = asyncio.Event()
        thread = threading.Thread(target=lambda: run_on(loop, start), name="other")
        thread.start()
        await asyncio.to_thread(thread.join)
        go_on.set()
        return await tasks[0]

    assert within_time(main()) == "test-worker-1"


def test_steps_given_to_a_thread_that_stops_waiting_are_passed_on(workers):
    """None is lost between the last look into the inbox and the end of the wait."""

    async def main():
        loop = asyncio.get_running_loop()
        tasks = []

        async def start():
            tasks.extend(asyncio.create_task(hop(workers, name_of_thread)) for _ in range(20))
            # The first of them have been handed over when this ends.
            await asyncio.sleep(0)

        for _ in range(20):
            await asyncio.to_thread(run_on, loop, start)
        return set(await asyncio.gather(*tasks))

    assert within_time(main()) <= {"test-worker-1", *(f"asyncio_{n}" for n in range(99))}


def test_error_of_a_step_is_raised_by_the_coroutine(workers):
    """And the thread goes on waiting."""

    async def main():
        loop = asyncio.get_running_loop()

        def fail():
            raise KeyError("x")

        async def tries():
            with pytest.raises(KeyError):
                await hop(workers, fail)
            return "went on"

        return await hop(workers, lambda: run_on(loop, tries))

    assert within_time(main()) == "went on"


def test_server_thread_runs_the_steps_of_its_coroutine(workers):
    """Under WSGI too, where the coroutine is on the process's own loop."""
    thread = LoopThread()

    async def view():
        return await hop(workers, name_of_thread)

    assert thread.run(view) == name_of_thread()


def test_variables_of_the_wait_stay_inside(workers):
    """What tells the coroutine who waits is not seen by what comes after it."""
    from costrel.dispatch.loop import helping

    async def coroutine():
        return helping.get() is not None

    assert async_to_sync(coroutine)() is True
    assert helping.get() is None


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("patch", ["middleware", "general path", "foreign session"])
def test_more_requests_than_threads_do_not_block_each_other(monkeypatch, threads, patch):
    """Whatever puts async views into threads, and whatever of theirs is sync."""
    if patch == "general path":
        monkeypatch.setenv("COSTREL_GENERAL_PATH", "1")
    app = Flask(__name__)
    app.config["SYNC_THREADS"] = threads
    if patch == "middleware":
        app.wsgi_app = passing_through(app.wsgi_app)
    if patch == "foreign session":
        app.session_interface = type("Own", (type(app.session_interface),), {})()

    @app.before_request
    async def before():
        await asyncio.sleep(0.001)

    @app.context_processor
    def user():
        return {"user": request.args["user"]}

    @app.get("/")
    async def page():
        await asyncio.sleep(0.001)
        return await render_template_string_async("Hello {{ user }}")

    async def main():
        client = app.async_test_client()
        answers = await asyncio.gather(
            *(client.get("/", query_string={"user": n}) for n in range(20))
        )
        return [answer.text for answer in answers]

    assert within_time(main()) == [f"Hello {n}" for n in range(20)]


@pytest.mark.parametrize("patch", ["middleware", "general path"])
def test_more_streams_than_threads_leave_threads_to_others(monkeypatch, patch):
    """What an async generator makes holds no thread while it waits, wherever it was begun."""
    if patch == "general path":
        monkeypatch.setenv("COSTREL_GENERAL_PATH", "1")
    app = Flask(__name__)
    app.config["SYNC_THREADS"] = 2
    loop, published, ends = None, None, []
    app.teardown_request(lambda error: ends.append((request.path, error)))
    if patch == "middleware":
        app.wsgi_app = passing_through(app.wsgi_app)

    @app.get("/events")
    async def events():
        async def some():
            yield request.path
            await published.wait()
            yield request.path

        return EventStream(some())

    @app.post("/publish")
    def publish():
        loop.call_soon_threadsafe(published.set)
        return "done"

    async def main():
        nonlocal published, loop
        published, loop = asyncio.Event(), asyncio.get_running_loop()
        client = app.async_test_client()
        begun = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(listen(client, begun, 9)) for _ in range(10)]
        tasks += [asyncio.create_task(listen(client, begun, 1)) for _ in range(3)]
        for _ in tasks:
            await begun.acquire()
        assert (await client.post("/publish")).text == "done"
        return await asyncio.gather(*tasks)

    assert within_time(main()) == [["/events"] * 2] * 10 + [["/events"]] * 3
    assert sorted(path for path, _error in ends) == ["/events"] * 13 + ["/publish"]
    assert {error for _path, error in ends} == {None}


async def listen(client, begun, most):
    """Read events until the end, or so many."""
    heard = []
    async with client.events("/events") as events:
        async for event in events:
            heard.append(event.data)
            begun.release()
            if len(heard) == most:
                break
    return heard
