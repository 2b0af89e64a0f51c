"""Registering views and hooks, shared by applications and blueprints.

Long because Flask's interface is: one method with its docstring for each decorator.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import typing as t
from collections import defaultdict
from functools import cached_property, update_wrapper
from pathlib import Path
from types import FunctionType

from jinja2 import BaseLoader, FileSystemLoader
from werkzeug.exceptions import HTTPException, default_exceptions

from .. import typing as ft
from ..ground.markers import ERROR_HANDLER, HOOK, PROCESSOR, refuse_markers
from ..ground.registry import Epoch, TrackedLists
from .origin import caller, warn
from .problems import ProblemScaffold
from .sockets import SocketScaffold

if t.TYPE_CHECKING:
    from .options import MethodOptions, RouteOptions

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
T_after_request = t.TypeVar("T_after_request", bound="ft.AfterRequestCallable[t.Any]")
T_before_request = t.TypeVar("T_before_request", bound="ft.BeforeRequestCallable")
T_error_handler = t.TypeVar("T_error_handler", bound="ft.ErrorHandlerCallable")
T_teardown = t.TypeVar("T_teardown", bound="ft.TeardownCallable")
T_template_context_processor = t.TypeVar(
    "T_template_context_processor", bound="ft.TemplateContextProcessorCallable"
)
T_url_defaults = t.TypeVar("T_url_defaults", bound="ft.URLDefaultCallable")
T_url_value_preprocessor = t.TypeVar(
    "T_url_value_preprocessor", bound="ft.URLValuePreprocessorCallable"
)
T_route = t.TypeVar("T_route", bound="ft.RouteCallable")


def setupmethod(f: F) -> F:
    """Make a method refuse to run after setup is finished.

    Setup ends with an application's first request, or when a blueprint is registered.
    Earlier requests or registrations would miss a later change, so the method then raises
    `AssertionError`.
    """
    name = f.__name__

    def checked(self: Scaffold, *args: t.Any, **kwargs: t.Any) -> t.Any:
        self._check_setup_finished(name)
        return f(self, *args, **kwargs)

    return t.cast(F, update_wrapper(checked, f))


class Scaffold(SocketScaffold, ProblemScaffold):
    """The registries of an application or a blueprint.

    Args:
        import_name: Name of the module or package that creates the object, usually
            ``__name__``. Its folder is the root for resources.
        static_folder: Folder of static files, relative to the root, or None.
        static_url_path: URL prefix of static files. Default: the folder's name.
        template_folder: Folder of templates, relative to the root, or None.
        root_path: The root folder, if it can't be found from `import_name`.
    """

    name: str
    operation_options: t.Mapping[str, t.Any] = {}
    """What was said of all its typed views, such as their dependencies and tags."""
    _static_folder: str | None = None
    _static_url_path: str | None = None

    def __init__(
        self,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        root_path: str | None = None,
    ) -> None:
        self.import_name = import_name
        self.static_folder = static_folder
        self.static_url_path = static_url_path
        self.template_folder = template_folder
        self.root_path = get_root_path(import_name) if root_path is None else root_path

        super().__init__()

        # One epoch for all registries below: see `Epoch`.
        epoch = self._epoch = Epoch()

        #: Endpoint name to view function.
        self.view_functions: dict[str, ft.RouteCallable] = self._make_view_functions(epoch)

        #: Blueprint name (None for all) to status code (None for any) to
        #: exception class to handler.
        self.error_handler_spec: dict[
            ft.AppOrBlueprintKey,
            dict[int | None, dict[type[Exception], ft.ErrorHandlerCallable]],
        ] = defaultdict(lambda: defaultdict(dict))

        self.problem_spec = {}

        #: Each maps a blueprint name (None for all) to functions, which run
        #: before the view, after it, and when the request context ends.
        self.before_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.BeforeRequestCallable]] = (
            TrackedLists(epoch)
        )
        self.after_request_funcs: dict[
            ft.AppOrBlueprintKey, list[ft.AfterRequestCallable[t.Any]]
        ] = TrackedLists(epoch)
        self.teardown_request_funcs: dict[ft.AppOrBlueprintKey, list[ft.TeardownCallable]] = (
            TrackedLists(epoch)
        )

        #: Functions that add variables to the templates of a blueprint (None for all).
        self.template_context_processors: dict[
            ft.AppOrBlueprintKey, list[ft.TemplateContextProcessorCallable]
        ] = defaultdict(list)

        #: Functions that change a matched rule's values, before the view and
        #: before ``before_request`` functions.
        self.url_value_preprocessors: dict[
            ft.AppOrBlueprintKey, list[ft.URLValuePreprocessorCallable]
        ] = TrackedLists(epoch)

        #: Functions that add values when a URL is built.
        self.url_default_functions: dict[ft.AppOrBlueprintKey, list[ft.URLDefaultCallable]] = (
            defaultdict(list)
        )

    def _make_view_functions(self, epoch: Epoch) -> dict[str, ft.RouteCallable]:  # noqa: ARG002
        return {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError

    # Static files and templates

    @property
    def static_folder(self) -> str | None:
        """The absolute path of the static folder, or None."""
        if self._static_folder is None:
            return None
        return os.path.join(self.root_path, self._static_folder)

    @static_folder.setter
    def static_folder(self, value: str | os.PathLike[str] | None) -> None:
        # A trailing slash would end up in the URL path made from the name.
        self._static_folder = None if value is None else os.fspath(value).rstrip(r"\/")

    @property
    def has_static_folder(self) -> bool:
        """Whether a static folder is configured."""
        return self._static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """The URL prefix of static files; derived from the folder's name if unset."""
        if self._static_url_path is not None:
            return self._static_url_path
        if self.static_folder is None:
            return None
        return f"/{os.path.basename(self.static_folder)}".rstrip("/")

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    @cached_property
    def jinja_loader(self) -> BaseLoader | None:
        """The loader for the templates in this object's folder; None without a folder."""
        if self.template_folder is None:
            return None
        return FileSystemLoader(os.path.join(self.root_path, self.template_folder))

    # Routes

    def _method_route(
        self, method: str, rule: str, options: dict[str, t.Any]
    ) -> t.Callable[[T_route], T_route]:
        if "methods" in options:
            raise TypeError(
                f"@{method.lower()}({rule!r}) is for {method} only and takes no methods=."
                f" Use @route({rule!r}, methods=[...]) for several. ({caller()})"
            )
        return self.route(rule, methods=[method], **options)

    @setupmethod
    def get(self, rule: str, **options: t.Unpack[MethodOptions]) -> t.Callable[[T_route], T_route]:
        """Register a view for GET (and HEAD): `route` with one method."""
        return self._method_route("GET", rule, {**options})

    @setupmethod
    def post(self, rule: str, **options: t.Unpack[MethodOptions]) -> t.Callable[[T_route], T_route]:
        """Register a view for POST: `route` with one method."""
        return self._method_route("POST", rule, {**options})

    @setupmethod
    def put(self, rule: str, **options: t.Unpack[MethodOptions]) -> t.Callable[[T_route], T_route]:
        """Register a view for PUT: `route` with one method."""
        return self._method_route("PUT", rule, {**options})

    @setupmethod
    def delete(
        self, rule: str, **options: t.Unpack[MethodOptions]
    ) -> t.Callable[[T_route], T_route]:
        """Register a view for DELETE: `route` with one method."""
        return self._method_route("DELETE", rule, {**options})

    @setupmethod
    def patch(
        self, rule: str, **options: t.Unpack[MethodOptions]
    ) -> t.Callable[[T_route], T_route]:
        """Register a view for PATCH: `route` with one method."""
        return self._method_route("PATCH", rule, {**options})

    @setupmethod
    def route(self, rule: str, **options: t.Unpack[RouteOptions]) -> t.Callable[[T_route], T_route]:
        """Register the decorated view for a URL rule.

        Args:
            rule: The path, with variables as ``<name>`` or ``<converter:name>``.
            **options: Passed to `add_url_rule`. ``endpoint`` is the endpoint; the default
                is the function's name.

        Without a rule, as ``@app.route``, it registers nothing and warns.
        """
        if not isinstance(rule, str):
            warn(
                f"@route needs a rule but got {rule!r}, so nothing is registered. Write it with"
                " parentheses and a path: @app.route('/path')."
            )

        passed = t.cast(dict[str, t.Any], options)

        def decorator(f: T_route) -> T_route:
            endpoint = passed.pop("endpoint", None)
            self.add_url_rule(rule, endpoint, f, **passed)
            return f

        return decorator

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a URL rule and, with `view_func`, its view.

        Args:
            rule: The path, as for `route`.
            endpoint: Name of the view for `url_for`. Default: the function's name.
            view_func: The view. If omitted, register it later with `endpoint`.
            provide_automatic_options: Respond to OPTIONS without calling the view.
                Default: if OPTIONS is not one of its methods.
            **options: Passed to `werkzeug.routing.Rule`: ``methods`` (default GET; HEAD
                is added to it), ``defaults``, ``subdomain``, ``host``, ``strict_slashes``
                and others.
        """
        raise NotImplementedError

    @setupmethod
    def endpoint(self, endpoint: str) -> t.Callable[[F], F]:
        """Register the decorated view for an endpoint whose rule is added separately."""

        def decorator(f: F) -> F:
            self.view_functions[endpoint] = f
            return f

        return decorator

    # Hooks

    @setupmethod
    def before_request(self, f: T_before_request) -> T_before_request:
        """Run a function before each request to this object's views.

        It takes no arguments. If it returns a value other than None, that is the response, and
        the view does not run.
        """
        refuse_markers(f, HOOK)
        self.before_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def after_request(self, f: T_after_request) -> T_after_request:
        """Run a function after each request to this object's views.

        It takes the response and returns it or another one. It does not run after an
        unhandled error.
        """
        refuse_markers(f, HOOK)
        self.after_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def teardown_request(self, f: T_teardown) -> T_teardown:
        """Run a function when the request context ends, with the request's error or None.

        It always runs. The functions run in reverse order of registration, and their return
        values are ignored.
        """
        refuse_markers(f, HOOK)
        self.teardown_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def context_processor(self, f: T_template_context_processor) -> T_template_context_processor:
        """Add the dict that a function returns to the variables of each template."""
        refuse_markers(f, PROCESSOR)
        self.template_context_processors[None].append(f)
        return f

    @setupmethod
    def url_value_preprocessor(self, f: T_url_value_preprocessor) -> T_url_value_preprocessor:
        """Let a function ``(endpoint, values)`` change the values of the matched URL.

        It runs before all ``before_request`` functions. `values` is the dict of arguments for
        the view, or None if no rule matched.
        """
        refuse_markers(f, HOOK)
        self.url_value_preprocessors[None].append(f)
        return f

    @setupmethod
    def url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Let a function ``(endpoint, values)`` add values to the URLs that are built."""
        refuse_markers(f, HOOK)
        self.url_default_functions[None].append(f)
        return f

    # Errors

    @setupmethod
    def errorhandler(
        self, code_or_exception: type[Exception] | int
    ) -> t.Callable[[T_error_handler], T_error_handler]:
        """Register the decorated function as the handler for a status code or exception class.

        It takes the exception and returns a response, like a view. A blueprint's handlers
        come before the application's, and in each the most specific class wins.

        Without an argument, as ``@app.errorhandler``, it registers nothing and warns.
        """
        if isinstance(code_or_exception, FunctionType):
            warn(
                f"@errorhandler needs a status code or an Exception class but got"
                f" {code_or_exception!r}, so nothing is registered. Write it with parentheses:"
                " @app.errorhandler(404)."
            )

        def decorator(f: T_error_handler) -> T_error_handler:
            self.register_error_handler(code_or_exception, f)
            return f

        return decorator

    @setupmethod
    def register_error_handler(
        self, code_or_exception: type[Exception] | int, f: ft.ErrorHandlerCallable
    ) -> None:
        """Register a handler without a decorator: see `errorhandler`.

        Raises `ValueError` for an unknown status code or a class that is not an exception, and
        `TypeError` for other objects.
        """
        exc_class, code = self._get_exc_class_and_code(code_or_exception)
        refuse_markers(f, ERROR_HANDLER)
        self.error_handler_spec[None][code][exc_class] = f

    @staticmethod
    def _get_exc_class_and_code(
        exc_class_or_code: type[Exception] | int,
    ) -> tuple[type[Exception], int | None]:
        """Return the exception class and status code for one of the two."""
        exc_class: type[Exception]
        if isinstance(exc_class_or_code, int):
            try:
                exc_class = default_exceptions[exc_class_or_code]
            except KeyError:
                raise ValueError(
                    f"There is no HTTP error {exc_class_or_code} to register a handler for"
                    f" ({caller()}). Use a subclass of HTTPException with that code instead."
                ) from None
        else:
            exc_class = exc_class_or_code

        if isinstance(exc_class, Exception):
            raise TypeError(
                f"{exc_class!r} is an instance, not a class. Register a handler for an"
                f" Exception class or a status code. ({caller()})"
            )
        if not isinstance(exc_class, type):
            raise TypeError(
                f"{exc_class!r} is neither a status code nor a class. Register a handler for an"
                f" Exception class or a status code (a number). ({caller()})"
            )
        if not issubclass(exc_class, Exception):
            raise ValueError(  # noqa: TRY004  as in Flask
                f"{exc_class.__name__!r} is not a subclass of Exception. Register a handler for an"
                f" Exception class or a status code. ({caller()})"
            )
        code = exc_class.code if issubclass(exc_class, HTTPException) else None
        return exc_class, code


