"""`Login`, which gives an application logins."""

from __future__ import annotations

import time
import typing as t
from functools import partial
from importlib.util import find_spec

from ..dispatch.threads import hop_for
from ..ground.current import current_app
from ..registration import misplaced
from .attempts import count_attempt
from .current import current_user, user_later, user_now
from .requiring import required_later, required_now
from .series import RememberStore
from .settingchecks import check_settings, settings_of
from .setup import DEFAULTS, EXTENSION, Limiter, LoginSetup, current_context
from .users import id_of, itself, or_none

if t.TYPE_CHECKING:
    from ..registration.application import App

U = t.TypeVar("U")
L = t.TypeVar("L", bound=t.Callable[[str], t.Any])

_LIMITS_MISSING = (
    "Attempts to log in are counted by the package limits, which is not installed. Install it with"
    ' `pip install "costrel[login]"`, or pass Login(..., limiter=...) an object that counts them.'
)

_TWICE = (
    "The application {name!r} has a Login already. Create one, and import it where you need it."
)

_BESIDE_FLASK_LOGIN = (
    "The application {name!r} has Flask-Login's LoginManager already, and only one can decide who"
    " is logged in. Keep Flask-Login and remove Login(app), or remove LoginManager: both find users"
    " in the same sessions."
)


class Login(LoginSetup, t.Generic[U]):
    """Logins of an application: who a request is from, in its session.

    It adds ``current_user`` to templates, and its settings, which begin with ``LOGIN_``, to the
    configuration. One object may serve several applications.

    Args:
        app: The application; None to call `init_app` later.
        load_user: Returns the user with an id, which is text, or None. Sync or async. A user is any
            object with an ``id`` or a ``get_id()``; it may also have ``is_active``, and
            ``get_session_secret()``: see docs/login.md.
        remember_store: Where remembered browsers are stored. Default: ``LOGIN_REMEMBER_STORE``.
        limiter: Counts attempts. Default: the application's rate limits.
        clock: Returns the seconds since the epoch; for tests.

    Raises `RuntimeError` as `init_app` does.
    """

    @t.overload
    def __init__(
        self,
        app: App | None = None,
        *,
        load_user: t.Callable[[str], t.Awaitable[U | None]],
        remember_store: RememberStore | None = None,
        limiter: Limiter | None = None,
        clock: t.Callable[[], float] = time.time,
    ) -> None: ...
    @t.overload
    def __init__(
        self,
        app: App | None = None,
        *,
        load_user: t.Callable[[str], U | None] | None = None,
        remember_store: RememberStore | None = None,
        limiter: Limiter | None = None,
        clock: t.Callable[[], float] = time.time,
    ) -> None: ...
    def __init__(
        self,
        app: App | None = None,
        *,
        load_user: t.Callable[[str], t.Any] | None = None,
        remember_store: RememberStore | None = None,
        limiter: Limiter | None = None,
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        super().__init__(load_user, remember_store, limiter, clock)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: App) -> None:
        """Give an application these logins.

        Raises `RuntimeError` if it has Flask-Login's, or another `Login`, or if the package
        ``limits`` is not installed.
        """
        if "login_manager" in vars(app):
            raise RuntimeError(_BESIDE_FLASK_LOGIN.format(name=app.name))
        known = app.extensions.get(EXTENSION)
        if known is self:
            return
        if known is not None:
            raise RuntimeError(_TWICE.format(name=app.name))
        if self._limiter is None and find_spec("limits") is None:
            raise RuntimeError(_LIMITS_MISSING)
        for key, value in DEFAULTS.items():
            app.config.setdefault(key, value)
        app.extensions[EXTENSION] = self
        app.context_processor(_template_names)
        misplaced.install(app)
        app._start_checks = (*app._start_checks, check_settings)

    def _settings_of(self, app: App) -> t.Iterator[tuple[str, t.Callable[[], object]]]:
        # For `costrel.security.settingchecks`, which can't import this package.
        return settings_of(self, app)

    def user_loader(self, function: L) -> L:
        """Use a function as ``load_user``; a decorator."""
        self._use_loader(function)
        return function

    @property
    def current_user(self) -> U:
        """The proxy `current_user`, with the type of the users of this application.

        Type checkers don't know that it is an `AnonymousUser` if nobody is logged in. Use it where
        somebody is, and `user` elsewhere.
        """
        return t.cast("U", current_user)

    def user(self) -> U | None:
        """Return the user of the current request; None if nobody is logged in."""
        return t.cast("U | None", or_none(user_now()))

    async def user_async(self) -> U | None:
        """Do what `user` does, in async code: `load_current_user`, with a precise type."""
        return t.cast("U | None", or_none(await user_later()))

    def require(self) -> U:
        """Return the user of the current request; if there is none, answer as `login_required`.

        Use it as a dependency of typed views: ``Annotated[User, Depends(login.require)]``.
        """
        return t.cast("U", required_now())

    #: As `login_required` marks what it guards.
    require.demands_login = "any"  # type: ignore[attr-defined]

    async def require_async(self) -> U:
        """Do what `require` does, in async code; needed if ``load_user`` is async."""
        return t.cast("U", await required_later())

    require_async.demands_login = "any"  # type: ignore[attr-defined]

    def attempt(self, name: str) -> None:
        """Count an attempt to log in, before the password is verified.

        Attempts are counted for the name (``LOGIN_LIMITS``), so that nobody can try out passwords
        for it from many addresses, and for the client's address (``LOGIN_ADDRESS_LIMITS``), so that
        nobody can try one password for many names. `login_user` forgets those of the name.

        Args:
            name: What the client gave as the name; case and surrounding space don't matter.

        Raises `TooManyRequests` beyond a limit: the client gets a 429 with ``Retry-After``.
        """
        count_attempt(self, current_context(), name)

    async def attempt_async(self, name: str) -> None:
        """Do what `attempt` does, in a thread, while the event loop goes on."""
        ctx = current_context()
        await hop_for(ctx.app, partial(count_attempt, self, ctx, name))

    def forget_devices(self, user: U) -> None:
        """Forget all remembered browsers of a user, as after a change of the password.

        Sessions go on; ``end_sessions_of`` of `costrel.sessions` ends those in a store.
        """
        self.store_of(current_app._get_current_object()).delete_of_user(id_of(itself(user)))


def _template_names() -> dict[str, t.Any]:
    return {"current_user": current_user}
