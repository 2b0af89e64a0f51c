"""Redirect to where a client says, but not to another site."""

from __future__ import annotations

import typing as t
from urllib.parse import unquote, urlsplit

from ..ground.current import current_app, request
from ..ground.targets import Allowed, is_safe_target
from ..helpers import redirect

if t.TYPE_CHECKING:
    from werkzeug.wrappers import Response

NEXT = "next"
"""The usual name of the parameter that says where to continue."""


def is_safe_redirect(target: str | None, allow: Allowed = ()) -> bool:
    r"""Return whether a target leads a browser to this site, or to an allowed one.

    True for paths, and for URLs of the request's own scheme, host and port; from plain HTTP to
    HTTPS is allowed, not the other way round. False for everything that a browser could read in
    another way, such as ``//evil.example`` and ``/\evil.example``, for other schemes, and for
    None and the empty text.

    Args:
        target: What a client has sent.
        allow: Hosts (``www.example.com``) and origins (``https://www.example.com``) besides.

    Raises `RuntimeError` outside a request, and `ValueError` if `allow` has something else.
    """
    return is_safe_target(target, request.host, secure=request.is_secure, allow=allow)


def redirect_back(
    default: str | None = None, *, allow: Allowed = (), parameter: str = NEXT, code: int = 302
) -> Response:
    """Redirect to the page that somebody came from, or else to `default`.

    That is where the parameter ``next`` of the query or the form leads, if it is safe (see
    `is_safe_redirect`), or else the page of this site that the request was sent from, by its
    ``Referer``, unless that is the same page again. A target that is not safe is logged.

    Args:
        default: A path or URL of your own. Default: the application's root.
        allow: Other hosts and origins that the parameter may lead to.
        parameter: The name of the parameter.
        code: The status of the redirect.

    Raises `RuntimeError` outside a request.
    """
    target = request.args.get(parameter)
    if target is None and request.method not in {"GET", "HEAD"}:
        target = request.form.get(parameter)
    if target:
        if is_safe_redirect(target, allow):
            return redirect(target, code)
        current_app.logger.warning(
            "Did not redirect to %a, which %r names: it is not of this site. redirect_back(allow="
            "[...]) can allow other hosts.",
            target[:500],
            parameter,
        )
    return redirect(_referring_page() or _root(default), code)


def _root(default: str | None) -> str:
    return f"{request.root_path.rstrip('/')}/" if default is None else default


def _referring_page() -> str | None:
    """Return the URL of the page of this site that the request was sent from, if it is another."""
    referrer = request.referrer
    if not referrer or not is_safe_redirect(referrer):
        return None
    parts = urlsplit(referrer)
    if not parts.netloc:
        return None
    here = f"{request.root_path.rstrip('/')}{request.path}"
    return None if unquote(parts.path) == here else referrer
