"""The application: `Flask`.

It is what is registered on it (`costrel.registration.application`) and the steps that a
request goes through, by Flask's names. Each step may be overridden in a subclass
or replaced on the class or the instance; what it does by default is written in
`costrel.dispatch`, `costrel.routing` and `costrel.serve`.
"""

from __future__ import annotations

import inspect
import os
import sys
import typing as t
import weakref
from datetime import timedelta
from types import MethodType

from jinja2 import Environment as BaseEnvironment
from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.routing import Map

from . import typing as ft
from .config import Config
from .ctx import AppContext, RequestContext, _AppCtxGlobals
from .dispatch import coerce, errors, hooks
from .dispatch.bodies import in_request
from .dispatch.loop import async_to_sync
from .dispatch.plan import Engine, automatic_options
from .dispatch.sendable import UnsendableError, make_sendable
from .ground.current import g, request, request_ctx, session
from .ground.lazy import anew
from .ground.shortways import STEPS
from .helpers import default_max_age, get_flashed_messages, send_from_directory
from .registration.application import App
from .routing import RuleMap, urls
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

    from .serve.health import LoopHealth
    from .testing import FlaskClient, FlaskCliRunner
    from .testing.asgi import AsyncClient

_sentinel = object()

ASGIApplication = t.Callable[[t.Any, t.Any, t.Any], t.Awaitable[None]]


# App's, as in Flask, though the two classes are made above its module.
App.jinja_environment = Environment
App.app_ctx_globals_class = _AppCtxGlobals


