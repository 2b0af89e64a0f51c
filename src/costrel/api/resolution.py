"""Call the dependencies of one request, and its view with their values."""

from __future__ import annotations

import inspect
import typing as t
from contextvars import copy_context
from functools import partial, wraps

from ..ground.current import request_view
from .dependencies import Kind, Step
from .opened import Opened
from .problems import Detail, InvalidRequest
from .unrun import is_async_generator, is_generator, refuse_unrun

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .operation import Operation, View


class _Resolution:
    """The dependencies of one request.

    Args:
        operation: What the request is for; it has dependencies.
        matched: What the rule has matched.

    Raises `Unauthorized` (401) if credentials are missing, before anything else is read; then
    what `Binding.values` raises, with everything that is wrong for the view and for all
    dependencies. Only then is a dependency called.
    """

    __slots__ = ("_ctx", "_dependencies", "_given", "_matched", "_opened", "_results", "_values")

    def __init__(self, operation: Operation, matched: dict[str, t.Any]) -> None:
        dependencies = self._dependencies = t.cast("t.Any", operation.dependencies)
        steps: tuple[Step, ...] = dependencies.steps
        self._matched = matched
        self._results: list[t.Any] = [None] * len(steps)
        for index in dependencies.credentials:
            value = steps[index].call()
            refuse_unrun(value, steps[index].name)
            self._results[index] = value
        operation.negotiate()
        errors: list[Detail] = []
        self._given = [{} if step.binding is None else step.binding.read(errors) for step in steps]
        binding = operation.binding
        self._values = {} if binding is None else binding.read(errors)
        if errors:
            # What two functions take alike is wrong once.
            raise InvalidRequest(list(dict.fromkeys(errors)))
        self._ctx = request_view.get()
        self._opened = Opened(self._ctx)

    def _arguments(self, index: int) -> dict[str, t.Any]:
        """Return the arguments of a step."""
        step = self._dependencies.steps[index]
        # What is checked of the variables of the rule may have been converted.
        arguments = {name: self._matched[name] for name in step.matched} | self._given[index]
        for name, needed in step.needs:
            arguments[name] = self._results[needed]
        return arguments

    def arguments_of_view(self) -> dict[str, t.Any]:
        """Return the arguments of the view."""
        dependencies = self._dependencies
        arguments = {**self._matched, **self._values}
        for name in dependencies.hidden:
            arguments.pop(name, None)
        for name, index in dependencies.filled.items():
            arguments[name] = self._results[index]
        return arguments

    def run(self, indexes: Iterable[int], *, on_loop: bool) -> None:
        """Call sync dependencies; `on_loop` if the request is on an event loop."""
        for index in indexes:
            step = self._dependencies.steps[index]
            value = step.call(**self._arguments(index))
            if step.kind is Kind.GENERATOR and is_generator(value):
                within = copy_context() if on_loop else None
                value = self._opened.begin(value, step.name, within)
            else:
                refuse_unrun(value, step.name)
            self._results[index] = value

    def run_all(self) -> None:
        """Call all dependencies, which are sync."""
        for indexes in self._dependencies.runs:
            self.run(indexes, on_loop=self._ctx.on_loop)

    async def run_all_later(self, in_thread: Callable[..., t.Awaitable[t.Any]]) -> None:
        """Call all dependencies from an event loop, the sync ones in a thread."""
        for indexes in self._dependencies.runs:
            step = self._dependencies.steps[indexes[0]]
            if step.kind.is_async:
                self._results[indexes[0]] = await self._await(step, indexes[0], in_thread)
            else:
                await in_thread(partial(self.run, indexes, on_loop=True))

    async def _await(
        self, step: Step, index: int, in_thread: Callable[..., t.Awaitable[t.Any]]
    ) -> t.Any:
        arguments = self._arguments(index)
        if step.kind is Kind.ASYNC_GENERATOR:
            return await self._opened.begin_later(step.call(**arguments), step.name)
        if step.kind is Kind.COROUTINE:
            value = await step.call(**arguments)
        else:
            value = await in_thread(partial(step.call, **arguments))
            if is_async_generator(value):
                return await self._opened.begin_later(value, step.name)
            if inspect.isawaitable(value):
                value = await value
        refuse_unrun(value, step.name)
        return value

    def keep(self) -> None:
        """Leave its generators open until the response has been sent."""
        self._opened.keep()

    def fail(self, error: BaseException) -> None:
        """Raise the view's error in its generators; raises what they raise instead."""
        _raise_another(self._opened.fail(error), error)

    async def fail_later(self, error: BaseException) -> None:
        """Do the same on an event loop."""
        _raise_another(await self._opened.fail_later(error), error)


def _raise_another(raised: BaseException, error: BaseException) -> None:
    """Raise what replaces an error, if anything does."""
    if raised is error:
        return
    try:
        raise raised
    finally:
        del raised, error  # Their tracebacks hold this frame.


def resolving(view: View, pick: Callable[[], Operation]) -> View:
    """Return what calls a sync view after its dependencies, which are sync.

    Args:
        view: The view.
        pick: Returns the operation of the current request.
    """

    @wraps(view)
    def respond(**matched: t.Any) -> t.Any:
        operation = pick()
        if operation.dependencies is None:
            return operation.sent(view(**matched | operation.values()))
        resolution = _Resolution(operation, matched)
        try:
            resolution.run_all()
            sent = operation.sent(view(**resolution.arguments_of_view()))
        except BaseException as error:
            resolution.fail(error)
            raise
        resolution.keep()
        return sent

    return respond


def resolving_on_loop(view: View, pick: Callable[[], Operation]) -> View:
    """Return a coroutine function that does the same if the view or a dependency is async."""
    is_async = inspect.iscoroutinefunction(view)

    async def call(arguments: dict[str, t.Any], in_thread: t.Any) -> t.Any:
        if is_async:
            return await view(**arguments)
        return await in_thread(partial(view, **arguments))

    @wraps(view)
    async def respond_later(**matched: t.Any) -> t.Any:
        operation = pick()
        in_thread = request_view.get().app._run_in_thread
        if operation.dependencies is None:
            return operation.sent(await call(matched | operation.values(), in_thread))
        resolution = _Resolution(operation, matched)
        try:
            await resolution.run_all_later(in_thread)
            sent = operation.sent(await call(resolution.arguments_of_view(), in_thread))
        except GeneratorExit:
            # The coroutine is dropped, and may not wait for anything any more.
            raise
        except BaseException as error:
            await resolution.fail_later(error)
            raise
        resolution.keep()
        return sent

    return respond_later
