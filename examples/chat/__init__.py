"""A chat room to look at, start and change: ``costrel --app examples/chat run``."""

from __future__ import annotations

from .app import app as app
