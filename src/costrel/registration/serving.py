"""Functions that run around serving: `ServingScaffold`.

They run before the first request or after the last one. `costrel.serve.lifespan` calls
them.
"""

from __future__ import annotations

import threading
import typing as t

from ..ground.markers import SERVING, refuse_markers
from .scaffold import setupmethod

F = t.TypeVar("F", bound=t.Callable[..., t.Any])


class ServingScaffold:
    """The functions of an application that run before and after serving."""

    _life: t.Any = None
    """The `costrel.serve.lifespan.Life` of this process's server; None before it starts."""

    def __init__(self) -> None:
        self._renew_life_lock()

        #: Functions that run before the first request, in order.
        self.before_serving_funcs: list[t.Callable[[], t.Any]] = []

        #: Functions that run after the last request, in order.
        self.after_serving_funcs: list[t.Callable[[], t.Any]] = []

        #: Generator functions: up to ``yield`` they run before serving, and the rest after.
        self.while_serving_gens: list[t.Callable[[], t.Any]] = []

    def _renew_life_lock(self) -> None:
        self._life_lock = threading.Lock()

    def _check_life(self, name: str) -> None:
        """Refuse a function that is registered too late to run."""
        if self._life is not None and self._life.ready:
            raise AssertionError(
                f"The setup method '{name}' was called after serving began, so the function"
                " would never run. Call it during setup: at import time or in the application"
                " factory."
            )

    def _has_life(self) -> bool:
        """Return whether any function is registered."""
        return bool(
            self.before_serving_funcs or self.after_serving_funcs or self.while_serving_gens
        )

    @setupmethod
    def before_serving(self, f: F) -> F:
        """Run the decorated function before the first request.

        It may be sync or async and runs in an application context. Use it to open a connection
        pool or to warm up a cache. An error in it stops the server before it listens.

        Under ASGI, and with ``costrel run`` also under WSGI, it runs when the server starts.
        Other WSGI servers don't support that: there it runs at the first request of each
        process, and requests wait for it. After an error, the next request tries again.
        """
        self._check_life("before_serving")
        refuse_markers(f, SERVING)
        self.before_serving_funcs.append(f)
        return f

    @setupmethod
    def after_serving(self, f: F) -> F:
        """Run the decorated function after the last request.

        It may be sync or async and runs in an application context. The functions run in the
        order they were registered, after those of `while_serving` have finished. Under WSGI
        they run when the process ends. An error is logged, and the other functions still run.
        """
        self._check_life("after_serving")
        refuse_markers(f, SERVING)
        self.after_serving_funcs.append(f)
        return f

    @setupmethod
    def while_serving(self, f: F) -> F:
        """Run the decorated generator function around serving, which takes place at its ``yield``.

        It may be sync or async and runs in an application context. The code after the ``yield``
        runs in reverse order of registration, even if a later function fails to start. The
        `before_serving` functions run before all of these::

            @app.while_serving
            async def pool():
                app.pool = await create_pool()
                yield
                await app.pool.close()
        """
        self._check_life("while_serving")
        refuse_markers(f, SERVING)
        self.while_serving_gens.append(f)
        return f
