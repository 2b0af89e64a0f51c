"""Request and response classes: Werkzeug's, with the current application's settings."""

from __future__ import annotations

from .request import Request as Request
from .request import blueprint_path as blueprint_path
from .response import Response as Response
