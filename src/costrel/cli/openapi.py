"""``costrel openapi``: show the OpenAPI document, or compare it with a file."""

from __future__ import annotations

import importlib
import json
import pathlib
import typing as t

import click

from ..commands.groups import with_appcontext
from ..ground.current import current_app

_PATH = click.Path(dir_okay=False, path_type=pathlib.Path)


@click.command("openapi", short_help="Show the OpenAPI document of the application.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["json", "yaml"]),
    help="Format of the document. Default: that of the file's name, or else JSON.",
)
@click.option("--output", type=_PATH, help="File to write, instead of showing the document.")
@click.option(
    "--check",
    type=_PATH,
    help="File to compare with the document. If they differ, show how, and exit with 1.",
)
@click.option("--version", help="Version of blueprints whose document it is. Default: all.")
@with_appcontext
def openapi_command(
    format_: str | None,
    output: pathlib.Path | None,
    check: pathlib.Path | None,
    version: str | None,
) -> None:
    """Show the OpenAPI document that describes the application's views."""
    # Imported here, because no other command needs it.
    from ..openapi import document_of
    from .checking import checked

    app = checked(current_app._get_current_object())
    try:
        document = document_of(app, version)
    except (LookupError, TypeError, ValueError) as error:
        # A version that there is not, or views that can't be described: the message names them.
        raise click.ClickException(str(error)) from error
    if check is not None:
        _compare(check, document, format_)
    elif output is not None:
        try:
            output.write_text(_dump(document, _format_of(output, format_)), encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"The document cannot be written: {error}.") from None
    else:
        click.echo(_dump(document, format_ or "json"), nl=False)


def _compare(file: pathlib.Path, document: dict[str, t.Any], format_: str | None) -> None:
    from ..openapi.check import differences

    try:
        text = file.read_text(encoding="utf-8")
        known = _load(text, _format_of(file, format_))
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{file} cannot be read: {error}") from None
    found = differences(known, document)
    for line in found:
        click.echo(line)
    if found:
        click.echo(
            f"{file} is out of date. Write it with: costrel openapi --output {file}", err=True
        )
        raise click.exceptions.Exit(1)
    click.echo(f"{file} is up to date.")


def _format_of(file: pathlib.Path, format_: str | None) -> str:
    return format_ or ("yaml" if file.suffix in {".yaml", ".yml"} else "json")


def _dump(document: dict[str, t.Any], format_: str) -> str:
    if format_ == "yaml":
        dumped: str = _yaml().safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
        return dumped
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _load(text: str, format_: str) -> t.Any:
    """Return a document; raises `ValueError` for broken JSON or YAML."""
    if format_ == "json":
        return json.loads(text)
    yaml = _yaml()
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _yaml() -> t.Any:
    """Return PyYAML."""
    try:
        return importlib.import_module("yaml")
    except ImportError:
        raise click.ClickException(
            "YAML needs PyYAML, which is not installed. Install it with:"
            " pip install 'costrel[yaml]'"
        ) from None
