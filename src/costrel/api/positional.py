"""Refuse parameters that can't be passed by name, as those of views and dependencies are."""

from __future__ import annotations

import inspect
import typing as t

from .hidden import hidden_marker
from .markers import Depends
from .parameters import Parameter

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def refuse_positional(
    parameters: Mapping[str, inspect.Parameter],
    hints: Mapping[str, t.Any],
    *,
    decorated: bool = False,
    filled: Collection[str] = (),
) -> None:
    """Raise `TypeError` for a parameter that its annotation says to be filled, but can't be.

    Args:
        parameters: Those of the function, without that of its instance.
        hints: Its annotations, resolved.
        decorated: Whether a decorator may pass those that have no marker.
        filled: The names that the rule fills.
    """
    for name, parameter in parameters.items():
        hint = hints.get(name, parameter.empty)
        is_marked = hint is not parameter.empty and _is_marked(hint)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            is_wanted = parameter.default is parameter.empty or name in filled or name in hints
            if is_marked or (is_wanted and not decorated):
                raise TypeError(
                    f"{name!r} is positional-only, but it is passed by name. Remove '/'."
                )
        elif is_marked and parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
            raise TypeError(
                f"Nothing fills '{stars}{name}', which stands for any number of parameters. Write a"
                f" parameter without {stars!r}; of a list, each item is a value of one name."
            )


def _is_marked(hint: t.Any) -> bool:
    return hidden_marker(tuple[hint], _marks, in_fields=False) is not None


def _marks(extra: t.Any) -> bool:
    cls = extra if isinstance(extra, type) else type(extra)
    return issubclass(cls, (Depends, Parameter))
