"""Protections of an application: what `Costrel` switches on, and `protect` gives to a `Flask`."""

from __future__ import annotations
