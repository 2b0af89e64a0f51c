"""Werkzeug's request and response, aware of the current application."""

from __future__ import annotations

from .request import Request as Request
from .request import blueprint_path as blueprint_path
from .response import Response as Response
