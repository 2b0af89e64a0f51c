"""A small application to read, run and change: ``costrel --app examples/hello run``."""

from __future__ import annotations

from .app import app as app
