"""``costrel run``: serve the application."""

from __future__ import annotations

import os
import sys
import typing as t
from functools import partial

import click
from click.core import ParameterSource

from ..commands.discovery import format_app_error
from ..commands.groups import NoAppException, ScriptInfo, pass_script_info
from ..ground.environment import DEBUG_VARIABLE, ENVIRONMENT_VARIABLE, get_debug_flag
from .options import debug_option
from .params import CertParamType, SeparatedPathType, path_separator_text, validate_key

if t.TYPE_CHECKING:
    from ..servers.debugserver import DebugReady
    from ..servers.granian import Started
    from ..servers.worker import BootFailure, Ready

ALL_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104  (recognised, not bound)

_ONLY_DEBUG = {
    "reload": "--reload",
    "debugger": "--debugger",
    "extra_files": "--extra-files",
    "exclude_patterns": "--exclude-patterns",
}
_ONLY_RELOADING = {name: _ONLY_DEBUG[name] for name in ("extra_files", "exclude_patterns")}
_ONLY_SERVING = {
    "workers": "--workers",
    "threads": "--threads",
    "access_log": "--access-log",
    "stop_timeout": "--stop-timeout",
    "head_timeout": "--head-timeout",
    "body_timeout": "--body-timeout",
    "send_timeout": "--send-timeout",
}


@click.command("run", short_help="Serve the application.")
@click.option("--host", "-h", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    "-p",
    type=click.IntRange(0, 65535),
    default=5000,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Worker processes. For the highest throughput, use one per core.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=None,
    show_default="40; over ASGI, SYNC_THREADS",
    help="Requests that each worker handles at the same time; over ASGI, those with sync code.",
)
@click.option(
    "--interface",
    type=click.Choice(["auto", "wsgi", "asgi"]),
    default="auto",
    show_default=True,
    help="Serve under WSGI or over ASGI. 'auto' chooses ASGI if the application has WebSockets,"
    " async views or hooks, or functions that run before or after serving.",
)
@click.option("--access-log/--no-access-log", default=False, help="Print a line for each request.")
@click.option(
    "--stop-timeout",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long requests in flight may take to finish when the server stops.",
)
@click.option(
    "--head-timeout",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How long a client may take to send the headers of a request. After that, the"
    " connection is closed.",
)
@click.option(
    "--body-timeout",
    type=click.IntRange(min=1),
    default=None,
    show_default="BODY_TIMEOUT_S, normally 30",
    metavar="SECONDS",
    help="How long a client may take to send a body, or each 64 KiB of a longer one. After that,"
    " the response is 408.",
)
@click.option(
    "--send-timeout",
    type=click.IntRange(min=1),
    default=None,
    show_default="SEND_TIMEOUT_S, normally 60",
    metavar="SECONDS",
    help="How long a client may take to read a response, or each 64 KiB of a longer one. After"
    " that, it is disconnected.",
)
@click.option(
    "--cert",
    type=CertParamType(),
    is_eager=True,
    help="Certificate file, to serve HTTPS; needs --key. With --debug, also 'adhoc' or the import"
    " path of an SSLContext.",
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    callback=validate_key,
    expose_value=False,
    help="Private key file of the certificate.",
)
@click.option(
    "--reload/--no-reload",
    default=None,
    help="Restart when code changes. Only with --debug, where it is on by default.",
)
@click.option(
    "--debugger/--no-debugger",
    default=None,
    help="Show errors in an interactive debugger. Only with --debug, where it is on by default.",
)
@click.option(
    "--with-threads/--without-threads",
    default=True,
    help="Handle several requests at the same time (default), or one at a time.",
)
@click.option(
    "--extra-files",
    default=None,
    type=SeparatedPathType(),
    help="More files that trigger a restart when they change, separated by"
    f" {path_separator_text()}. Only with --debug.",
)
@click.option(
    "--exclude-patterns",
    default=None,
    type=SeparatedPathType(),
    help="fnmatch patterns of files that do not trigger a restart, separated by"
    f" {path_separator_text()}. Only with --debug.",
)
@pass_script_info
@click.pass_context
def run_command(
    ctx: click.Context,
    info: ScriptInfo,
    host: str,
    port: int,
    workers: int,
    threads: int | None,
    interface: t.Any,
    access_log: bool,
    stop_timeout: int,
    head_timeout: int,
    body_timeout: int | None,
    send_timeout: int | None,
    cert: t.Any,
    reload: bool | None,
    debugger: bool | None,
    with_threads: bool,
    extra_files: list[str] | None,
    exclude_patterns: list[str] | None,
) -> None:
    """Serve the application.

    Runs on Granian, or on uvicorn if the application is served over ASGI and
    uvicorn is installed. Both are fit for production. With '--debug', restarts
    when code changes and shows errors in an interactive debugger; never expose
    that to the public.
    """
    if get_debug_flag():
        # The reloader runs this command again, as its child.
        if not _is_reloaded():
            _note_unused(ctx, _ONLY_SERVING, "has no effect together with --debug")
            if reload is False:
                _note_unused(ctx, _ONLY_RELOADING, "has no effect together with --no-reload")
            else:
                _note_missing(extra_files or ())
        _run_debug(
            info,
            None if _asks_for_debug(ctx) else _origin_of_debug(),
            host=host,
            port=port,
            interface=interface,
            reload=True if reload is None else reload,
            debugger=True if debugger is None else debugger,
            threaded=with_threads,
            certificate=cert,
            extra_files=extra_files,
            exclude_patterns=exclude_patterns,
        )
        return

    if host.startswith("unix:"):
        raise click.UsageError(
            f"--host {host} is a socket file, which works only with --debug and --interface wsgi."
            " For production, give an address.",
            ctx,
        )
    _note_unused(ctx, _ONLY_DEBUG, "has no effect without --debug")
    if not with_threads:
        if _from_command_line(ctx, "threads") and threads != 1:
            raise click.UsageError(
                f"--without-threads means one thread, which conflicts with --threads {threads}. Use"
                " only one of the two.",
                ctx,
            )
        threads = 1
    if cert is not None and not isinstance(cert, tuple):
        kind = "'adhoc'" if cert == "adhoc" else "an SSLContext"
        raise click.UsageError(
            f"--cert {kind} is for development: add --debug. To serve HTTPS without it, give two"
            " files: --cert cert.pem --key key.pem",
            ctx,
        )
    _run_server(
        info,
        host=host,
        port=port,
        workers=workers,
        threads=threads,
        interface=interface,
        certificate=cert,
        access_log=access_log,
        stop_timeout_s=stop_timeout,
        head_timeout_s=head_timeout,
        body_timeout_s=body_timeout,
        send_timeout_s=send_timeout,
    )


