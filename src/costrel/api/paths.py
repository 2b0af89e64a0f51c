"""The variables of a rule that a view's annotations say more of than their converters."""

from __future__ import annotations

import datetime as dt
import decimal
import inspect
import math
import typing as t
import uuid
from itertools import islice

import msgspec
from msgspec import inspect as types
from werkzeug.routing import (
    AnyConverter,
    FloatConverter,
    IntegerConverter,
    PathConverter,
    UnicodeConverter,
    UUIDConverter,
)

from ..ground.current import request
from . import mismatches
from .parameters import Path
from .problems import Detail
from .text import Read, reader
from .values import Entry

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.routing import Rule

_MADE: dict[type, type] = {
    AnyConverter: str, FloatConverter: float, IntegerConverter: int, PathConverter: str,
    UnicodeConverter: str, UUIDConverter: uuid.UUID,
}  # fmt: skip
"""What Werkzeug's converters make."""

_NAMES = {str: "string", int: "int", float: "float", uuid.UUID: "uuid"}

_PLAIN = frozenset(
    (bool, int, float, str, dt.date, dt.datetime, dt.time, decimal.Decimal, uuid.UUID)
)


class PathValues:
    """Check the variables of a rule that are marked `Path` or have constraints.

    Args:
        entries: The parameters.
    """

    __slots__ = ("_sources",)

    def __init__(self, entries: t.Sequence[Entry]) -> None:
        self._sources = [_checked(entry) for entry in entries]

    def read(self, found: dict[str, t.Any], errors: list[Detail]) -> None:
        """Add the values of the current request, or what is wrong with them."""
        matched = request.view_args or {}
        for name, annotation, kind, read, looks in self._sources:
            if name not in matched:
                # A value preprocessor has taken it away.
                continue
            value = matched[name]
            if read is not None and isinstance(value, str):
                value = read(value)
            refused: msgspec.ValidationError | None = None
            try:
                found[name] = msgspec.convert(value, annotation)
            except msgspec.ValidationError as error:
                refused = error
            if isinstance(value, float) and not math.isfinite(value):
                errors.append(Detail(Path.place, mismatches.below("", name), "Number out of range"))
            elif refused is not None or looks:
                errors += _explain(name, value, kind, refused)


class _Checked(t.NamedTuple):
    """How a variable is checked; `looks`: whether by more than what msgspec does."""

    name: str
    annotation: t.Any
    kind: types.Type
    read: Read | None
    looks: bool


def _checked(entry: Entry) -> _Checked:
    looks = mismatches.looks_closer(entry.kind)
    return _Checked(entry.name, entry.annotation, entry.kind, reader(entry.kind), looks)


def _explain(
    name: str, value: t.Any, kind: types.Type, error: msgspec.ValidationError | None
) -> list[Detail]:
    """Return everything that does not fit in the value of a variable."""
    found = list(islice(mismatches.find(value, kind), mismatches.LIMIT))
    if not found and error is not None:
        found = [mismatches.of_error(error)]
    place = mismatches.below("", name)
    return [
        Detail(Path.place, place + pointer, detail.removesuffix(", got `str`"))
        for pointer, detail in found
    ]


def check_variables(rule: Rule, hints: Mapping[str, t.Any]) -> None:
    """Raise `TypeError` for a variable of another type than its converter makes.

    An annotation that is marked is left out: its value is converted.
    """
    for name, converter in rule._converters.items():
        wanted, made = hints.get(name), _MADE.get(type(converter))
        if not isinstance(wanted, type) or wanted not in _PLAIN or made is None:
            continue
        if made is wanted or (made, wanted) == (int, float):
            continue
        fitting = next((f"<{_NAMES[one]}:{name}>" for one in _NAMES if one is wanted), None)
        marked = f"mark it Annotated[{wanted.__name__}, Path()] to have it converted"
        advice = f"Write {fitting} in the rule, or {marked}" if fitting else f"You can {marked}"
        article = "an" if made.__name__[:1] in "aeio" else "a"
        raise TypeError(
            f"{name!r} is annotated as {wanted.__name__}, but the rule's converter makes {article}"
            f" {made.__name__} of it. {advice}."
        )


def check_taken(
    view: t.Callable[..., t.Any],
    variables: t.Collection[str],
    filled: t.Collection[str],
) -> None:
    """Raise `TypeError` for a rule's variable that is not taken, and a parameter not filled.

    Args:
        view: The view.
        variables: The names that the rule fills, without those that dependencies take.
        filled: The names that something else fills.
    """
    parameters = inspect.signature(view).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    takes_all = inspect.Parameter.VAR_KEYWORD in kinds
    unfilled = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
        and name not in variables
        and name not in filled
    ]
    missing = [] if takes_all else sorted(set(variables) - parameters.keys())
    if missing:
        names = ", ".join(map(repr, parameters)) or "nothing"
        raise TypeError(
            f"The rule's variable <{missing[0]}> is not taken by the view, which takes {names}."
            " Give both the same name, or add the parameter."
        )
    if unfilled:
        raise TypeError(
            f"Nothing fills {unfilled[0]!r}: the rule has no variable <{unfilled[0]}>, and the"
            " parameter has no annotation. Annotate it, or give it a default."
        )
