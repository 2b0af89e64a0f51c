"""Show errors in Werkzeug's interactive debugger, from the user's code on."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import re
import sys
import sysconfig
import threading
import traceback
import types
import typing as t
from importlib.util import find_spec
from itertools import dropwhile
from urllib.parse import urlsplit

import click
import jinja2
import werkzeug
from werkzeug.debug import DebuggedApplication
from werkzeug.debug.tbtools import DebugTraceback
from werkzeug.exceptions import BadRequest, BadRequestKeyError, NotFound
from werkzeug.wrappers import Request, Response

from ..ground.current import PRESERVE, context

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ..ctx import AppContext

LOOPBACK = [".localhost", "127.0.0.1"]
"""The hosts by which a browser on this machine reaches the server, and `LOOPBACK_6`."""

LOOPBACK_6 = re.compile(r"\[::1\](:\d+)?")


def _folder(module: types.ModuleType) -> str:
    return os.path.join(os.path.dirname(os.path.abspath(str(module.__file__))), "")


_HIDDEN = (
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ""),
    *map(_folder, (asyncio, click, concurrent, jinja2, werkzeug)),
    *(str(module.__file__) for module in (threading, contextlib)),
    *(
        os.path.join(os.path.dirname(spec.origin), "")
        for spec in map(find_spec, ("granian", "uvicorn"))
        if spec is not None and spec.origin is not None
    ),
    "<frozen importlib",
)


_STANDARD = os.path.join(sysconfig.get_path("stdlib"), "")
_PACKAGES = ("site-packages", "dist-packages")


def fold(error: BaseException) -> BaseException:
    """Hide the frames of the framework in the tracebacks of an error and its causes.

    Errors of which nothing else remains are left out, if others occurred while they were
    handled.
    """
    seen: set[int] = set()
    pending = [error]
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        while current.__context__ is not None and not _users(current.__context__.__traceback__):
            current.__context__ = current.__context__.__context__
        current.__traceback__ = users_traceback(current)
        if isinstance(current, BaseExceptionGroup):
            pending += current.exceptions
        pending += filter(None, (current.__cause__, current.__context__))
    return error


def first_error(error: BaseException) -> BaseException:
    """Return the first error of an exception group that is no group itself; others as they are."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@contextlib.contextmanager
def _caused_by_its_first(error: BaseException) -> t.Iterator[None]:
    """Let the first error of an exception group count as its cause.

    Werkzeug's page shows no other errors of a group, only causes.
    """
    first = first_error(error)
    if first is error or error.__cause__ is not None:
        yield
        return
    suppressed, notes = error.__suppress_context__, getattr(error, "__notes__", None)
    error.__cause__ = first
    error.__notes__ = [*(notes or ()), "".join(traceback.format_exception_only(first)).rstrip()]
    try:
        yield
    finally:
        error.__cause__, error.__suppress_context__ = None, suppressed
        if notes is None:
            del error.__notes__
        else:
            error.__notes__ = notes


