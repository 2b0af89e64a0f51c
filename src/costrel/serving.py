"""What an application does while it is served, beside answering: `ServingScaffold`.

Functions to run before the first request and after the last one, and tasks in the
background. `costrel.serve.lifespan` runs them.
"""

from __future__ import annotations

import typing as t

F = t.TypeVar("F", bound=t.Callable[..., t.Any])


class ServingScaffold:
    """Hold what runs around the serving of an application."""

    _life: t.Any = None
    _life_of = 0
    """The life of this process's server, a `costrel.serve.lifespan.Life`; None before it."""

    def __init__(self) -> None:
        #: Functions that run before the first request, in order.
        self.before_serving_funcs: list[t.Callable[[], t.Any]] = []

        #: Functions that run after the last request, in order.
        self.after_serving_funcs: list[t.Callable[[], t.Any]] = []

        #: Generator functions that run until their ``yield`` before, and on after it.
        self.while_serving_gens: list[t.Callable[[], t.Any]] = []

    def _has_life(self) -> bool:
        """Tell whether anything runs around the serving."""
        return bool(
            self.before_serving_funcs or self.after_serving_funcs or self.while_serving_gens
        )

    def before_serving(self, f: F) -> F:
        """Run the decorated function before the first request is answered.

        Of either kind, in an application context: to open a connection pool, to warm a
        cache. An error in it ends the server before it listens.

        Under ASGI it runs with the server's start. Under WSGI, which has no such moment,
        it runs with the first request of each process, which waits for it.
        """
        self.before_serving_funcs.append(f)
        return f

    def after_serving(self, f: F) -> F:
        """Run the decorated function after the last request was answered.

        Of either kind, in an application context. Under WSGI it runs as the process ends.
        An error in it is logged, and the others still run.
        """
        self.after_serving_funcs.append(f)
        return f

    def while_serving(self, f: F) -> F:
        """Run the decorated generator function around the serving, on both sides of its ``yield``.

        Of either kind, in an application context::

            @app.while_serving
            async def pool():
                app.pool = await create_pool()
                yield
                await app.pool.close()
        """
        self.while_serving_gens.append(f)
        return f
