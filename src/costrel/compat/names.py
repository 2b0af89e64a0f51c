"""Names that Flask's modules have but the corresponding modules of Costrel do not.

Most are names that Flask's modules import from elsewhere. Extensions import them from there,
although they are not public. They are looked up on first use, and only under the alias.
"""

from __future__ import annotations

import importlib
import types
import typing as t

_APPLICATION = "costrel.registration.application"
_SCAFFOLD = "costrel.registration.scaffold"

# Module of Flask -> name in it -> module to import, and after a colon the name there.
NAMES: dict[str, dict[str, str]] = {
    "flask.app": {
        "BadRequestKeyError": "werkzeug.exceptions:BadRequestKeyError",
        "BaseResponse": "werkzeug.wrappers:Response",
        "BuildError": "werkzeug.routing:BuildError",
        "Headers": "werkzeug.datastructures:Headers",
        "InternalServerError": "werkzeug.exceptions:InternalServerError",
        "MapAdapter": "werkzeug.routing:MapAdapter",
        "RequestRedirect": "werkzeug.routing:RequestRedirect",
        "RoutingException": "werkzeug.routing:RoutingException",
        "Rule": "werkzeug.routing:Rule",
        "SecureCookieSessionInterface": "costrel.sessions:SecureCookieSessionInterface",
        "SessionInterface": "costrel.sessions:SessionInterface",
        "T_shell_context_processor": f"{_APPLICATION}:T_shell_context_processor",
        "T_teardown": f"{_SCAFFOLD}:T_teardown",
        "T_template_filter": f"{_APPLICATION}:T_template_filter",
        "T_template_global": f"{_APPLICATION}:T_template_global",
        "T_template_test": f"{_APPLICATION}:T_template_test",
        "TracebackType": "types:TracebackType",
        "_cv_app": "costrel.globals:_cv_app",
        "_cv_request": "costrel.globals:_cv_request",
        "_make_timedelta": f"{_APPLICATION}:_make_timedelta",
        "_url_quote": "urllib.parse:quote",
        "appcontext_tearing_down": "costrel.signals:appcontext_tearing_down",
        "cabc": "collections.abc",
        "chain": "itertools:chain",
        "cli": "costrel.cli",
        "click": "click",
        "current_app": "costrel.globals:current_app",
        "get_debug_flag": "costrel.helpers:get_debug_flag",
        "get_host": "werkzeug.wsgi:get_host",
        "get_load_dotenv": "costrel.helpers:get_load_dotenv",
        "got_request_exception": "costrel.signals:got_request_exception",
        "is_running_from_reloader": "werkzeug.serving:is_running_from_reloader",
        "iscoroutinefunction": "inspect:iscoroutinefunction",
        "request_tearing_down": "costrel.signals:request_tearing_down",
        "setupmethod": f"{_SCAFFOLD}:setupmethod",
    },
    "flask.blueprints": {
        "AppGroup": "costrel.cli:AppGroup",
        "SansioBlueprint": "costrel.blueprints:Blueprint",
        "timedelta": "datetime:timedelta",
    },
    "flask.cli": {
        "F": f"{_SCAFFOLD}:F",
        "ModuleType": "types:ModuleType",
        "ParameterSource": "click.core:ParameterSource",
        "_app_option": "costrel.cli.options:app_option",
        "_called_with_wrong_args": "costrel.compat.private:_called_with_wrong_args",
        "_debug_option": "costrel.cli.options:debug_option",
        "_env_file_callback": "costrel.cli.options:_set_env_file",
        "_env_file_option": "costrel.cli.options:env_file_option",
        "_path_is_ancestor": "costrel.compat.private:_path_is_ancestor",
        "_set_app": "costrel.cli.options:_set_app",
        "_set_debug": "costrel.cli.options:_set_debug",
        "_validate_key": "costrel.cli.params:validate_key",
        "ast": "ast",
        "cabc": "collections.abc",
        "import_string": "werkzeug.utils:import_string",
        "importlib": "importlib",
        "inspect": "inspect",
        "is_running_from_reloader": "werkzeug.serving:is_running_from_reloader",
        "itemgetter": "operator:itemgetter",
        "os": "os",
        "platform": "platform",
        "re": "re",
        "run_simple": "werkzeug.serving:run_simple",
        "sys": "sys",
        "t": "typing",
        "traceback": "traceback",
        "update_wrapper": "functools:update_wrapper",
    },
    "flask.ctx": {
        "HTTPException": "werkzeug.exceptions:HTTPException",
        "TracebackType": "types:TracebackType",
        "_cv_app": "costrel.globals:_cv_app",
        "_cv_request": "costrel.globals:_cv_request",
        "_sentinel": "costrel.ctx.application:_sentinel",
        "appcontext_popped": "costrel.signals:appcontext_popped",
        "appcontext_pushed": "costrel.signals:appcontext_pushed",
        "contextvars": "contextvars",
        "sys": "sys",
    },
    "flask.debughelpers": {
        "App": f"{_APPLICATION}:App",
        "BaseLoader": "jinja2:BaseLoader",
        "Blueprint": "costrel.blueprints:Blueprint",
        "RequestRedirect": "werkzeug.routing:RequestRedirect",
        "_dump_loader_info": "costrel.compat.private:_dump_loader_info",
        "request_ctx": "costrel.globals:request_ctx",
        "t": "typing",
    },
    "flask.globals": {
        "ContextVar": "contextvars:ContextVar",
        "LocalProxy": "werkzeug.local:LocalProxy",
        "_no_app_msg": "costrel.ground.current:NO_APP",
        "_no_req_msg": "costrel.ground.current:NO_REQUEST",
    },
    "flask.helpers": {
        "_cv_app": "costrel.globals:_cv_app",
        "_cv_request": "costrel.globals:_cv_request",
        "cache": "functools:cache",
        "importlib": "importlib",
        "request_ctx": "costrel.globals:request_ctx",
        "sys": "sys",
    },
    "flask.logging": {"request": "costrel.globals:request"},
    "flask.sansio.app": {
        "Aborter": "werkzeug.exceptions:Aborter",
        "BadRequest": "werkzeug.exceptions:BadRequest",
        "BadRequestKeyError": "werkzeug.exceptions:BadRequestKeyError",
        "BuildError": "werkzeug.routing:BuildError",
        "Config": "costrel.config:Config",
        "ConfigAttribute": "costrel.config:ConfigAttribute",
        "DefaultJSONProvider": "costrel.json.provider:DefaultJSONProvider",
        "DispatchingJinjaLoader": "costrel.templating:DispatchingJinjaLoader",
        "Environment": "costrel.templating:Environment",
        "JSONProvider": "costrel.json.provider:JSONProvider",
        "Map": "werkzeug.routing:Map",
        "Response": "werkzeug.sansio.response:Response",
        "Rule": "werkzeug.routing:Rule",
        "_AppCtxGlobals": "costrel.ctx:_AppCtxGlobals",
        "_split_blueprint_path": "costrel.helpers:_split_blueprint_path",
        "_wz_redirect": "werkzeug.utils:redirect",
        "cached_property": "werkzeug.utils:cached_property",
        "chain": "itertools:chain",
        "create_logger": "costrel.logging:create_logger",
        "ft": "costrel.typing",
        "get_debug_flag": "costrel.helpers:get_debug_flag",
        "logging": "logging",
        "os": "os",
        "sys": "sys",
        "t": "typing",
        "timedelta": "datetime:timedelta",
    },
    "flask.sansio.blueprints": {
        "T_after_request": f"{_SCAFFOLD}:T_after_request",
        "T_before_request": f"{_SCAFFOLD}:T_before_request",
        "T_error_handler": f"{_SCAFFOLD}:T_error_handler",
        "T_teardown": f"{_SCAFFOLD}:T_teardown",
        "T_template_context_processor": f"{_SCAFFOLD}:T_template_context_processor",
        "T_template_filter": f"{_APPLICATION}:T_template_filter",
        "T_template_global": f"{_APPLICATION}:T_template_global",
        "T_template_test": f"{_APPLICATION}:T_template_test",
        "T_url_defaults": f"{_SCAFFOLD}:T_url_defaults",
        "T_url_value_preprocessor": f"{_SCAFFOLD}:T_url_value_preprocessor",
        "_sentinel": "costrel.blueprints:_sentinel",
        "defaultdict": "collections:defaultdict",
        "ft": "costrel.typing",
        "os": "os",
        "t": "typing",
        "update_wrapper": "functools:update_wrapper",
    },
    "flask.sansio.scaffold": {
        "BaseLoader": "jinja2:BaseLoader",
        "FileSystemLoader": "jinja2:FileSystemLoader",
        "HTTPException": "werkzeug.exceptions:HTTPException",
        "_default_template_ctx_processor": "costrel.templating:_default_template_ctx_processor",
        "_sentinel": "costrel.blueprints:_sentinel",
        "cached_property": "werkzeug.utils:cached_property",
        "default_exceptions": "werkzeug.exceptions:default_exceptions",
        "defaultdict": "collections:defaultdict",
        "ft": "costrel.typing",
        "importlib": "importlib",
        "os": "os",
        "pathlib": "pathlib",
        "sys": "sys",
        "t": "typing",
        "update_wrapper": "functools:update_wrapper",
    },
    "flask.sessions": {
        "BadSignature": "itsdangerous:BadSignature",
        "c": "collections.abc",
        "timezone": "datetime:timezone",
    },
    "flask.templating": {
        "_cv_app": "costrel.globals:_cv_app",
        "_cv_request": "costrel.globals:_cv_request",
        "request": "costrel.globals:request",
        "stream_with_context": "costrel.helpers:stream_with_context",
    },
    "flask.testing": {
        "Result": "click.testing:Result",
        "SessionMixin": "costrel.sessions:SessionMixin",
        "TracebackType": "types:TracebackType",
        "_werkzeug_version": "costrel.compat.private:_werkzeug_version",
    },
    "flask.views": {"F": f"{_SCAFFOLD}:F", "ft": "costrel.typing"},
    "flask.wrappers": {
        "BadRequest": "werkzeug.exceptions:BadRequest",
        "HTTPException": "werkzeug.exceptions:HTTPException",
        "RequestBase": "werkzeug.wrappers:Request",
        "ResponseBase": "werkzeug.wrappers:Response",
        "_split_blueprint_path": "costrel.helpers:_split_blueprint_path",
        "current_app": "costrel.globals:current_app",
        "json": "costrel.json",
        "t": "typing",
    },
}


def widen(module: types.ModuleType, alias: str) -> None:
    """Let a module of Costrel provide the names that only Flask's module has.

    `alias` is the name of Flask's module. Nothing is imported until a name is accessed. What the
    module's own ``__getattr__`` provides stays.
    """
    names = NAMES.get(alias)
    if names is None:
        return
    own: t.Any = vars(module).get("__getattr__")

    def find(name: str) -> t.Any:
        if name not in names:
            if own is not None:
                return own(name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        source, _, attribute = names[name].partition(":")
        found = importlib.import_module(source)
        return getattr(found, attribute) if attribute else found

    def list_names() -> list[str]:
        return sorted(vars(module).keys() | names)

    vars(module).update(__getattr__=find, __dir__=list_names)
