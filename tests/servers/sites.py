"""A served application as its clients see it, and the choice of servers for a test."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from exchange import (
    Answer,
    eventually,
    fetch,
    go_away_after_first_bytes,
    go_away_after_part_of_a_body,
)
from programs import PROGRAMS, Program, Running
from proxy import Nginx

BEHIND_NGINX = "-behind-nginx"


def names(able=lambda program: True, ways=("", BEHIND_NGINX)):
    """Return the names of the sites whose programs have these abilities."""
    return [program.name + way for way in ways for program in PROGRAMS.values() if able(program)]


directly = pytest.mark.parametrize("site", names(ways=("",)), indirect=True)
behind_nginx = pytest.mark.parametrize("site", names(ways=(BEHIND_NGINX,)), indirect=True)


@dataclass(frozen=True)
class Site:
    """A served application, as its clients see it."""

    program: Program
    running: Running
    port: int
    prefix: str = ""
    nginx: Nginx | None = None

    def fetch(self, path, method="GET", **request) -> Answer:
        """Send a request for a path of the application."""
        return fetch(self.port, self.prefix + path, method, **request)

    def leave(self, path):
        """Start to read a response, then disconnect."""
        return go_away_after_first_bytes(self.port, self.prefix + path)

    def leave_uploading(self, path, headers, part, *, orderly):
        """Start to send a body, then disconnect."""
        path = self.prefix + path
        go_away_after_part_of_a_body(self.port, path, headers, part, orderly=orderly)

    def count(self, *names):
        """Return some of the application's counters."""
        counters = self.fetch("/counters").json
        return tuple(counters.get(name, 0) for name in names)

    def growth(self, *names):
        """Return a function that checks how much each of these counters has grown."""
        before = self.count(*names)

        def grown():
            return tuple(now - then for now, then in zip(self.count(*names), before, strict=True))

        def check(*expected):
            # Check twice in a row: reading the counters collects garbage, which may still run code,
            # and a busy server may only now start requests that their clients have given up.
            eventually((expected, expected), lambda: (grown(), grown()))

        return check