def _endpoint_from_view_func(view_func: ft.RouteCallable | None) -> str:
    """Return the name of a view's function."""
    if view_func is None:
        raise AssertionError(
            "A rule needs a view function or endpoint='...', the name of its view. Pass one of the"
            f" two. ({caller()})"
        )
    name: str | None = getattr(view_func, "__name__", None)
    if name is None:
        raise AttributeError(
            f"The view {view_func!r} has no __name__ to use as its endpoint ({caller()})."
            " Pass endpoint='...'."
        )
    return name


def check_view(rule: str, view_func: t.Any) -> None:
    """Warn about a view that can't be called, or is a class: its requests give a 500.

    COMPAT(Flask): accepted, because programs may have such rules without using them.
    """
    if isinstance(view_func, type) and hasattr(view_func, "as_view"):
        warn(
            f"The view of {rule!r} is the class {view_func.__name__} itself, so its requests will"
            f" give a 500. Pass {view_func.__name__}.as_view('name')."
        )
    elif view_func is not None and not callable(view_func):
        warn(
            f"The view of {rule!r} can't be called: {view_func!r}, of type"
            f" {type(view_func).__name__}, so its requests will give a 500. Pass a function or the"
            " return value of View.as_view()."
        )


def get_root_path(import_name: str) -> str:
    """Find the folder of a module or package without importing it.

    Returns the working directory for names without a file, such as in an interactive
    session. Raises `RuntimeError` for a namespace package, which has several folders:
    pass ``root_path=`` for one.
    """
    module = sys.modules.get(import_name)
    if module is not None and getattr(module, "__file__", None):
        return os.path.dirname(os.path.abspath(t.cast(str, module.__file__)))

    try:
        spec = importlib.util.find_spec(import_name)
    except (ImportError, ValueError):
        return os.getcwd()
    if spec is None or spec.loader is None:
        if spec is None:
            return os.getcwd()
        raise RuntimeError(_no_root(import_name))

    filename: str | None = None
    get_filename = getattr(spec.loader, "get_filename", None)
    if get_filename is not None:
        filename = get_filename(import_name)
    if filename is None:
        raise RuntimeError(_no_root(import_name))
    return os.path.dirname(os.path.abspath(filename))


