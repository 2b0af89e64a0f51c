"""Generators of dependencies that wait at their ``yield`` until the response has been sent.

INVARIANT: each goes on once, the last opened first, whatever happens to the request. An error of
the view is raised in them before any error handler runs. After that, the request's context
holds them: whoever sends the body closes them, or else the end of the context does.
"""

from __future__ import annotations

import typing as t
from contextvars import Context

from ..ground.current import context

if t.TYPE_CHECKING:
    from collections.abc import Callable


class _Open(t.NamedTuple):
    """A generator that waits at its ``yield``.

    Attributes:
        generator: The sync or async generator.
        name: What messages call its function.
        within: The context that a sync generator runs in, if its request is on an event loop. It
            may reset a context variable, which works only where the variable was set.
    """

    generator: t.Any
    name: str
    within: Context | None

    @property
    def is_async(self) -> bool:
        """Whether it goes on on an event loop."""
        return hasattr(self.generator, "__anext__")

    def go_on(self, error: BaseException | None) -> None:
        """Let a sync generator run to its end, or raise an error in it."""
        if self.within is None:
            self._go_on(error)
        else:
            self.within.run(self._go_on, error)

    def _go_on(self, error: BaseException | None) -> None:
        try:
            if error is None:
                next(self.generator)
            else:
                self.generator.throw(error)
        except StopIteration:
            return
        self.generator.close()
        raise _yielded_twice(self.name)

    async def go_on_later(self, error: BaseException | None) -> None:
        """Let an async generator do the same."""
        try:
            if error is None:
                await anext(self.generator)
            else:
                await self.generator.athrow(error)
        except StopAsyncIteration:
            return
        await self.generator.aclose()
        raise _yielded_twice(self.name)


