"""Streams of async iterators, whose items may be made something else of before they are sent."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Convertible:
    """A stream that knows where its async iterator has to run.

    It is a class to be asked for: other iterators may have a method of the same name.
    """

    def convert(self, make: t.Callable[[AsyncIterator[t.Any]], AsyncIterator[t.Any]]) -> None:
        """Replace the iterator by what a function makes of it, before anything is read."""
        raise NotImplementedError
