"""The view that serves the document, and where it and its page are."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import quote

from werkzeug.exceptions import NotFound, PreconditionFailed

from ..config import InDebugMode
from ..ground.current import current_app, request
from ..registration.origin import recorded
from ..wrappers import Response

if t.TYPE_CHECKING:
    from ..registration.application import App

ENDPOINT = "openapi_document"
"""The endpoint of the document: ``url_for("openapi_document", version="v2")``."""


def docs_path(app: App) -> str | None:
    """Return the path of the page; None if it is off, which by default it is outside debug mode."""
    path: str | None = app.config.get("DOCS_PATH")
    if isinstance(path, InDebugMode) and not (app.debug and app.config.get("OPENAPI_PATH")):
        return None
    return path


def add_rule(app: App, setting: str, endpoint: str, view: t.Callable[[], Response]) -> None:
    """Register a view at the path that a setting names.

    Not if the application has a rule of that path, or another view of that endpoint.
    """
    path = app.config.get(setting)
    if path is None or endpoint in app.view_functions:
        return
    if any(rule.rule == path for rule in app.url_map.iter_rules()):
        return
    with recorded(f"the setting {setting}"):
        app.add_url_rule(path, endpoint, view)


def openapi_document() -> Response:
    """Send the document, or that of the version in the query: ``?version=v2``.

    Answers 404 for an unknown version, and 304 to a client that has the document already.
    """
    from .document import encoded_document, versions_of

    app: App = current_app._get_current_object()
    version = request.args.get("version")
    if version is not None and version not in versions_of(app):
        raise NotFound(f"There is no version {version!r}.")
    body = encoded_document(app, version)
    prefix = quote(request.root_path.rstrip("/"))
    if prefix:
        # The paths are below it, on this server or behind its proxy.
        servers = json.dumps([{"url": prefix}]).encode()
        body = b'{"servers":' + servers + b"," + body[1:]
    response = Response(body, mimetype="application/json")
    response.cache_control.no_cache = True
    response.add_etag()
    response.make_conditional(request)
    if response.status_code == PreconditionFailed.code:
        raise PreconditionFailed
    return response


# What the application's views depend on, such as a login, does not guard the document.
openapi_document.runs_alone = True  # type: ignore[attr-defined]
