"""The cookie of safe sessions, compiled for each way that a request can come."""

from __future__ import annotations

import typing as t

from . import SecureCookieSession
from .automatic import (
    HTTPS,
    REMOTE,
    TRANSPORTS,
    check_prefix,
    cookie_name,
    current_transport,
    is_secure,
    transport_of,
)
from .cookie import Fields, SessionCookie
from .lifetimes import Lifetimes
from .safe import SafeSession
from .signing import Serializer


class SafeCookie(SessionCookie):
    """Does what `SafeSessionInterface` does, for requests that come in one way.

    It leaves to the interface what has to be refused or logged.
    """

    session_class = SafeSession

    def __init__(self, app: t.Any, serializer: Serializer, transport: str) -> None:
        interface = app.session_interface
        attributes = interface._cookie_attributes(app)
        attributes["secure"] = is_secure(app, transport)
        name = cookie_name(app, transport, attributes["domain"], attributes["path"])
        check_prefix(name, attributes)
        super().__init__(app, serializer, name, attributes)
        self._lifetimes = Lifetimes.of(app.config)
        #: Whether browsers drop what is written, which the interface logs.
        self._is_dropped = transport == REMOTE and bool(
            attributes["secure"] or attributes["partitioned"]
        )

    def open(self, ctx: t.Any) -> SecureCookieSession | None:
        """Return a request's session; None if the interface has to open it."""
        session = super().open(ctx)
        if self._lifetimes is not None and session and self._lifetimes.is_over(session):
            return SafeSession.of_data({})
        return session

    def fields(self, session: t.Any) -> Fields | None:
        """Return the header fields that save a session; None if the interface has to save it."""
        if self._is_dropped and session.modified:
            return None
        return super().fields(session)


class CookiesByTransport:
    """Reads and saves sessions as `SessionCookie` does; the request decides about the cookie."""

    session_class = SafeSession

    def __init__(self, app: t.Any, serializer: Serializer) -> None:
        self._cookies = {
            transport: SafeCookie(app, serializer, transport) for transport in TRANSPORTS
        }
        self._lifetimes = Lifetimes.of(app.config)

    def open(self, ctx: t.Any) -> SecureCookieSession | None:
        """Return a request's session; None if the interface has to open it."""
        return self._cookies[transport_of(ctx.environ)].open(ctx)

    def fields(self, session: t.Any) -> Fields | None:
        """Return the header fields that save a session; None if the interface has to save it."""
        cookie = self._cookie_for(session)
        return None if cookie is None else cookie.fields(session)

    def save(self, session: t.Any, response: t.Any) -> bool:
        """Add the header fields that save a session; False if the interface has to do it."""
        cookie = self._cookie_for(session)
        return cookie is not None and cookie.save(session, response)

    def _cookie_for(self, session: t.Any) -> SafeCookie | None:
        """Return what saves a session, which gets its times first; None for the interface."""
        if type(session) is not SafeSession or session._refused:
            return None
        if self._lifetimes is not None:
            self._lifetimes.stamp(session)
        # What sends no cookie is the same for each of them.
        if not (session.modified or "_permanent" in session):
            return self._cookies[HTTPS]
        return self._cookies[current_transport()]
