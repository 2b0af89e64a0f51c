"""The cookie of sessions on the server, compiled for each way that a request can come."""

from __future__ import annotations

import typing as t

from . import vary_by_cookie
from .automatic import TRANSPORTS, cookie_name, transport_of
from .cookie import VARY, Fields
from .safe import sent_value
from .stored import StoredSession
from .storedlifetimes import StoredLifetimes


class StoredCookie:
    """Does what `StoredSessionInterface` does, for sessions that are only read.

    It leaves to the interface what the store has to be told, and the cookies of that.

    Attributes:
        lifetimes: What the interface takes from here too, as the configuration is the same.
    """

    session_class = StoredSession

    def __init__(self, app: t.Any) -> None:
        interface = app.session_interface
        domain, path = interface.get_cookie_domain(app), interface.get_cookie_path(app)
        self._names = {
            transport: cookie_name(app, transport, domain, path) for transport in TRANSPORTS
        }
        self._open = interface.open_named
        self._store = interface.store
        self.lifetimes = StoredLifetimes(app)

    def open(self, ctx: t.Any) -> t.Any:
        """Return a request's session, or what stands in for one that can't be read.

        PERF(page_redis): creates no request, and reads no configuration.
        """
        request = ctx.__dict__.get("request")
        environ = ctx.environ if request is None else request.environ
        header = environ.get("HTTP_COOKIE")
        name = self._names[transport_of(ctx.environ)]
        return self._open(ctx.app, sent_value(header, name) if header else None)

    def fields(self, session: t.Any) -> Fields | None:
        """Return the header fields for a session that was read; None if more is to be done."""
        if type(session) is not StoredSession or session.modified or session._sends is not None:
            return None
        opened = session._opened
        if opened is not None and self.lifetimes.is_noted(
            session, opened.used_at, self._store.clock()
        ):
            return None
        return [VARY] if session.accessed else []

    def save(self, session: t.Any, response: t.Any) -> bool:
        """Add the header fields for a session that was read; False if more is to be done."""
        fields = self.fields(session)
        if fields:
            vary_by_cookie(response)
        return fields is not None
