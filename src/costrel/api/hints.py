"""Resolve annotations."""

from __future__ import annotations

import typing as t

DEFINE_IT = (
    "Import or define it at the top of the module, neither below `if TYPE_CHECKING` nor inside a"
    " function."
)


def hints_of(function: t.Any) -> dict[str, t.Any]:
    """Return a function's annotations, resolved.

    Raises `TypeError`, with what to write, for one that can't be resolved.
    """
    try:
        return t.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(f"{str(error).rstrip('.')}. {DEFINE_IT}") from error
    except TypeError:
        raise
    except Exception as error:
        # An annotation may be any expression.
        raise TypeError(
            f"An annotation can't be resolved ({type(error).__name__}: {error}). {DEFINE_IT}"
        ) from error
