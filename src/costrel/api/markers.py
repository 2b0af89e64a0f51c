"""Find what parameters depend on: the markers `Depends` in annotations, and what should be one."""

from __future__ import annotations

import inspect
import typing as t
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from ..registration.origin import caller
from ..registration.overrides import key_of
from .hidden import hidden_marker, unaliased
from .parameters import Parameter
from .security import SecurityScheme
from .unentered import advice_for, name_of, refuse_unentered


@dataclass(frozen=True, slots=True, eq=False)
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

    Raises `TypeError` if `function` can't be called, or is the class of a security scheme.
    """

    if t.TYPE_CHECKING:
        function: Callable[..., t.Any]
    else:
        # So that the error of `Depends()` can say what to write.
        function: Callable[..., t.Any] = None
    use_cache: bool = field(default=True, kw_only=True)

    # `Annotated` takes two annotations for one if their markers are equal.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Depends) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[t.Any, ...]:
        return key_of(self.function), self.use_cache

    def __post_init__(self) -> None:
        if self.function is None:
            raise TypeError(
                "Depends() has no function: write Depends(function), also for a class that the"
                f" annotation names. ({caller()})"
            )
        if not callable(self.function):
            advice = advice_for(self.function)
            raise TypeError(
                f"Depends() takes a function, not {self.function!r}.{advice} ({caller()})"
            )
        try:
            refuse_unentered(self.function)
        except TypeError as error:
            raise TypeError(f"{error} ({caller()})") from None
        if isinstance(self.function, type) and issubclass(self.function, SecurityScheme):
            # SECURITY: it would only be made, and let everybody pass.
            name = self.function.__name__
            raise TypeError(
                f"Depends({name}) asks for nothing: write Depends({name}()). ({caller()})"
            )


def markers_of(
    parameters: Mapping[str, inspect.Parameter],
    hints: Mapping[str, t.Any],
    variables: Collection[str],
) -> dict[str, Depends]:
    """Return the markers of the parameters that have one."""
    found: dict[str, Depends] = {}
    for name, parameter in parameters.items():
        if isinstance(parameter.default, SecurityScheme):
            raise TypeError(
                f"{name!r} has {parameter.default!r} as its default, which would not ask for"
                f" anything. {_depends_on(name, parameter.default)}"
            )
        if isinstance(parameter.default, Depends):
            function = name_of(parameter.default.function)
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
                f"{name!r} is filled by the rule already, so Depends({name_of(marker.function)})"
                " can't fill it. Rename one of the two."
            )
        found[name] = marker
    return found


def _marks(extra: t.Any) -> bool:
    return extra is Depends or isinstance(extra, Depends)


def _without_effect(name: str, marker: t.Any) -> str:
    """Return what is wrong with a marker on a part of a type, which clients would then send."""
    function = "function" if marker is Depends else name_of(marker.function)
    return (
        f"{function} is on a part of {name!r}'s annotation, or on a field of its model, where it"
        " says nothing. Put it around all of it. Write"
        f" {name}: Annotated[..., Depends({function})]."
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
    refuse_strays(name, annotation)
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


def refuse_strays(name: str, annotation: t.Any) -> None:
    """Raise `TypeError` for what looks like a dependency in an annotation, but says nothing there.

    SECURITY: ``Annotated[str, BearerAuth()]`` would be a parameter of the query, and so would
    ``Annotated[str, Depends(BearerAuth())] | None``. Neither would check anything.
    """
    is_annotated = t.get_origin(annotation) is t.Annotated
    inner, *extras = t.get_args(annotation) if is_annotated else (annotation,)
    for extra in extras:
        if _is_stray(extra):
            raise TypeError(
                f"{name!r} is not filled by {name_of(extra)}, since it is not marked as a"
                f" dependency. {_depends_on(name, extra)}"
            )
    for extra in _extras_in(inner):
        if isinstance(extra, Depends) or _is_stray(extra):
            function = extra.function if isinstance(extra, Depends) else extra
            raise TypeError(
                f"{name_of(function)} is on a part of {name!r}'s annotation, where it says nothing."
                f" Put it around all of it: {_depends_on(name, function)}"
            )


def _depends_on(name: str, function: t.Any) -> str:
    """Return how to write what was meant."""
    is_class = isinstance(function, type) and issubclass(function, SecurityScheme)
    written = f"{name_of(function)}()" if is_class else name_of(function)
    return f"Write {name}: Annotated[..., Depends({written})]."


def _is_stray(extra: t.Any) -> bool:
    """Whether metadata of an annotation can be called, but is no marker that is known."""
    if not callable(extra) or hasattr(extra, "__get_pydantic_core_schema__"):
        return False
    # A marker's class says the same as the marker.
    return not (isinstance(extra, type) and issubclass(extra, (Parameter, Depends)))


def _extras_in(annotation: t.Any) -> Iterator[t.Any]:
    """Yield the metadata of all parts of an annotation."""
    for argument in t.get_args(annotation):
        if t.get_origin(argument) is t.Annotated:
            yield from t.get_args(argument)[1:]
        yield from _extras_in(argument)
