"""Sessions whose cookie is safe by default: what `Costrel` uses in place of Flask's."""

from __future__ import annotations

import typing as t

from werkzeug.http import dump_cookie

from . import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
)
from .automatic import (
    REMOTE,
    check_prefix,
    cookie_name,
    current_transport,
    is_secure,
)
from .bounded import LIMIT_BYTES, BoundedSerializer, BoundedTimedSerializer, DataTooLarge
from .lifetimes import CREATED, USED, Lifetimes
from .toolarge import SessionTooLarge as SessionTooLarge
from .toolarge import cookie_too_large, data_too_large

OF_IDENTITY = (CREATED, USED, "_csrf", "csrf_token")
"""What a session with a new identity does not keep. COMPAT(Flask-WTF): the last is its key."""


class SafeSession(SecureCookieSession):
    """The data of a session, which can get a new identity and be ended.

    Attributes:
        regenerated: Whether `regenerate` was called.
        destroyed: Whether `destroy` was called. What is stored afterwards begins a new session.
    """

    regenerated = False
    destroyed = False
    _refused = False

    @property
    def created_at(self) -> int | None:
        """When it was created, in seconds since 1970; None without an absolute lifetime."""
        return t.cast("int | None", self.get(CREATED))

    @property
    def used_at(self) -> int | None:
        """When it was last used, as far as that was noted; see `Lifetimes`."""
        return t.cast("int | None", self.get(USED))

    def regenerate(self) -> None:
        """Give the session a new identity, and keep what it contains.

        Call it when the user's rights change, above all at login: whoever knew the session, or
        a form's token, from before then knows nothing of use. Its absolute lifetime begins anew.
        One that is kept on the server gets a new id, and the old one ends.
        """
        for name in OF_IDENTITY:
            self.pop(name, None)
        self.regenerated = True
        self.modified = True

    def destroy(self) -> None:
        """End the session: empty it, and delete its cookie.

        One that is kept on the server is deleted there too. One in a cookie can't be called
        back: a copy of the cookie is valid until its lifetime ends.
        """
        self.clear()
        self.destroyed = True
        self.modified = True


class NullSafeSession(NullSession, SafeSession):
    """A `NullSession` that can't be regenerated or destroyed either."""

    def regenerate(self) -> None:
        """Raise the error of every write."""
        self._fail()

    def destroy(self) -> None:
        """Raise the error of every write."""
        self._fail()


class SafeSessionInterface(SecureCookieSessionInterface):
    """Stores the session in a signed cookie that other hosts, scripts and eavesdroppers don't get.

    It differs from its base class in the cookie's name and attributes (`automatic`), in its
    lifetimes (`lifetimes`), and in that it refuses what browsers would drop (`toolarge`), or what
    would unpack to more than 64 kB (`bounded`). `costrel.sessions.safecookie` does the same for
    usual requests.
    """

    session_class: type[SecureCookieSession] = SafeSession
    null_session_class = NullSafeSession

    _plain_session_class = SafeSession
    _serializer_class = BoundedSerializer
    _original_serializer_class = BoundedTimedSerializer

    _choose: t.Callable[[t.Any], SessionInterface] | None = None
    """Returns the interface that ``SESSION_STORE`` asks for, once it was chosen by itself."""

    _has_warned = False

    def get_cookie_name(self, app: t.Any) -> str:
        """Return ``SESSION_COOKIE_NAME``, by default ``__Host-session`` if the cookie is secure.

        It is ``session`` with a domain or another path than ``/``, which the prefix excludes, and
        for requests over plain HTTP to a name of this machine.
        """
        domain, path = self.get_cookie_domain(app), self.get_cookie_path(app)
        return cookie_name(app, current_transport(), domain, path)

    def get_cookie_secure(self, app: t.Any) -> bool:
        """Return ``SESSION_COOKIE_SECURE``, by default True outside debug mode and over HTTPS."""
        return is_secure(app, current_transport())

    def _chosen(self, app: t.Any) -> SessionInterface:
        return self if self._choose is None else self._choose(app)

    def _cookie_value(self, app: t.Any, request: t.Any) -> str | None:
        return sent_value(request.environ.get("HTTP_COOKIE") or "", self.get_cookie_name(app))

    def _accepted(self, app: t.Any, session: SecureCookieSession) -> SecureCookieSession:
        lifetimes = Lifetimes.of(app.config)
        if lifetimes is not None and session and lifetimes.is_over(session):
            return self.session_class()
        return session

    def _is_saved(self, app: t.Any, session: SessionMixin) -> bool:
        if not isinstance(session, SafeSession):
            return True
        if session._refused:
            return False
        lifetimes = Lifetimes.of(app.config)
        if lifetimes is not None:
            lifetimes.stamp(session)
        return True

    def _sign(self, app: t.Any, signing: t.Any, session: SessionMixin) -> str:
        try:
            return super()._sign(app, signing, session)
        except DataTooLarge as error:
            _refuse(session)
            raise data_too_large(session, self.serializer, error.size_bytes, LIMIT_BYTES) from None

    def _set_cookie(
        self,
        app: t.Any,
        session: SessionMixin,
        response: t.Any,
        name: str,
        value: str,
        attributes: dict[str, t.Any],
    ) -> None:
        check_prefix(name, attributes)
        limit_bytes: int = app.config["MAX_COOKIE_SIZE"]
        size_bytes = len(dump_cookie(name, value, max_size=0, **attributes))
        if limit_bytes and size_bytes > limit_bytes:
            _refuse(session)
            raise cookie_too_large(session, self.serializer, name, size_bytes, limit_bytes)
        if attributes["secure"] and current_transport() == REMOTE:
            self._warn_of_plain_http(app, name)
        super()._set_cookie(app, session, response, name, value, attributes)

    def _warn_of_plain_http(self, app: t.Any, name: str) -> None:
        """Log once that browsers drop the cookie."""
        if self._has_warned:
            return
        self._has_warned = True
        app.logger.warning(
            "The session's cookie %r is Secure, but was sent over plain HTTP, so browsers drop it"
            " and no session lasts. If a proxy in front handles HTTPS, set TRUSTED_PROXIES, so"
            " that its header fields are believed. Otherwise serve over HTTPS. To try it on your"
            " own machine, open it as http://localhost, or use debug mode.",
            name,
        )


def _refuse(session: SessionMixin) -> None:
    """Save nothing of a session any more, so that the page of the error can be sent."""
    if isinstance(session, SafeSession):
        session._refused = True


def sent_value(header: str, name: str) -> str | None:
    """Return the value of the first cookie with exactly this name in a ``Cookie`` header.

    SECURITY(CVE-2023-23934, cookie prefixes): a browser lets any host of the domain set a cookie
    without a name, or with a name that begins with a space of Unicode. A server that is generous
    when it reads these takes them for one with the prefix ``__Host-``.
    """
    if not name.isascii():
        name = name.encode().decode("latin-1")
    for part in header.split(";"):
        found, _equals, value = part.partition("=")
        if found.strip(" \t") == name:
            return value.strip(" \t")
    return None
