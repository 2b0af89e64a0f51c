"""Mistakes in an application's types: say them, and tell them from the values that they refuse."""

from __future__ import annotations

import msgspec

from .hints import DEFINE_IT


def explain(error: Exception) -> str:
    """Return what is wrong with annotations, of which any error may come: they are expressions.

    `TypeError` says it already.
    """
    if isinstance(error, NameError):
        return f"{error}. {DEFINE_IT}"
    if isinstance(error, TypeError):
        return str(error)
    said = str(error).strip().rstrip(".")
    return (
        f"An annotation, of it or of a class in it, raises {type(error).__name__}: {said}."
        " Look for a wrong name in it."
    )


def refuse_mistake(error: msgspec.ValidationError) -> None:
    """Raise `TypeError` for what a ``__post_init__`` has raised, but not to tell the client.

    SECURITY(internals): msgspec makes a refusal of any `TypeError` and `ValueError`, such as of
    ``int(setting)``, whose message has the setting.
    """
    cause = error.__cause__
    if cause is None or type(cause) is ValueError or isinstance(cause, msgspec.ValidationError):
        return
    raise TypeError(
        f"The code of a type raised {type(cause).__name__} while a value was made of it. To refuse"
        " the value, raise ValueError itself: its message is sent to the client."
    ) from cause
