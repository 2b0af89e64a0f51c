"""Who calls an application: a server, or code of its own process, such as a test client."""

from __future__ import annotations

import typing as t

from ..ground.current import WITHIN

if t.TYPE_CHECKING:
    from ..ctx import AppContext

_IN_PROCESS = frozenset(
    """
    webtest.lint werkzeug.test
    asgiref.testing httpx._transports.asgi httpx._transports.wsgi starlette.testclient
    """.split()
)
"""Modules of test clients that are not ours, known by the functions that they hand over."""


def lender(
    found: t.Any, request: t.Mapping[str, t.Any], callback: t.Callable[..., t.Any]
) -> AppContext | None:
    """Return the context that a call may borrow, None if it has to make its own.

    INVARIANT: a call that a server starts borrows nothing. Servers and event loops keep
    context variables beyond a request, so what such a call finds may be another user's.

    Args:
        found: The context that is current when the call begins, if there is one.
        request: The call's environ or scope.
        callback: Its ``start_response`` or ``receive``.
    """
    named: AppContext | None = request.get(WITHIN)
    if named is None and getattr(callback, "__module__", None) in _IN_PROCESS:
        named = found
    return named