def users_traceback(error: BaseException) -> types.TracebackType | None:
    """Return the traceback of an error from the user's code on, without the framework's frames.

    If there are no others, the last of them remains, which raised the error. A syntax error
    needs none: its message names the file.
    """
    frames = _users(error.__traceback__)
    if not frames and not isinstance(error, SyntaxError):
        frames = _steps(error.__traceback__)[-1:]
    chain = None
    for step in reversed(frames):
        chain = types.TracebackType(chain, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return chain


def _users(first: types.TracebackType | None) -> list[types.TracebackType]:
    frames = [step for step in _steps(first) if not _file(step).startswith(_HIDDEN)]
    return list(dropwhile(lambda step: _is_standard(_file(step)), frames))


def _steps(step: types.TracebackType | None) -> list[types.TracebackType]:
    steps = []
    while step is not None:
        steps.append(step)
        step = step.tb_next
    return steps


def _file(step: types.TracebackType) -> str:
    return step.tb_frame.f_code.co_filename


def _is_standard(filename: str) -> bool:
    return filename.startswith(_STANDARD) and not any(name in filename for name in _PACKAGES)


class Debugger(DebuggedApplication):
    """Werkzeug's debugger, whose pages begin with the user's frames.

    SECURITY(debugger): it evaluates code only for a browser that reaches it by a name of this
    machine, from a page of its own, with the PIN.
    """

    def __init__(self, app: t.Any, wsgi: WSGIApplication | None = None) -> None:
        # The PIN depends on the given application: always the same one, so that it doesn't
        # change with an error or with the interface.
        super().__init__(
            _not_found,
            evalex=True,
            console_init_func=lambda: {"app": app},
            pin_logging=False,
        )
        self.pin_logging = True
        self.trusted_hosts = LOOPBACK
        self._wsgi = wsgi or _not_found

    def check_host_trust(self, environ: WSGIEnvironment) -> bool:
        """Return whether the request comes from a page of this server on this machine."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and urlsplit(origin).netloc != environ.get("HTTP_HOST"):
            return False
        if LOOPBACK_6.fullmatch(environ.get("HTTP_HOST", "")):
            return True
        return super().check_host_trust(environ)

    def get_resource(self, request: Request, filename: str) -> t.Any:
        """Return a file of the debugger's pages; 404 for a name that no file can have."""
        return NotFound() if "\0" in filename else super().get_resource(request, filename)

    def pin_auth(self, request: Request) -> t.Any:
        """Check a PIN; 400 if none was sent, or if none is needed."""
        if self.pin is None:
            return BadRequest()
        try:
            return super().pin_auth(request)
        except BadRequestKeyError as error:
            return error

    def show(
        self,
        error: Exception,
        environ: WSGIEnvironment,
        contexts: t.Sequence[t.ContextManager[t.Any]],
    ) -> Response:
        """Return the page for an error, and keep its frames for the console.

        Code that is evaluated in a frame runs within the given contexts.
        """
        with _caused_by_its_first(fold(error)):
            shown = DebugTraceback(error)
        for frame in shown.all_frames:
            self.frames[id(frame)] = frame
            self.frame_contexts[id(frame)] = list(contexts)
        trusted = self.check_host_trust(environ)
        html = shown.render_debugger_html(
            evalex=self.evalex and trusted,
            secret=self.secret if trusted else "",
            evalex_trusted=trusted and bool(self.check_pin_trust(environ)),
        ).replace("your WSGI application", "your application", 1)
        return Response(html, status=500, mimetype="text/html")

    def debug_application(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterator[bytes]:
        """Run the application under WSGI, and show its error."""
        contexts: list[t.ContextManager[t.Any]] = []
        environ[PRESERVE] = contexts.append
        pieces: t.Any = ()
        started = sent = False

        def start(status: str, headers: list[tuple[str, str]], *exc_info: t.Any) -> t.Any:
            nonlocal started
            if started and not exc_info:
                # SPEC(PEP 3333): replaces a head that was not sent yet.
                exc_info = (sys.exc_info(),)
            started = True
            return start_response(status, headers, *exc_info)

        try:
            pieces = self._wsgi(environ, start)
            for piece in pieces:
                sent = True
                yield piece
        except Exception as error:  # noqa: BLE001  shown instead
            response = self.show(error, environ, contexts)
            print_error(error)
            if not sent:
                yield from response(environ, start)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()


def _not_found(environ: WSGIEnvironment, start_response: StartResponse) -> t.Iterable[bytes]:
    return NotFound()(environ, start_response)


def print_error(error: BaseException, headline: str = "") -> None:
    """Print a folded error to the terminal."""
    sys.stderr.write(headline + "".join(DebugTraceback(fold(error)).render_traceback_text()))
    sys.stderr.flush()


class Within:
    """A context manager that makes the context of a failed request current again."""

    def __init__(self, ctx: AppContext) -> None:
        self._ctx = ctx
        self._tokens: list[t.Any] = []

    def __enter__(self) -> None:
        self._tokens.append(context.set(self._ctx))

    def __exit__(self, *_error: object) -> None:
        context.reset(self._tokens.pop())
