"""What an application does while it is served, beside answering: `ServingScaffold`.

Functions to run before the first request and after the last one, and tasks in the
background. `costrel.serve.lifespan` runs them.
"""

from __future__ import annotations

import threading
import typing as t

from .scaffold import setupmethod

F = t.TypeVar("F", bound=t.Callable[..., t.Any])


class ServingScaffold:
    """Hold what runs around the serving of an application."""

    _life: t.Any = None
    """The life of this process's server, a `costrel.serve.lifespan.Life`; None before it."""

    def __init__(self) -> None:
        self._renew_life_lock()

        #: Functions that run before the first request, in order.
        self.before_serving_funcs: list[t.Callable[[], t.Any]] = []

        #: Functions that run after the last request, in order.
        self.after_serving_funcs: list[t.Callable[[], t.Any]] = []

        #: Generator functions that run until their ``yield`` before, and on after it.
        self.while_serving_gens: list[t.Callable[[], t.Any]] = []

    def _renew_life_lock(self) -> None:
        self._life_lock = threading.Lock()

    def _check_life(self, name: str) -> None:
        """Refuse what is registered too late to be run."""
        if self._life is not None and self._life.ready:
            raise AssertionError(
                f"The setup method '{name}' was called after the serving began, so the function"
                " would never run. Call it while the application is being made: at import time or"
                " in the application factory."
            )

    def _has_life(self) -> bool:
        """Tell whether anything runs around the serving."""
        return bool(
            self.before_serving_funcs or self.after_serving_funcs or self.while_serving_gens
        )

    @setupmethod
    def before_serving(self, f: F) -> F:
        """Run the decorated function before the first request is answered.

        Of either kind, in an application context: to open a connection pool, to warm a
        cache. An error in it ends the server before it listens.

        Under ASGI it runs with the server's start, and with ``costrel run`` under WSGI as
        well. Other WSGI servers have no such moment: it runs with the first request of each
        process, and the requests wait for it. After an error in it, the next one tries again.
        """
        self._check_life("before_serving")
        self.before_serving_funcs.append(f)
        return f

    @setupmethod
    def after_serving(self, f: F) -> F:
        """Run the decorated function after the last request was answered.

        Of either kind, in an application context; in the order in which they were
        registered, after what `while_serving` has behind its ``yield``. Under WSGI it runs as
        the process ends. An error in it is logged, and the others still run.
        """
        self._check_life("after_serving")
        self.after_serving_funcs.append(f)
        return f

    @setupmethod
    def while_serving(self, f: F) -> F:
        """Run the decorated generator function around the serving, on both sides of its ``yield``.

        Of either kind, in an application context; what follows the ``yield`` in the reverse
        order, also if something later fails to start. What is registered with
        `before_serving` runs before all of them::

            @app.while_serving
            async def pool():
                app.pool = await create_pool()
                yield
                await app.pool.close()
        """
        self._check_life("while_serving")
        self.while_serving_gens.append(f)
        return f
