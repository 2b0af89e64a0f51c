"""Refuse an application that has typed views which can't be used."""

from __future__ import annotations

import typing as t

import click

from ..dispatch.typed import check_views


def checked(app: t.Any) -> t.Any:
    """Return an application; otherwise show what is wrong with its typed views, and end."""
    try:
        check_views(app)
    except (TypeError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    return app


def start_checked(app: t.Any) -> t.Any:
    """Return an application; if it must not be served as it is, show why, and end.

    What its checks have noted, the server says: see `costrel.servers.worker.Ready`.
    """
    try:
        app._check_start(log=False)
    except (RuntimeError, TypeError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    return app
