"""``costrel settings``: show the settings, and where each of them is from."""

from __future__ import annotations

import typing as t

import click

from ..commands.groups import enter_app_context
from ..ground.redaction import shown
from ..sessions.automatic import AutoName
from .checking import start_checked

if t.TYPE_CHECKING:
    from ..settings import Loaded


@click.command("settings", short_help="Show the settings, and where each of them is from.")
@click.option("--all", "all_", is_flag=True, help="Also show what still has its default.")
@click.pass_context
def settings_command(ctx: click.Context, all_: bool) -> None:
    """Show the settings of the application, and where each of them is from.

    Secrets are hidden. If a setting is wrong or missing, or the secret key is weak outside debug
    mode, shows everything that is wrong, and exits with 1. Set COSTREL_ENV to check the settings of
    another environment.
    """
    # Imported here, because no other command needs it.
    from ..settings import SettingsError, environment, loaded

    try:
        app = enter_app_context(ctx)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    found = loaded(app)
    click.echo(f"Environment: {found.environment if found else environment(debug=app.debug)}\n")
    rows = [*_loaded_rows(app, found), *_other_rows(app, found, all_=all_)]
    widths = [max(len(row[column]) for row in (_TITLES, *rows)) for column in range(2)]
    for row in (_TITLES, tuple("-" * len(title) for title in _TITLES), *sorted(rows)):
        cells = [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]
        click.echo("  ".join(cells).rstrip())
    # What would stop the start of a server, such as a weak key outside debug mode.
    start_checked(app)


_TITLES = ("Setting", "Value", "From")


_NONE = object()


def _loaded_rows(app: t.Any, found: Loaded | None) -> t.Iterator[tuple[str, ...]]:
    """Yield what was loaded; and of what the code has set since, what it is now."""
    if found is None:
        return
    for key, origin in found.origins.items():
        value = found.values[key]
        if key in app.config and app.config[key] != value:
            yield key, shown(key, app.config[key]), f"app.config, instead of {origin}"
        else:
            yield key, shown(key, value), origin


def _other_rows(app: t.Any, found: Loaded | None, *, all_: bool) -> t.Iterator[tuple[str, ...]]:
    """Yield the rest of the configuration: what the code has set, and if asked the defaults."""
    origins = found.origins if found else {}
    structures = {key.partition("__")[0] for key in origins if "__" in key}
    defaults = app.default_config
    for key, value in app.config.items():
        if key in origins or key in structures:
            continue
        # DEBUG has no value in the defaults: it is FLASK_DEBUG, so off unless somebody turns it on.
        unchanged = (
            defaults.get(key, _NONE) == value
            or type(value) is AutoName
            or (key == "DEBUG" and not value)
        )
        if not unchanged:
            yield key, shown(key, value), "app.config"
        elif all_:
            yield key, shown(key, value), "the default"
