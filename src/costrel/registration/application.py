"""The state of an application and everything registered on it.

`App` does not handle requests. Its subclass `costrel.app.Flask` does, and runs what
is registered here. Long because Flask's interface is.
"""

from __future__ import annotations

import logging
import os
import sys
import typing as t
import weakref
from datetime import timedelta
from functools import cached_property

from jinja2 import Environment
from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import Aborter, BadRequest, BadRequestKeyError
from werkzeug.routing import BuildError, Map, Rule
from werkzeug.utils import redirect as _wz_redirect
from werkzeug.wrappers import Response as BaseResponse

from .. import typing as ft
from ..config import Config, ConfigAttribute
from ..ground.environment import get_debug_flag
from ..ground.markers import HOOK, SHELL, TEMPLATE, refuse_markers
from ..ground.protection import protection_of
from ..ground.registry import Epoch, TrackedDict, TrackedList
from ..ground.securitylog import security_log
from ..ground.shortways import Watched, on_replaced
from ..ground.targets import without_controls
from ..json.provider import DefaultJSONProvider, JSONProvider
from ..logging import create_logger
from ..sessions import SecureCookieSessionInterface, SessionInterface
from ..wrappers import Request, Response, blueprint_path
from .misplaced import note_registered
from .operations import check_braces, check_typed, refuse_option, take_options
from .origin import caller, definition
from .overrides import Override
from .realflask import warn_of_real_flask
from .scaffold import (
    Scaffold,
    T_teardown,
    _endpoint_from_view_func,
    check_view,
    find_package,
    setupmethod,
)
from .serving import ServingScaffold
from .socketrules import mark
from .steps import Steps

if t.TYPE_CHECKING:
    from ..commands.groups import AppGroup

T_shell_context_processor = t.TypeVar(
    "T_shell_context_processor", bound=ft.ShellContextProcessorCallable
)
T_template_filter = t.TypeVar("T_template_filter", bound=ft.TemplateFilterCallable)
T_template_global = t.TypeVar("T_template_global", bound=ft.TemplateGlobalCallable)
T_template_test = t.TypeVar("T_template_test", bound=ft.TemplateTestCallable)


def _make_timedelta(value: timedelta | int | None) -> timedelta | None:
    if value is None or isinstance(value, timedelta):
        return value
    return timedelta(seconds=value)


# Attributes that no plan depends on and that may change after the first request.
_UNPLANNED = frozenset(
    {"_engine", "_got_first_request", "_start_checked", "_start_notes", "_workers", "_life"}
)


class StartCheck(t.Protocol):
    """A function that checks an application before its first request."""

    def __call__(self, app: t.Any, *, served: bool) -> t.Iterable[str]:
        """Return notes for whoever runs it; raise an error that stops the start.

        `served` is false for the requests of a test client.
        """
        ...


class Registrable(t.Protocol):
    """A blueprint; this module can't import the class."""

    def register(self, app: t.Any, options: dict[str, t.Any]) -> None:
        """Register everything on an application."""


class AppMeta(Watched):
    """Notifies every application when a step is replaced on its class.

    Tracing tools patch methods of the class after applications are created.
    """

    def __setattr__(cls, name: str, value: t.Any) -> None:  # noqa: N805  of a metaclass
        super().__setattr__(name, value)
        cls._bump_instances()

    def __delattr__(cls, name: str) -> None:  # noqa: N805  of a metaclass
        super().__delattr__(name)
        cls._bump_instances()

    def _bump_instances(cls) -> None:  # noqa: N805  of a metaclass
        # Not by `isinstance`: ABCMeta sets attributes of a new class before that has a cache of
        # its own, so that the answer would be kept in the cache of its base class.
        for app in tuple(_apps):
            if cls in type(app).__mro__:
                app._epoch.bump()


_apps: weakref.WeakSet[App] = weakref.WeakSet()


def _bump_all() -> None:
    for app in tuple(_apps):
        app._epoch.bump()


on_replaced.append(_bump_all)


