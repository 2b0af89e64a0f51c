"""The rows of the fortunes page, the same for every peer."""

from __future__ import annotations

import functools
import typing as t


def load_fortunes() -> list[tuple[int, str]]:
    """Return the rows, one added, sorted by their text."""
    fortunes = _select()()
    fortunes.append((0, "Added at the time of the request."))
    fortunes.sort(key=lambda fortune: fortune[1])
    return fortunes


@functools.cache
def _select() -> t.Callable[[], list[tuple[int, str]]]:
    # SQLAlchemy is loaded by the first query: workers that make none do not carry it.
    from material.database import select_fortunes

    return select_fortunes
