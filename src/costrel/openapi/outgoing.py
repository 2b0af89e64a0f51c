"""Requests that the application sends: webhooks and callbacks, described by functions."""

from __future__ import annotations

import typing as t

from ..api.binding import bind
from ..api.hints import hints_of
from ..api.mistakes import explain
from ..api.operation import Operation
from ..api.returns import NOT_SAID
from ..registration.origin import definition


def operation_for(
    function: t.Callable[..., t.Any], method: str, options: t.Mapping[str, t.Any]
) -> Operation:
    """Return the operation of a function that stands for a request.

    Its parameters are what is sent, and its return annotation is what is expected back.
    Raises `TypeError`, with its file and line, for annotations that can't be used.
    """
    try:
        hints = hints_of(function)
        binding = bind(function, hints, (), (method,))
    except Exception as error:
        raise TypeError(f"{explain(error)} (The function {definition(function)}.)") from error
    returns = hints.get("return", NOT_SAID)
    return Operation(function, t.cast("t.Any", None), (method,), options, hints, binding, returns)
