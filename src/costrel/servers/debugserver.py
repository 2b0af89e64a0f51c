"""Serve on Werkzeug's development server, with its reloader and debugger.

For one developer on one machine. It runs code that is typed into an error page,
which a public server must never do.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import click
from werkzeug.serving import is_running_from_reloader, run_simple

from ..commands.discovery import format_app_error, users_frames
from .address import is_loopback

if t.TYPE_CHECKING:
    from ssl import SSLContext


@dataclass(frozen=True)
class DebugOptions:
    """The options of ``costrel run --debug``.

    `certificate` is a pair of files, ``"adhoc"`` for one that is created at
    start-up, or an `ssl.SSLContext`.
    """

    host: str = "127.0.0.1"
    port: int = 5000
    reload: bool = True
    debugger: bool = True
    threaded: bool = True
    certificate: tuple[str, str | None] | t.Literal["adhoc"] | SSLContext | None = None
    extra_files: t.Sequence[str] | None = None
    exclude_patterns: t.Sequence[str] | None = None


def load_or_defer(load: t.Callable[[], t.Any], *, reloading: bool) -> t.Any:
    """Load the application; after a reload, defer errors to the requests.

    An error at the first start is raised at once. After a change to the code it is
    raised in every request instead, where the debugger shows it. The server keeps
    running, so the next change can fix it.
    """
    if not (reloading and is_running_from_reloader()):
        return load()
    try:
        return load()
    except Exception as error:  # noqa: BLE001  (shown in the browser instead)
        click.secho(
            f" * The application could not be loaded.\n{format_app_error(error)}\n"
            " * Every request shows this error until you change the code.",
            fg="red",
            err=True,
        )
        return _Deferred(error)


def serve_debug(app: t.Any, options: DebugOptions) -> None:
    """Serve until interrupted; with `options.reload`, restart when files change.

    SECURITY(debugger): anyone who can reach the debugger and knows its PIN can run
    code as this user, hence the warning about addresses other than loopback.
    """
    if options.debugger and not is_loopback(options.host) and not is_running_from_reloader():
        click.secho(
            f" * WARNING: --host {options.host} opens the interactive debugger to the network."
            " Anyone who learns its PIN can run any code as you.\n"
            " * Use --host 127.0.0.1, or switch the debugger off with --no-debugger.",
            fg="red",
            bold=True,
            err=True,
        )
    run_simple(
        options.host,
        options.port,
        app,
        use_reloader=options.reload,
        use_debugger=options.debugger,
        threaded=options.threaded,
        ssl_context=options.certificate,
        extra_files=options.extra_files,
        exclude_patterns=options.exclude_patterns,
    )


class _Deferred:
    """Stand in for an application that could not be loaded."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.frames = users_frames(error)

    def __call__(self, _environ: t.Any, _start_response: t.Any) -> t.NoReturn:
        # Werkzeug leaves this frame out of what it shows.
        __traceback_hide__ = True
        # Otherwise each request would add its frame.
        raise self.error.with_traceback(self.frames)
