"""Test an application without a server: test client, WSGI environs, CLI runner.

`schema_test` sends it what its OpenAPI document allows, and much that it does not.
"""

from __future__ import annotations

import importlib.metadata
import re
import typing as t
from contextlib import ExitStack, contextmanager
from copy import copy
from urllib.parse import urlsplit

import werkzeug.test
from click.testing import CliRunner
from werkzeug.http import parse_cookie
from werkzeug.test import Client as Client  # COMPAT(Flask): a name of flask.testing
from werkzeug.wrappers import Request as BaseRequest
from werkzeug.wsgi import get_current_url

from ..commands.groups import ScriptInfo
from ..ground.current import PRESERVE, WITHIN, context
from ..ground.dates import is_unreadable
from ..ground.protection import EXTENSION
from ..serve.afterbody import AfterBody
from .schema import schema_test as schema_test
from .typed import TypedClient, dump
from .typed import UnexpectedResponse as UnexpectedResponse

if t.TYPE_CHECKING:
    from types import TracebackType

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from click.testing import Result
    from werkzeug.datastructures import Headers
    from werkzeug.test import TestResponse

    from ..registration.application import App
    from ..sessions import SessionMixin


class EnvironBuilder(werkzeug.test.EnvironBuilder):
    """Builds a WSGI environ, with defaults from the application's configuration.

    Args:
        app: The application.
        path: Path or full URL of the request.
        base_url: URL that the application is mounted at. Default: built from
            ``PREFERRED_URL_SCHEME``, ``SERVER_NAME`` (or else ``localhost``) and
            ``APPLICATION_ROOT``.
        subdomain: Subdomain of ``SERVER_NAME``; not with `base_url`.
        url_scheme: Replaces ``PREFERRED_URL_SCHEME``; not with `base_url`.
        *args, **kwargs: Passed to `werkzeug.test.EnvironBuilder`: ``method``,
            ``headers``, ``data``, ``json``, ``query_string`` and others.
    """

    def __init__(
        self,
        app: App,
        path: str = "/",
        base_url: str | None = None,
        subdomain: str | None = None,
        url_scheme: str | None = None,
        *args: t.Any,
        **kwargs: t.Any,
    ) -> None:
        if base_url is not None and (subdomain or url_scheme):
            raise ValueError(
                "base_url already contains the host and scheme. Pass either base_url, or subdomain"
                " and url_scheme."
            )
        if base_url is None:
            base_url, path = _locate(app, path, subdomain, url_scheme)
        self.app = app
        super().__init__(path, base_url, *args, **kwargs)

    def json_dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Serialize the ``json=`` argument with the application's JSON provider.

        What it does not know, such as a struct, is serialized as typed views read it. Raises
        the provider's `TypeError` for other objects.
        """
        try:
            return self.app.json.dumps(obj, **kwargs)
        except TypeError as error:
            try:
                return dump(obj)
            except TypeError:
                raise error from None


def _locate(app: App, path: str, subdomain: str | None, url_scheme: str | None) -> tuple[str, str]:
    """Return the base URL for a path or URL, and the path below it."""
    host = app.config["SERVER_NAME"] or "localhost"
    if subdomain:
        host = f"{subdomain}.{host}"
    url = urlsplit(path)
    scheme = url.scheme or url_scheme or app.config["PREFERRED_URL_SCHEME"]
    root = app.config["APPLICATION_ROOT"].lstrip("/")
    base_url = f"{scheme}://{url.netloc or host}/{root}"
    if url.netloc:
        path = f"{url.path}?{url.query}" if url.query else url.path
    return base_url, path


def _get_werkzeug_version() -> str:
    return importlib.metadata.version("werkzeug")


def _is_guarded(app: t.Any) -> bool:
    """Return whether an application refuses requests that other sites may have forged."""
    extensions: dict[str, t.Any] = getattr(app, "extensions", None) or {}
    return getattr(extensions.get(EXTENSION), "csrf", None) is not None


def send_within(environ: WSGIEnvironment) -> None:
    """Let a request borrow the context that is current where it is sent."""
    current = context.get(None)
    if current is None:
        environ.pop(WITHIN, None)
    else:
        environ[WITHIN] = current


def _has_name(header: str) -> bool:
    """Return whether a ``Set-Cookie`` header contains a cookie."""
    return bool(parse_cookie(header.partition(";")[0]))


def _readable_cookie(header: str) -> str:
    """Remove attributes that can't be parsed, as browsers do (RFC 6265 §5.2.1, §5.2.2)."""
    cookie, *attributes = header.split(";")
    return ";".join((cookie, *filter(_is_readable, attributes)))


