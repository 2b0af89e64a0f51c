"""Compile what a view's parameters take from a request, once for each rule.

A parameter that the rule fills is the rule's. Of the others, one without an annotation is
never filled. A number, text, date or the like, or a list of these, comes from the query; an
object, such as a struct or dataclass, is the JSON document in the body; a file comes from a
form; a marker such as `Header` says something else.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Collection

from .document import Document
from .entries import entries_of
from .forms import FormValues
from .models import ModelValues
from .parameters import Body, Cookie, File, Form, Header, Parameter, Path, Query
from .paths import PathValues
from .problems import Detail, InvalidRequest
from .values import Entry, Values

_WITHOUT_BODY = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_PLACES: tuple[type[Parameter], ...] = (Query, Header, Cookie)


class Part(t.Protocol):
    """What fills the parameters from one place."""

    def read(self, found: dict[str, t.Any], errors: list[Detail]) -> None:
        """Add the values of the current request, or what is wrong with them."""


Named = Values | ModelValues
"""A part whose values have names, of which there may be others."""


class Binding:
    """What fills the parameters of a view that its rule does not fill.

    Attributes:
        entries: The parameters, in the order of the signature.
        takes_document: Whether one of them is the body, as JSON.
    """

    __slots__ = ("_parts", "entries", "takes_document")

    def __init__(self, parts: t.Sequence[Part], entries: t.Sequence[Entry]) -> None:
        self._parts = tuple(parts)
        self.entries = tuple(entries)
        self.takes_document = any(isinstance(part, Document) for part in parts)

    def values(self) -> dict[str, t.Any]:
        """Return the arguments from the current request.

        Those of the rule's variables are among them if they are checked or converted.

        Raises `InvalidRequest` (422) with all errors, 415 for a body of another type, 400 for
        broken JSON and broken forms, and 413 for too much of it.
        """
        errors: list[Detail] = []
        found = self.read(errors)
        if errors:
            raise InvalidRequest(errors)
        return found

    def read(self, errors: list[Detail]) -> dict[str, t.Any]:
        """Return the arguments that fit, and add what is wrong with the others; else as `values`.

        So that what is wrong for several functions is reported together.
        """
        found: dict[str, t.Any] = {}
        for part in self._parts:
            part.read(found, errors)
        return found

    def named(self) -> list[Named]:
        """Return the parts whose values have names."""
        return [part for part in self._parts if isinstance(part, (Values, ModelValues))]


def bind(
    view: Callable[..., t.Any],
    hints: dict[str, t.Any],
    filled: Collection[str],
    methods: Collection[str],
    *,
    refuse_unknown: bool = False,
) -> Binding | None:
    """Compile a view's parameters; None if there are none to fill.

    Args:
        view: The view. Decorators are looked through, if they use `functools.wraps`.
        hints: Its annotations, resolved.
        filled: The names that the rule fills.
        methods: The rule's methods.
        refuse_unknown: Whether the query may have no other names, even if it takes none.

    Raises `TypeError` for a parameter that can't be filled.
    """
    entries = entries_of(view, hints, filled)
    places: dict[type[Parameter], list[Entry]] = {}
    for entry in entries:
        places.setdefault(type(entry.marker), []).append(entry)
    bodies = places.get(Body, [])
    forms = [*places.get(Form, []), *places.get(File, [])]
    _check_body(view, bodies, forms, methods)
    parts: list[Part] = [PathValues(places[Path])] if Path in places else []
    for place in _PLACES:
        found = places.get(place, [])
        if found or (refuse_unknown and place is Query):
            parts += _values(place, found)
    if forms:
        parts.append(FormValues(forms))
    parts += map(Document, bodies)
    if not parts:
        return None
    binding = Binding(parts, entries)
    share_names([binding], refuse_unknown=refuse_unknown)
    return binding


def share_names(
    bindings: t.Iterable[Binding],
    others: t.Iterable[str] = (),
    *,
    refuse_unknown: bool = False,
) -> None:
    """Have several bindings of one request know each other's names.

    A name is refused if one of them refuses what it does not know, or with `refuse_unknown`,
    and none of them knows it: a parameter of a dependency is no unknown one. `others` are
    known too, such as a key in the query.
    """
    parts = [part for binding in bindings for part in binding.named()]
    for place in (Query, Form):
        found = [part for part in parts if part.place is place]
        refuses = any(part.refuses for part in found) or (refuse_unknown and place is Query)
        for part in found:
            part.known = None
        if found and refuses:
            # One of them is enough, so that each name is reported once.
            found[0].known = frozenset(others).union(*(part.names for part in found))


def _values(place: type[Parameter], entries: list[Entry]) -> list[Part]:
    """Return what fills the parameters from a place of text."""
    models = [entry for entry in entries if entry.kind is None]
    others = [entry for entry in entries if entry.kind is not None]
    parts: list[Part] = [Values(place, others)] if others or not models else []
    parts += [ModelValues(place, entry) for entry in models]
    return parts


def _check_body(
    view: Callable[..., t.Any],
    bodies: list[Entry],
    forms: list[Entry],
    methods: Collection[str],
) -> None:
    """Raise `TypeError` for parameters that can't be filled from one body, or have none."""
    if len(bodies) > 1:
        names = " and ".join(repr(entry.name) for entry in bodies)
        raise TypeError(
            f"Both {names} take the body. Make them fields of one struct, or say with"
            " Annotated[..., Query()] which comes from the query."
        )
    if bodies and forms:
        raise TypeError(
            f"{bodies[0].name!r} takes the body as JSON, and {forms[0].name!r} as a form. Mark"
            f" {bodies[0].name!r} Annotated[..., Form()]: it is then a JSON part of the form."
        )
    for entry in [*bodies, *forms][:1]:
        if _WITHOUT_BODY.issuperset(methods):
            raise TypeError(
                f"{entry.name!r} takes the body, but requests with"
                f" {', '.join(sorted(methods))} have none. Add methods=['POST'], or say with"
                " Annotated[..., Query()] that it comes from the query."
            )
        if getattr(view, "streams_body", False):
            raise TypeError(
                f"{entry.name!r} takes the body, but with @stream_body the view reads it while it"
                " is received. Remove one of the two."
            )