class App(Scaffold, ServingScaffold, Steps, metaclass=AppMeta):
    """The configuration and registries of an application.

    See `costrel.Flask` for the arguments.
    """

    aborter_class: type[Aborter] = Aborter
    """The class of `aborter`, which `costrel.abort` calls."""

    jinja_environment: type[Environment]
    """The class of `jinja_env`; called with the application and `jinja_options`."""

    app_ctx_globals_class: type[t.Any]
    """The class of ``g``; called without arguments when ``g`` is first used."""

    config_class: type[Config] = Config
    """The class of `config`; called with the root path and the defaults."""

    testing = ConfigAttribute[bool]("TESTING")
    """Propagate errors to the test instead of responding with 500; ``TESTING``."""

    secret_key = ConfigAttribute[str | bytes | None]("SECRET_KEY")
    """The key that signs sessions; ``SECRET_KEY``. It must be long and stay secret."""

    permanent_session_lifetime = ConfigAttribute[timedelta](
        "PERMANENT_SESSION_LIFETIME",
        get_converter=_make_timedelta,  # type: ignore[arg-type]
    )
    """Lifetime of permanent sessions; ``PERMANENT_SESSION_LIFETIME``, seconds or a timedelta."""

    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    """The class of `json`; called with the application."""

    jinja_options: dict[str, t.Any] = {}  # noqa: RUF012  Flask's shape; replaced, never changed
    """Passed to `jinja_environment`; change it before `jinja_env` is first used."""

    default_config: t.Mapping[str, t.Any] = ImmutableDict()
    """The initial entries of `config`."""

    url_rule_class: type[Rule] = Rule
    url_map_class: type[Map] = Map

    request_class: type[Request] = Request
    response_class: type[Response] = Response

    websocket_class: type[t.Any] | None = None
    """The class of ``websocket`` in WebSocket views; `costrel.websockets.WebSocket` if None."""

    session_interface: SessionInterface = SecureCookieSessionInterface()
    """Opens and saves sessions; by default they are stored in a signed cookie."""

    _engine: t.Any = None
    """The compiled `costrel.dispatch.plan.Engine`, created at the first request."""

    _workers: t.Any = None
    """The worker threads for sync code under ASGI, created when first needed."""

    _overrides: t.Mapping[t.Any, t.Callable[..., t.Any]] = {}
    """What is called instead of dependencies of typed views: see `override`."""

    _overridden: t.Mapping[t.Any, list[t.Any]] = {}
    """What has been said with `override` and not ended, by function, the latest last."""

    _start_checks: tuple[StartCheck, ...] = ()
    """What is checked before the first request: see `_check_start`."""

    _start_checked = False
    """Whether these checks have passed, for a server."""

    _logs_by_settings = False
    """Whether `LOG_FORMAT` and its like are settings of ours: see `costrel.logging.configure`."""

    _start_notes: tuple[str, ...] = ()
    """What these checks have noted."""

    test_client_class: type[t.Any] | None = None
    test_cli_runner_class: type[t.Any] | None = None

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,  # noqa: ARG002  for the subclass
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
    ) -> None:
        super().__init__(
            import_name=import_name,
            static_folder=static_folder,
            static_url_path=static_url_path,
            template_folder=template_folder,
            root_path=root_path,
        )
        if instance_path is None:
            instance_path = self.auto_find_instance_path()
        elif not os.path.isabs(instance_path):
            raise ValueError(
                f"The instance path must be absolute, but {instance_path!r} is not. Pass the full"
                f" path, for example os.path.abspath({instance_path!r}). ({caller()})"
            )

        #: Folder for files that belong to this installation, not to the code.
        self.instance_path = instance_path

        #: The configuration, a dict of upper-case names.
        self.config = self.make_config(instance_relative_config)

        #: Raises the HTTP errors for `costrel.abort`.
        self.aborter = self.make_aborter()

        #: Reads and writes JSON for views, requests and the test client.
        self.json: JSONProvider = self.json_provider_class(self)

        #: Functions ``(error, endpoint, values)`` that are tried if a URL can't be built.
        self.url_build_error_handlers: list[
            t.Callable[[Exception, str, dict[str, t.Any]], str]
        ] = []

        #: Functions that run when an application context ends.
        self.teardown_appcontext_funcs: list[ft.TeardownCallable] = TrackedList(self._epoch)

        #: Functions that return names for ``costrel shell``.
        self.shell_context_processors: list[ft.ShellContextProcessorCallable] = []

        #: Blueprints by the name they were registered under.
        self.blueprints: dict[str, t.Any] = {}

        #: State of extensions, by the extension's name.
        self.extensions: dict[str, t.Any] = {}

        #: All URL rules, as a Werkzeug map.
        self.url_map = self.url_map_class(host_matching=host_matching)
        self.subdomain_matching = subdomain_matching

        # Where endpoints and blueprints were registered, for error messages.
        self._places: dict[tuple[str, str], str] = {}

        ServingScaffold.__init__(self)
        self._got_first_request = False
        self._is_setup = True
        _apps.add(self)
        warn_of_real_flask()

    def _make_view_functions(self, epoch: Epoch) -> dict[str, ft.RouteCallable]:
        return TrackedDict(epoch)

    def __setattr__(self, name: str, value: t.Any) -> None:
        super().__setattr__(name, value)
        # Any attribute may be a step or a registry, and none is set during a request.
        if name not in _UNPLANNED and "_epoch" in self.__dict__:
            self._epoch.bump()

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._epoch.bump()

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_first_request:
            raise AssertionError(
                f"The setup method '{f_name}' was called on the application after it handled its"
                f" first request, so earlier requests did not see the change ({caller()}).\nCall it"
                " during setup: at import time or in the application factory."
            )

    # Parts that are created once

    @cached_property
    def name(self) -> str:  # type: ignore[override]
        """The application's name: its module, or the file name of a script."""
        if self.import_name != "__main__":
            return self.import_name
        filename: str | None = getattr(sys.modules["__main__"], "__file__", None)
        if filename is None:
            return "__main__"
        return os.path.splitext(os.path.basename(filename))[0]

    @cached_property
    def logger(self) -> logging.Logger:
        """The application's logger, named `name`; writes to stderr unless configured."""
        return create_logger(self)

    @cached_property
    def jinja_env(self) -> Environment:
        """The Jinja environment of the templates, created on first use."""
        return self.create_jinja_environment()

    @cached_property
    def cli(self) -> AppGroup:
        """The application's own commands, as a Click group."""
        from ..commands.groups import AppGroup

        group = AppGroup()
        group.name = self.name
        return group

    def create_jinja_environment(self) -> Environment:
        """Create the environment for `jinja_env`."""
        raise NotImplementedError

    def make_config(self, instance_relative: bool = False) -> Config:
        """Create `config`; `instance_relative` makes its files relative to the instance folder."""
        root_path = self.instance_path if instance_relative else self.root_path
        defaults = dict(self.default_config)
        defaults["DEBUG"] = get_debug_flag()
        return self.config_class(root_path, defaults)

    def _check_start(self, *, served: bool = True, log: bool = True) -> None:
        """Check the application before its first request, and keep what the checks note.

        `costrel run` calls it, and the engine under other servers; it passes once. The checks are
        those of `costrel.security.protect`; a `Flask` without it has none. Raises what they raise,
        a `RuntimeError` that says what to change, so that nothing is served.

        Args:
            served: Whether a server calls the application, not a test client, for which
                nothing is refused.
            log: Whether to log the notes; `costrel run` shows them itself.
        """
        if self._start_checked:
            return
        notes = [note for check in self._start_checks for note in check(self, served=served)]
        if served:
            self._start_checked, self._start_notes = True, tuple(notes)
        if log:
            for note in notes:
                security_log.warning(note)

    def make_aborter(self) -> Aborter:
        """Create the object that `costrel.abort` calls."""
        return self.aborter_class()

    def auto_find_instance_path(self) -> str:
        """Find the instance folder if none is given.

        It is next to the code in a checkout, and below ``PREFIX/var`` in an installation.
        """
        prefix, package_path = find_package(self.import_name)
        if prefix is None:
            return os.path.join(package_path, "instance")
        return os.path.join(prefix, "var", f"{self.name}-instance")

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Return whether to escape HTML: by the file extension; always for template strings."""
        if filename is None:
            return True
        return filename.endswith((".html", ".htm", ".xml", ".xhtml", ".svg"))

    @property
    def debug(self) -> bool:
        """Show full errors and reload templates; ``DEBUG``. Do not use it in production."""
        debug: bool = self.config["DEBUG"]
        return debug

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        if self.config["TEMPLATES_AUTO_RELOAD"] is None:
            self.jinja_env.auto_reload = value

    # Registration

    @setupmethod
    def register_blueprint(self, blueprint: Registrable, **options: t.Any) -> None:
        """Register a blueprint with its views, hooks and resources.

        Args:
            blueprint: The blueprint.
            **options: ``url_prefix``, ``subdomain``, ``url_defaults``, ``name`` and
                ``cli_group``, to override the blueprint's own.

        Raises `ValueError` if the name is already taken.
        """
        blueprint.register(self, options)

    def iter_blueprints(self) -> t.ValuesView[t.Any]:
        """Iterate over the blueprints in the order they were registered."""
        return self.blueprints.values()

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a URL rule and its view: see `Scaffold.add_url_rule`.

        Raises `TypeError` if ``methods`` is a string, `ValueError` for a malformed rule,
        `LookupError` for an unknown converter, and `AssertionError` if the endpoint already
        belongs to another view.
        """
        check_view(rule, view_func)
        if endpoint is None:
            endpoint = _endpoint_from_view_func(view_func)
        methods, automatic = self._rule_methods(
            view_func, options.pop("methods", None), provide_automatic_options
        )
        said = take_options(options)
        check_typed(self, endpoint, said, websocket=bool(options.get("websocket")))
        if view_func is not None and isinstance(rule, str) and "{" in rule:
            check_braces(self, rule, endpoint, view_func)

        try:
            rule_obj = self.url_rule_class(rule, methods=methods, endpoint=endpoint, **options)
            rule_obj.provide_automatic_options = automatic  # type: ignore[attr-defined]
            rule_obj.operation_options = said  # type: ignore[attr-defined]
            mark(rule_obj, view_func)
            self.url_map.add(rule_obj)
        except (AttributeError, LookupError, SyntaxError, TypeError, ValueError) as error:
            if isinstance(error, TypeError):
                refuse_option(rule, options, self.url_rule_class)
            explained = _bad_rule(rule, error, self.url_map)
            if explained is None:
                raise
            raise explained from error

        if view_func is not None:
            existing = self.view_functions.get(endpoint)
            # Compared by equality, because each access to a bound method creates a new object.
            if existing is not None and existing != view_func:
                place = self._places.get(("endpoint", endpoint))
                raise AssertionError(_endpoint_taken(rule, endpoint, existing, place, view_func))
            self.view_functions[endpoint] = view_func
            note_registered(view_func)
            self._places.setdefault(("endpoint", endpoint), caller())

    def _rule_methods(
        self,
        view_func: ft.RouteCallable | None,
        methods: t.Iterable[str] | None,
        automatic: bool | None,
    ) -> tuple[set[str], bool]:
        """Return a rule's methods, and whether to respond to OPTIONS automatically.

        A view can set both with its attributes ``methods``, ``required_methods`` and
        ``provide_automatic_options``.
        """
        if methods is None:
            methods = t.cast("t.Iterable[str]", getattr(view_func, "methods", None) or ("GET",))
        if isinstance(methods, str):
            raise TypeError(
                f"methods={methods!r} is a string, so each letter would be a method."
                f" Pass a list: methods=[{methods!r}]. ({caller()})"
            )
        names = {method.upper() for method in methods}
        required: set[str] = set(getattr(view_func, "required_methods", ()))

        if automatic is None:
            automatic = getattr(view_func, "provide_automatic_options", None)
        if automatic is None:
            automatic = "OPTIONS" not in names and self.config["PROVIDE_AUTOMATIC_OPTIONS"]
            if automatic:
                required.add("OPTIONS")
        return names | required, bool(automatic)

    @setupmethod
    def template_filter(
        self, name: str | None = None
    ) -> t.Callable[[T_template_filter], T_template_filter]:
        """Register the decorated function as a template filter."""

        def decorator(f: T_template_filter) -> T_template_filter:
            self.add_template_filter(f, name=name)
            return f

        return decorator

    @setupmethod
    def add_template_filter(self, f: ft.TemplateFilterCallable, name: str | None = None) -> None:
        """Register a template filter, named after the function by default."""
        refuse_markers(f, TEMPLATE)
        self.jinja_env.filters[name or f.__name__] = f

    @setupmethod
    def template_test(
        self, name: str | None = None
    ) -> t.Callable[[T_template_test], T_template_test]:
        """Register the decorated function as a template test."""

        def decorator(f: T_template_test) -> T_template_test:
            self.add_template_test(f, name=name)
            return f

        return decorator

    @setupmethod
    def add_template_test(self, f: ft.TemplateTestCallable, name: str | None = None) -> None:
        """Register a template test, named after the function by default."""
        refuse_markers(f, TEMPLATE)
        self.jinja_env.tests[name or f.__name__] = f

    @setupmethod
    def template_global(
        self, name: str | None = None
    ) -> t.Callable[[T_template_global], T_template_global]:
        """Register the decorated function as a template global."""

        def decorator(f: T_template_global) -> T_template_global:
            self.add_template_global(f, name=name)
            return f

        return decorator

    @setupmethod
    def add_template_global(self, f: ft.TemplateGlobalCallable, name: str | None = None) -> None:
        """Register a template global, named after the function by default."""
        refuse_markers(f, TEMPLATE)
        self.jinja_env.globals[name or f.__name__] = f

    @setupmethod
    def teardown_appcontext(self, f: T_teardown) -> T_teardown:
        """Run a function when an application context ends, with its error or None.

        This is after each request and each command, also after an error.
        """
        refuse_markers(f, HOOK)
        self.teardown_appcontext_funcs.append(f)
        return f

    @setupmethod
    def shell_context_processor(self, f: T_shell_context_processor) -> T_shell_context_processor:
        """Add the dict that a function returns to the namespace of ``costrel shell``."""
        refuse_markers(f, SHELL)
        self.shell_context_processors.append(f)
        return f

    def override(
        self, function: t.Callable[..., t.Any], other: t.Callable[..., t.Any] | None
    ) -> Override:
        """Call another function wherever typed views depend on `function`, in tests.

        It takes effect at once, for requests from all threads, and ends with the block if it is
        used as ``with app.override(get_db, fake_db):``. Otherwise ``app.override(get_db, None)``
        ends it, or the end of the block that it was said in. Blocks may overlap: the latest that
        has not ended counts.

        Args:
            function: What ``Depends`` was given.
            other: What is called instead; its parameters are filled like those of `function`.

        Raises `TypeError` if one of them can't be called.
        """
        for given in (function, function if other is None else other):
            if not callable(given):
                raise TypeError(f"override() takes two functions, not {given!r}. ({caller()})")
        return Override(self, function, other)

    # Decisions that need no running request

    def _find_error_handler(
        self, e: Exception, blueprints: list[str]
    ) -> ft.ErrorHandlerCallable | None:
        """Find the handler for an error.

        Handlers for the error's status code are tried first, then those for any code. For each,
        blueprints come before the application, innermost first, and in each of them the most
        specific class wins.
        """
        exc_class, code = self._get_exc_class_and_code(type(e))
        names: tuple[str | None, ...] = (*blueprints, None)
        for key in (code, None) if code is not None else (None,):
            for name in names:
                handlers = self.error_handler_spec[name][key]
                if not handlers:
                    continue
                for cls in exc_class.__mro__:
                    handler = handlers.get(t.cast("type[Exception]", cls))
                    if handler is not None:
                        return handler
        return None

    def trap_http_exception(self, e: Exception) -> bool:
        """Return whether to treat an HTTP error like any other error.

        This is so with ``TRAP_HTTP_EXCEPTIONS``, for any 400 with ``TRAP_BAD_REQUEST_ERRORS``,
        and, unless that is False, for a missing form key in debug mode.
        """
        if self.config["TRAP_HTTP_EXCEPTIONS"]:
            return True
        trap_bad_request = self.config["TRAP_BAD_REQUEST_ERRORS"]
        if trap_bad_request is None and self.debug and isinstance(e, BadRequestKeyError):
            return True
        return isinstance(e, BadRequest) if trap_bad_request else False

    def should_ignore_error(self, error: BaseException | None) -> bool:  # noqa: ARG002  for overrides
        """Return whether to hide an error from teardown functions; override it to do so.

        It is deprecated in Flask, and only called if a subclass overrides it.
        """
        return False

    def redirect(self, location: str, code: int = 302) -> BaseResponse:
        """Create a redirect; called by `costrel.redirect`."""
        if self.response_class is Response:
            response = Response.of_redirect(location, code)
            if response is not None:
                return response
        if protection_of(self) is not None:
            location = without_controls(location)
        return _wz_redirect(location, code=code, Response=self.response_class)

    def inject_url_defaults(self, endpoint: str, values: dict[str, t.Any]) -> None:
        """Call the ``url_defaults`` functions of an endpoint, which add to `values`."""
        names: list[str | None] = [None]
        if "." in endpoint:
            names += reversed(blueprint_path(endpoint.rpartition(".")[0]))
        for name in names:
            for func in self.url_default_functions.get(name, ()):
                func(endpoint, values)

    def handle_url_build_error(
        self, error: BuildError, endpoint: str, values: dict[str, t.Any]
    ) -> str:
        """Call the ``url_build_error_handlers`` for a URL that could not be built.

        If none of them returns a URL, raises the `BuildError` or the last handler's error.
        """
        for handler in self.url_build_error_handlers:
            try:
                url = handler(error, endpoint, values)
            except BuildError as raised:
                # A handler may raise a more specific error.
                error = raised
            else:
                if url is not None:
                    return url
        raise error


