"""Sessions that are kept on the server: the browser has only an id.

The cookie holds 256 random bits, and the store their SHA-256, so that nobody who reads the store
can take over a session. The id needs no signature, because nobody can guess one. An id that the
store does not know is never used: a session begins with an id made here.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import typing as t

from . import SessionMixin, vary_by_cookie
from .outages import Outages, replace_response
from .safe import SafeSession, SafeSessionInterface, sent_value
from .storedlifetimes import StoredLifetimes
from .stores import SessionStore, StoreUnavailableError, user_text
from .unavailable import UnavailableSession

ATTEMPTS = 100
"""How often a write is repeated because of concurrent ones; each time, one of those succeeded."""

_ID_BYTES = 32
_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_DELETE = ""
"""Instead of an id: the response deletes the cookie."""


def make_id() -> tuple[str, str]:
    """Return a new session's id, and the hash under which it is stored."""
    session_id = secrets.token_urlsafe(_ID_BYTES)
    return session_id, hash_of(session_id)


def hash_of(session_id: str) -> str:
    """Return the hash of an id. It needs no salt, because ids are random."""
    return hashlib.sha256(session_id.encode()).hexdigest()


class Opened(t.NamedTuple):
    """What the store had for a session when this request opened, or last saved, it."""

    session_id: str
    id_hash: str
    text: str
    version: int
    user: str | None
    created_at: float
    used_at: float


class StoredSession(SafeSession):
    """The data of a session that is kept on the server.

    `clear` gives it a new id too, because it is how Flask applications log users in and out.
    """

    _opened: Opened | None = None
    _cleared = False
    _sends: str | None = None

    @property
    def new(self) -> bool:  # type: ignore[override]
        """Whether the store does not have it yet."""
        return self._opened is None

    @property
    def created_at(self) -> int | None:
        """When it was created, in seconds since 1970; None for a new one."""
        return None if self._opened is None else int(self._opened.created_at)

    @property
    def used_at(self) -> int | None:
        """When it was last used, up to a tenth of its lifetime too early; None for a new one."""
        return None if self._opened is None else int(self._opened.used_at)

    def clear(self) -> None:
        """Remove everything. What is stored afterwards is kept under a new id."""
        super().clear()
        self._cleared = self.regenerated = True

    def _become(self, data: dict[str, t.Any]) -> None:
        """Take over what the store has now, without counting that as a change."""
        dict.clear(self)
        dict.update(self, data)