class Flask(App):
    """Be a WSGI application that behaves as Flask 3.1.3 does.

    Args:
        import_name: Name of the module that makes it, usually ``__name__``. Its
            folder is the root of templates, static files and resources.
        static_url_path: URL prefix of static files; the folder's name by default.
        static_folder: Folder of static files, relative to the root; None for none.
        static_host: Host of the static rule, with `host_matching`.
        host_matching: Match each rule's ``host`` instead of subdomains.
        subdomain_matching: Match subdomains of ``SERVER_NAME``.
        template_folder: Folder of templates, relative to the root; None for none.
        instance_path: Absolute path of the instance folder; found by default.
        instance_relative_config: Load configuration files from the instance folder.
        root_path: The root folder, where it can't be found from `import_name`.
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
            # Not Flask's, for ASGI:
            "SYNC_THREADS": 40,
            "BACKGROUND_GRACE_S": 10.0,
            "BODY_TIMEOUT_S": 30.0,
            "LOOP_LAG_WARNING_S": 0.5,
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
                "host_matching=True and static_host='...' go together: with host matching the"
                " static files need a host of their own. Pass both, neither, or"
                " static_folder=None."
            )
        # A weak reference, so that the application is freed with its last user.
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
        """Say how many seconds clients may cache a file; None to ask each time.

        Override it to decide by name. Default: ``SEND_FILE_MAX_AGE_DEFAULT``.
        """
        return default_max_age(self.config)

    def send_static_file(self, filename: str) -> Response:
        """Send a file of the static folder: the view of the static rule.

        Raises `RuntimeError` without a static folder; a missing file answers 404.
        """
        if not self.has_static_folder:
            raise RuntimeError("This application was made without a static_folder to send from.")
        max_age = self.get_send_file_max_age(filename)
        return send_from_directory(t.cast(str, self.static_folder), filename, max_age=max_age)

    def open_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = None
    ) -> t.IO[t.Any]:
        """Open a file of the application's folder for reading.

        Args:
            resource: Path relative to `root_path`.
            mode: ``r``, ``rt`` or ``rb``; `ValueError` for others.
            encoding: Of a text file.
        """
        if mode not in {"r", "rt", "rb"}:
            raise ValueError(f"mode={mode!r}: resources can only be read; use 'r', 'rt' or 'rb'.")
        path = os.path.join(self.root_path, resource)
        return open(path, mode, encoding=None if mode == "rb" else encoding)

    def open_instance_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = "utf-8"
    ) -> t.IO[t.Any]:
        """Open a file of the instance folder, also for writing.

        Args:
            resource: Path relative to `instance_path`.
            mode: Any mode of `open`.
            encoding: Of a text file.
        """
        path = os.path.join(self.instance_path, resource)
        return open(path, mode, encoding=None if "b" in mode else encoding)

    # Templates

    def create_jinja_environment(self) -> BaseEnvironment:
        """Make the environment behind `jinja_env`, with `jinja_options`."""
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
            # Here too, for macros that are imported without context.
            request=request,
            session=session,
            g=g,
        )
        environment.policies["json.dumps_function"] = self.json.dumps
        return t.cast(BaseEnvironment, environment)

    def create_global_jinja_loader(self) -> DispatchingJinjaLoader:
        """Make the loader that looks through the application and its blueprints."""
        return DispatchingJinjaLoader(self)

    def update_template_context(self, context: dict[str, t.Any]) -> None:
        """Add the context processors' names to a template's variables, in place."""
        update_template_context(self, context)

    def make_shell_context(self) -> dict[str, t.Any]:
        """Make the names that ``costrel shell`` starts with."""
        names: dict[str, t.Any] = {"app": self, "g": g}
        for processor in self.shell_context_processors:
            names.update(processor())
        return names

    # URLs

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Bind the rules to a request's host, or to ``SERVER_NAME``.

        Returns None without both. Raises an `HTTPException` (400) for a malformed
        host or one that ``TRUSTED_HOSTS`` does not list.
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

    # Running it

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: t.Any,
    ) -> None:
        """Serve the application for development; never in production.

        Does nothing when the ``costrel`` command imported the file: that serves
        it already. For production use ``costrel run`` or any WSGI server.

        Args:
            host: Address to listen on. Default: of ``SERVER_NAME``, else 127.0.0.1.
            port: Default: of ``SERVER_NAME``, else 5000. 0 picks a free one.
            debug: Turn debug mode on or off.
            load_dotenv: Read ``.env`` and ``.flaskenv`` first.
            **options: For `werkzeug.serving.run_simple`.
        """
        development.run(self, host, port, debug, load_dotenv, options)

    def test_client(self, use_cookies: bool = True, **kwargs: t.Any) -> FlaskClient:
        """Make a client that sends requests without a server.

        Args:
            use_cookies: Keep cookies from one request to the next.
            **kwargs: For `test_client_class`.
        """
        from .testing import FlaskClient

        cls = self.test_client_class or FlaskClient
        return t.cast(
            "FlaskClient", cls(self, self.response_class, use_cookies=use_cookies, **kwargs)
        )

    def async_test_client(self, use_cookies: bool = True, **kwargs: t.Any) -> AsyncClient:
        """Make a client that sends requests by ASGI without a server, for async tests.

        Its methods are those of `test_client`, to be awaited; it also opens WebSockets
        and reads streams piece by piece.

        Args:
            use_cookies: Keep cookies from one request to the next.
            **kwargs: For `costrel.testing.asgi.AsyncClient`.
        """
        from .testing.asgi import AsyncClient

        return AsyncClient(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def add_background_task(
        self, function: t.Callable[..., t.Any], *args: t.Any, **kwargs: t.Any
    ) -> None:
        """Run a function of either kind beside the requests, in an application context.

        It sees the context variables of its caller, but no request. Its errors are logged.
        When the server stops, it is waited for, at most ``BACKGROUND_GRACE_S`` seconds, and
        then cancelled. Under WSGI, and in commands, it runs on the event loop of the process,
        which ends after it. Sync functions run in threads of their own.
        """
        from .serve.lifespan import add_background_task

        add_background_task(self, function, args, kwargs)

    @property
    def loop_health(self) -> LoopHealth | None:
        """Tell whether the event loop that serves keeps up; None where none serves.

        ``loop_health.lag_s`` is how late it is, in seconds, and ``worst_lag_s`` how late it
        was at worst: for a page that a monitor asks.
        """
        life = self._life
        return None if life is None or not life.ready else t.cast("LoopHealth", life.health)

    def test_cli_runner(self, **kwargs: t.Any) -> FlaskCliRunner:
        """Make a runner of the application's commands, for tests."""
        from .testing import FlaskCliRunner

        cls = self.test_cli_runner_class or FlaskCliRunner
        return t.cast("FlaskCliRunner", cls(self, **kwargs))

    # Steps of a request, by Flask's names

    def handle_http_exception(self, e: HTTPException) -> HTTPException | ft.ResponseReturnValue:
        """Give an HTTP error to its handler; without one it is the response."""
        return t.cast(HTTPException, errors.handle_http_exception(self, e))

    def handle_user_exception(self, e: Exception) -> HTTPException | ft.ResponseReturnValue:
        """Give an error of a hook or view to its handler; raise it without one."""
        return t.cast(HTTPException, errors.handle_user_exception(self, e))

    def handle_exception(self, e: Exception) -> Response:
        """Answer an error that nobody handled with 500; raise it when propagating."""
        return errors.handle_exception(self, e)

    def log_exception(
        self,
        exc_info: tuple[type, BaseException, t.Any] | tuple[None, None, None],
    ) -> None:
        """Log an error that is answered with 500, with method and path."""
        # COMPAT(Flask): logged here, for lines of the log name this module: ``ERROR in app``.
        message = f"Exception on {errors.describe_request()}"
        self.logger.error(message, exc_info=exc_info)

    def raise_routing_exception(self, request: Request) -> t.NoReturn:
        """Raise what matching the request found: 404, 405 or a redirect."""
        errors.raise_routing_exception(self, request)

    def dispatch_request(self) -> ft.ResponseReturnValue:
        """Call the view of the current request and return what it returns."""
        request: Request = request_ctx.request
        if request.routing_exception is not None:
            self.raise_routing_exception(request)
        rule = t.cast("t.Any", request.url_rule)
        if request.method == "OPTIONS" and automatic_options(rule):
            return self.make_default_options_response()
        view = self.ensure_sync(self.view_functions[rule.endpoint])
        return t.cast(
            "ft.ResponseReturnValue", view(**t.cast("dict[str, t.Any]", request.view_args))
        )

    def full_dispatch_request(self) -> Response:
        """Run hooks, view and error handlers of the current request."""
        if not self._got_first_request:
            self._got_first_request = True
        try:
            request_started.send(self, _async_wrapper=self.ensure_sync)
            rv = self.preprocess_request()
            if rv is None:
                rv = self.dispatch_request()
        except Exception as error:  # noqa: BLE001  handed to the error handlers
            rv = t.cast("t.Any", self.handle_user_exception(error))
        return self.finalize_request(rv)

    def finalize_request(
        self, rv: ft.ResponseReturnValue | HTTPException, from_error_handler: bool = False
    ) -> Response:
        """Make a response of what a view or handler returned, and finish it.

        After an error, a further error in an after-hook is only logged.
        """
        response = self.make_response(t.cast("t.Any", rv))
        try:
            response = self.process_response(response)
            make_sendable(response)
            request_finished.send(self, _async_wrapper=self.ensure_sync, response=response)
        except Exception:
            if not from_error_handler:
                raise
            # COMPAT(Flask): in its words, which people search for and alert on.
            self.logger.exception("Request finalizing failed with an error while handling an error")
            try:
                make_sendable(response)
            except UnsendableError:
                response = self.make_response(InternalServerError())
        return response

    def make_default_options_response(self) -> Response:
        """Answer OPTIONS with the methods that the URL allows."""
        response = self.response_class()
        response.allow.update(request_ctx.url_adapter.allowed_methods())
        return response

    def make_response(self, rv: ft.ResponseReturnValue) -> Response:
        """Make a response of any value that a view may return.

        Raises `TypeError` for None and for types that can't be a response.
        """
        return coerce.make_response(self, rv)

    def preprocess_request(self) -> ft.ResponseReturnValue | None:
        """Run value preprocessors and before-hooks; a value ends the request."""
        return t.cast("ft.ResponseReturnValue | None", hooks.preprocess_request(self))

    def process_response(self, response: Response) -> Response:
        """Run the after-hooks on a response and save the session."""
        return hooks.process_response(self, response)

    def do_teardown_request(self, exc: BaseException | None = _sentinel) -> None:  # type: ignore[assignment]
        """Run the request's teardown functions with its error, or None."""
        hooks.do_teardown_request(self, sys.exc_info()[1] if exc is _sentinel else exc)

    def do_teardown_appcontext(self, exc: BaseException | None = _sentinel) -> None:  # type: ignore[assignment]
        """Run the application context's teardown functions with its error, or None."""
        hooks.do_teardown_appcontext(self, sys.exc_info()[1] if exc is _sentinel else exc)

    def ensure_sync(self, func: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        """Return a function that sync code can call: `async_to_sync` of a coroutine one."""
        if inspect.iscoroutinefunction(func):
            return self.async_to_sync(func)
        return func

    def async_to_sync(
        self, func: t.Callable[..., t.Coroutine[t.Any, t.Any, t.Any]]
    ) -> t.Callable[..., t.Any]:
        """Wrap a coroutine function so that it runs on the process's event loop."""
        return async_to_sync(func)

    def is_original(self, name: str) -> bool:
        """Tell whether a step is `Flask`'s own, replaced neither here nor by a class."""
        return name not in self.__dict__ and getattr(type(self), name) is _ORIGINAL_STEPS[name]

    def class_step(self, name: str) -> t.Callable[..., t.Any] | None:
        """Return a step of the class, bound to this application; None if a class replaced it."""
        step = getattr(type(self), name)
        return MethodType(step, self) if step is _ORIGINAL_STEPS[name] else None

    # Contexts and entry points

    def app_context(self) -> AppContext:
        """Make a context in which this application is current."""
        return AppContext(self)

    def request_context(self, environ: WSGIEnvironment) -> RequestContext:
        """Make the context of a WSGI request."""
        return RequestContext(self, environ)

    def test_request_context(self, *args: t.Any, **kwargs: t.Any) -> RequestContext:
        """Make a request context for tests, as if the test client sent it.

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
        # For `stream_with_context`, which is below what makes such bodies.
        return in_request(iterator)

    def _compile(self) -> Engine:
        if self._has_life():
            from .serve.lifespan import start_under_wsgi

            start_under_wsgi(self)
        engine = self._engine = Engine(self)
        if not engine.general:
            # A request is being served. The general path says so in its own step.
            self._got_first_request = True
        return engine

    def wsgi_app(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Answer a WSGI request. Wrap it, ``app.wsgi_app = Middleware(app.wsgi_app)``."""
        engine: Engine | None = self._engine
        if engine is None or engine.epoch != self._epoch.value:
            engine = self._compile()
        if engine.general:
            return respond_by_steps(self, environ, start_response)
        return respond_planned(self, engine, environ, start_response)

    @anew
    def asgi(self) -> ASGIApplication:
        """Be the ASGI 3 face of this application, for servers: ``module:app.asgi``.

        It serves HTTP, WebSockets and the server's life cycle. Wrap it like `wsgi_app`:
        ``app.asgi = Middleware(app.asgi)``.
        """
        from .serve.asgi import Application

        return Application(self)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        """Be called by a WSGI server: goes through `wsgi_app`, looked up late."""
        return self.wsgi_app(environ, start_response)


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
