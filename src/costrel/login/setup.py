"""What logins of an application are made of: the loader, the store, the limiter, the clock."""

from __future__ import annotations

import time
import typing as t
from datetime import timedelta

from ..ground.current import NO_REQUEST, request_view
from ..ground.markers import LOADER, refuse_markers
from ..ground.wrapped import is_async
from ..sessions.stores import SessionStore, open_store
from .keptstore import KeptRememberStore
from .memorystore import MemoryRememberStore
from .series import RememberStore

if t.TYPE_CHECKING:
    from ..ctx import RequestContext
    from ..registration.application import App

EXTENSION = "costrel.login"
"""The key of the `Login` in ``app.extensions``."""

_STORE = "costrel.login.remember"

DEFAULTS: t.Mapping[str, t.Any] = {
    "LOGIN_VIEW": None,
    "LOGIN_LIMITS": "5/minute; 20/hour",
    "LOGIN_ADDRESS_LIMITS": "20/minute; 200/hour",
    "LOGIN_FRESH_LIFETIME": timedelta(hours=1),
    "LOGIN_HASH_COST": None,
    "LOGIN_REMEMBER_STORE": None,
    "LOGIN_REMEMBER_LIFETIME": timedelta(days=30),
}
"""The settings of logins; `Login.init_app` adds them to the configuration."""

LoadUser = t.Callable[[str], t.Any]
"""Finds a user by id: returns it, None, or an awaitable of these."""

_NO_LOGIN = (
    "The application {name!r} has no logins yet. Write `login = Login(app, load_user=...)`, with"
    " `from costrel.login import Login`, where it is created."
)

_FLASK_LOGIN = (
    "The application {name!r} uses Flask-Login, so what costrel.login offers can't be used in it."
    " Import login_user, login_required, current_user and the others from flask_login, or remove"
    " LoginManager."
)


_IN_MEMORY = (
    "Remembered browsers are kept in the memory of this process: they are forgotten when it ends,"
    " and other workers don't know them. Set LOGIN_REMEMBER_STORE to the URL of a store, such as"
    " 'sqlalchemy:...' or 'redis://...', or to 'memory:' if that is intended."
)


class _Opened(t.NamedTuple):
    """A store of remembered browsers, and the value of the setting that it was opened for."""

    named: t.Any
    store: RememberStore


class Status(t.Protocol):
    """What a limiter says of an attempt."""

    @property
    def allowed(self) -> bool:
        """Whether it is within the limit."""
        ...

    @property
    def reset_s(self) -> float:
        """How many seconds to wait."""
        ...


class Limiter(t.Protocol):
    """Counts attempts, like the one of `costrel.security.limiter_of`."""

    def hit(self, name: str, limit: str, key: str) -> Status:
        """Count an attempt of `key`, and say whether it is within the limit."""
        ...

    def reset(self, name: str, key: str) -> t.Any:
        """Forget the attempts of `key`."""


class LoginSetup:
    """What the functions of this package read; `costrel.login.Login` is one."""

    has_told_uncounted = False
    """Whether the log has said that somebody was logged in and no attempt was counted."""

    def __init__(
        self,
        load_user: LoadUser | None = None,
        remember_store: RememberStore | None = None,
        limiter: Limiter | None = None,
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        self._use_loader(load_user)
        self._remember_store = remember_store
        self._limiter = limiter
        self.clock = clock

    def _use_loader(self, load_user: LoadUser | None) -> None:
        if load_user is not None:
            refuse_markers(load_user, LOADER)
        self._load_user = load_user
        #: Whether it returns an awaitable.
        self.loads_later = load_user is not None and is_async(load_user)

    @property
    def loader(self) -> LoadUser:
        """The function that finds a user by id; `RuntimeError` if there is none."""
        if self._load_user is None:
            raise RuntimeError(
                "Nothing says how to find a user. Write Login(app, load_user=...), or decorate the"
                " function with @login.user_loader: it gets the id as text, and returns the user"
                " or None."
            )
        return self._load_user

    def store_of(self, app: App) -> RememberStore:
        """Return where remembered browsers are stored, opened on first use."""
        if self._remember_store is not None:
            return self._remember_store
        named: t.Any = app.config.get("LOGIN_REMEMBER_STORE")
        opened: _Opened
        if _STORE not in app.extensions:
            # Two threads may open one each, and the memory must be the same for both.
            app.extensions.setdefault(_STORE, _Opened(named, _open(app)))
        opened = app.extensions[_STORE]
        if opened.named is not named and opened.named != named:
            opened = app.extensions[_STORE] = _Opened(named, _open(app))
        return opened.store

    @property
    def has_own_store(self) -> bool:
        """Whether code has given a store, so that ``LOGIN_REMEMBER_STORE`` does not count."""
        return self._remember_store is not None

    @property
    def has_own_limiter(self) -> bool:
        """Whether code has given what counts attempts."""
        return self._limiter is not None

    def limiter_of(self, app: App) -> Limiter:
        """Return what counts attempts to log in."""
        if self._limiter is not None:
            return self._limiter
        from ..security.rates import limiter_of

        return t.cast("Limiter", limiter_of(app))


def login_of(app: App) -> LoginSetup:
    """Return the logins of an application; `RuntimeError` if it has none, or Flask-Login's."""
    if "login_manager" in vars(app):
        raise RuntimeError(_FLASK_LOGIN.format(name=app.name))
    found: LoginSetup | None = app.extensions.get(EXTENSION)
    if found is None:
        raise RuntimeError(_NO_LOGIN.format(name=app.name))
    return found


def current_context() -> RequestContext:
    """Return the context of the current request or WebSocket; `RuntimeError` without one."""
    ctx: RequestContext | None = request_view.get(None)
    if ctx is None:
        raise RuntimeError(NO_REQUEST)
    return ctx


def is_socket(ctx: RequestContext) -> bool:
    """Return whether a context is a WebSocket's, which sends no cookies but the session's."""
    return "websocket" in vars(ctx)


def seconds_of(app: App, key: str) -> float | None:
    """Return a duration of the configuration in seconds; None if it has no end."""
    value: t.Any = app.config.get(key, DEFAULTS[key])
    if value is None:
        return None
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def _open(app: App) -> RememberStore:
    named: t.Any = app.config.get("LOGIN_REMEMBER_STORE")
    if named is None:
        named = getattr(app.session_interface, "store", None)
        if not isinstance(named, SessionStore):
            if not app.testing:
                app.logger.warning(_IN_MEMORY)
            return MemoryRememberStore()
    if isinstance(named, str):
        if named in {"memory", "memory:"}:
            return MemoryRememberStore()
        named = open_store(named, "LOGIN_REMEMBER_STORE")
    return KeptRememberStore(named) if isinstance(named, SessionStore) else named
