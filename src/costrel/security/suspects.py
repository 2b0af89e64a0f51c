"""Count requests that may be forged apart from those of the visitor who sends them.

The check for forged requests comes before the rate limits, or any page could use up the limits of
its visitors with requests that are refused anyway. Nor may a flood of such requests be free: each
of them is logged, and some have a body that is read for a token. So those that the header fields
do not clear are counted first, by the same limits and clients, but on counts of their own. Those
that turn out to be the visitor's are then counted as all others.
"""

from __future__ import annotations

import typing as t

from ..ground.current import context
from . import csrf
from .csrfexempt import method_is_exempt
from .state import Check, security_of

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App
    from ..wrappers import Request

NAME = "suspects"

Run = t.Callable[[t.Any], None]
Applies = t.Callable[[str | None, "Rule | None"], Run | None]


def install(app: App, at_once: Applies, later: Applies) -> None:
    """Count suspicious requests to an application.

    Args:
        app: The application.
        at_once: Returns what counts the requests of a rule in microseconds; None if nothing does.
        later: Returns what counts them and may have to wait; None if nothing does.
    """
    checks = security_of(app).checks
    for find, blocks in ((at_once, False), (later, True)):
        applies = _only_suspects(app, find)
        checks.append(Check(NAME, applies, _never, concerns=csrf.concerns, blocks=blocks))


def _only_suspects(app: App, find: Applies) -> t.Callable[[str | None, Rule | None], bool | Run]:
    protection = security_of(app)

    def applies_to(endpoint: str | None, rule: Rule | None) -> bool | Run:
        if protection.csrf is None or not protection.csrf.applies_to(endpoint, rule):
            return False
        count = find(endpoint, rule)
        if count is None:
            return False

        def run(request: Request) -> None:
            of = context.get().app
            if csrf.is_suspect(of, request) and not method_is_exempt(of, request):
                count(request)

        return run

    return applies_to


def _never(_request: t.Any) -> None:
    """Stand for what `applies_to` returns in its place."""