run_command.params.insert(0, debug_option)


def _run_debug(info: ScriptInfo, by: str | None, **settings: t.Any) -> None:
    from ..servers.debugserver import DebugOptions, serve_debug
    from ..servers.reloader import ChildFailedError
    from ..sessions.keys import debug_key

    options = DebugOptions(**settings)
    # The processes that serve one after the other inherit it, so that sessions survive a restart.
    debug_key()

    def on_ready(ready: DebugReady, url: str, first: bool) -> None:
        if first:
            _show_banner(True, info.app_import_path or ready.app_name)
        _show_debugged(ready, by, first=first)
        if first:
            _show_address(options.host, url)
        if ready.pin:
            click.echo(" * Debugger PIN: " + ready.pin)

    def on_stopping() -> None:
        _show_last(" * Stopping")

    try:
        serve_debug(
            partial(load_checked, info),
            options,
            describe=describe_failure,
            on_ready=on_ready,
            on_stopping=on_stopping,
        )
    except ChildFailedError as error:
        raise _as_click(error.failure) from None


def _run_server(info: ScriptInfo, **settings: t.Any) -> None:
    from ..servers.granian import AppLoadError, serve
    from ..servers.worker import ServeOptions

    options = ServeOptions(**settings)

    def on_started(started: Started) -> None:
        _show_banner(False, info.app_import_path or started.ready.app_name)
        _show_started(started)

    def on_stopping() -> None:
        _show_last(
            f" * Stopping: requests in flight have {options.stop_timeout_s} s to finish"
            " (press CTRL+C again to stop at once)"
        )

    try:
        serve(
            AppLoader(info),
            options,
            describe=describe_failure,
            on_started=on_started,
            on_stopping=on_stopping,
        )
    except AppLoadError as error:
        raise _as_click(error.failure) from None


def _as_click(failure: BootFailure) -> click.ClickException:
    kind = NoAppException if failure.usage else click.ClickException
    return kind(failure.message)


class AppLoader:
    """Load the application in a worker process.

    A plain object, so that it can be pickled for a process that is not forked.
    """

    def __init__(self, info: ScriptInfo) -> None:
        self.info = info
        self.as_flask = os.environ.get("COSTREL_AS_FLASK") == "1"

    def __call__(self) -> t.Any:
        """Return the application; install the alias first if the parent has it."""
        if self.as_flask and "flask" not in sys.modules:
            from ..compat import install_as_flask

            install_as_flask()
        return load_checked(self.info)