def _is_readable(attribute: str) -> bool:
    name, _equals, value = attribute.partition("=")
    name, value = name.strip(" \t").lower(), value.strip(" \t")
    if name == "expires":
        return not is_unreadable(value)
    if name == "max-age":
        # Too many digits for any age, and possibly for `int`.
        return len(value) <= 18 and re.fullmatch(r"-?[0-9]*", value) is not None
    return True


class FlaskClient(TypedClient):
    """Sends requests to an application in the same process.

    In a ``with`` block, the context of each request stays active until the next one, so
    that a test can inspect ``request``, ``session`` and ``g``.
    """

    application: App

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.preserve_context = False
        self._new_contexts: list[t.ContextManager[t.Any]] = []
        self._context_stack = ExitStack()
        #: WSGI variables for every request, such as ``REMOTE_ADDR``. Where the application refuses
        #: forged requests, ``HTTP_SEC_FETCH_SITE`` is among them: see docs/csrf.md.
        self.environ_base: dict[str, t.Any] = {
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_USER_AGENT": f"Werkzeug/{_get_werkzeug_version()}",
        }
        if _is_guarded(self.application):
            # A test stands for a page of the application; another value says otherwise.
            self.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"

    def _update_cookies_from_response(
        self, server_name: str, path: str, headers: list[str]
    ) -> None:
        readable = [_readable_cookie(header) for header in headers if _has_name(header)]
        super()._update_cookies_from_response(server_name, path, readable)

    @contextmanager
    def session_transaction(self, *args: t.Any, **kwargs: t.Any) -> t.Iterator[SessionMixin]:
        """Open the client's session to read or change it; it is saved at the end of the block.

        Takes the arguments of a request, for session interfaces that depend on it. Raises
        `TypeError` if the client does not keep cookies, and `RuntimeError` if there is no
        session (no ``SECRET_KEY``).
        """
        if self._cookies is None:
            raise TypeError("Cookies are disabled. Create a client with 'use_cookies=True'.")
        app = self.application
        ctx = app.test_request_context(*args, **kwargs)
        self._add_cookies_to_wsgi(ctx.request.environ)
        with ctx:
            session = app.session_interface.open_session(app, ctx.request)
        if session is None:
            raise RuntimeError(
                "Session backend did not open a session. Set app.secret_key, or the"
                " configuration that the session interface requires."
            )
        yield session

        response = app.response_class()
        if app.session_interface.is_null_session(session):
            return
        with ctx:
            app.session_interface.save_session(app, session, response)
        self._update_cookies_from_response(
            ctx.request.host.partition(":")[0],
            ctx.request.path,
            response.headers.getlist("Set-Cookie"),
        )

    def _copy_environ(self, other: t.Mapping[str, t.Any]) -> WSGIEnvironment:
        environ = {**self.environ_base, **other}
        if self.preserve_context:
            environ[PRESERVE] = self._new_contexts.append
        return environ

    def _request_from_builder_args(
        self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
    ) -> BaseRequest:
        kwargs["environ_base"] = self._copy_environ(kwargs.get("environ_base", {}))
        builder = EnvironBuilder(self.application, *args, **kwargs)
        try:
            return builder.get_request()
        finally:
            builder.close()

    def open(
        self,
        *args: t.Any,
        buffered: bool = False,
        follow_redirects: bool = False,
        **kwargs: t.Any,
    ) -> TestResponse:
        """Send a request and return the response.

        Args:
            *args: A path and other arguments of `EnvironBuilder`, or a single builder,
                environ or request.
            buffered: Read the whole body at once, which ends the request.
            follow_redirects: Follow redirects.
            **kwargs: Passed to `EnvironBuilder`.
        """
        request = self._ready_request(args) if args and not kwargs else None
        if request is None:
            request = self._request_from_builder_args(args, kwargs)

        # The contexts kept for the last request end here.
        self._context_stack.close()
        send_within(request.environ)
        response = super().open(request, buffered=buffered, follow_redirects=follow_redirects)
        response.json_module = self.application.json  # type: ignore[assignment]
        # In the order of use, so that the last request is the current one.
        while self._new_contexts:
            self._context_stack.enter_context(self._new_contexts.pop(0))
        return response

    def run_wsgi_app(
        self, environ: WSGIEnvironment, buffered: bool = False
    ) -> tuple[t.Iterable[bytes], str, Headers]:
        """Call the application for a request, and keep the cookies that it sets."""
        return self._run(self._call, environ, buffered)

    def _run(
        self, application: t.Any, environ: WSGIEnvironment, buffered: bool
    ) -> tuple[t.Iterable[bytes], str, Headers]:
        self._add_cookies_to_wsgi(environ)
        answer = werkzeug.test.run_wsgi_app(application, environ, buffered)
        url = urlsplit(get_current_url(environ))
        self._update_cookies_from_response(
            url.hostname or "localhost", url.path, answer[2].getlist("Set-Cookie")
        )
        return answer

    def _call(self, environ: WSGIEnvironment, start_response: StartResponse) -> t.Iterable[bytes]:
        """Call the application; the end of a complete body does not wait until it is read."""
        pieces = self.application(environ, start_response)
        return pieces.taken() if isinstance(pieces, AfterBody) else pieces

    def _ready_request(self, args: tuple[t.Any, ...]) -> BaseRequest | None:
        """Create a request from a builder, an environ or another request."""
        source = args[0]
        if isinstance(source, werkzeug.test.EnvironBuilder):
            builder = copy(source)
            builder.environ_base = self._copy_environ(builder.environ_base or {})
            try:
                return builder.get_request()
            finally:
                builder.close()
        if isinstance(source, dict):
            return EnvironBuilder.from_environ(
                source, app=self.application, environ_base=self._copy_environ({})
            ).get_request()
        if isinstance(source, BaseRequest):
            request = copy(source)
            request.environ = self._copy_environ(source.environ)
            return request
        return None

    def __enter__(self) -> t.Self:
        if self.preserve_context:
            raise RuntimeError("This client is already in a 'with' block. They can't be nested.")
        self.preserve_context = True
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.preserve_context = False
        self._context_stack.close()


class FlaskCliRunner(CliRunner):
    """Invokes an application's commands in tests."""

    def __init__(self, app: App, **kwargs: t.Any) -> None:
        self.app = app
        super().__init__(**kwargs)

    def invoke(  # type: ignore[override]
        self, cli: t.Any = None, args: t.Any = None, **kwargs: t.Any
    ) -> Result:
        """Run a command and return its result.

        Args:
            cli: The command. Default: the application's command group.
            args: The arguments, as a string or a list.
            **kwargs: Passed to `click.testing.CliRunner.invoke`. ``obj`` is a
                `costrel.cli.ScriptInfo`; default: one for this application.
        """
        if cli is None:
            cli = self.app.cli
        if "obj" not in kwargs:
            kwargs["obj"] = ScriptInfo(create_app=lambda: self.app)
        return super().invoke(cli, args, **kwargs)
