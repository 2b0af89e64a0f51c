"""Compile what a view depends on: functions that fill its parameters, or run before it.

A view's dependencies are compiled to a list of steps, each after those that it needs itself, so
that a request has no tree to walk and nothing to look up. A function that several places depend
on is one step, unless they say otherwise.
"""

from __future__ import annotations

import inspect
import typing as t
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from itertools import groupby

from ..ground.wrapped import layers
from ..registration.origin import definition
from ..registration.overrides import key_of
from .binding import Binding, bind
from .hints import hints_of
from .markers import Depends, markers_of
from .security import SecurityScheme
from .unentered import beneath_partials, name_of, refuse_unentered


class Kind(Enum):
    """How a dependency is called."""

    FUNCTION = "called"
    GENERATOR = "called, and goes on at the end"
    COROUTINE = "awaited"
    #: A sync decorator of an async function: it may block; what it returns is awaited, or, from
    #: an async generator function, goes on at the end.
    DECORATED = "called in a thread, and awaited"
    ASYNC_GENERATOR = "awaited, and goes on at the end"

    @property
    def is_async(self) -> bool:
        """Whether it needs an event loop."""
        return self not in {Kind.FUNCTION, Kind.GENERATOR}


@dataclass(frozen=True, slots=True)
class Step:
    """The call of one dependency.

    Attributes:
        call: What is called.
        name: What messages call it.
        kind: How it is called.
        binding: What fills its parameters from the request; None if there are none.
        matched: Its parameters that the rule fills.
        needs: Its parameters that earlier steps fill, and the indexes of these.
        is_credential: Whether it only reads credentials, which is done before anything else.
    """

    call: Callable[..., t.Any]
    name: str
    kind: Kind = Kind.FUNCTION
    binding: Binding | None = None
    matched: tuple[str, ...] = ()
    needs: tuple[tuple[str, int], ...] = ()
    is_credential: bool = False


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What a view depends on.

    Attributes:
        steps: The calls, each after those that it needs.
        filled: The parameters of the view that they fill, and the indexes of the steps.
        hidden: Variables of the rule that only dependencies take, not the view.
        security: The security schemes among them. A request has to satisfy each.
        credentials: The indexes of the steps that only read credentials.
        runs: The indexes of the others, consecutive sync ones together.
    """

    steps: tuple[Step, ...]
    filled: Mapping[str, int]
    hidden: frozenset[str]
    security: tuple[SecurityScheme, ...]
    credentials: tuple[int, ...] = field(init=False)
    runs: tuple[tuple[int, ...], ...] = field(init=False)

    def __post_init__(self) -> None:
        indexes = range(len(self.steps))
        credentials = tuple(index for index in indexes if self.steps[index].is_credential)
        others = [index for index in indexes if index not in credentials]
        runs: list[tuple[int, ...]] = []
        for needs_loop, run in groupby(others, lambda index: self.steps[index].kind.is_async):
            found = tuple(run)
            runs += [(index,) for index in found] if needs_loop else [found]
        object.__setattr__(self, "credentials", credentials)
        object.__setattr__(self, "runs", tuple(runs))

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """What they take from the request themselves, in the order in which they run."""
        return tuple(step.binding for step in self.steps if step.binding is not None)

    @property
    def is_async(self) -> bool:
        """Whether one of them needs an event loop."""
        return any(step.kind.is_async for step in self.steps)

    def check_bodies(self, of_view: Binding | None) -> None:
        """Raise `TypeError` if two functions take the body of the request."""
        takers = [step.name for step in self.steps if _takes_body(step.binding)]
        takers = list(dict.fromkeys(takers))
        if _takes_body(of_view):
            takers.append("the view")
        if len(takers) > 1:
            raise TypeError(
                f"Both {' and '.join(takers)} take the body. Let one function take it, and the"
                " others depend on that one."
            )


def dependencies_of(
    view: Callable[..., t.Any] | None,
    hints: Mapping[str, t.Any],
    variables: Collection[str],
    methods: Collection[str],
    guards: t.Iterable[t.Any],
    overrides: Mapping[t.Any, Callable[..., t.Any]],
) -> Dependencies | None:
    """Compile what a view depends on; None if it depends on nothing.

    Args:
        view: The view; None stands for one that takes all variables of its rule.
        hints: Its annotations, resolved.
        variables: The names that the rule fills.
        methods: The rule's methods.
        guards: The markers of its rule, blueprints and application, outermost first.
        overrides: What is called instead of a function, by `key_of` the function.

    Raises `TypeError` for a dependency that can't be called or filled.
    """
    compiler = _Compiler(variables, methods, overrides)
    for guard in guards:
        if not isinstance(guard, Depends):
            raise TypeError(
                f"dependencies=[...] takes markers, not {guard!r}. Write Depends({name_of(guard)})."
            )
        compiler.add(guard)
    known = None if view is None else _parameters_of(view)
    parameters = known or {}
    markers = markers_of(parameters, hints, variables)
    filled = {name: compiler.add(marker) for name, marker in markers.items()}
    if not compiler.steps:
        return None
    takes_all = known is None or any(item.kind is item.VAR_KEYWORD for item in known.values())
    taken = {name for step in compiler.steps for name in step.matched}
    hidden = frozenset() if takes_all else frozenset(taken - parameters.keys())
    return Dependencies(tuple(compiler.steps), filled, hidden, tuple(compiler.security))


def _takes_body(binding: Binding | None) -> bool:
    return binding is not None and binding.takes_document


class _ExplainedError(TypeError):
    """An error that names its dependency already."""


class _Compiler:
    """Collects the steps of one view."""

    def __init__(
        self,
        variables: Collection[str],
        methods: Collection[str],
        overrides: Mapping[t.Any, Callable[..., t.Any]],
    ) -> None:
        self.steps: list[Step] = []
        self.security: list[SecurityScheme] = []
        self._variables = variables
        self._methods = methods
        self._overrides = overrides
        #: The steps that are shared, by the function that was asked for.
        self._shared: dict[t.Any, int] = {}
        #: The functions that are being compiled, from the view's on.
        self._path: list[t.Any] = []

    def add(self, marker: Depends) -> int:
        """Add the step of a marker after those that it needs; return its index."""
        asked = marker.function
        key = key_of(asked)
        if marker.use_cache and key in self._shared:
            return self._shared[key]
        if isinstance(asked, SecurityScheme) and asked not in self.security:
            self.security.append(asked)
        function = self._overrides.get(key, asked)
        if any(key == key_of(outer) for outer in self._path):
            names = " -> ".join(map(name_of, [*self._path, asked]))
            raise _ExplainedError(
                f"Dependencies need each other: {names}. Take what they share into a function"
                " that both can depend on."
            )
        self._path.append(asked)
        try:
            step = self._compile(function)
        except _ExplainedError:
            raise
        except (TypeError, NameError) as error:
            raise _ExplainedError(f"{error} (The dependency {definition(function)}.)") from error
        self._path.pop()
        self.steps.append(step)
        index = len(self.steps) - 1
        if marker.use_cache:
            self._shared[key] = index
        return index

    def _compile(self, function: t.Any) -> Step:
        kind = _kind_of(function)
        name = definition(function)
        parameters = _parameters_of(function)
        if not parameters:
            reads_credentials = isinstance(function, SecurityScheme) and kind is Kind.FUNCTION
            return Step(function, name, kind, is_credential=reads_credentials)
        hints = _hints_of(function)
        markers = markers_of(parameters, hints, self._variables)
        needs = {parameter: self.add(marker) for parameter, marker in markers.items()}
        others = {name: hint for name, hint in hints.items() if name not in needs}
        binding = bind(function, others, self._variables, self._methods)
        matched = tuple(parameter for parameter in parameters if parameter in self._variables)
        from_request = () if binding is None else (entry.name for entry in binding.entries)
        _check_filled(parameters, {*matched, *needs, *from_request})
        return Step(function, name, kind, binding, matched, tuple(needs.items()))


def _kind_of(function: t.Any) -> Kind:
    """Return how a function, class or object is called.

    Raises `TypeError` for one whose calls would not run: see `refuse_unentered`.
    """
    refuse_unentered(function)
    called = beneath_partials(function)
    if inspect.isasyncgenfunction(called):
        return Kind.ASYNC_GENERATOR
    if inspect.isgeneratorfunction(called):
        return Kind.GENERATOR
    if inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(function):
        return Kind.COROUTINE
    # SECURITY: a decorated generator function returns a generator too, which has to be run.
    beneath = [*layers(called), *layers(function)]
    if any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in beneath):
        return Kind.DECORATED
    return Kind.GENERATOR if any(map(inspect.isgeneratorfunction, beneath)) else Kind.FUNCTION


def _parameters_of(function: t.Any) -> dict[str, inspect.Parameter] | None:
    """Return the parameters that have to be filled, or may be; None if they are not known."""
    try:
        parameters = dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        # Those of some functions that are written in C.
        return None
    while isinstance(function, partial):
        for name in function.keywords:
            parameters.pop(name, None)
        function = function.func
    return parameters


def _hints_of(function: t.Any) -> dict[str, t.Any]:
    """Return the annotations of a function's, class's or object's parameters."""
    given: set[str] = set()
    while isinstance(function, partial):
        given.update(function.keywords)
        function = function.func
    function = inspect.unwrap(function)
    if isinstance(function, type):
        init = getattr(function, "__init__")  # noqa: B009  of the class, whose type has one too
        function = init if inspect.isfunction(init) else function
    elif not inspect.isroutine(function):
        function = type(function).__call__
    hints = hints_of(function)
    return {name: hint for name, hint in hints.items() if name not in given}


def _check_filled(parameters: Mapping[str, inspect.Parameter], filled: Collection[str]) -> None:
    """Raise `TypeError` for a parameter without a default that nothing fills."""
    for name, parameter in parameters.items():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        if parameter.default is not parameter.empty:
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise TypeError(f"{name!r} is positional-only, but it is passed by name. Remove '/'.")
        if name not in filled:
            raise TypeError(
                f"Nothing fills {name!r}: the rule has no such variable, and it has no annotation."
                " Annotate it as a view's parameter, or give it a default."
            )
