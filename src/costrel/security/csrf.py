"""Refuse requests that a page of another site has a browser send (CSRF).

A browser sends a site's cookies with whatever any page has it send there. So a request that may
change something is let through only if the browser says that it comes from this site, or if it
brings a token that only this site's pages have. GET, HEAD, OPTIONS and TRACE are not looked at:
a view that changes something must not answer to them. SPEC(OWASP CSRF Prevention, Fetch Metadata)
"""

from __future__ import annotations

import typing as t
from weakref import ref

from werkzeug.exceptions import Forbidden

from ..ground.origins import is_own, is_trusted, parse_origin
from .csrfexempt import find_exemptions, is_exempt, method_is_exempt
from .csrftokens import csrf_field, csrf_token, fault_of_token
from .state import SAFE_METHODS, Check, add_template_global, security_of

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import Rule

    from ..registration.application import App
    from ..wrappers import Request

OWN_SITES = frozenset({"same-origin", "none"})
"""What ``Sec-Fetch-Site`` says of requests by this site's pages, and by the user."""

FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
"""What any page can send to any site without asking it, as it can a body without a type.

SPEC(Fetch §2.2.2)
"""

AMBIENT = frozenset({"basic", "digest", "negotiate", "ntlm"})
"""Schemes of ``Authorization`` that a browser sends on its own, as it does cookies."""


class CSRFError(Forbidden):
    """Refuse a request that another site may have forged: 403.

    Register an error handler for it to show a page of your own, as for any HTTP error.

    Args:
        reason: What was wrong, and what to do about it, for whoever runs the application.
        shown: Whether the page shows the reason, which is done in debug mode.
    """

    description = (
        "This request could not be recognized as coming from this site. Go back, reload the page,"
        " and try again."
    )

    def __init__(self, reason: str, *, shown: bool = False) -> None:
        super().__init__(f"{self.description} (Shown in debug mode: {reason})" if shown else None)
        self.reason = reason


class Protection:
    """What protects one application from forged requests: ``security_of(app).csrf``."""

    def __init__(self, app: App) -> None:
        self._app = ref(app)

    def applies_to(self, endpoint: str | None, rule: Rule | None) -> bool:
        """Return whether the requests of a rule are checked; asked once for a plan."""
        app = self._app()
        if app is None or endpoint is None or rule is None:
            # Nothing can be changed where nothing matches.
            return False
        return (
            gives_way(app) is None
            and (rule.methods is None or not rule.methods <= SAFE_METHODS)
            and not is_exempt(app, endpoint)
        )

    def run(self, request: Request) -> None:
        """Check a request: see `check`."""
        app = self._app()
        if app is not None:
            check(app, request)


def install(app: App) -> None:
    """Refuse forged requests to an application, and let its templates write tokens."""
    security = security_of(app)
    if security.csrf is not None:
        return
    protection = security.csrf = Protection(app)
    # It may read the body, so that it must not run on an event loop.
    security.checks.append(
        Check("csrf", protection.applies_to, protection.run, concerns=concerns, blocks=True)
    )
    security.collectors.append(find_exemptions)
    for name, function in (("csrf_token", csrf_token), ("csrf_field", csrf_field)):
        add_template_global(app, name, function)


def gives_way(app: App) -> str | None:
    """Return why an application is not protected here at all; None if it is."""
    if not app.config.get("CSRF_PROTECTION", True):
        return "CSRF_PROTECTION is off"
    other = app.extensions.get("csrf")
    if hasattr(other, "protect") and app.config.get("WTF_CSRF_ENABLED", True):
        # COMPAT(Flask-WTF): its CSRFProtect has its own tokens, exemptions and settings.
        return "another extension protects it"
    return None


def concerns(environ: WSGIEnvironment) -> bool:
    """Return whether `check` has to look at a request at all.

    What browsers send from this site's own pages is let through here, by one header.
    """
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is None:
        return "HTTP_COOKIE" in environ or "HTTP_ORIGIN" in environ
    return site not in OWN_SITES


def check(app: App, request: Request) -> None:
    """Raise `CSRFError` (403) for a request that may be forged, and log the reason.

    It is accepted if ``Sec-Fetch-Site`` says that it comes from this site; else if ``Origin`` is
    this site's own, or trusted; else with a valid token, unless the browser says that it comes
    from another site. What carries neither cookies nor any word of a browser is not looked at.
    """
    reason = find_fault(app, request)
    if reason is None or method_is_exempt(app, request):
        return
    app.logger.warning(
        "Refused %a %a, which may be a forged request: %s", request.method, request.path, reason
    )
    raise CSRFError(reason, shown=app.debug)