class StoredSessionInterface(SafeSessionInterface):
    """Keeps sessions in a `SessionStore`.

    The cookie's name and attributes are those of `SafeSessionInterface`. A session that cannot be
    read or written because the store fails gives a 503.

    Concurrent requests of one session are merged by key: what a request has set or removed is
    applied to what the store has when it saves. A session that was ended, or got another id, in
    the meantime stays ended.
    """

    session_class: type[StoredSession] = StoredSession  # pyright: ignore[reportIncompatibleVariableOverride]
    _plain_session_class = StoredSession
    waits_for_store = True

    def __init__(self, store: SessionStore) -> None:
        self.store = store
        self._outages = Outages()

    def close(self) -> None:
        """Close the connections of the store; the next request opens new ones."""
        self.store.close()

    def call(self, app: t.Any, function: t.Callable[..., t.Any], *args: t.Any) -> t.Any:
        """Call a method of the store; raises `ServiceUnavailable` (503) if the store fails."""
        try:
            result = function(*args)
        except StoreUnavailableError as error:
            raise self._outages.report(app, error) from error
        self._outages.end(app)
        return result

    def open_session(self, app: t.Any, request: t.Any) -> t.Any:
        """Return the session that the cookie names, or an empty one.

        If the store fails, every use of the session raises `ServiceUnavailable` (503).
        """
        return self.open_named(app, self._cookie_value(app, request))

    def open_named(self, app: t.Any, session_id: str | None) -> t.Any:
        """Do what `open_session` does, for what the cookie has; None if there is no cookie."""
        if not session_id or not _ID.fullmatch(session_id):
            return self.session_class()
        try:
            found = self._read(app, session_id, hash_of(session_id))
        except StoreUnavailableError as error:
            self._outages.report(app, error)
            return UnavailableSession()
        self._outages.end(app)
        if found is None:
            return self.session_class()
        opened, data = found
        session = self.session_class.of_data(data)
        session._opened = opened
        return session

    def needs_store_to_open(self, app: t.Any, cookies: str) -> bool:
        """Return whether there is a cookie that names a session."""
        return sent_value(cookies, self.get_cookie_name(app)) is not None

    def needs_store(self, app: t.Any, session: SessionMixin) -> bool:
        """Return whether saving the session has to ask the store."""
        return isinstance(session, StoredSession) and (
            session.modified or self._is_used(app, session, self.store.clock())
        )

    def save_session(self, app: t.Any, session: SessionMixin, response: t.Any) -> None:
        """Save the session if it was changed, and send the cookie if the browser lacks it.

        If the store fails, the response becomes the one to a `ServiceUnavailable` (503).
        """
        if session.accessed:
            vary_by_cookie(response)
        if not isinstance(session, StoredSession) or session._refused:
            return
        try:
            sends = self._save(app, session)
        except StoreUnavailableError as error:
            session._refused = True
            replace_response(app, response, self._outages.report(app, error))
            return
        session.modified = False
        if sends is not None:
            # Kept, since a response that fails is replaced by another one.
            session._sends = sends
        if session._sends is not None:
            self._send(app, session, response, session._sends)

    def _send(self, app: t.Any, session: StoredSession, response: t.Any, session_id: str) -> None:
        """Set or delete the cookie."""
        name, attributes = self.get_cookie_name(app), self._cookie_attributes(app)
        if session_id == _DELETE:
            response.delete_cookie(name, **attributes)
        else:
            attributes["expires"] = self.get_expiration_time(app, session)
            self._set_cookie(app, session, response, name, session_id, attributes)
        if not session.accessed:
            vary_by_cookie(response)

    def _read(
        self, app: t.Any, session_id: str, id_hash: str
    ) -> tuple[Opened, dict[str, t.Any]] | None:
        stored = self.store.get(id_hash)
        if stored is None or self._lifetimes(app).is_over(stored, self.store.clock()):
            return None
        try:
            text = stored.data.decode()
            data = dict(self.serializer.loads(text))
        except Exception:
            # Such as a type that the application can't read any more.
            app.logger.warning("A stored session can't be read, and is ended", exc_info=True)
            return None
        _data, version, user, created_at, used_at = stored
        return Opened(session_id, id_hash, text, version, user, created_at, used_at), data

    def _save(self, app: t.Any, session: StoredSession) -> str | None:
        """Write what has changed; return the id to send, `_DELETE`, or None for no cookie."""
        opened = session._opened
        if not session.modified:
            return self._touch(app, session)
        if opened is not None and (session.destroyed or not session):
            self.store.delete(opened.id_hash)
            session._opened, opened = None, None
            if not session:
                return _DELETE
        if not session:
            return _DELETE if session.destroyed else None
        if opened is None:
            return self._create(app, session)
        if session.regenerated or _user_of(session) != opened.user:
            # SECURITY(fixation): whoever knew the id from before the login knows no session.
            return self._move(app, session, opened)
        return self._update(app, session, opened)

    def _create(self, app: t.Any, session: StoredSession) -> str:
        now = self.store.clock()
        text, user = self.serializer.dumps(dict(session)), _user_of(session)
        session_id, id_hash = make_id()
        lifetime_s = self._lifetimes(app).left_s(now, now)
        # One that exists was written by this call, whose answer was lost: ids are not repeated.
        if not self.store.set(id_hash, text.encode(), lifetime_s, user, 0) and (
            self.store.get(id_hash) is None
        ):
            raise StoreUnavailableError(f"{self.store!r} takes no new session")
        self._settle(session, Opened(session_id, id_hash, text, 1, user, now, now))
        return session_id

    def _move(self, app: t.Any, session: StoredSession, opened: Opened) -> str | None:
        """Write the session under a new id, and end the old one."""
        changes: _Changes | None = None
        session_id, id_hash = make_id()
        for _attempt in range(ATTEMPTS):
            now = self.store.clock()
            text, user = self.serializer.dumps(dict(session)), _user_of(session)
            lifetime_s = self._lifetimes(app).left_s(now, now)
            if self.store.move(
                opened.id_hash, id_hash, text.encode(), lifetime_s, user, opened.version
            ) or (self.store.get(id_hash) is not None):
                self._settle(session, Opened(session_id, id_hash, text, 1, user, now, now))
                return session_id
            changes = changes or _Changes(self.serializer, session, opened)
            found = self._read(app, opened.session_id, opened.id_hash)
            if found is None:
                # It was ended, so what is new is all that the new one may have.
                session._opened = None
                session._become(changes.applied_to({}))
                return self._create(app, session) if session else None
            opened, newest = found
            session._become(changes.applied_to(newest))
        raise StoreUnavailableError(f"a session was changed {ATTEMPTS} times while it was saved")

    def _update(self, app: t.Any, session: StoredSession, opened: Opened) -> str | None:
        """Write the session under its id."""
        first = opened
        text = self.serializer.dumps(dict(session))
        if text == opened.text:
            return self._touch(app, session)
        changes: _Changes | None = None
        for _attempt in range(ATTEMPTS):
            now = self.store.clock()
            lifetime_s = self._lifetimes(app).left_s(opened.created_at, now)
            if self.store.set(
                opened.id_hash, text.encode(), lifetime_s, opened.user, opened.version
            ):
                saved = opened._replace(text=text, version=opened.version + 1, used_at=now)
                self._settle(session, saved)
                was_permanent = '"_permanent":true' in first.text
                return opened.session_id if session.permanent or was_permanent else None
            changes = changes or _Changes(self.serializer, session, opened)
            found = self._read(app, opened.session_id, opened.id_hash)
            if found is None:
                app.logger.info(
                    "A session was ended or got another id while a request changed it, so the"
                    " change was dropped"
                )
                return None
            opened, newest = found
            session._become(changes.applied_to(newest))
            text = self.serializer.dumps(dict(session))
            if text == opened.text:
                self._settle(session, opened)
                return None
        raise StoreUnavailableError(f"a session was changed {ATTEMPTS} times while it was saved")

    def _settle(self, session: StoredSession, opened: Opened) -> None:
        """Note that the session is saved like this, for a second save of the same request."""
        session._opened = opened
        session._cleared = session.regenerated = session.destroyed = False

    def _touch(self, app: t.Any, session: StoredSession) -> str | None:
        """Let the session last longer, because it is used."""
        now = self.store.clock()
        opened = session._opened
        if opened is None or not self._is_used(app, session, now):
            return None
        lifetimes = self._lifetimes(app)
        self.store.touch(opened.id_hash, lifetimes.left_s(opened.created_at, now))
        session._opened = opened._replace(used_at=now)
        return opened.session_id if session.permanent and lifetimes.refreshes else None

    def _is_used(self, app: t.Any, session: StoredSession, now: float) -> bool:
        """Whether the store has to note the use of a session."""
        opened = session._opened
        return opened is not None and self._lifetimes(app).is_noted(session, opened.used_at, now)

    def _lifetimes(self, app: t.Any) -> StoredLifetimes:
        engine = app._engine
        if engine is not None and engine.epoch == app._epoch.value:
            compiled = getattr(engine.cookie, "lifetimes", None)
            if compiled is not None:
                return t.cast("StoredLifetimes", compiled)
        return StoredLifetimes(app)


def _user_of(session: StoredSession) -> str | None:
    user = session.get("_user_id")
    return None if user is None else user_text(user)


class _Changes:
    """What a request has set and removed, since the session was opened."""

    def __init__(self, serializer: t.Any, session: StoredSession, opened: Opened) -> None:
        before = serializer.loads(opened.text)
        self._removed = before.keys() - session.keys()
        if session._cleared:
            self._removed, before = set(before), {}
        # As text, because 1 equals True, and "" equals Markup("").
        dumps = serializer.dumps
        self._set = {
            key: value
            for key, value in session.items()
            if key not in before or dumps(value) != dumps(before[key])
        }

    def applied_to(self, newest: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return another state of the session with these changes."""
        kept = {key: value for key, value in newest.items() if key not in self._removed}
        return {**kept, **self._set}
