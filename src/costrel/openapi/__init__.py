"""OpenAPI 3.1 documents, made of views, their annotations and their docstrings.

`document_of` returns an application's document. It is served at the path in the setting
``OPENAPI_PATH``, and ``costrel openapi`` prints it.
"""

from __future__ import annotations

import importlib
import typing as t

if t.TYPE_CHECKING:
    from .document import document_of as document_of
    from .document import versions_of as versions_of

__all__ = ["document_of", "versions_of"]


def __getattr__(name: str) -> t.Any:
    # Loaded on first use: an application that serves a document may never be asked for it.
    if name in __all__:
        return getattr(importlib.import_module(".document", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
