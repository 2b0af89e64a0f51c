"""Match a request's path and method to a rule."""

from __future__ import annotations

from .table import Match, RouteTable, RuleMap

__all__ = ["Match", "RouteTable", "RuleMap"]
