"""Find out who calls an application: a server, or code in the same process (a test client)."""

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
"""Modules of other projects' test clients, recognized by the callbacks that they pass."""


def lender(
    found: t.Any, request: t.Mapping[str, t.Any], callback: t.Callable[..., t.Any]
) -> AppContext | None:
    """Return the context that a call may borrow; None if it has to create its own.

    INVARIANT: a call that a server starts borrows nothing. Servers and event loops keep
    context variables beyond a request, so such a call may find another user's context.

    Args:
        found: The context that is current when the call begins, if any.
        request: The environ or scope of the call.
        callback: The call's ``start_response`` or ``receive``.
    """
    named: AppContext | None = request.get(WITHIN)
    if named is None and getattr(callback, "__module__", None) in _IN_PROCESS:
        named = found
    return named


def is_server(callback: t.Callable[..., t.Any] | None) -> bool:
    """Whether a call comes from a server, and not from a test client in this process.

    What is unknown counts as a server, such as a call through middleware.
    """
    module = getattr(callback, "__module__", None) or ""
    return module not in _IN_PROCESS and not module.startswith(_TESTING)


_TESTING = f"{__name__.partition('.')[0]}.testing"
