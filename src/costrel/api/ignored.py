"""Refuse markers in the annotations of functions whose parameters nothing fills by them.

SECURITY: such a function would run with its defaults, whoever sends the request.
"""

from __future__ import annotations

import builtins
import inspect
import typing as t
from functools import partial

from ..ground.markers import Unfilled
from ..ground.wrapped import layers
from ..registration.origin import definition
from ..views import View, http_method_funcs
from .hidden import unaliased
from .markers import Depends
from .parameters import Parameter, Path
from .security import SecurityScheme
from .unentered import name_of

INIT = Unfilled(
    "__init__ of class-based views",
    "It takes the arguments of as_view(). Write the parameter into the method that answers.",
)

_READ = {
    "query": ".args", "header": ".headers", "cookie": ".cookies", "form": ".form",
    "file": ".files", "body": ".get_json()", "path": ".view_args",
}  # fmt: skip
"""Where the value is that a marker stands for, by its place."""


class Ignored(t.NamedTuple):
    """A parameter with a marker.

    Attributes:
        parameter: Its name.
        marker: The marker.
        function: Whose parameter it is.
    """

    parameter: str
    marker: t.Any
    function: t.Any


def refuse_ignored(function: t.Any, kind: Unfilled) -> None:
    """Raise `TypeError` for a function whose annotations have a marker, which nothing would read.

    Args:
        function: The function.
        kind: What it is registered as.
    """
    # A proxy may stand for nothing yet.
    if not hasattr(type(function), "_get_current_object"):
        _refuse(ignored_in(function), kind)


def refuse_ignored_in_view(view: t.Any, kind: Unfilled) -> None:
    """Do the same for a view, whose rule fills what is marked with `Path`."""
    view_class = getattr(view, "view_class", None)
    if isinstance(view_class, type):
        refuse_ignored_in_init(view_class)
    _refuse(ignored_in(view, is_view=True), kind)


def refuse_ignored_in_init(view_class: type) -> None:
    """Do the same for what makes the instances of a class-based view."""
    init = inspect.getattr_static(view_class, "__init__")
    _refuse(next(_all_ignored_in(init), None), INIT)


def marked_parameters(function: t.Any) -> set[str]:
    """Return the names of a function's parameters that have a marker."""
    return {ignored.parameter for ignored in _all_ignored_in(function)}


def _refuse(found: Ignored | None, kind: Unfilled) -> None:
    if found is None:
        return
    name, marker = found.parameter, found.marker
    place = definition(found.function)
    if not _is_parameter(marker):
        asked = name_of(marker.function if isinstance(marker, Depends) else marker)
        raise TypeError(
            f"{name!r} of {place} depends on {asked}. Dependencies are not called for {kind.what}."
            f" {kind.instead}"
        )
    written = marker.__name__ if isinstance(marker, type) else type(marker).__name__
    read = f"{kind.proxy}{_READ[marker.place]}"
    advice = f"Read {read} instead" if kind.proxy else "There is no request: remove the marker"
    raise TypeError(
        f"{name!r} of {place} is marked with {written}, but nothing fills parameters of"
        f" {kind.what} from the {marker.place}. {advice}."
    )


def ignored_in(function: t.Any, *, is_view: bool = False) -> Ignored | None:
    """Return a parameter of a function or class-based view that has a marker, if any has one.

    Annotations that are text, and that name what only a type checker imports, are read too.
    """
    given = {name for one in layers(function) if isinstance(one, partial) for name in one.keywords}
    found = (ignored for one in _functions_of(function) for ignored in _all_ignored_in(one))
    return next(
        (
            ignored
            for ignored in found
            if ignored.parameter not in given and not (is_view and _is_path(ignored.marker))
        ),
        None,
    )


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
                Ignored(name, extra, function) for extra in _extras_in(hint) if _is_marker(extra)
            )
    for name, parameter in inspect.signature(function, follow_wrapped=False).parameters.items():
        if _is_marker(parameter.default):
            yield Ignored(name, parameter.default, function)


def _is_marker(value: t.Any) -> bool:
    return _is_one_of(value, (Depends, SecurityScheme, Parameter))


def _is_parameter(marker: t.Any) -> bool:
    return _is_one_of(marker, (Parameter,))


def _is_path(marker: t.Any) -> bool:
    return _is_one_of(marker, (Path,))


def _is_one_of(value: t.Any, classes: tuple[type, ...]) -> bool:
    """Whether a value is a marker of some classes, or such a class itself, which says the same."""
    # Of the type: a default may be a proxy that stands for nothing yet.
    return issubclass(value if isinstance(value, type) else type(value), classes)


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
