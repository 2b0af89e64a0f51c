"""Refuse what a view sends with a status for which it declares nothing."""

from __future__ import annotations

import typing as t


class Undeclared:
    """Refuse the values of views that say a type for each status, with any other status.

    Args:
        statuses: Those that it says.
        view: What error messages call the view.
        where: What says so.
        advice: What to write, besides.
    """

    __slots__ = ("_advice", "_said", "_view")

    def __init__(
        self,
        statuses: t.Iterable[int],
        view: str,
        where: str = "return annotation says",
        advice: str = "",
    ) -> None:
        self._said = f"{where} only {' or '.join(map(str, statuses))}"
        self._advice = advice
        self._view = view

    def respond(self, value: t.Any, status: t.Any, headers: t.Any = None) -> t.NoReturn:  # noqa: ARG002
        """Raise `TypeError` (500)."""
        raise TypeError(
            f"{self._view} returned {type(value).__name__} with the status {status!r}, but its"
            f" {self._said}.{self._advice}"
        )


def undeclared_by(responses: t.Iterable[int], view: str) -> dict[int, Undeclared]:
    """Return what answers for a view that declares data of some successes by ``responses=`` only.

    SECURITY(excess data): the data of its other successes would not be filtered. Other statuses
    are those of errors, which many views write as they come.
    """
    said = sorted(code for code in responses if 200 <= code < 300)
    if not said:
        return {}
    advice = (
        f" Write status={said[0]}, return (..., {said[0]}), or declare the type of that status too."
    )
    refusing = Undeclared(said, view, "responses={...} says", advice)
    return dict.fromkeys(range(200, 300), refusing)