def _bad_rule(rule: str, error: Exception, url_map: Map) -> Exception | None:
    """Return an error that says which rule is wrong, where it is, and how to write it.

    Returns None for an unknown kind of error, which only gets a note.
    """
    place = f"The rule {rule!r} ({caller()})"
    if type(error) not in {AttributeError, LookupError, SyntaxError, TypeError, ValueError}:
        # It may come from a converter, and take more arguments than a message.
        error.add_note(f"{place} raised this.")
        return None
    if isinstance(error, LookupError):
        known = ", ".join(sorted(url_map.converters))
        help_ = (
            f"The converters are {known}; add a custom one to app.url_map.converters before its"
            " first rule."
        )
    elif isinstance(rule, str) and not rule.startswith("/"):
        help_ = f"Write {'/' + rule!r}."
    elif isinstance(error, SyntaxError):
        # Werkzeug compiles a function with a parameter for each variable.
        return SyntaxError(f"{place} can't be registered: {error.msg}. Use each name once.")
    else:
        help_ = "Write it like '/users/<int:id>', with variables as <name>."
    return type(error)(f"{place} can't be registered: {str(error).rstrip('.')}. {help_}")


def _endpoint_taken(
    rule: str,
    endpoint: str,
    existing: ft.RouteCallable,
    place: str | None,
    view_func: ft.RouteCallable,
) -> str:
    registered = f", registered at {place}" if place else ""
    return (
        f"View function mapping is overwriting an existing endpoint: the rule {rule!r} ({caller()})"
        f" gives the view {definition(view_func)} the endpoint {endpoint!r}, which already belongs"
        f" to the view {definition(existing)}{registered}. Each endpoint needs a single view. Pass"
        " endpoint='...' to one of the two. If a decorator wraps the views, it needs"
        " functools.wraps()."
    )
