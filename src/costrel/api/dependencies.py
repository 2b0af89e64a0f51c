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
from ..registration.origin import caller, definition
from ..registration.overrides import key_of
from .binding import Binding, bind
from .hidden import hidden_marker, unaliased
from .parameters import Parameter
from .security import SecurityScheme


@dataclass(frozen=True, slots=True)
class Depends:
    """Fill a parameter with what a function returns: ``Annotated[T, Depends(function)]``.

    The function's own parameters are filled as those of a view are: from the rule, the query,
    headers and so on, or by other dependencies. It is called once everything that it and the view
    take from the request has turned out right. It may be ``async``, a class or another callable.

    If it is a generator function, the parameter gets what it yields. It goes on once the response
    has been sent, or when the view raises an error, which is then raised at its ``yield``.

    Args:
        function: The function.
        use_cache: Whether all places of a request that depend on it share one call.

    Raises `TypeError` if `function` can't be called.
    """

    function: Callable[..., t.Any]
    use_cache: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"Depends() takes a function, not {self.function!r}. ({caller()})")


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
                f"dependencies=[...] takes markers, not {guard!r}. Write Depends({_name(guard)})."
            )
        compiler.add(guard)
    known = None if view is None else _parameters_of(view)
    parameters = known or {}
    markers = _markers(parameters, hints, variables)
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
            names = " -> ".join(map(_name, [*self._path, asked]))
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
        called, kind = _call_of(function)
        name = definition(function)
        parameters = _parameters_of(function)
        if not parameters:
            reads_credentials = isinstance(function, SecurityScheme) and kind is Kind.FUNCTION
            return Step(called, name, kind, is_credential=reads_credentials)
        hints = _hints_of(function)
        markers = _markers(parameters, hints, self._variables)
        needs = {parameter: self.add(marker) for parameter, marker in markers.items()}
        others = {name: hint for name, hint in hints.items() if name not in needs}
        binding = bind(function, others, self._variables, self._methods)
        matched = tuple(parameter for parameter in parameters if parameter in self._variables)
        from_request = () if binding is None else (entry.name for entry in binding.entries)
        _check_filled(parameters, {*matched, *needs, *from_request})
        return Step(called, name, kind, binding, matched, tuple(needs.items()))


def _name(function: t.Any) -> str:
    return str(getattr(function, "__qualname__", None) or repr(function))


def _call_of(function: t.Any) -> tuple[Callable[..., t.Any], Kind]:
    """Return what is called, and how."""
    called = function
    if not (inspect.isroutine(function) or isinstance(function, (type, partial))):
        # An object with `__call__`, which may be a coroutine function.
        called = function.__call__
    if inspect.isasyncgenfunction(called):
        return called, Kind.ASYNC_GENERATOR
    if inspect.isgeneratorfunction(called):
        return called, Kind.GENERATOR
    if inspect.iscoroutinefunction(called):
        return called, Kind.COROUTINE
    # SECURITY: a decorated generator function returns a generator too, which has to be run.
    beneath = [*layers(called), *layers(function)]
    if any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in beneath):
        return called, Kind.DECORATED
    is_generator = any(map(inspect.isgeneratorfunction, beneath))
    return called, Kind.GENERATOR if is_generator else Kind.FUNCTION


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
    hints = t.get_type_hints(function, include_extras=True)
    return {name: hint for name, hint in hints.items() if name not in given}


def _markers(
    parameters: Mapping[str, inspect.Parameter],
    hints: Mapping[str, t.Any],
    variables: Collection[str],
) -> dict[str, Depends]:
    """Return the markers of the parameters that have one."""
    found: dict[str, Depends] = {}
    for name, parameter in parameters.items():
        if isinstance(parameter.default, Depends):
            function = _name(parameter.default.function)
            raise TypeError(
                f"{name!r} has Depends({function}) as its default. Write it into the annotation:"
                f" {name}: Annotated[..., Depends({function})]."
            )
        hint = hints.get(name)
        marker = _marker_in(name, hint)
        # A class that is a dependency itself may have markers on the fields that it is made with.
        if (hidden := hidden_marker(hint, _marks, in_fields=marker is None)) is not None:
            raise TypeError(_without_effect(name, hidden))
        if marker is None:
            continue
        if name in variables:
            raise TypeError(
                f"{name!r} is filled by the rule already, so Depends({_name(marker.function)})"
                " can't fill it. Rename one of the two."
            )
        found[name] = marker
    return found


def _marks(extra: t.Any) -> bool:
    return extra is Depends or isinstance(extra, Depends)


def _without_effect(name: str, marker: t.Any) -> str:
    """Return what is wrong with a marker on a part of a type, which clients would then send."""
    function = "function" if marker is Depends else _name(marker.function)
    return (
        f"{function} is on a part of {name!r}'s annotation, or on a field of its model, where it"
        f" says nothing. Put it around all of it: Write {name}: Annotated[..., Depends({function})]."
        " What a field is filled with has to be a parameter of its own."
    )


def _marker_in(name: str, annotation: t.Any) -> Depends | None:
    annotation = unaliased(annotation)
    if t.get_origin(annotation) is not t.Annotated:
        return None
    _type, *extras = t.get_args(annotation)
    if any(extra is Depends for extra in extras):
        raise TypeError(f"{name!r} depends on nothing: write Depends(function), not Depends.")
    markers = [extra for extra in extras if isinstance(extra, Depends)]
    if not markers:
        return None
    others = [
        extra
        for extra in extras
        if isinstance(extra, Parameter)
        or (isinstance(extra, type) and issubclass(extra, Parameter))
    ]
    if len(markers) + len(others) > 1:
        raise TypeError(
            f"{name!r} can't be filled by {' and by '.join(map(repr, [*markers, *others]))}."
        )
    return markers[0]


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