def _no_root(import_name: str) -> str:
    return (
        f"No single folder could be found for {import_name!r}: it is a namespace package or"
        " comes from an import hook without file names. Pass root_path='...', the folder that"
        " contains the templates and static files."
    )


def _find_package_path(import_name: str) -> str:
    """Find the folder that contains the top-level package or module."""
    try:
        spec = importlib.util.find_spec(import_name.partition(".")[0])
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        # Can't be imported (yet): a script, or __main__.
        return os.getcwd()

    if spec.submodule_search_locations:
        if spec.origin in {None, "namespace"}:
            return _namespace_parent(import_name, list(spec.submodule_search_locations))
        return os.path.dirname(spec.submodule_search_locations[0])
    return os.path.dirname(spec.origin or "")


def _namespace_parent(import_name: str, locations: list[str]) -> str:
    """Return the namespace package's folder that contains `import_name`."""
    package_spec = importlib.util.find_spec(import_name)
    found = locations[0]
    if package_spec is not None and package_spec.submodule_search_locations:
        own = os.path.commonpath(package_spec.submodule_search_locations)
        found = next(
            (location for location in locations if Path(own).is_relative_to(location)), found
        )
    return os.path.dirname(found)


def find_package(import_name: str) -> tuple[str | None, str]:
    """Find the prefix that a package is installed under, and its folder.

    Returns ``(prefix, folder)``. The prefix is None for a package that is not installed
    (it runs from a checkout).
    """
    package_path = _find_package_path(import_name)
    folder = Path(package_path)
    if folder.is_relative_to(os.path.abspath(sys.prefix)):
        return sys.prefix, package_path

    site_parent, site_folder = os.path.split(package_path)
    if site_folder.lower() != "site-packages":
        return None, package_path
    parent, lib = os.path.split(site_parent)
    if lib.lower() == "lib":  # Windows: prefix/Lib/site-packages
        return parent, package_path
    if os.path.basename(parent).lower() == "lib":  # prefix/lib/pythonX.Y/site-packages
        return os.path.dirname(parent), package_path
    return site_parent, package_path
