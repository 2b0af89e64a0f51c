"""``costrel openapi``."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from msgspec import Struct

from costrel import Blueprint, Costrel
from costrel.cli import FlaskGroup
from costrel.cli.openapi import openapi_command
from costrel.openapi import document_of


class Item(Struct):
    """An item, with an umlaut: ü."""

    id: int


def shop() -> Costrel:
    """Make an application with a version."""
    app = Costrel("shop")
    v1 = Blueprint("v1", __name__, version="v1")

    @v1.get("/items")
    def items(limit: int = 10) -> list[Item]:
        """List the items."""
        return []

    @app.get("/other")
    def other() -> Item:
        return Item(1)

    app.register_blueprint(v1)
    return app


def invoke(*args: str, app: Costrel | None = None) -> Result:
    """Run the command for an application."""
    group = FlaskGroup(create_app=lambda: app or shop())
    group.add_command(openapi_command)
    return CliRunner().invoke(group, ["openapi", *args])


def test_document_is_shown_as_json_or_yaml() -> None:
    """Both have the same content, without escapes."""
    document = document_of(shop())
    shown = invoke()
    assert json.loads(shown.stdout) == document
    assert "ü" in shown.stdout
    shown = invoke("--format", "yaml")
    assert yaml.safe_load(shown.stdout) == document
    assert "&id" not in shown.stdout
    assert "ü" in shown.stdout


def test_document_of_a_version_is_shown() -> None:
    """An unknown one is an error that names those that there are."""
    assert list(json.loads(invoke("--version", "v1").stdout)["paths"]) == ["/items"]
    failed = invoke("--version", "v2")
    assert failed.exit_code == 1
    assert "'v2'" in failed.output
    assert "'v1'" in failed.output


@pytest.mark.parametrize("name", ["api.json", "api.yaml", "api.yml"])
def test_written_file_is_up_to_date(tmp_path: Path, name: str) -> None:
    """The name says the format."""
    file = str(tmp_path / name)
    assert invoke("--output", file).exit_code == 0
    text = Path(file).read_text(encoding="utf-8")
    assert text.startswith("{" if name == "api.json" else "openapi: 3.1.1\n")
    result = invoke("--check", file)
    assert (result.exit_code, result.output) == (0, f"{file} is up to date.\n")


def test_difference_is_shown_and_fails(tmp_path: Path) -> None:
    """So that a build fails whose file was not written anew."""
    file = tmp_path / "api.json"
    invoke("--output", str(file))
    app = shop()

    @app.post("/orders")
    def order(item: Item) -> None: ...

    result = invoke("--check", str(file), app=app)
    assert result.exit_code == 1
    assert "added: /orders\n" in result.output
    assert f"costrel openapi --output {file}" in result.output


@pytest.mark.parametrize("content", ["{", None])
def test_file_that_can_not_be_read_is_an_error(tmp_path: Path, content: str | None) -> None:
    """Broken, or not there."""
    file = tmp_path / "api.json"
    if content is not None:
        file.write_text(content)
    result = invoke("--check", str(file))
    assert result.exit_code == 1
    assert f"{file} cannot be read" in result.output


def test_without_pyyaml_the_error_names_what_to_install(monkeypatch: t.Any) -> None:
    """JSON works without it."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    result = invoke("--format", "yaml")
    assert result.exit_code == 1
    assert "pip install 'costrel[yaml]'" in result.output
    assert invoke().exit_code == 0


def test_view_that_can_not_be_described_is_an_error_that_names_it() -> None:
    """Without a traceback, which would end in the framework."""
    app = shop()

    @app.get("/broken")
    def broken(item: Item) -> Item:
        return item

    result = invoke(app=app)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "broken" in result.output
    assert "test_openapi_command.py:" in result.output
