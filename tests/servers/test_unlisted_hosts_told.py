"""What ``costrel run`` says when an application that lists no hosts is to be reached by others."""

from __future__ import annotations

import typing as t
from types import SimpleNamespace

import pytest

from costrel import Costrel, Flask
from costrel.servers.worker import Boot


def warnings_of(app: t.Any, host: str) -> tuple[str, ...]:
    """Return what is said of an application at its start, at an address."""
    options: t.Any = SimpleNamespace(host=host)
    nothing: t.Any = None
    boot = Boot(lambda: app, nothing, nothing, options, nothing)
    boot.load_app()
    return boot.warnings


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])  # noqa: S104  not bound
def test_other_addresses_need_names(host: str) -> None:
    """The line says what to set; not in debug mode, nor where names are set, nor for `Flask`."""
    app = Costrel("told")
    (told,) = warnings_of(app, host)
    assert 'TRUSTED_HOSTS = ["shop.example"]' in told
    app.debug = True
    assert warnings_of(app, host) == ()
    app = Costrel("told")
    app.config["TRUSTED_HOSTS"] = ["a.example"]
    assert warnings_of(app, host) == warnings_of(Flask("told"), host) == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_none(host: str) -> None:
    """Its own names are served."""
    assert warnings_of(Costrel("told"), host) == ()
