"""Typed views: parameters and values by annotation.

On `costrel.Costrel`, and on `costrel.Flask` with the setting ``TYPED_VIEWS``, a view's
annotations say what it takes from a request and what it returns.
"""

from __future__ import annotations

from .parameters import Body, Cookie, File, Form, Header, Path, Query
from .partial import Partial, changes_of
from .problems import Detail, InvalidRequest
from .uploads import UploadedFile

__all__ = [
    "Body",
    "Cookie",
    "Detail",
    "File",
    "Form",
    "Header",
    "InvalidRequest",
    "Partial",
    "Path",
    "Query",
    "UploadedFile",
    "changes_of",
]
