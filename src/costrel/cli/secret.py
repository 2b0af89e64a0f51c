"""``costrel secret``: make a secret key, and say where to put it."""

from __future__ import annotations

import os
import pathlib

import click

from ..sessions.keys import fresh_key

_WHERE = """\
This is a new SECRET_KEY. Keep it outside of the source.
If the application calls costrel.settings.load():
  in development  in the file .env (keep it out of git), as the line APP_SECRET_KEY=...
  in production   in a file that only the application reads: costrel secret --write PATH,
                  and SECRET_KEY_FILE=PATH in its environment
If it calls app.config.from_prefixed_env(), which reads no files:
  in development  in the file .env, as the line FLASK_SECRET_KEY=...
  in production   in its environment, as FLASK_SECRET_KEY"""


@click.command("secret", short_help="Make a secret key.")
@click.option(
    "--write",
    "path",
    type=click.Path(path_type=pathlib.Path),
    help="File to write the key to, instead of showing it. Only you can read the file. One that"
    " exists is never overwritten.",
)
def secret_command(path: pathlib.Path | None) -> None:
    """Make a secret key, which signs sessions, and say where to put it.

    The key goes to standard output, everything else to standard error.
    """
    if path is None:
        click.echo(fresh_key())
        click.echo(_WHERE, err=True)
        return
    try:
        # SECURITY(secrets): created with its mode, so that nobody reads it in between.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(
            f"{path} exists, and the key in it may be in use, so it was not overwritten. Choose"
            " another file; to replace the key in use, see docs/secrets.md."
        ) from None
    except OSError as error:
        raise click.ClickException(f"The key cannot be written: {error}.") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{fresh_key()}\n")
    click.echo(f"Wrote a new key to {path}. Only you can read it.", err=True)
