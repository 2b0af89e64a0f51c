"""The page that somebody wanted before they had to log in."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import quote, unquote, urlsplit

from ..ground.current import request

if t.TYPE_CHECKING:
    from ..ctx import RequestContext
    from ..wrappers import Request

_path_here = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f-\xa0]*")
"""SECURITY(open redirect): a path of this host, and nothing that a browser reads as another one.

SPEC(WHATWG URL §4.4): browsers take ``//`` and ``/\\`` for a host, ``\\`` for ``/``, and remove
tabs and line breaks before they look.
"""


def next_url(default: str = "/") -> str:
    """Return the path that a login page was asked to return to.

    This is the parameter ``next`` of the query or the form, which `login_required` adds to the
    query. Anything but a path of this host gives the default, so that a link to your login page
    can't send people to another site.
    """
    wanted = request.args.get("next") or request.form.get("next") or ""
    return wanted if _path_here.fullmatch(wanted) else default


def path_of(asked: Request) -> str | None:
    """Return the path and query of a request, for ``next``; None if it is not safe there."""
    path = quote(asked.root_path.rstrip("/") + asked.path, safe="/!$&'()*+,;=:@~-._")
    query = quote(asked.query_string, safe="/!$&'()*+,;=:@~-._?%")
    target = f"{path}?{query}" if query else path
    return target if _path_here.fullmatch(target) else None


def page_before(ctx: RequestContext) -> str | None:
    """Return the path and query of the page that a form was sent from, for ``next``.

    That is what the field ``Referer`` names. None if it is of another host, or not safe, or no
    page: nobody comes back to what takes POST only.
    """
    asked = ctx.request
    try:
        named = urlsplit(asked.referrer or "")
    except ValueError:
        return None
    root = asked.root_path.rstrip("/")
    target = f"{named.path}?{named.query}" if named.query else named.path
    adapter = ctx.url_adapter
    if (
        adapter is None
        or named.netloc != asked.host
        or not _path_here.fullmatch(target)
        or not named.path.startswith(f"{root}/")
        or not adapter.test(unquote(named.path[len(root) :]), "GET")
    ):
        return None
    return target
