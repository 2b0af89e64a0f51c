"""A chat room to read, run and change: ``costrel --app examples/chat run``."""

from __future__ import annotations

from .app import app as app
