"""Register the rules of the document and of its page, when an application gets its first request.

Every application that serves a document imports this, so it imports little.
"""

from __future__ import annotations

import typing as t
from threading import Lock

from .serving import ENDPOINT, add_rule, docs_path, openapi_document

if t.TYPE_CHECKING:
    from ..registration.application import App

_adding = Lock()


def add_rules(app: App) -> None:
    """Register the rules of the document and of its page, where settings name their paths."""
    with _adding:  # two threads may have the first requests
        add_rule(app, "OPENAPI_PATH", ENDPOINT, openapi_document)
        if docs_path(app) is not None:
            # Imported here, because it is mostly for debug mode.
            from .page import add_page

            add_page(app)
