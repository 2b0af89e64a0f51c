"""The page to read an API and try it: Swagger UI, from files of the package.

Nothing comes from another host, and the page's policy lets nothing else in. It has no inline
script or style: `docs.js` starts Swagger UI with the URL that the page names.
"""

from __future__ import annotations

import os
import typing as t
from functools import cache
from hashlib import sha256

from markupsafe import Markup
from werkzeug.exceptions import NotFound

from ..ground.current import current_app, request
from ..helpers import send_from_directory, url_for
from ..wrappers import Response

PAGE = "openapi_docs"
"""The endpoint of the page."""

FILE = "openapi_docs_file"
"""The endpoint of its files."""

_FOLDER = os.path.join(os.path.dirname(__file__), "static")
_FILES = {
    "swagger-ui.css": "text/css",
    "docs.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "docs.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}

# SECURITY(XSS): what a document says is shown as text and Markdown. If any of it got through as
# markup, it could not run, nor send anything elsewhere.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)

_HTML = Markup("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{folder}favicon-32x32.png">
<link rel="stylesheet" href="{folder}swagger-ui.css">
<link rel="stylesheet" href="{folder}docs.css">
<script defer src="{folder}swagger-ui-bundle.js"></script>
<script defer src="{folder}docs.js"></script>
</head>
<body>
{versions}<main id="docs" data-url="{document}"></main>
<noscript>This page needs JavaScript. <a href="{document}">The document</a> does not.</noscript>
</body>
</html>
""")


def show_page(documents: t.Mapping[str, str]) -> Response:
    """Return the page for the version that the query names; without one, for the first.

    Args:
        documents: The URL of each version's document; a single one has the name ``""``.

    Raises `NotFound` (404) for another version.
    """
    version = request.args.get("version", next(iter(documents)))
    if version not in documents:
        raise NotFound
    folder = url_for(FILE, digest=_digest(), name="docs.js").removesuffix("docs.js")
    page = _HTML.format(
        title=current_app.config["OPENAPI_TITLE"] or current_app.name,
        folder=folder,
        versions=_versions(documents, version),
        document=documents[version],
    )
    response = Response(page, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def send_file(digest: str, name: str) -> Response:
    """Return a file of the page, which clients may keep for a year.

    Raises `NotFound` (404) for any other name, and for the URL of another version of them.
    """
    if name not in _FILES or digest != _digest():
        raise NotFound
    response = send_from_directory(_FOLDER, name, mimetype=_FILES[name])
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _versions(documents: t.Mapping[str, str], chosen: str) -> Markup:
    """Return links to the versions; nothing if there is one only."""
    if len(documents) == 1:
        return Markup()
    links = [
        Markup('<a href="{}"{}>{}</a>').format(
            url_for(PAGE, version=version),
            Markup(' aria-current="page"') if version == chosen else "",
            version or "all",
        )
        for version in documents
    ]
    return Markup('<nav id="versions" aria-label="Versions">{}</nav>\n').format(
        Markup("\n").join(links)
    )


@cache
def _digest() -> str:
    """Return a name for the present content of all files, so that URLs change with it."""
    content = sha256()
    for name in _FILES:
        with open(os.path.join(_FOLDER, name), "rb") as file:
            content.update(file.read())
    return content.hexdigest()[:16]
