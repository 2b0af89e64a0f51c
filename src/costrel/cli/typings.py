"""``costrel typings``: let type checkers know ``flask`` as Costrel."""

from __future__ import annotations

import pathlib

import click


@click.command("typings", short_help="Write type stubs of flask for mypy and pyright.")
@click.argument(
    "folder",
    type=click.Path(file_okay=False, path_type=pathlib.Path),
    default=pathlib.Path("typings"),
)
def typings_command(folder: pathlib.Path) -> None:
    """Write stubs of flask that stand for Costrel into FOLDER, by default "typings".

    With them, mypy and pyright read "from flask import Flask" in your code and in your
    extensions as costrel.Flask.
    """
    # Imported here, because no other command needs it.
    from ..compat.typings import write_stubs

    try:
        written = write_stubs(folder)
    except OSError as error:
        raise click.ClickException(f"The stubs cannot be written: {error}.") from None
    click.echo(
        f"Wrote {written}. pyright finds it there if the folder is called typings; for mypy, set"
        f' mypy_path = "{folder}".'
    )
