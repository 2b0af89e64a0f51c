"""Find dependencies in the annotations of functions that nothing would fill by them.

SECURITY: such a function would run with its defaults, whoever sends the request.
"""

from __future__ import annotations

import builtins
import inspect
import typing as t
from functools import partial

from ..ground.wrapped import layers
from ..views import View, http_method_funcs
from .hidden import unaliased
from .markers import Depends
from .security import SecurityScheme
from .unentered import name_of


class Ignored(t.NamedTuple):
    """A parameter with a marker.

    Attributes:
        parameter: Its name.
        function: The name of what it depends on.
    """

    parameter: str
    function: str


def ignored_in(function: t.Any) -> Ignored | None:
    """Return a parameter of a function or class-based view that depends on something, if any does.

    Annotations that are text, and that name what only a type checker imports, are read too.
    """
    given = {name for one in layers(function) if isinstance(one, partial) for name in one.keywords}
    found = (ignored for one in _functions_of(function) for ignored in _all_ignored_in(one))
    return next((ignored for ignored in found if ignored.parameter not in given), None)


def _functions_of(view: t.Any) -> t.Iterator[t.Any]:
    """Yield what a function or view runs, as far as its decorators say so."""
    yield from layers(view)
    cls = getattr(view, "view_class", None)
    if isinstance(cls, type) and issubclass(cls, View):
        names = {"dispatch_request", *http_method_funcs, *map(str.lower, cls.methods or ())}
        for name in sorted(names):
            yield from layers(getattr(cls, name, None))


def _all_ignored_in(function: t.Any) -> t.Iterator[Ignored]:
    if not (inspect.isroutine(function) or isinstance(function, (type, partial))):
        function = getattr(type(function), "__call__", None)  # noqa: B004  looked at, not asked
    function = getattr(function, "__func__", function)
    if not inspect.isfunction(function):
        # What a partial calls is another of the functions.
        return
    for name, hint in _annotations_of(function).items():
        if name != "return":
            yield from (
                Ignored(name, _name_of(extra)) for extra in _extras_in(hint) if _is_marker(extra)
            )
    for name, parameter in inspect.signature(function, follow_wrapped=False).parameters.items():
        if _is_marker(parameter.default):
            yield Ignored(name, _name_of(parameter.default))


def _is_marker(value: t.Any) -> bool:
    if isinstance(value, type):
        return issubclass(value, (Depends, SecurityScheme))
    return isinstance(value, (Depends, SecurityScheme))


def _name_of(marker: t.Any) -> str:
    return name_of(marker.function if isinstance(marker, Depends) else marker)


def _extras_in(annotation: t.Any) -> t.Iterator[t.Any]:
    """Yield the metadata of all parts of an annotation."""
    annotation = unaliased(annotation)
    if isinstance(annotation, _Unknown):
        return
    arguments = t.get_args(annotation)
    if t.get_origin(annotation) is t.Annotated:
        yield from arguments[1:]
        arguments = arguments[:1]
    for argument in arguments:
        yield from _extras_in(argument)


def _annotations_of(function: t.Any) -> dict[str, t.Any]:
    """Return the annotations of a function, evaluated."""
    try:
        return t.get_type_hints(function, include_extras=True)
    except Exception:  # noqa: BLE001  an annotation may be any expression
        names = _Names(function)
        return {name: names.value_of(hint) for name, hint in function.__annotations__.items()}


class _Unknown:
    """What a name stands for that can't be found, and everything that is made of it."""

    def __getattr__(self, name: str) -> _Unknown:
        """Return the same; raises `AttributeError` for what Python asks for."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, _key: t.Any) -> _Unknown:
        """Return the same."""
        return self

    def __call__(self, *_args: t.Any, **_kwargs: t.Any) -> _Unknown:
        """Return the same."""
        return self

    def __or__(self, other: t.Any) -> t.Any:
        """Return the other, which may have a marker."""
        return other

    __ror__ = __or__


class _Names(dict[str, t.Any]):
    """The names that a function knows; all others are unknown."""

    def __init__(self, function: t.Any) -> None:
        super().__init__({**vars(builtins), **function.__globals__})

    def __missing__(self, _name: str) -> _Unknown:
        return _Unknown()

    def value_of(self, hint: t.Any) -> t.Any:
        """Return the value of an annotation that may be text."""
        if not isinstance(hint, str):
            return hint
        try:
            return eval(hint, {}, self)  # noqa: S307  as typing does
        except Exception:  # noqa: BLE001
            return _Unknown()
