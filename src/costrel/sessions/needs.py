"""Find out whether an application needs a secret key, before anything fails for want of one."""

from __future__ import annotations

import typing as t
from inspect import unwrap
from types import CodeType, FunctionType, ModuleType

from ..ground.current import session
from ..ground.protection import protection_of

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_USERS = frozenset(
    {
        ("costrel.helpers", "flash"),
        ("costrel.helpers", "get_flashed_messages"),
    }
)
"""Functions that use the session: their modules and names."""

_MODULES = frozenset({"costrel", "flask", "costrel.globals", "costrel.helpers"})


def need_of(app: t.Any) -> str | None:
    """Return what an application needs a secret key for; None if nothing is known to need one.

    That is what its parts have declared, or a view, hook or error handler whose own code names
    ``session`` or ``flash``. What these call, and templates, are not looked at.
    """
    protection = protection_of(app)
    if protection is not None and protection.needs_secret:
        return protection.needs_secret[0]
    if not str(app.config.get("SESSION_STORE") or "cookie:").startswith("cookie:"):
        # These sessions are kept on the server, under a random id.
        return None
    for kind, function in _functions(app):
        plain = _plain(function)
        name = None if plain is None else _used_by(plain)
        if plain is not None and name is not None:
            code = plain.__code__
            place = f"{code.co_filename}:{code.co_firstlineno}"
            return f"{kind} {plain.__qualname__} ({place}) uses {name}"
    return None


def _functions(app: t.Any) -> Iterator[tuple[str, t.Any]]:
    for view in list(app.view_functions.values()):
        view_class = getattr(view, "view_class", None)
        if view_class is None:
            yield "the view", view
        else:
            for name in ("dispatch_request", "get", "post", "put", "patch", "delete"):
                yield "the view", getattr(view_class, name, None)
    for kind, registry in (
        ("the hook", app.before_request_funcs),
        ("the hook", app.after_request_funcs),
        ("the hook", app.teardown_request_funcs),
    ):
        for functions in list(registry.values()):
            for function in list(functions):
                yield kind, function
    for by_code in list(app.error_handler_spec.values()):
        for handlers in list(by_code.values()):
            for handler in list(handlers.values()):
                yield "the error handler", handler


def _plain(function: t.Any) -> FunctionType | None:
    """Return the function that somebody wrote, beneath its decorators."""
    function = unwrap(function) if callable(function) else function
    function = getattr(function, "__func__", function)
    return function if isinstance(function, FunctionType) else None


def _used_by(function: FunctionType) -> str | None:
    """Return the name of something in a function's code that is, or uses, the session."""
    if function.__module__.partition(".")[0] == _PACKAGE:
        # Ours: what it needs, it declares.
        return None
    # Imported here, because only the start of a server needs it.
    from dis import get_instructions

    for code in _codes(function.__code__):
        # Not `co_names` alone: the session in `db.session` is another one.
        names = {
            str(step.argval) for step in get_instructions(code) if step.opname in _LOADS_GLOBAL
        }
        for name in names:
            found = function.__globals__.get(name)
            if _is_user(found):
                return name
            # Not `isinstance`, which would ask a proxy for what it stands for.
            if issubclass(type(found), ModuleType) and vars(found).get("__name__") in _MODULES:
                # Such as `flask.session`.
                for attribute in code.co_names:
                    if _is_user(vars(found).get(attribute)):
                        return f"{name}.{attribute}"
    return None


_LOADS_GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})

_PACKAGE = __name__.partition(".")[0]


def _is_user(found: object) -> bool:
    return found is session or (
        type(found) is FunctionType and (found.__module__, found.__name__) in _USERS
    )


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a function and of those in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