def is_suspect(app: App, request: Request) -> bool:
    """Return whether the header fields leave open if a request is forged, or say that it is."""
    environ = request.environ
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    if site in OWN_SITES:
        return False
    if not environ.get("HTTP_COOKIE") and not _may_be_forged_without(
        environ, request, site or origin
    ):
        return False
    return origin is None or not _is_welcome(app, request, origin, by_host=site is None)


def find_fault(app: App, request: Request) -> str | None:
    """Return why a request may be forged; None if it is not."""
    if not is_suspect(app, request):
        return None
    environ = request.environ
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    if site not in (None, "same-site"):
        return f"{_tell_origin(site, origin)}. {_remedy(origin)}"
    if not environ.get("HTTP_COOKIE"):
        return f"{_tell_origin(site, origin)}, and without a cookie there is no token to rely on."
    fault = fault_of_token(app, request, reads_form=_sends_form(request))
    return None if fault is None else f"{_tell_origin(site, origin)}, and {fault}"


def _remedy(origin: str | None) -> str:
    """Return what to do about a page whose requests are refused, if it is an own one."""
    if origin is None:
        return "If that page is yours, have it send its origin."
    if origin == "null":
        return (
            "A page that sends 'null' can't be listed. If it is yours, have it send its origin: it"
            " must not have Referrer-Policy: no-referrer, be in a sandbox, or be opened as a file."
        )
    return "If that page is yours, list its origin there."


def is_ambient(environ: WSGIEnvironment) -> bool:
    """Return whether a browser may have added the credentials of a request on its own."""
    return _scheme_of(environ) in AMBIENT


def _scheme_of(environ: WSGIEnvironment) -> str:
    credentials: str = environ.get("HTTP_AUTHORIZATION", "")
    return credentials.strip().partition(" ")[0].lower()


def _may_be_forged_without(environ: WSGIEnvironment, request: Request, claim: str | None) -> bool:
    """Return whether a request without cookies can do harm in another's name.

    It can with credentials that the browser adds on its own, and with a form: that may log the
    visitor in as somebody else. Without any of these the network is a name, of an application that
    is only served in an office or on this machine. So whatever a page may send without asking is
    looked at: of requests without a body, those with POST. Only browsers can be made to send it,
    and these say where it comes from.
    """
    if claim is None:
        return False
    if _scheme_of(environ):
        return is_ambient(environ)
    if not request.mimetype:
        # SPEC(Fetch §2.2.1): of the others, a browser asks first.
        return has_body(environ) or environ["REQUEST_METHOD"] == "POST"
    return request.mimetype in FORM_TYPES


def has_body(environ: WSGIEnvironment) -> bool:
    """Return whether a request has a body, as far as its header fields say."""
    return "HTTP_TRANSFER_ENCODING" in environ or (environ.get("CONTENT_LENGTH") or "0") != "0"


def _is_welcome(app: App, request: Request, text: str, *, by_host: bool) -> bool:
    """Return whether the page of an origin may send requests.

    Args:
        app: The application.
        request: The request.
        text: What the browser has sent as ``Origin``.
        by_host: Whether it is enough that the origin is the request's own. It is not where the
            browser says otherwise: other sites may have redirected the request.
    """
    origin = parse_origin(text)
    if origin is None:
        return False
    secure = request.is_secure
    return (by_host and is_own(origin, request.host, secure=secure)) or is_trusted(
        origin, app.config, secure=secure
    )


def _sends_form(request: Request) -> bool:
    return request.mimetype in {"application/x-www-form-urlencoded", "multipart/form-data"}


def _tell_origin(site: str | None, origin: str | None) -> str:
    """Say what a browser has told of where a request comes from."""
    # SECURITY(log injection): in ASCII, and not at any length.
    if site is None and origin is None:
        return (
            "it has a cookie, but neither Sec-Fetch-Site nor Origin, which browsers send"
            " (a script can send the header 'Sec-Fetch-Site: same-origin')"
        )
    told = [] if site is None else [f"Sec-Fetch-Site is {site[:40]!a}"]
    if origin is not None:
        told.append(
            f"the origin {origin[:200]!a} is neither this host's nor in CSRF_TRUSTED_ORIGINS or"
            " TRUSTED_HOSTS"
        )
    elif site is not None:
        told.append("there is no Origin that CSRF_TRUSTED_ORIGINS could list")
    return " and ".join(told)
