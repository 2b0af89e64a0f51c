"""Refuse data that a return annotation does not say, where Flask's rules send what a view returns.

SECURITY(excess data): ``-> str`` and ``-> Response`` say that there is no data to filter, so none
is sent. Text, responses and errors are no data. What Flask's rules refuse, they refuse themselves.
"""

from __future__ import annotations

import typing as t
from collections import abc
from inspect import isawaitable
from types import UnionType

from werkzeug.wrappers import Response as BaseResponse

_NO_DATA = (str, bytes, bytearray, BaseResponse, abc.Iterator, abc.AsyncIterator, type(None))

Classes = tuple[type, ...]


class Unsaid:
    """Return what a view returned; raise `TypeError` (500) for data that it does not declare.

    Args:
        classes: The classes of the data that it declares.
        view: What error messages call the view.
        annotation: The return annotation.

    Attributes:
        usual: Classes whose values are declared or no data: what needs no closer look.
    """

    __slots__ = ("_annotation", "_classes", "_view", "usual")

    def __init__(self, classes: Classes, view: str, annotation: t.Any) -> None:
        self._classes = classes
        self._view = view
        self._annotation = annotation
        self.usual = frozenset((str, bytes, *classes)) - {tuple}

    def __call__(self, value: t.Any, _format: t.Any = None) -> t.Any:
        """Return the value, or raise."""
        body = value[0] if isinstance(value, tuple) and value else value
        if (
            isinstance(body, (*self._classes, *_NO_DATA))
            or (callable(body) and not isinstance(body, (dict, list)))
            or isawaitable(body)
        ):
            return value
        is_class = isinstance(self._annotation, type) and not t.get_args(self._annotation)
        said = self._annotation.__qualname__ if is_class else str(self._annotation)
        came = type(body).__qualname__
        raise TypeError(
            f"{self._view} returned {came}, which its return annotation {said} does not say."
            " Declare the type of its data, or return a response."
        )


def unsaid_of(annotations: t.Iterable[t.Any], view: str, annotation: t.Any) -> Unsaid | None:
    """Return what refuses data that a view does not declare; None if it may return any.

    Args:
        annotations: The types of what it may return, as far as that is not filtered.
        view: What error messages call the view.
        annotation: The return annotation.
    """
    found = [_classes_of(member) for member in annotations]
    known = [classes for classes in found if classes is not None]
    if len(known) < len(found):
        return None
    return Unsaid(tuple({one: None for classes in known for one in classes}), view, annotation)


def _classes_of(annotation: t.Any) -> Classes | None:  # noqa: PLR0911  a table of kinds
    """Return the classes of the data that a type declares; None if it is any."""
    if annotation is t.Any:
        return None
    if isinstance(annotation, t.TypeVar):
        bounds = annotation.__constraints__ or (annotation.__bound__ or t.Any,)
        return _all_of(bounds)
    if isinstance(annotation, t.NewType):
        return _classes_of(annotation.__supertype__)
    origin, arguments = t.get_origin(annotation), t.get_args(annotation)
    if origin is t.Annotated:
        return _classes_of(arguments[0])
    if origin in {t.Union, UnionType}:
        return _all_of(arguments)
    cls: t.Any = origin or annotation
    if not isinstance(cls, type) or getattr(cls, "_is_protocol", False):
        return ()
    # A list may be an `Iterable[str]`, but is sent as data.
    is_stream = cls in {abc.Iterable, abc.AsyncIterable} and t.Any not in (*arguments, t.Any)[:1]
    return () if is_stream or issubclass(cls, (str, bytes, BaseResponse)) else (cls,)


def _all_of(annotations: t.Iterable[t.Any]) -> Classes | None:
    found: list[type] = []
    for annotation in annotations:
        classes = _classes_of(annotation)
        if classes is None:
            return None
        found += classes
    return tuple(found)
