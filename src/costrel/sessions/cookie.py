"""The cookie of an application's default session, compiled from the configuration."""

from __future__ import annotations

import re
import typing as t
from datetime import UTC, datetime

from werkzeug.http import dump_cookie, http_date

from ..wrappers import Response
from ..wrappers.environ import are_plain_cookies
from ..wrappers.fields import FIELD_NAME
from . import SecureCookieSession
from .signing import Serializer

Fields = list[tuple[str, str]]

VARY = ("Vary", "Cookie")
"""Tells caches that a response belongs to one client."""

_VALUE = "costrel.value"
_EXPIRES = datetime(2001, 1, 1, tzinfo=UTC)


class SessionCookie:
    """Reads sessions from their cookie, and writes the header fields that save them.

    It does what `SecureCookieSessionInterface` does if none of its methods is overridden, and
    leaves to it what is unusual: another key than the current one, and sessions, requests and
    responses of other classes.

    SECURITY(rotation): belongs to an engine, and so to one epoch: a change of the configuration
    discards it with its key. Fallback keys may change in place, so they are not kept here: a
    signature of another key is left to the interface.
    """

    session_class: type[SecureCookieSession] = SecureCookieSession
    """The class of sessions that are opened, and the only one that is saved."""

    def __init__(
        self, app: t.Any, serializer: Serializer, name: str, attributes: dict[str, t.Any]
    ) -> None:
        config = app.config
        self._serializer = serializer
        self._request_class = app.request_class
        self._session_of = self.session_class.of_data
        self._name = name
        self._lifetime = app.permanent_session_lifetime
        self._max_age_s = int(self._lifetime.total_seconds())
        self._refreshes = bool(config["SESSION_REFRESH_EACH_REQUEST"])
        self._limit_bytes: int = config["MAX_COOKIE_SIZE"]
        written = dump_cookie(self._name, _VALUE, max_size=0, **attributes)
        until = dump_cookie(self._name, _VALUE, expires=_EXPIRES, max_size=0, **attributes)
        response = Response()
        response.delete_cookie(self._name, **attributes)
        self._deletion = response.headers["Set-Cookie"]
        self._start, self._end = written.split(_VALUE)
        self._until = until.removeprefix(f"{self._start}{_VALUE}").split(http_date(_EXPIRES))
        if not (re.fullmatch(FIELD_NAME, self._name) and self._deletion.isprintable()):
            raise ValueError("This cookie can't be read or sent.")

    @classmethod
    def of_interface(cls, app: t.Any, serializer: Serializer) -> t.Self:
        """Compile the cookie that an application's session interface describes."""
        interface = app.session_interface
        name = interface.get_cookie_name(app)
        return cls(app, serializer, name, interface._cookie_attributes(app))

    def open(self, ctx: t.Any) -> SecureCookieSession | None:
        """Return a request's session; None if the interface has to open it.

        PERF(session_read, login_extension): creates no request, and no other cookies.
        """
        request = ctx.__dict__.get("request")
        if request is None:
            text = ctx.environ.get("HTTP_COOKIE")
        elif type(request) is self._request_class and _AS_SENT.isdisjoint(request.__dict__):
            text = request._environ.get("HTTP_COOKIE")
        else:
            return None
        if not text:
            return self._session_of({})
        if not are_plain_cookies(text):
            return None
        value = ""
        for part in text.split("; "):
            name, _equals, value = part.partition("=")
            if name == self._name:
                break
            value = ""
        if not value:
            return self._session_of({})
        data = self._serializer.read_plainly(value, self._max_age_s)
        return None if data is None else self._session_of(data)

    def fields(self, session: t.Any) -> Fields | None:
        """Return the header fields that save a session; None if the interface has to save it.

        PERF(session_written, flashed): the attributes were written once.
        """
        if type(session) is not self.session_class:
            return None
        permanent = session.permanent
        if not session.modified and not (permanent and session and self._refreshes):
            # SECURITY(CVE-2026-27205): see `SecureCookieSessionInterface.save_session`.
            return [VARY] if session.accessed else []
        if not session:
            cookie = self._deletion
        else:
            try:
                value = self._serializer.dumps(dict(session))
            except Exception:  # noqa: BLE001  raised again by the interface
                return None
            if permanent:
                before, behind = self._until
                expires = http_date(datetime.now(UTC) + self._lifetime)
                cookie = f"{self._start}{value}{before}{expires}{behind}"
            else:
                cookie = f"{self._start}{value}{self._end}"
            if self._limit_bytes and len(cookie) > self._limit_bytes:
                # Werkzeug warns of that, and the safe interface raises an error.
                return None
        saved = "Set-Cookie", cookie
        return [VARY, saved] if session.accessed else [saved, VARY]

    def save(self, session: t.Any, response: t.Any) -> bool:
        """Add the header fields that save a session; False if the interface has to do it."""
        if type(response) is not Response or not response.takes_cookie():
            return False
        fields = self.fields(session)
        if fields is None:
            return False
        response.headers._list.extend(fields)
        return True


_AS_SENT = frozenset(("cookies", "headers", "dict_storage_class"))
"""Attributes of a request that may hold other cookies than were sent."""
