"""`AppGroup`, `with_appcontext` and `ScriptInfo`."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from costrel import Flask, current_app
from costrel.cli import AppGroup, NoAppException, ScriptInfo, with_appcontext


def test_command_runs_in_the_context_until_click_is_done() -> None:
    """Resources closed at the end see the application; then the context is gone."""
    seen: list[str] = []

    @click.command()
    @with_appcontext
    @click.pass_context
    def work(ctx: click.Context) -> None:
        ctx.call_on_close(lambda: seen.append(current_app.name))

    app = Flask("shop")
    app.teardown_appcontext(lambda error: seen.append("torn down"))
    CliRunner().invoke(work, obj=ScriptInfo(create_app=lambda: app))

    assert seen == ["shop", "torn down"]
    assert not current_app


def test_command_in_an_active_context_keeps_it() -> None:
    """If a test has pushed a context, the command sees its ``g``."""

    @click.command()
    @with_appcontext
    def name() -> None:
        click.echo(current_app.name)

    with Flask("outer").app_context():
        result = CliRunner().invoke(name, obj=ScriptInfo(create_app=lambda: Flask("inner")))

    assert result.output == "outer\n"


def test_nested_group_is_an_app_group_too() -> None:
    """Commands of nested groups run in the context."""
    group = AppGroup("outer")

    @group.group()
    def inner() -> None: ...

    @inner.command("name")
    def show_name() -> None:
        click.echo(current_app.name)

    result = CliRunner().invoke(
        group, ["inner", "name"], obj=ScriptInfo(create_app=lambda: Flask("shop"))
    )

    assert isinstance(inner, AppGroup)
    assert result.output == "shop\n"


def test_command_may_be_registered_without_parentheses() -> None:
    """``@app.cli.command`` alone registers the function under its name."""
    app = Flask("shop")

    @app.cli.command
    def sweep() -> None:
        click.echo(current_app.name)

    assert app.test_cli_runner().invoke(args=["sweep"]).output == "shop\n"


def test_command_may_decline_the_context() -> None:
    """``with_appcontext=False`` runs the function without the context."""
    app = Flask("shop")

    @app.cli.command(with_appcontext=False)
    def check() -> None:
        click.echo(bool(current_app))

    assert app.test_cli_runner().invoke(args=["check"]).output == "False\n"


@pytest.mark.parametrize(("variable", "debug"), [("1", True), ("no", False), (None, False)])
def test_script_info_sets_debug_by_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, debug: bool
) -> None:
    """`FLASK_DEBUG` sets the debug flag of the loaded application, once."""
    if variable is not None:
        monkeypatch.setenv("FLASK_DEBUG", variable)
    info = ScriptInfo(create_app=lambda: Flask("shop"))

    app = info.load_app()

    assert app.debug is debug
    assert info.load_app() is app


def test_script_info_without_anything_to_load_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """The error names the option, the variable and the files."""
    monkeypatch.chdir(str(tmp_path))

    with pytest.raises(NoAppException, match=r"--app.*FLASK_APP.*wsgi\.py.*app\.py"):
        ScriptInfo().load_app()
