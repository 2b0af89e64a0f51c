"""Typed views: parameters and values by annotation.

On `costrel.Costrel`, and on `costrel.Flask` with the setting ``TYPED_VIEWS``, a view's
annotations say what it takes from a request and what it returns.
"""

from __future__ import annotations

from .dependencies import Depends
from .parameters import Body, Cookie, Header, Query
from .problems import Detail, InvalidRequest
from .security import APIKey, BasicAuth, BasicCredentials, BearerAuth

__all__ = [
    "APIKey",
    "BasicAuth",
    "BasicCredentials",
    "BearerAuth",
    "Body",
    "Cookie",
    "Depends",
    "Detail",
    "Header",
    "InvalidRequest",
    "Query",
]
