"""What was compiled for each rule of an application, for hooks that are called by name."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App

T = t.TypeVar("T")


class PerRule(t.Generic[T]):
    """Compile once for each rule, and again after something has changed.

    Args:
        make: Compiles for the application and a rule; None stands for requests without one.
    """

    def __init__(self, make: t.Callable[[App, Rule | None], T]) -> None:
        self._make = make
        # INVARIANT: the rules of one epoch, which exist for as long as it lasts.
        self._kept: tuple[int, dict[int, T]] = -1, {}

    def of(self, app: App, rule: Rule | None) -> T:
        """Return what is compiled for a rule."""
        epoch = app._epoch.value
        at, kept = self._kept
        if at != epoch:
            at, kept = self._kept = epoch, {}
        key = id(rule)
        try:
            return kept[key]
        except KeyError:
            made = kept[key] = self._make(app, rule)
            return made
