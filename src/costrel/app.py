"""The application class, `Flask`.

It adds to the registries of `costrel.registration.application` the steps that handle a
request, under Flask's names. You can override a step in a subclass, or replace it on the
class or the instance. The defaults are implemented in `costrel.dispatch`,
`costrel.routing` and `costrel.serve`.

The module is long because Flask's interface is: mostly signatures and docstrings.
"""

from __future__ import annotations

import inspect
import os
import sys
import typing as t
import weakref
from datetime import timedelta
from functools import partial
from types import MethodType

from jinja2 import Environment as BaseEnvironment
from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.routing import Map

from . import typing as ft
from .config import Config, InDebugMode
from .ctx import AppContext, RequestContext, _AppCtxGlobals
from .dispatch import coerce, errors, hooks
from .dispatch.bodies import in_request
from .dispatch.finishing import finish_anyway
from .dispatch.loop import async_to_sync, settling
from .dispatch.plan import Engine, automatic_options
from .dispatch.sendable import UnsendableError, make_sendable
from .dispatch.typed import view_of
from .ground.current import g, request, request_ctx, request_view, session
from .ground.lazy import anew
from .ground.protection import protection_of
from .ground.shortways import STEPS
from .ground.wrapped import coroutine_beneath
from .helpers import (
    default_max_age,
    get_flashed_messages,
    send_from_directory,
    stream_in_context,
)
from .registration.application import App
from .registration.operations import check_group
from .registration.realflask import warn_of_real_flask
from .registration.safedefaults import SAFE_DEFAULTS
from .routing import RuleMap, urls
from .serve.callers import is_server
from .serve.wsgi import respond_by_steps, respond_planned
from .servers import development
from .signals import request_finished, request_started
from .templating import (
    DispatchingJinjaLoader,
    Environment,
    _default_template_ctx_processor,
    update_template_context,
)
from .wrappers import Request, Response

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.routing import MapAdapter

    from .registration.options import GroupOptions, OperationOptions
    from .serve.health import LoopHealth
    from .testing import FlaskClient, FlaskCliRunner
    from .testing.asgi import AsyncClient

_sentinel = object()

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
ASGIApplication = t.Callable[[t.Any, t.Any, t.Any], t.Awaitable[None]]


# Attributes of App, as in Flask, set here because its module can't import these classes.
App.jinja_environment = Environment
App.app_ctx_globals_class = _AppCtxGlobals