def load_checked(info: ScriptInfo) -> t.Any:
    """Return the application, with all its typed views compiled, if nothing stops its start."""
    from .checking import checked, start_checked

    return start_checked(checked(info.load_app()))


def describe_failure(error: BaseException) -> BootFailure:
    """Return a message for the user that says why the application could not be loaded."""
    from ..servers.worker import BootFailure

    if isinstance(error, click.ClickException):
        return BootFailure(error.format_message(), usage=isinstance(error, click.UsageError))
    return BootFailure(f"The application could not be loaded.\n\n{format_app_error(error)}")


def _show_banner(debug: bool, app_import_path: str | None) -> None:
    # COMPAT: looked up late, because people replace it on the module to silence the banner.
    package = sys.modules[__package__ or "costrel.cli"]
    t.cast(t.Any, package).show_server_banner(debug, app_import_path)


def _show_started(started: Started) -> None:
    options, ready = started.options, started.ready
    interface, reason = ready.choice
    click.echo(
        f" * {ready.server} {'over ASGI' if interface == 'asgi' else 'under WSGI'} ({reason}):"
        f" {_count(options.workers, 'worker')}"
        f" with {_count(ready.threads, 'thread')}{' each' if options.workers > 1 else ''}"
    )
    if ready.note:
        click.secho(f" * {ready.note}", fg="yellow")
    _show_warnings(ready)
    _show_address(options.host, started.url)


def _asks_for_debug(ctx: click.Context) -> bool:
    """Whether the command line has ``--debug``, before or after the name of the command."""
    asked: click.Context | None = ctx
    while asked is not None and not _from_command_line(asked, "debug"):
        asked = asked.parent
    return asked is not None


def _origin_of_debug() -> str:
    # Imported here, because `import flask` loads this module.
    from ..settings.files import origin_of_variable

    return origin_of_variable(DEBUG_VARIABLE)


def _show_debugged(ready: DebugReady, by: str | None, *, first: bool) -> None:
    """Print what is served, and what has turned on debug mode: `by`, or ``--debug``."""
    interface, reason = ready.choice
    how = f"{ready.server} {'over ASGI' if interface == 'asgi' else 'under WSGI'} ({reason})"
    click.echo(f" * {'' if first else 'Restarted: '}{how}")
    if first:
        leave = "leave out --debug"
        if by is not None:
            click.echo(f" * Debug mode is on by {by}")
            leave = f"remove that, or set {ENVIRONMENT_VARIABLE}=production"
            if by == DEBUG_VARIABLE:
                leave = "unset that"
        click.secho(f" * For development only. In production, {leave}.", fg="red")
    if ready.note:
        click.secho(f" * {ready.note}", fg="yellow")
    if first:
        _show_warnings(ready)


def _show_warnings(ready: Ready) -> None:
    for warning in ready.warnings:
        click.secho(f" * {warning}", fg="yellow", err=True)


def _show_last(text: str) -> None:
    """Print a line to a terminal that may be closed by now."""
    try:
        click.echo(text)
    except OSError:
        # Python would try to write the line again at its exit, and report that as a failure.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _show_address(host: str, url: str) -> None:
    if host in ALL_ADDRESSES:
        click.echo(f" * Running on all addresses ({host})")
    click.echo(f" * Running on {click.style(url, bold=True)}")
    click.secho("Press CTRL+C to quit", fg="yellow")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _from_command_line(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _note_unused(ctx: click.Context, options: t.Mapping[str, str], reason: str) -> None:
    """Print a note for each given option that has no effect here.

    Only options on the command line count: environment variables are set once,
    for both kinds of server. An option that is switched off does not count either.
    """
    for name, option in options.items():
        if _from_command_line(ctx, name) and ctx.params.get(name) is not False:
            click.secho(f" * Note: {option} {reason}.", fg="yellow", err=True)


def _note_missing(files: t.Iterable[str]) -> None:
    """Print a note for each file that is to be watched and does not exist."""
    for file in files:
        if not os.path.exists(file):
            click.secho(f" * Note: --extra-files: {file} does not exist.", fg="yellow", err=True)


def _is_reloaded() -> bool:
    # Imported here, because only debug mode needs it.
    from werkzeug.serving import is_running_from_reloader

    return is_running_from_reloader()
