"""Say what to write here to whoever calls a function as that of another package is called."""

from __future__ import annotations

import inspect
import typing as t
from functools import wraps

from .origin import caller

P = t.ParamSpec("P")
R = t.TypeVar("R")


def hinting(
    hints: t.Mapping[str, str], usage: str
) -> t.Callable[[t.Callable[P, R]], t.Callable[P, R]]:
    """Decorate a function of set-up, so that wrong arguments raise an error that helps.

    Args:
        hints: What to write in place of an argument that other packages have, by its name.
        usage: What to write in general.
    """

    def decorator(function: t.Callable[P, R]) -> t.Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise _explained(function, signature, kwargs, str(error), hints, usage) from None
            return function(*args, **kwargs)

        return call

    return decorator


def _explained(
    function: t.Any,
    signature: inspect.Signature,
    given: t.Iterable[str],
    reason: str,
    hints: t.Mapping[str, str],
    usage: str,
) -> TypeError:
    name: str = function.__name__
    unknown = [argument for argument in given if argument not in signature.parameters]
    if unknown:
        told = hints.get(unknown[0], usage)
        return TypeError(f"{name}() has no argument {unknown[0]!r} ({caller()}). {told}")
    return TypeError(f"{name}(): {reason} ({caller()}). {usage}")
