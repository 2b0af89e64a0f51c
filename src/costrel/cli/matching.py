"""What a rule or a request runs, for ``costrel routes``."""

from __future__ import annotations

import typing as t

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect, WebsocketMismatch

from ..dispatch.classviews import awaits
from ..dispatch.hooks import inside_out, outside_in
from ..dispatch.plan import Engine
from ..dispatch.typed import typed_view
from ..ground.wrapped import coroutine_beneath
from ..registration.operations import has_typed_views
from ..registration.origin import definition
from ..registration.socketrules import takes_server_socket

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..api.dependencies import Step
    from ..registration.application import App

WEBSOCKET = "WS"
"""What stands for the method of a WebSocket's handshake; so does what the table shows."""


def matched(app: App, method: str, target: str) -> t.Iterator[str]:
    """Yield lines that say what a request would run, or what it is answered with."""
    method = method.upper()
    is_socket = method in {WEBSOCKET, "WEBSOCKET"}
    # A full URL names a host; url_map then decides as for a request of a client.
    request = app.test_request_context(target).request
    path = request.path
    try:
        adapter = app.create_url_adapter(request)
        rule, values = t.cast("t.Any", adapter).match(
            path,
            "GET" if is_socket else method,
            return_rule=True,
            query_args=request.query_string.decode(),
            websocket=is_socket,
        )
    except RequestRedirect as redirect:
        yield f"{redirect.code} redirect to {redirect.new_url}"
    except MethodNotAllowed as error:
        yield f"405 Method Not Allowed: {path} has {', '.join(sorted(error.valid_methods or ()))}"
    except WebsocketMismatch:
        other = "no WebSocket" if is_socket else f"a WebSocket; use --match {WEBSOCKET} {path}"
        yield f"400 Bad Request: {path} is {other}"
    except HTTPException as error:
        yield f"{error.code} {error.name}: no rule matches {path}"
    else:
        yield f"rule      {rule.rule}{' (WebSocket)' if is_socket else ''}"
        yield f"endpoint  {rule.endpoint}"
        shown = ", ".join(f"{name}={value!r}" for name, value in values.items())
        yield f"values    {shown or 'none'}"
        yield from steps(app, rule, method)


def steps(app: App, rule: Rule, method: str | None = None) -> t.Iterator[str]:
    """Yield lines with the hooks of a rule and its view, in the order in which they run.

    `method` is that of a request; None shows what any method of the view depends on.
    """
    endpoint = str(rule.endpoint)
    blueprint = endpoint.rpartition(".")[0] or None
    inwards, outwards = outside_in(blueprint), inside_out(blueprint)
    view = app.view_functions.get(endpoint)
    if _is_socket(rule):
        before = [f for name in inwards for f in app.before_websocket_funcs.get(name, ())]
        after: list[t.Any] = []
    else:
        before = [f for name in inwards for f in app.before_request_funcs.get(name, ())]
        after = [f for name in outwards for f in reversed(app.after_request_funcs.get(name, []))]
    values = [f for name in inwards for f in app.url_value_preprocessors.get(name, ())]
    ends = [f for name in outwards for f in reversed(app.teardown_request_funcs.get(name, []))]
    ends += reversed(app.teardown_appcontext_funcs)
    for kind, functions in (("values", values), ("before", before)):
        for function in functions:
            yield f"{kind:<9} {_shown(function)}"
    needed = _dependencies(app, rule, method)
    for step in needed:
        yield f"depends   {step.name}{', async' if step.kind.is_async else ''}"
    yield f"view      {'none registered' if view is None else _shown(view)}"
    for kind, functions in (("after", after), ("teardown", ends)):
        for function in functions:
            yield f"{kind:<9} {_shown(function)}"
    functions = [*values, *before, *([] if view is None else [view]), *after, *ends]
    yield f"runs      {_place(app, rule, functions, needed)}"


def _dependencies(app: App, rule: Rule, method: str | None) -> list[Step]:
    """Return what a typed view depends on, in the order in which it is called."""
    if rule.websocket or rule.endpoint not in app.view_functions:
        return []
    if not has_typed_views(app, rule.endpoint):
        return []
    operations = typed_view(app, rule).operations
    has_head = any("HEAD" in operation.methods for operation in operations)
    asked = "GET" if method == "HEAD" and not has_head else method
    found: dict[str, Step] = {}
    for operation in operations:
        needed = operation.dependencies
        if needed is None or not (
            asked is None or len(operations) == 1 or asked in operation.methods
        ):
            continue
        order = (needed.credentials, *needed.runs)
        for index in (index for run in order for index in run):
            found.setdefault(needed.steps[index].name, needed.steps[index])
    return list(found.values())


def _is_socket(rule: Rule) -> bool:
    """Whether a rule is a WebSocket view's; an extension's own WebSockets are requests."""
    return rule.websocket and not takes_server_socket(rule)


def _place(app: App, rule: Rule, functions: list[t.Any], needed: list[Step]) -> str:
    """Say where a rule's functions run, and whether on the general path."""
    if _is_socket(rule):
        return "on the event loop (ASGI)"
    where = "in a thread"
    if any(map(awaits, functions)) or any(step.kind.is_async for step in needed):
        sync: list[t.Any] = [step for step in needed if not step.kind.is_async]
        sync += [
            function
            for function in functions
            if coroutine_beneath(function) is not None or not awaits(function)
        ]
        where = "on the event loop (ASGI)" + (", its sync functions in threads" if sync else "")
    if Engine(app).general:
        where += "; on the general path, because a step of the request is overridden or forced"
    return where


def _shown(function: t.Any) -> str:
    cls = getattr(function, "view_class", None)
    name = definition(function if cls is None else cls)
    return f"{name}, async" if awaits(function) else name
