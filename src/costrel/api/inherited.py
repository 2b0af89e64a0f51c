"""Refuse methods that say less than the ones they override.

SECURITY(excess data): a method without annotations is called and answers as in Flask, so it would
send what the overridden one filters, and would not call what that one depends on.
"""

from __future__ import annotations

import inspect
import typing as t

from ..registration.origin import definition
from .aliases import without_aliases
from .hints import hints_of
from .ignored import marked_parameters
from .returns import Returns, declares_data

_OURS = __name__.partition(".")[0]


def check_inherited(cls: type, name: str, is_read: t.Callable[[t.Any], bool]) -> None:
    """Raise `TypeError` for a method whose annotations are missing, though a base's has them.

    Args:
        cls: The class of a view.
        name: The method's name.
        is_read: Whether the annotations of a function are read: not those of Flask's extensions.
    """
    found = [vars(base)[name] for base in cls.__mro__ if name in vars(base) and not _is_ours(base)]
    functions = [inspect.unwrap(getattr(one, "__func__", one)) for one in found]
    if not functions or not all(map(inspect.isfunction, functions)):
        return
    own, *overridden = functions
    if not is_read(own):
        return
    for base in filter(is_read, overridden):
        if "return" not in own.__annotations__ and (said := _declared(base)) is not None:
            raise TypeError(
                f"{definition(own)} does not say what it returns, so it would send more than"
                f" {definition(base)}, which it overrides. Write `-> {said}` there too, or"
                " `-> Any` to send everything."
            )
        parameters = inspect.signature(own, follow_wrapped=False).parameters
        for parameter in marked_parameters(base):
            if parameter in parameters and parameter not in own.__annotations__:
                raise TypeError(
                    f"Nothing fills {parameter!r} of {definition(own)}, which overrides"
                    f" {definition(base)}. Write the annotation of {parameter!r} there too."
                )


def _is_ours(base: type) -> bool:
    return base.__module__.partition(".")[0] in {_OURS, "builtins"}


def _declared(function: t.Any) -> str | None:
    """Return the return annotation of a function, if it is filtered by that."""
    try:
        annotation = hints_of(function).get("return", t.Any)
        returns = Returns.of(without_aliases(annotation))
        members = [*returns.data, *returns.lines, *returns.events]
        members += [one for many in returns.by_status.values() for one in many]
        declares = any(map(declares_data, members))
    except TypeError:
        # It is refused where it is a view itself; who overrides it has to say something.
        return str(function.__annotations__.get("return"))
    shown = (
        annotation.__qualname__
        if isinstance(annotation, type) and not t.get_args(annotation)
        else str(annotation)
    )
    return shown if declares else None
