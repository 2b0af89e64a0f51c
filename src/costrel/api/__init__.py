"""Typed views: parameters and values by annotation.

On `costrel.Costrel`, and on `costrel.Flask` with the setting ``TYPED_VIEWS``, a view's
annotations say what it takes from a request and what it returns.
"""

from __future__ import annotations

from http import HTTPStatus as status  # noqa: N813  as views write it

from ..ground.markers import look_with
from .conditional import check_preconditions, etag_of
from .cursors import paginate_by_cursor
from .ignored import refuse_ignored
from .markers import Depends
from .pages import CursorPage, Page, paginate
from .parameters import Body, Cookie, File, Form, Header, Path, Query
from .partial import Partial, changes_of
from .problems import Detail, InvalidRequest, Problem, problem_for
from .security import APIKey, BasicAuth, BasicCredentials, BearerAuth
from .uploads import UploadedFile

# Before anybody can write a marker.
look_with(refuse_ignored)

__all__ = [
    "APIKey",
    "BasicAuth",
    "BasicCredentials",
    "BearerAuth",
    "Body",
    "Cookie",
    "CursorPage",
    "Depends",
    "Detail",
    "File",
    "Form",
    "Header",
    "InvalidRequest",
    "Page",
    "Partial",
    "Path",
    "Problem",
    "Query",
    "UploadedFile",
    "changes_of",
    "check_preconditions",
    "etag_of",
    "paginate",
    "paginate_by_cursor",
    "problem_for",
    "status",
]
