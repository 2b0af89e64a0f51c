"""The life of a server in one process: what runs before, after and beside its requests."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import os
import threading
import typing as t
from contextvars import copy_context
from functools import partial

from ..dispatch.asynchronous import call, hop_for
from ..dispatch.loop import async_to_sync, serving_loop
from .background import BackgroundTasks
from .health import LoopHealth
from .scope import Receive, Send

if t.TYPE_CHECKING:
    from ..application import App


class Life:
    """Run what an application does around its serving, on one event loop.

    Attributes:
        tasks: The tasks in the background.
        health: Whether the event loop keeps up.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.loop: asyncio.AbstractEventLoop | None = None
        self.tasks = BackgroundTasks(app)
        self.health = LoopHealth(app)
        self._generators: list[tuple[t.Any, t.Any]] = []

    async def start(self) -> None:
        """Run what comes before the first request; raises the first error in it."""
        app = self.app
        self.loop = asyncio.get_running_loop()
        app._life = self
        self.health.start()
        with app.app_context():
            for function in app.before_serving_funcs:
                await call(app, function)
            for function in app.while_serving_gens:
                generator = function()
                await self._step(generator)
                self._generators.append((function, generator))

    async def stop(self) -> None:
        """Run what comes after the last request, in the reverse order; errors are logged.

        Tasks in the background are given ``BACKGROUND_GRACE_S`` seconds first.
        """
        app = self.app
        await self.tasks.finish(app.config["BACKGROUND_GRACE_S"])
        with app.app_context():
            while self._generators:
                function, generator = self._generators.pop()
                try:
                    if await self._step(generator):
                        await self._close(generator)
                        app.logger.error("%s yields more than once", _name(function))
                except Exception:
                    app.logger.exception("%s failed after serving", _name(function))
            for function in app.after_serving_funcs:
                try:
                    await call(app, function)
                except Exception:
                    app.logger.exception("%s failed after serving", _name(function))
        self.health.stop()
        app._life = None
        if app._workers is not None:
            app._workers.close()
            app._workers = None

    async def _step(self, generator: t.Any) -> bool:
        """Run a generator until it yields (True) or ends (False)."""
        if inspect.isasyncgen(generator):
            return await anext(generator, _END) is not _END
        return await hop_for(self.app, next, generator, _END) is not _END

    async def _close(self, generator: t.Any) -> None:
        if inspect.isasyncgen(generator):
            await generator.aclose()
        else:
            await hop_for(self.app, generator.close)


_END: t.Any = object()


def _name(function: t.Any) -> str:
    return getattr(function, "__qualname__", repr(function))


async def live(app: App, receive: Receive, send: Send) -> None:
    """Answer a server's lifespan messages (ASGI Lifespan 2.0)."""
    life = Life(app)
    while True:
        kind = (await receive())["type"]
        if kind == "lifespan.startup":
            try:
                await life.start()
            except Exception as error:
                app.logger.exception("The application could not be started")
                await send({"type": "lifespan.startup.failed", "message": repr(error)})
                return
            await send({"type": "lifespan.startup.complete"})
        elif kind == "lifespan.shutdown":
            await life.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


def add_background_task(
    app: App, function: t.Callable[..., t.Any], args: t.Any, kwargs: dict[str, t.Any]
) -> None:
    """Run a function beside the requests: see `costrel.Flask.add_background_task`."""
    try:
        running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    life = t.cast("Life | None", app._life)
    if life is None:
        loop = running or serving_loop()
        if loop is None:
            start_under_wsgi(app)
            life = t.cast(Life, app._life)
        else:
            # An ASGI server that says nothing of its start, and will not of its end.
            life = app._life = Life(app)
            life.loop = loop
    if running is not None and running is life.loop:
        life.tasks.add(function, *args, **kwargs)
    else:
        loop = t.cast("asyncio.AbstractEventLoop", life.loop)
        loop.call_soon_threadsafe(partial(life.tasks.add, function, *args, **kwargs))


_starting = threading.Lock()


def start_under_wsgi(app: App) -> None:
    """Begin the life of a WSGI process, with its first request; it ends with the process.

    Everything async of it runs on the process's own loop.
    """
    with _starting:
        if app._life is not None and app._life_of == os.getpid():
            return
        life = Life(app)
        # Before it starts, so that what runs in it does not start it again.
        app._life, app._life_of = life, os.getpid()
        try:
            copy_context().run(async_to_sync(life.start))
        except BaseException:
            app._life = None
            raise
    atexit.register(_end, app, life, os.getpid())


def _end(app: App, life: Life, process: int) -> None:
    if os.getpid() == process and app._life is life:
        async_to_sync(life.stop)()
