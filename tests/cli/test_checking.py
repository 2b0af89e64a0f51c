"""Commands refuse an application that has typed views which can't be used."""

from __future__ import annotations

import typing as t

import click
import pytest
from click.testing import CliRunner

from costrel import Costrel
from costrel.cli import FlaskGroup
from costrel.cli.openapi import openapi_command
from costrel.cli.run import AppLoader
from costrel.commands.groups import ScriptInfo


def make_app() -> Costrel:
    """Create an application with two views that can't be used, and one that can."""
    app = Costrel(__name__)

    def read_book(book_id: int) -> None: ...

    def list_books(limit: int = t.cast("int", "10")) -> None: ...

    app.add_url_rule("/books/<book_id>", view_func=read_book)
    app.add_url_rule("/books", view_func=list_books)
    app.add_url_rule("/", "index", lambda: "text")
    return app


@pytest.mark.parametrize("command", ["routes", "openapi", "routes --match GET /"])
def test_commands_name_each_view_that_cannot_be_used(command: str) -> None:
    """Without a traceback: it would show the lines of the command."""
    group = FlaskGroup(create_app=make_app)
    group.add_command(openapi_command)
    result = CliRunner().invoke(group, command.split())
    assert result.exit_code == 1
    assert result.output.startswith("Error: 'book_id' is annotated as int")
    assert "read_book (" in result.output
    assert "The default of 'limit'" in result.output
    assert "Traceback" not in result.output


def test_worker_does_not_start_with_such_an_application() -> None:
    """The message is that of the parent process too."""
    with pytest.raises(click.ClickException, match="'book_id' is annotated as int"):
        AppLoader(ScriptInfo(create_app=make_app))()


@pytest.mark.parametrize("command", ["routes", "openapi"])
def test_setting_that_is_none_is_shown_like_that(command: str) -> None:
    """It is read when views are compiled."""
    app = Costrel(__name__)
    app.config["QUERY_UNKNOWN"] = "error"
    app.add_url_rule("/", "index", lambda: "text")
    group = FlaskGroup(create_app=lambda: app)
    group.add_command(openapi_command)
    result = CliRunner().invoke(group, [command])
    assert result.exit_code == 1
    assert "QUERY_UNKNOWN is 'error'" in result.output
