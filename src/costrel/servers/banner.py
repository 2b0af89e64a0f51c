"""Show at start-up which application is served."""

from __future__ import annotations


def show_server_banner(debug: bool, app_import_path: str | None) -> None:
    """Print the application's name and whether debug mode is on.

    Without a name, only the second line is printed. In the child process of the
    reloader nothing is printed, because it would be repeated at every change.
    """
    # Imported here because `import costrel` loads this module and needs neither.
    import click
    from werkzeug.serving import is_running_from_reloader

    if is_running_from_reloader():
        return
    if app_import_path is not None:
        click.echo(f" * Serving Costrel app {app_import_path!r}")
    click.echo(f" * Debug mode: {'on' if debug else 'off'}")