class Flask(App):
    """A WSGI and ASGI application that behaves like Flask 3.1.3.

    Args:
        import_name: Name of the module that creates the application, usually ``__name__``.
            Its folder is the root for templates, static files and resources.
        static_url_path: URL prefix of static files. Default: the folder's name.
        static_folder: Folder of static files, relative to the root, or None.
        static_host: Host of the static rule, with `host_matching`.
        host_matching: Match each rule's ``host`` instead of subdomains.
        subdomain_matching: Match subdomains of ``SERVER_NAME``.
        template_folder: Folder of templates, relative to the root, or None.
        instance_path: Absolute path of the instance folder. Default: found automatically.
        instance_relative_config: Load configuration files from the instance folder.
        root_path: The root folder, if it can't be found from `import_name`.
    """

    default_config = ImmutableDict(
        {
            "DEBUG": None,
            "TESTING": False,
            "PROPAGATE_EXCEPTIONS": None,
            "SECRET_KEY": None,
            "SECRET_KEY_FALLBACKS": None,
            "PERMANENT_SESSION_LIFETIME": timedelta(days=31),
            "USE_X_SENDFILE": False,
            "TRUSTED_HOSTS": None,
            "SERVER_NAME": None,
            "APPLICATION_ROOT": "/",
            "SESSION_COOKIE_NAME": "session",
            "SESSION_COOKIE_DOMAIN": None,
            "SESSION_COOKIE_PATH": None,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SECURE": False,
            "SESSION_COOKIE_PARTITIONED": False,
            "SESSION_COOKIE_SAMESITE": None,
            "SESSION_REFRESH_EACH_REQUEST": True,
            "MAX_CONTENT_LENGTH": None,
            "MAX_FORM_MEMORY_SIZE": 500_000,
            "MAX_FORM_PARTS": 1_000,
            "SEND_FILE_MAX_AGE_DEFAULT": None,
            "TRAP_BAD_REQUEST_ERRORS": None,
            "TRAP_HTTP_EXCEPTIONS": False,
            "EXPLAIN_TEMPLATE_LOADING": False,
            "PREFERRED_URL_SCHEME": "http",
            "TEMPLATES_AUTO_RELOAD": None,
            "MAX_COOKIE_SIZE": 4093,
            "PROVIDE_AUTOMATIC_OPTIONS": True,
            # Costrel's own settings:
            "TYPED_VIEWS": False,
            "QUERY_UNKNOWN": "ignore",
            "OPENAPI_PATH": None,
            "OPENAPI_TITLE": None,
            "OPENAPI_INFO_VERSION": "1.0.0",
            "OPENAPI_DESCRIPTION": None,
            "DOCS_PATH": None,
            "SYNC_THREADS": 40,
            "BACKGROUND_GRACE_S": 10.0,
            "BODY_TIMEOUT_S": 30.0,
            "SEND_TIMEOUT_S": 60.0,
            "LOOP_LAG_WARNING_S": 0.5,
            "TRUSTED_PROXIES": 0,
            "WEBSOCKET_MAX_MESSAGE_SIZE": 1_048_576,
            "WEBSOCKET_IDLE_S": None,
            "WEBSOCKET_ORIGINS": None,
        }
    )

    request_class: type[Request] = Request
    response_class: type[Response] = Response
    url_map_class: type[Map] = RuleMap

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
    ) -> None:
        super().__init__(
            import_name=import_name,
            static_url_path=static_url_path,
            static_folder=static_folder,
            static_host=static_host,
            host_matching=host_matching,
            subdomain_matching=subdomain_matching,
            template_folder=template_folder,
            instance_path=instance_path,
            instance_relative_config=instance_relative_config,
            root_path=root_path,
        )
        self.template_context_processors[None].append(_default_template_ctx_processor)
        for watched in (self.url_map, self.config):
            if isinstance(watched, (RuleMap, Config)):
                watched.epoch = self._epoch
        if self.has_static_folder:
            self._add_static_rule(static_host, host_matching)
        elif static_host is not None and not host_matching:
            raise AssertionError("static_host=... needs host_matching=True.")

    def _add_static_rule(self, static_host: str | None, host_matching: bool) -> None:
        if bool(static_host) != host_matching:
            raise AssertionError(
                "host_matching=True and static_host='...' go together: with host matching, the"
                " static rule needs a host too. Pass both, neither, or static_folder=None."
            )
        # A weak reference, so that the rule does not keep the application alive.
        this = weakref.ref(self)

        def static(**kwargs: t.Any) -> Response:
            app = this()
            assert app is not None  # noqa: S101  it is serving this request
            return app.send_static_file(**kwargs)

        self.add_url_rule(
            f"{self.static_url_path}/<path:filename>",
            endpoint="static",
            host=static_host,
            view_func=static,
        )

    # Files

    def get_send_file_max_age(self, filename: str | None) -> int | None:  # noqa: ARG002  for overrides
        """Return how many seconds clients may cache a file; None to revalidate each time.

        Override it to decide by file name. Default: ``SEND_FILE_MAX_AGE_DEFAULT``.
        """
        return default_max_age(self.config)

    def send_static_file(self, filename: str) -> Response:
        """Send a file from the static folder; this is the view of the static rule.

        Raises `RuntimeError` if there is no static folder. A missing file gives a 404.
        """
        if not self.has_static_folder:
            raise RuntimeError("The application has no static_folder to send from.")
        max_age = self.get_send_file_max_age(filename)
        return send_from_directory(t.cast(str, self.static_folder), filename, max_age=max_age)

    def open_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = None
    ) -> t.IO[t.Any]:
        """Open a file in the application's folder for reading.

        Args:
            resource: Path relative to `root_path`.
            mode: ``r``, ``rt`` or ``rb``; any other raises `ValueError`.
            encoding: Encoding of a text file.
        """
        if mode not in {"r", "rt", "rb"}:
            raise ValueError(f"mode={mode!r}: resources are read-only. Use 'r', 'rt' or 'rb'.")
        path = os.path.join(self.root_path, resource)
        return open(path, mode, encoding=None if mode == "rb" else encoding)

    def open_instance_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = "utf-8"
    ) -> t.IO[t.Any]:
        """Open a file in the instance folder for reading or writing.

        Args:
            resource: Path relative to `instance_path`.
            mode: Any mode of `open`.
            encoding: Encoding of a text file.
        """
        path = os.path.join(self.instance_path, resource)
        return open(path, mode, encoding=None if "b" in mode else encoding)

    # Templates

    def create_jinja_environment(self) -> BaseEnvironment:
        """Create the `jinja_env` environment with `jinja_options`."""
        options = dict(self.jinja_options)
        options.setdefault("autoescape", self.select_jinja_autoescape)
        if "auto_reload" not in options:
            reload = self.config["TEMPLATES_AUTO_RELOAD"]
            options["auto_reload"] = self.debug if reload is None else reload

        environment = t.cast("t.Any", self.jinja_environment)(self, **options)
        environment.globals.update(
            url_for=self.url_for,
            get_flashed_messages=get_flashed_messages,
            config=self.config,
            # Globals too, for macros that are imported without context.
            request=request,
            session=session,
            g=g,
        )
        protection = protection_of(self)
        if protection is not None:
            environment.globals.update(protection.template_globals)
        environment.policies["json.dumps_function"] = self.json.dumps
        return t.cast(BaseEnvironment, environment)

    def create_global_jinja_loader(self) -> DispatchingJinjaLoader:
        """Create the loader that searches the folders of the application and its blueprints."""
        return DispatchingJinjaLoader(self)

    def update_template_context(self, context: dict[str, t.Any]) -> None:
        """Add the context processors' variables to a template's variables, in place."""
        update_template_context(self, context)

    def make_shell_context(self) -> dict[str, t.Any]:
        """Return the names that ``costrel shell`` starts with."""
        names: dict[str, t.Any] = {"app": self, "g": g}
        for processor in self.shell_context_processors:
            names.update(processor())
        return names

    # URLs

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Bind the URL map to a request's host, or to ``SERVER_NAME``.

        Returns None if there is neither. Raises an `HTTPException` (400) for a host that is
        malformed or not listed in ``TRUSTED_HOSTS``.
        """
        return urls.create_url_adapter(self, request)

    def url_for(
        self,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: t.Any,
    ) -> str:
        """Build the URL of an endpoint: see `costrel.url_for`."""
        if _anchor is None and not (_method or _scheme or _external):
            path = urls.build_plainly(self, endpoint, values)
            if path is not None:
                return path
        return urls.url_for(
            self,
            endpoint,
            anchor=_anchor,
            method=_method,
            scheme=_scheme,
            external=_external,
            values=values,
        )

    # Running

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: t.Any,
    ) -> None:
        """Run a development server. Do not use it in production.

        Does nothing if the ``costrel`` command imported the module, because the command runs
        the application itself. In production, use ``costrel run`` or any WSGI server.

        Args:
            host: Address to listen on. Default: from ``SERVER_NAME``, or else 127.0.0.1.
            port: Port; 0 picks a free one. Default: from ``SERVER_NAME``, or else 5000.
            debug: Turn debug mode on or off.
            load_dotenv: Load ``.env`` and ``.flaskenv`` first.
            **options: Passed to `werkzeug.serving.run_simple`.
        """
        development.run(self, host, port, debug, load_dotenv, options)

    def test_client(self, use_cookies: bool = True, **kwargs: t.Any) -> FlaskClient:
        """Create a test client, which sends requests without a server.

        Args:
            use_cookies: Keep cookies from one request to the next.
            **kwargs: Passed to `test_client_class`.
        """
        from .testing import FlaskClient

        cls = self.test_client_class or FlaskClient
        return t.cast(
            "FlaskClient", cls(self, self.response_class, use_cookies=use_cookies, **kwargs)
        )

    def async_test_client(self, use_cookies: bool = True, **kwargs: t.Any) -> AsyncClient:
        """Create a test client for async tests, which sends requests over ASGI without a server.

        It has the methods of `test_client` as coroutines. It can also open WebSockets and read
        streamed responses chunk by chunk.

        Args:
            use_cookies: Keep cookies from one request to the next.
            **kwargs: Passed to `costrel.testing.asgi.AsyncClient`.
        """
        from .testing.asgi import AsyncClient

        return AsyncClient(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def add_background_task(
        self, function: t.Callable[..., t.Any], *args: t.Any, **kwargs: t.Any
    ) -> None:
        """Run a sync or async function in the background, in an application context.

        The function sees its caller's context variables, but no request. Its errors are logged.
        When the server stops, it waits for the task for up to ``BACKGROUND_GRACE_S`` seconds and
        then cancels it. Under WSGI and in commands, async functions run on the process's event
        loop, and the process ends after them. Each sync function runs in its own thread.
        """
        from .serve.lifespan import add_background_task

        add_background_task(self, function, args, kwargs)

    @property
    def loop_health(self) -> LoopHealth | None:
        """The health of the serving event loop; None if the application is not served on one.

        ``loop_health.lag_s`` is the loop's current lag in seconds, and ``worst_lag_s`` the worst
        so far. Use them in a health check endpoint.
        """
        life = self._life
        return None if life is None or not life.ready else t.cast("LoopHealth", life.health)

    def test_cli_runner(self, **kwargs: t.Any) -> FlaskCliRunner:
        """Create a runner that invokes the application's commands in tests."""
        from .testing import FlaskCliRunner

        cls = self.test_cli_runner_class or FlaskCliRunner
        return t.cast("FlaskCliRunner", cls(self, **kwargs))

    # Steps of a request, under Flask's names

    def handle_http_exception(self, e: HTTPException) -> HTTPException | ft.ResponseReturnValue:
        """Pass an HTTP error to its handler; without a handler, the error is the response."""
        return t.cast(HTTPException, errors.handle_http_exception(self, e))

    def handle_user_exception(self, e: Exception) -> HTTPException | ft.ResponseReturnValue:
        """Pass an error from a hook or view to its handler; without a handler, raise it."""
        try:
            return t.cast(HTTPException, errors.handle_user_exception(self, e))
        finally:
            del e  # If it is raised, its traceback holds this frame.

    def handle_exception(self, e: Exception) -> Response:
        """Respond to an unhandled error with 500, or raise it if errors are propagated."""
        return errors.handle_exception(self, e)

    def log_exception(
        self,
        exc_info: tuple[type, BaseException, t.Any] | tuple[None, None, None],
    ) -> None:
        """Log an unhandled error with the request's method and path."""
        # COMPAT(Flask): logged here because log lines name this module: ``ERROR in app``.
        message = f"Exception on {errors.describe_request()}"
        self.logger.error(message, exc_info=exc_info)

    def raise_routing_exception(self, request: Request) -> t.NoReturn:
        """Raise the routing error of the request: 404, 405 or a redirect."""
        errors.raise_routing_exception(self, request)

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Call the current request's view and return its return value."""
        request: Request = request_ctx.request
        if request.routing_exception is not None:
            self.raise_routing_exception(request)
        rule = t.cast("t.Any", request.url_rule)
        if request.method == "OPTIONS" and automatic_options(rule):
            return self.make_default_options_response()
        view = self.ensure_sync(view_of(self, rule))
        return t.cast(
            "ft.ResponseReturnValue", view(**t.cast("dict[str, t.Any]", request.view_args))
        )

    def full_dispatch_request(self) -> Response:
        """Run the hooks, the view and the error handlers for the current request."""
        if not self._got_first_request:
            self._got_first_request = True
        try:
            request_started.send(self, _async_wrapper=self.ensure_sync)
            rv = self.preprocess_request()
            if rv is None:
                rv = self.dispatch_request()
        except Exception as error:  # noqa: BLE001  passed to the error handlers
            rv = t.cast("t.Any", self.handle_user_exception(error))
        return self.finalize_request(rv)

    def finalize_request(
        self, rv: ft.ResponseReturnValue | HTTPException, from_error_handler: bool = False
    ) -> Response:
        """Turn the return value of a view or handler into a response, and finish it.

        If it comes from an error handler, an error in an after-request function is only logged.
        """
        response = self.make_response(t.cast("t.Any", rv))
        try:
            response = self.process_response(response)
            make_sendable(response)
            request_finished.send(self, _async_wrapper=self.ensure_sync, response=response)
        except Exception:
            if not from_error_handler:
                raise
            # COMPAT(Flask): the same text, because people search for it and alert on it.
            self.logger.exception("Request finalizing failed with an error while handling an error")
            try:
                make_sendable(response)
            except UnsendableError:
                response = self.make_response(errors.as_response(InternalServerError()))
            finish_anyway(self, response)
        return response

    def make_default_options_response(self) -> Response:
        """Return the response to OPTIONS, with the methods that the URL allows."""
        response = self.response_class()
        response.allow.update(request_ctx.url_adapter.allowed_methods())
        return response

    def make_response(self, rv: ft.ResponseReturnValue) -> Response:
        """Convert the return value of a view to a response.

        Raises `TypeError` for None and for types that can't be converted.
        """
        return coerce.make_response(self, rv)

    def preprocess_request(self) -> ft.ResponseReturnValue | None:
        """Run the URL value preprocessors and before-request functions.

        A value returned by one of them, unless None, is the response.
        """
        return t.cast("ft.ResponseReturnValue | None", hooks.preprocess_request(self))

    def process_response(self, response: Response) -> Response:
        """Run the after-request functions on a response and save the session."""
        return hooks.process_response(self, response)

    def do_teardown_request(self, exc: BaseException | None = _sentinel) -> None:  # type: ignore[assignment]
        """Run the request's teardown functions with its error or None."""
        hooks.do_teardown_request(self, sys.exc_info()[1] if exc is _sentinel else exc)

    def do_teardown_appcontext(self, exc: BaseException | None = _sentinel) -> None:  # type: ignore[assignment]
        """Run the application context's teardown functions with its error or None."""
        hooks.do_teardown_appcontext(self, sys.exc_info()[1] if exc is _sentinel else exc)

    def ensure_sync(self, func: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        """Return a function that sync code can call; coroutine functions are wrapped.

        So are sync decorators of coroutine functions, if they use `functools.wraps`.
        """
        if inspect.iscoroutinefunction(func):
            return self.async_to_sync(func)
        if coroutine_beneath(func) is not None:
            return settling(func, self.async_to_sync)
        return func

    def async_to_sync(
        self, func: t.Callable[..., t.Coroutine[t.Any, t.Any, t.Any]]
    ) -> t.Callable[..., t.Any]:
        """Wrap a coroutine function so that it runs on the process's event loop."""
        return async_to_sync(func)

    def is_original(self, name: str) -> bool:
        """Return whether a step is `Flask`'s own, replaced neither here nor in a class."""
        return name not in self.__dict__ and getattr(type(self), name) is _ORIGINAL_STEPS[name]

    def class_step(self, name: str) -> t.Callable[..., t.Any] | None:
        """Return a step bound to this application; None if a class replaced it."""
        step = getattr(type(self), name)
        return MethodType(step, self) if step is _ORIGINAL_STEPS[name] else None

    # Contexts and entry points

    def app_context(self) -> AppContext:
        """Create a context in which this application is current."""
        return AppContext(self)

    def request_context(self, environ: WSGIEnvironment) -> RequestContext:
        """Create the context of a WSGI request."""
        return RequestContext(self, environ)

    def test_request_context(self, *args: t.Any, **kwargs: t.Any) -> RequestContext:
        """Create a request context for tests, as for a request from the test client.

        Takes the arguments of `costrel.testing.EnvironBuilder`: ``path``,
        ``base_url``, ``method``, ``data``, ``json``, ``headers`` and others.
        """
        from .testing import EnvironBuilder

        builder = EnvironBuilder(self, *args, **kwargs)
        try:
            environ = builder.get_environ()
        finally:
            builder.close()
        return self.request_context(environ)

    def _stream_in_request(self, iterator: t.AsyncIterator[t.Any]) -> t.Any:
        # For `stream_with_context`, whose module can't import `in_request`.
        return in_request(iterator)

    def _stream_in_context(self, iterator: t.Iterator[t.Any]) -> t.Iterator[t.Any]:
        # For typed views that yield, whose module can't import `helpers`.
        return stream_in_context(request_view.get(), iterator)

    async def _run_in_thread(self, function: t.Callable[..., t.Any], *args: t.Any) -> t.Any:
        # For `AppContext`, whose module can't import `hop_for`.
        from .dispatch.threads import hop_for

        return await hop_for(self, function, *args)

    def _add_document_rules(self) -> None:
        # At the first request, because the settings are not known in `__init__`.
        if any(self.config.get(name) is not None for name in ("OPENAPI_PATH", "DOCS_PATH")):
            from .openapi.rules import add_rules

            add_rules(self)

    def _compile(self, callback: t.Callable[..., t.Any] | None = None) -> Engine:
        # `callback` is what the caller passed to answer it: `start_response` or `send`.
        if self._start_checks and not self._start_checked:
            self._check_start(served=is_server(callback))
        warn_of_real_flask()
        if not self._got_first_request:
            self._add_document_rules()
        if protection_of(self) is not None:
            from .sessions.installing import settle

            settle(self)
        if self._has_life():
            from .serve.lifespan import start_under_wsgi

            start_under_wsgi(self)
        engine = self._engine = Engine(self)
        if not engine.general:
            # A request is being served. The general path sets this in its own step.
            self._got_first_request = True
        return engine

    def wsgi_app(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Handle a WSGI request. For middleware: ``app.wsgi_app = Middleware(app.wsgi_app)``."""
        engine: Engine | None = self._engine
        if engine is None or engine.epoch != self._epoch.value:
            engine = self._compile(start_response)
        if engine.detours:
            if engine.trusted is not None:
                engine.trusted(environ, start_response)
            if engine.general:
                return respond_by_steps(self, environ, start_response)
        return respond_planned(self, engine, environ, start_response)

    @anew
    def asgi(self) -> ASGIApplication:
        """The ASGI 3 application, which servers may also be given as ``module:app.asgi``.

        It handles HTTP, WebSockets and lifespan events. For middleware:
        ``app.asgi = Middleware(app.asgi)``.
        """
        from .serve.asgi import Application

        return Application(self)

    def lifespan(self, outer: object = None) -> t.AsyncContextManager[None]:  # noqa: ARG002
        """Return an async context manager that starts the application, and stops it at its end.

        For an application that is mounted in another one, which gets the server's lifespan events
        instead of it: ``Starlette(routes=[Mount("/shop", app)], lifespan=app.lifespan)``.

        Args:
            outer: The application that calls it; not used.
        """
        from .serve.lifespan import lived

        return lived(self)

    if t.TYPE_CHECKING:
        # Type checkers see Flask's signature, which subclasses override.
        def __call__(
            self, environ: WSGIEnvironment, start_response: StartResponse
        ) -> t.Iterable[bytes]:
            """Handle a WSGI request from a server by calling `wsgi_app`."""
            return self.wsgi_app(environ, start_response)

    else:

        def __call__(self, environ, start_response=None, send=None):  # noqa: ANN001, ANN204
            """Handle what a server sends: a WSGI request, or an ASGI connection.

            With two arguments it calls `wsgi_app`. Given a scope, ``receive`` and ``send`` (ASGI
            3), or only a scope (ASGI 2), it returns what `asgi` returns, or a function that does.
            """
            if send is None and start_response is not None:
                return self.wsgi_app(environ, start_response)
            if start_response is None:
                return partial(self, environ)
            from .serve.asgi import serve

            return serve(self, environ, start_response, send)


_ORIGINAL_STEPS = {
    name: getattr(Flask, name)
    for name in (
        *STEPS,
        "update_template_context",
        "wsgi_app",
        "__call__",
        "async_to_sync",
        "handle_user_exception",
        "handle_http_exception",
    )
}


class Costrel(Flask):
    """An application like `Flask`, safe by default and with typed views.

    What protects it is what `costrel.security.protect` gives to a `Flask`; for typed views see
    `costrel.api`.

    Args:
        import_name: As for `Flask`, like the others by name.
        **options: What is said of all typed views, see `GroupOptions`: ``dependencies``,
            ``responses``, ``tags``, ``security``, ``deprecated`` and ``include_in_schema``.
    """

    default_config = ImmutableDict(
        {
            **Flask.default_config,
            "TYPED_VIEWS": True,
            "OPENAPI_PATH": "/openapi.json",
            "DOCS_PATH": InDebugMode("/docs"),
            **SAFE_DEFAULTS,
        }
    )

    _webhooks: tuple[tuple[str, str, t.Callable[..., t.Any], t.Mapping[str, t.Any]], ...] = ()
    """The requests that `webhook` describes: name, method, function and options."""

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
        **options: t.Unpack[GroupOptions],
    ) -> None:
        super().__init__(
            import_name,
            static_url_path,
            static_folder,
            static_host,
            host_matching,
            subdomain_matching,
            template_folder,
            instance_path,
            instance_relative_config,
            root_path,
        )
        if options:
            self.operation_options = check_group(dict(options), "An application")
        from .security.protecting import protect

        protect(self)

    def webhook(
        self, name: str, *, method: str = "POST", **options: t.Unpack[OperationOptions]
    ) -> t.Callable[[F], F]:
        """Describe a request that this application sends, for its OpenAPI document.

        The function is only read: its parameters are what is sent, as those of a view are what
        it takes, its return annotation what is expected back, its docstring what it is about.

        Args:
            name: What the webhook is called in the document.
            method: The HTTP method of the request.
            **options: What else the document says of it, such as ``summary`` and ``tags``.
        """

        def decorator(function: F) -> F:
            self._webhooks = (*self._webhooks, (name, method.upper(), function, options))
            return function

        return decorator

    def limit(
        self,
        limits: str,
        *,
        key: t.Callable[[], object] | None = None,
        cost: int | t.Callable[[], int] = 1,
        methods: t.Iterable[str] | None = None,
        name: str | None = None,
    ) -> t.Callable[[F], F]:
        """Limit how often a client may call a view: see `costrel.security.limit`."""
        from .security.rates import limit

        return limit(limits, key=key, cost=cost, methods=methods, name=name)
