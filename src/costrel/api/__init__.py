"""Typed views: parameters and values by annotation.

On `costrel.Costrel`, and on `costrel.Flask` with the setting ``TYPED_VIEWS``, a view's
annotations say what it takes from a request and what it returns.
"""

from __future__ import annotations

from .parameters import Body, Cookie, Header, Query
from .problems import Detail, InvalidRequest, Problem, problem_for

__all__ = [
    "Body",
    "Cookie",
    "Detail",
    "Header",
    "InvalidRequest",
    "Problem",
    "Query",
    "problem_for",
]
