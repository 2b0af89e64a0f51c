"""Blueprints: groups of views, hooks and resources, registered under a name and prefix.

Long because Flask's interface is.
"""

from __future__ import annotations

import os
import typing as t
from collections import defaultdict
from functools import update_wrapper

from . import typing as ft
from .ground.current import current_app
from .ground.lazy import lazy
from .ground.markers import (
    ERROR_HANDLER,
    HOOK,
    PROCESSOR,
    SOCKET_HOOK,
    TEMPLATE,
    Unfilled,
    refuse_markers,
)
from .helpers import default_max_age, send_from_directory
from .registration.application import App, T_template_filter, T_template_global, T_template_test
from .registration.operations import check_group
from .registration.origin import caller, recorded
from .registration.scaffold import (
    Scaffold,
    T_after_request,
    T_before_request,
    T_error_handler,
    T_teardown,
    T_template_context_processor,
    T_url_defaults,
    T_url_value_preprocessor,
    _endpoint_from_view_func,
    check_view,
    setupmethod,
)
from .templating import _default_template_ctx_processor
from .wrappers import Response  # at run time too: `send_static_file` may be a typed view

if t.TYPE_CHECKING:
    from .commands.groups import AppGroup
    from .registration.options import BlueprintOptions

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
DeferredSetupFunction = t.Callable[["BlueprintSetupState"], None]
_sentinel = object()


class BlueprintSetupState:
    """The state of registering a blueprint on an application.

    It is passed to the functions given to `Blueprint.record`. Attributes: ``app``,
    ``blueprint``, ``options`` (of the registration), ``first_registration``,
    ``subdomain``, ``url_prefix``, ``url_defaults``, ``name`` and ``name_prefix``.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        app: App,
        options: t.Any,
        first_registration: bool,
    ) -> None:
        self.app = app
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration

        def option_or(name: str, default: t.Any) -> t.Any:
            value = options.get(name)
            return default if value is None else value

        self.subdomain = option_or("subdomain", blueprint.subdomain)
        self.url_prefix: str | None = option_or("url_prefix", blueprint.url_prefix)
        self.name: str = options.get("name", blueprint.name)
        self.name_prefix: str = options.get("name_prefix", "")
        self.url_defaults = {**blueprint.url_values_defaults, **(options.get("url_defaults") or {})}

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        **options: t.Any,
    ) -> None:
        """Register a rule on the application, with the blueprint's prefix and name."""
        if self.url_prefix is not None:
            rule = (
                "/".join((self.url_prefix.rstrip("/"), rule.lstrip("/")))
                if rule
                else self.url_prefix
            )
        options.setdefault("subdomain", self.subdomain)
        if endpoint is None:
            endpoint = _endpoint_from_view_func(view_func)
        defaults = self.url_defaults
        if "defaults" in options:
            defaults = {**defaults, **options.pop("defaults")}
        self.app.add_url_rule(
            rule,
            f"{self.name_prefix}.{self.name}.{endpoint}".lstrip("."),
            view_func,
            defaults=defaults,
            **options,
        )


