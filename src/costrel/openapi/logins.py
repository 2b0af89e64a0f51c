"""What a document says of operations that are for users who are logged in.

`costrel.login` marks the functions that demand it; nothing of it is imported here.
"""

from __future__ import annotations

import re
import typing as t
from contextvars import Context

from ..api.security import SecurityScheme
from ..views import MethodView

if t.TYPE_CHECKING:
    from ..api.operation import Operation
    from ..registration.application import App

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]")


class LoginCookie(SecurityScheme):
    """The session of a user who has logged in, as a security scheme.

    Args:
        cookie: The name of the session's cookie. The scheme has it too, as that of
            ``APIKey(cookie, "cookie")``.
    """

    def __init__(self, cookie: str) -> None:
        super().__init__(_NOT_IN_NAMES.sub("_", cookie))
        self._cookie = cookie

    @property
    def scheme(self) -> dict[str, t.Any]:
        """The Security Scheme Object of the OpenAPI document."""
        return {"type": "apiKey", "in": "cookie", "name": self._cookie}


def login_cookie_of(app: App) -> LoginCookie:
    """Return the scheme of an application, for requests of browsers over HTTPS."""
    interface = app.session_interface
    name_of: t.Callable[[App], str] | None = getattr(interface, "get_cookie_name", None)
    # Not as of the request that asks for the document, whatever that is.
    name = None if name_of is None else Context().run(name_of, app)
    return LoginCookie(name or app.config["SESSION_COOKIE_NAME"] or "session")


def demands_login(app: App, operation: Operation) -> bool:
    """Whether an operation is for users who are logged in: its view, hooks or dependencies say."""
    endpoint = operation.rule.endpoint
    view = app.view_functions.get(endpoint)
    view_class = getattr(view, "view_class", None)
    functions = [view, *_hooks_of(app, str(endpoint))]
    if isinstance(view_class, type):
        functions.append(getattr(view_class, "dispatch_request", None))
        if issubclass(view_class, MethodView):
            functions += [getattr(view_class, one.lower(), None) for one in operation.methods]
    if operation.dependencies is not None:
        functions += [step.call for step in operation.dependencies.steps]
    return any(getattr(function, "demands_login", None) for function in functions)


def _hooks_of(app: App, endpoint: str) -> t.Iterator[t.Any]:
    """Yield what runs before the view of an endpoint."""
    parts = endpoint.split(".")[:-1]
    names = (None, *(".".join(parts[: count + 1]) for count in range(len(parts))))
    for name in names:
        yield from app.before_request_funcs.get(name, ())


def redirects_to_login(app: App, operation: Operation) -> bool:
    """Whether a browser that asks for the page is sent to the login page."""
    view = app.config.get("LOGIN_VIEW")
    rule = operation.rule
    return (
        view is not None and "GET" in operation.methods and view not in {rule.endpoint, rule.rule}
    )