class Opened:
    """The open generators of a request's dependencies.

    Args:
        ctx: The request's context.
    """

    def __init__(self, ctx: t.Any) -> None:
        self._ctx = ctx
        self._open: list[_Open] = []
        #: Whether somebody will close them, after sending the body.
        self.is_sending = False

    # While the view runs

    def begin(self, generator: t.Any, name: str, within: Context | None) -> t.Any:
        """Run a sync generator to its ``yield``, and return what it yields."""
        try:
            value = next(generator) if within is None else within.run(next, generator)
        except StopIteration:
            raise _not_yielded(name) from None
        self._open.append(_Open(generator, name, within))
        return value

    async def begin_later(self, generator: t.Any, name: str) -> t.Any:
        """Run an async generator to its ``yield``, and return what it yields."""
        try:
            value = await anext(generator)
        except StopAsyncIteration:
            raise _not_yielded(name) from None
        self._open.append(_Open(generator, name, None))
        return value

    def fail(self, error: BaseException) -> BaseException:
        """Raise an error in them; return it, or the one that they raise in its place."""
        try:
            while self._open:
                error = t.cast("BaseException", self._end(self._open.pop(), error))
            return error
        finally:
            del error  # The traceback of another one holds this frame.

    async def fail_later(self, error: BaseException) -> BaseException:
        """Do the same on an event loop."""
        try:
            while self._open:
                item = self._open.pop()
                error = t.cast("BaseException", await self._end_later(item, error))
            return error
        finally:
            del error  # As above.

    def keep(self) -> None:
        """Leave them open until the response has been sent; the context is held for as long."""
        if not self._open:
            return
        ctx = self._ctx
        if ctx.opened is None:
            ctx.opened = self
            ctx.wants_response = True
            ctx.hold()
        else:
            # The view of a request was called by another one.
            ctx.opened._open += self._open

    # After the response

    def close(self, error: BaseException | None) -> None:
        """Let them go on, or raise the request's error in them; log what they raise.

        Then the context is released, and runs its teardown functions if it was left before. In
        tests, the last error that they have raised themselves is raised at the end.
        """
        ctx = self._ctx
        ctx.opened = None
        error = before = ctx._error if ctx._error is not None else error
        failure: BaseException | None = None
        try:
            with ctx.activate():
                while self._open:
                    item = self._open.pop()
                    error = self._logged(item, error, self._end(item, error))
            failure = self._failure(error, before)
        finally:
            try:
                ctx.release(before)
            finally:
                del error, before  # As above.
        if failure is not None:
            try:
                raise failure
            finally:
                del failure  # As above.

    async def close_later(self, error: BaseException | None) -> None:
        """Do the same on the event loop that serves the request."""
        ctx = self._ctx
        ctx.opened = None
        error = before = ctx._error if ctx._error is not None else error
        token = context.set(ctx)
        failure: BaseException | None = None
        try:
            while self._open:
                item = self._open.pop()
                raised = await self._end_later(item, error)
                if raised is not error and _is_cancellation(raised):
                    error = failure = raised
                else:
                    error = self._logged(item, error, raised)
                del raised
            if failure is None:
                failure = self._failure(error, before)
        finally:
            try:
                await ctx.app._run_in_thread(ctx.release, before)
            finally:
                context.reset(token)
                del error, before  # As above.
        if failure is not None:
            try:
                raise failure
            finally:
                del failure  # As above.

    def _end(self, item: _Open, error: BaseException | None) -> BaseException | None:
        """Let one go on; return the error that counts from now on, if any."""
        go_on: Callable[[BaseException | None], None] = (
            self._ctx.app.async_to_sync(item.go_on_later) if item.is_async else item.go_on
        )
        traceback = None if error is None else error.__traceback__
        try:
            go_on(error)
        except BaseException as raised:  # noqa: BLE001  raised or logged by the caller
            if raised is not error:
                return raised
        finally:
            if error is not None:
                # Without the frames that held it meanwhile: it may be the cause of another.
                error.__traceback__ = traceback
        return error

    async def _end_later(self, item: _Open, error: BaseException | None) -> BaseException | None:
        traceback = None if error is None else error.__traceback__
        try:
            if item.is_async:
                await item.go_on_later(error)
            else:
                await self._ctx.app._run_in_thread(item.go_on, error)
        except BaseException as raised:  # noqa: BLE001  raised or logged by the caller
            if raised is not error:
                return raised
        finally:
            if error is not None:
                # Without the frames that held it meanwhile: it may be the cause of another.
                error.__traceback__ = traceback
        return error

    def _failure(
        self, error: BaseException | None, before: BaseException | None
    ) -> BaseException | None:
        """Return what they have raised themselves, if errors are raised in tests instead of 500."""
        if error is before or not isinstance(error, Exception):
            return None
        app = self._ctx.app
        propagate = app.config["PROPAGATE_EXCEPTIONS"]
        return error if (app.testing if propagate is None else propagate) else None

    def _logged(
        self, item: _Open, before: BaseException | None, error: BaseException | None
    ) -> BaseException | None:
        """Return an error, logged if it is a new one."""
        if error is not None and error is not before:
            self._log(item, error)
        return error

    def _log(self, item: _Open, error: BaseException) -> None:
        request = self._ctx.request
        self._ctx.app.logger.error(
            "The dependency %s failed after the response to %s %r was made",
            item.name,
            request.method,
            request.path,  # SECURITY: as a representation, so that it can't forge a log line
            exc_info=(type(error), error, error.__traceback__),
        )


def _is_cancellation(error: BaseException | None) -> bool:
    """Whether the task was cancelled from outside, and no dependency raised it."""
    # Imported here, since requests that are served in threads do not need it.
    import asyncio

    task = asyncio.current_task()
    cancelling = task is not None and task.cancelling() > 0
    return cancelling and isinstance(error, asyncio.CancelledError)


def _not_yielded(name: str) -> RuntimeError:
    return RuntimeError(f"The dependency {name} ended without a yield. Let it yield its value.")


def _yielded_twice(name: str) -> RuntimeError:
    return RuntimeError(
        f"The dependency {name} yielded a second value. What follows its yield is run at the end"
        " of the request, and must not yield."
    )
