"""Tell the mistakes in an application's types from the values that they refuse."""

from __future__ import annotations

import msgspec


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
