"""The page to read an API and try it: Swagger UI, from files of the package.

Nothing comes from another host, and the page's policy lets nothing else in. It has no inline
script or style: `docs.js` starts Swagger UI with the URL that the page names.

The other files are those of the npm package ``swagger-ui-dist`` 5.35.0, unchanged. To update them,
copy the files of the same names from a newer one: ``npm pack swagger-ui-dist``.
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
from ..registration.origin import recorded
from ..wrappers import Response
from .serving import ENDPOINT, add_rule, docs_path

if t.TYPE_CHECKING:
    from ..registration.application import App

PAGE = "openapi_page"
"""The endpoint of the page: ``url_for("openapi_page", version="v2")``."""

_FILE = "openapi_page_file"

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
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
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


def add_page(app: App) -> None:
    """Register the page at the path in the setting ``DOCS_PATH``, and its files below it.

    Not if the application has a rule of that path.
    """
    add_rule(app, "DOCS_PATH", PAGE, show_page)
    if app.view_functions.get(PAGE) is show_page and _FILE not in app.view_functions:
        path = app.config["DOCS_PATH"].rstrip("/")
        with recorded("the setting DOCS_PATH"):
            app.add_url_rule(f"{path}/<digest>/<name>", _FILE, send_page_file)


def show_page() -> Response:
    """Send the page, with the version of the API in the query: ``?version=v2``.

    Answers 404 for an unknown version, and outside debug mode if no path was set.
    """
    app: App = current_app._get_current_object()
    if docs_path(app) is None:
        raise NotFound
    documents = _documents_of(app)
    version = request.args.get("version", "")
    if version not in documents:
        raise NotFound
    page = _HTML.format(
        title=app.config.get("OPENAPI_TITLE") or app.name,
        folder=url_for(_FILE, digest=_digest(), name="docs.js").removesuffix("docs.js"),
        versions=_links(documents, version),
        document=documents[version],
    )
    response = Response(page, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def send_page_file(digest: str, name: str) -> Response:
    """Send a file of the page, which browsers may keep for a year.

    Answers 404 for any other name, and for the URL that another Costrel had for the file.
    """
    if name not in _FILES or digest != _digest():
        raise NotFound
    response = send_from_directory(_FOLDER, name, mimetype=_FILES[name])
    # SPEC(RFC 8246): it is not asked for again when the page is reloaded.
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


# As for the document: a browser has no credentials before the page has asked for them.
show_page.runs_alone = send_page_file.runs_alone = True  # type: ignore[attr-defined]


def _documents_of(app: App) -> dict[str, str]:
    """Return the URLs of the documents by version; that of the whole API has the name ``""``."""
    from . import versions_of

    if ENDPOINT not in app.view_functions:
        raise RuntimeError(
            "The page at DOCS_PATH shows the document at OPENAPI_PATH, which is not served. Set"
            " OPENAPI_PATH to a path that no other rule has."
        )
    versions = {version: url_for(ENDPOINT, version=version) for version in versions_of(app)}
    return {"": url_for(ENDPOINT), **versions}


def _links(versions: t.Iterable[str], chosen: str) -> Markup:
    """Return links to the versions; nothing if the API has none."""
    links = [
        Markup('<a href="{}"{}>{}</a>').format(
            url_for(PAGE, version=version) if version else url_for(PAGE),
            Markup(' aria-current="page"') if version == chosen else "",
            version or "All",
        )
        for version in versions
    ]
    if len(links) == 1:
        return Markup()
    return Markup('<nav id="versions" aria-label="Versions">\n{}\n</nav>\n').format(
        Markup("\n").join(links)
    )


@cache
def _digest() -> str:
    """Return a name for the present content of the files, so that their URLs change with it."""
    content = sha256()
    for name in _FILES:
        with open(os.path.join(_FOLDER, name), "rb") as file:
            content.update(file.read())
    return content.hexdigest()[:16]