class Blueprint(Scaffold):
    """Collect views and hooks to register on an application, once or several times.

    Args:
        name: Prefix of the endpoints, without dots. Endpoints are named ``name.view``.
        import_name: Name of the module, usually ``__name__``. Its folder is the root.
        static_folder: Folder of static files, relative to the root, or None.
        static_url_path: URL prefix of static files, below the blueprint's prefix.
        template_folder: Folder of templates, searched after the application's.
        url_prefix: Prefix of all rules.
        subdomain: Subdomain of all rules, if the application uses `subdomain_matching`.
        url_defaults: Default values for all rules.
        root_path: The root folder, if it can't be found from `import_name`.
        cli_group: Name of the command group. Default: the blueprint's name. None
            merges the commands into the application's.
        **options: What is said of all its typed views: see `BlueprintOptions`.
    """

    _got_registered_once = False

    def __init__(
        self,
        name: str,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        url_prefix: str | None = None,
        subdomain: str | None = None,
        url_defaults: dict[str, t.Any] | None = None,
        root_path: str | None = None,
        cli_group: str | None = _sentinel,  # type: ignore[assignment]
        **options: t.Unpack[BlueprintOptions],
    ) -> None:
        super().__init__(
            import_name=import_name,
            static_folder=static_folder,
            static_url_path=static_url_path,
            template_folder=template_folder,
            root_path=root_path,
        )
        if not name:
            raise ValueError(
                "A blueprint's name can't be empty: it is the prefix of its endpoints."
                f" ({caller()})"
            )
        if "." in name:
            raise ValueError(
                f"The blueprint name {name!r} contains a dot, but dots separate nested names in"
                f" endpoints. Choose a name without one, like {name.replace('.', '_')!r}."
                f" ({caller()})"
            )
        # COMPAT: in a blueprint's views these names override those of the application's
        # processors.
        self.template_context_processors[None].append(_default_template_ctx_processor)
        if options:
            self.operation_options = check_group(dict(options), "A blueprint")
        self.name = name
        self.url_prefix = url_prefix
        self.subdomain = subdomain
        self.deferred_functions: list[DeferredSetupFunction] = []
        self.url_values_defaults: dict[str, t.Any] = url_defaults or {}
        self.cli_group = cli_group
        self._blueprints: list[tuple[Blueprint, dict[str, t.Any]]] = []

    @lazy
    def cli(self) -> AppGroup:
        """The blueprint's own commands, as a Click group."""
        from .commands.groups import AppGroup

        return AppGroup()

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_registered_once:
            raise AssertionError(
                f"The setup method '{f_name}' was called on the blueprint {self.name!r} after it"
                f" was registered, so that application would not see the change ({caller()}).\nMove"
                " the call (or the import of the module that contains it) before"
                " register_blueprint()."
            )

    # Deferred setup

    @setupmethod
    def record(self, func: DeferredSetupFunction) -> None:
        """Call a function with the setup state at each registration."""
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: DeferredSetupFunction) -> None:
        """Call a function with the setup state at the first registration only."""

        def wrapper(state: BlueprintSetupState) -> None:
            if state.first_registration:
                func(state)

        self.record(update_wrapper(wrapper, func))

    def make_setup_state(
        self, app: App, options: dict[str, t.Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        """Create the state passed to recorded functions. Override it to use a subclass."""
        return BlueprintSetupState(self, app, options, first_registration)

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: t.Any) -> None:
        """Nest a blueprint: it is registered along with this one, below its name and prefix.

        Raises `ValueError` if it is this blueprint itself.
        """
        if blueprint is self:
            raise ValueError(
                f"The blueprint {self.name!r} can't be registered on itself ({caller()})."
                " Pass the blueprint to nest."
            )
        self._blueprints.append((blueprint, options))

    def register(self, app: App, options: dict[str, t.Any]) -> None:
        """Register everything on an application. Called by ``app.register_blueprint``.

        Raises `ValueError` if the name is already taken.
        """
        name_prefix = options.get("name_prefix", "")
        own_name = options.get("name", self.name)
        name = f"{name_prefix}.{own_name}".lstrip(".")
        taken_by = app.blueprints.get(name)
        if taken_by is not None:
            place = app._places.get(("blueprint", name))
            raise ValueError(_name_taken(name, taken_by is self, place))

        first_bp_registration = self not in app.blueprints.values()
        first_name_registration = name not in app.blueprints
        app.blueprints[name] = self
        app._places["blueprint", name] = caller()
        self._got_registered_once = True
        state = self.make_setup_state(app, options, first_bp_registration)

        if self.has_static_folder:
            state.add_url_rule(
                f"{self.static_url_path}/<path:filename>",
                view_func=self.send_static_file,
                endpoint="static",
            )
        if first_bp_registration or first_name_registration:
            self._merge_blueprint_funcs(app, name)
        for deferred in self.deferred_functions:
            deferred(state)
        self._register_commands(app, options, name)
        for blueprint, bp_options in self._blueprints:
            blueprint.register(app, _nested_options(state, blueprint, bp_options, name))

    def _register_commands(self, app: App, options: dict[str, t.Any], name: str) -> None:
        if "cli" not in self.__dict__ or not self.cli.commands:
            return
        group = options.get("cli_group", self.cli_group)
        if group is None:
            app.cli.commands.update(self.cli.commands)
            return
        self.cli.name = name if group is _sentinel else group
        app.cli.add_command(self.cli)

    def _merge_blueprint_funcs(self, app: App, name: str) -> None:
        """Add the blueprint's hooks and handlers to the application's, under its name."""

        def key_of(key: ft.AppOrBlueprintKey) -> str:
            return name if key is None else f"{name}.{key}"

        for key, by_code in self.error_handler_spec.items():
            merged: defaultdict[t.Any, dict[t.Any, t.Any]] = defaultdict(dict)
            merged.update({code: dict(handlers) for code, handlers in by_code.items()})
            app.error_handler_spec[key_of(key)] = merged
        for key, mapped in self.problem_spec.items():
            app.problem_spec[key_of(key)] = dict(mapped)

        for endpoint, func in self.view_functions.items():
            app.view_functions[endpoint] = func

        for registry in (
            "before_request_funcs",
            "after_request_funcs",
            "teardown_request_funcs",
            "url_default_functions",
            "url_value_preprocessors",
            "template_context_processors",
            "before_websocket_funcs",
            "after_websocket_funcs",
            "teardown_websocket_funcs",
        ):
            target = getattr(app, registry)
            for key, funcs in getattr(self, registry).items():
                target.setdefault(key_of(key), []).extend(funcs)

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a rule below the blueprint's prefix and name.

        Raises `ValueError` if the endpoint or the view's name contains a dot.
        """
        if endpoint and "." in endpoint:
            raise ValueError(
                f"endpoint={endpoint!r} contains a dot; the blueprint adds its name itself. Remove"
                f" the part before the dot. ({caller()})"
            )
        view_name = getattr(view_func, "__name__", None)
        if not endpoint and view_name and "." in view_name:
            raise ValueError(
                f"The view's name {view_name!r} contains a dot. Pass endpoint='...'. ({caller()})"
            )
        check_view(rule, view_func)
        place = caller()

        def add_to(state: BlueprintSetupState) -> None:
            with recorded(place):
                state.add_url_rule(
                    rule,
                    endpoint,
                    view_func,
                    provide_automatic_options=provide_automatic_options,
                    **options,
                )

        self.record(add_to)

    # Static files and resources

    def get_send_file_max_age(self, filename: str | None) -> int | None:  # noqa: ARG002  for overrides
        """Return how many seconds clients may cache a file; None to revalidate each time."""
        return default_max_age(current_app.config)

    def send_static_file(self, filename: str) -> Response:
        """Send a file from the static folder; this is the view of the static rule.

        Raises `RuntimeError` if there is no static folder. A missing file gives a 404.
        """
        if self.static_folder is None:
            raise RuntimeError(f"The blueprint {self.name!r} has no static_folder to send from.")
        max_age = self.get_send_file_max_age(filename)
        return send_from_directory(self.static_folder, filename, max_age=max_age)

    def open_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = "utf-8"
    ) -> t.IO[t.Any]:
        """Open a file in the blueprint's folder for reading; `encoding` is for text modes."""
        if mode not in {"r", "rt", "rb"}:
            raise ValueError(f"mode={mode!r}: resources are read-only. Use 'r', 'rt' or 'rb'.")
        path = os.path.join(self.root_path, resource)
        return open(path, mode, encoding=None if mode == "rb" else encoding)

    # Registration for the whole application

    @setupmethod
    def app_template_filter(
        self, name: str | None = None
    ) -> t.Callable[[T_template_filter], T_template_filter]:
        """Register the decorated function as a filter for all templates."""

        def decorator(f: T_template_filter) -> T_template_filter:
            self.add_app_template_filter(f, name=name)
            return f

        return decorator

    @setupmethod
    def add_app_template_filter(
        self, f: ft.TemplateFilterCallable, name: str | None = None
    ) -> None:
        """Register a filter for all templates, named after the function by default."""
        refuse_markers(f, TEMPLATE)
        self.record_once(lambda state: _set_name(state.app.jinja_env.filters, f, name))

    @setupmethod
    def app_template_test(
        self, name: str | None = None
    ) -> t.Callable[[T_template_test], T_template_test]:
        """Register the decorated function as a test for all templates."""

        def decorator(f: T_template_test) -> T_template_test:
            self.add_app_template_test(f, name=name)
            return f

        return decorator

    @setupmethod
    def add_app_template_test(self, f: ft.TemplateTestCallable, name: str | None = None) -> None:
        """Register a test for all templates, named after the function by default."""
        refuse_markers(f, TEMPLATE)
        self.record_once(lambda state: _set_name(state.app.jinja_env.tests, f, name))

    @setupmethod
    def app_template_global(
        self, name: str | None = None
    ) -> t.Callable[[T_template_global], T_template_global]:
        """Register the decorated function as a global in all templates."""

        def decorator(f: T_template_global) -> T_template_global:
            self.add_app_template_global(f, name=name)
            return f

        return decorator

    @setupmethod
    def add_app_template_global(
        self, f: ft.TemplateGlobalCallable, name: str | None = None
    ) -> None:
        """Register a global in all templates, named after the function by default."""
        refuse_markers(f, TEMPLATE)
        self.record_once(lambda state: _set_name(state.app.jinja_env.globals, f, name))

    def _record_app_func(self, registry: str, f: t.Any, kind: Unfilled = HOOK) -> None:
        refuse_markers(f, kind)
        self.record_once(lambda state: getattr(state.app, registry).setdefault(None, []).append(f))

    @setupmethod
    def before_app_request(self, f: T_before_request) -> T_before_request:
        """Run a function before every request to the application."""
        self._record_app_func("before_request_funcs", f)
        return f

    @setupmethod
    def after_app_request(self, f: T_after_request) -> T_after_request:
        """Run a function after every request to the application, with its response."""
        self._record_app_func("after_request_funcs", f)
        return f

    @setupmethod
    def teardown_app_request(self, f: T_teardown) -> T_teardown:
        """Run a function when the context of any request to the application ends."""
        self._record_app_func("teardown_request_funcs", f)
        return f

    @setupmethod
    def before_app_websocket(self, f: F) -> F:
        """Run a function before every WebSocket view of the application."""
        self._record_app_func("before_websocket_funcs", f, SOCKET_HOOK)
        return f

    @setupmethod
    def after_app_websocket(self, f: F) -> F:
        """Run a function after every WebSocket view of the application."""
        self._record_app_func("after_websocket_funcs", f, SOCKET_HOOK)
        return f

    @setupmethod
    def teardown_app_websocket(self, f: F) -> F:
        """Run a function when the context of any WebSocket of the application ends."""
        self._record_app_func("teardown_websocket_funcs", f, SOCKET_HOOK)
        return f

    @setupmethod
    def app_context_processor(
        self, f: T_template_context_processor
    ) -> T_template_context_processor:
        """Add the dict that a function returns to the variables of all templates."""
        self._record_app_func("template_context_processors", f, PROCESSOR)
        return f

    @setupmethod
    def app_errorhandler(
        self, code: type[Exception] | int
    ) -> t.Callable[[T_error_handler], T_error_handler]:
        """Register an error handler for the whole application."""
        self._get_exc_class_and_code(code)

        def decorator(f: T_error_handler) -> T_error_handler:
            refuse_markers(f, ERROR_HANDLER)
            self.record_once(lambda state: state.app.register_error_handler(code, f))
            return f

        return decorator

    @setupmethod
    def app_url_value_preprocessor(self, f: T_url_value_preprocessor) -> T_url_value_preprocessor:
        """Let a function change the matched URL values of any request to the application."""
        self._record_app_func("url_value_preprocessors", f)
        return f

    @setupmethod
    def app_url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Let a function add values to any URL that the application builds."""
        self._record_app_func("url_default_functions", f)
        return f


def _set_name(names: t.MutableMapping[str, t.Any], f: t.Any, name: str | None) -> None:
    names[name or f.__name__] = f


def _nested_options(
    state: BlueprintSetupState, blueprint: Blueprint, options: dict[str, t.Any], name: str
) -> dict[str, t.Any]:
    """Return the options that a nested blueprint is registered with."""
    options = options.copy()
    subdomain = options.get("subdomain")
    if subdomain is None:
        subdomain = blueprint.subdomain
    parts = [part for part in (subdomain, state.subdomain) if part is not None]
    if parts:
        options["subdomain"] = ".".join(parts)

    prefix = options.get("url_prefix")
    if prefix is None:
        prefix = blueprint.url_prefix
    if state.url_prefix is not None and prefix is not None:
        options["url_prefix"] = f"{state.url_prefix.rstrip('/')}/{prefix.lstrip('/')}"
    elif prefix is not None or state.url_prefix is not None:
        options["url_prefix"] = state.url_prefix if prefix is None else prefix
    options["name_prefix"] = name
    return options


def _name_taken(name: str, same: bool, place: str | None) -> str:
    who = "this blueprint already" if same else "a different blueprint"
    where = f" (at {place})" if place else ""
    return (
        f"The name {name!r} is taken ({caller()}): {who} is registered under it{where}. Their"
        " endpoints would clash. Pass name='...' to register_blueprint()."
    )
