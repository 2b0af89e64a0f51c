"""Plans, for step 4: what each endpoint runs, resolved once.

A `Plan` lists the functions that run for one rule's requests, taken from the registries of
the application and its blueprints. An `Engine` holds an application's plans and routes at
one `Epoch`; it is discarded as soon as anything that it was compiled from changes.
"""

from __future__ import annotations

import os
import typing as t
from inspect import iscoroutinefunction
from itertools import groupby

from werkzeug.routing import MapAdapter

from ..config import Config
from ..ctx import RequestContext
from ..ground.current import context
from ..ground.registry import TrackedDict, TrackedList, TrackedLists
from ..ground.shortways import is_open, is_open_for, look_again
from ..routing import RouteTable, RuleMap
from ..routing.builders import Build, builds_nothing, make_builder
from ..routing.unlisted import listed_hosts
from ..sessions import opens_lazily
from ..sessions.compiling import compile_cookie
from ..wrappers import Response
from ..wrappers.files import FileHeads
from .classviews import awaits, for_loop
from .coerce import PlainCoercion
from .finishing import lift_finish
from .guarding import detours, lift_guard
from .hooks import inside_out, outside_in
from .hosts import never, plain_host_tests
from .ignored import refuse_ignored
from .proxies import believed_proxies, is_wrapped, trusted_proxies
from .typed import view_of

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App
    from ..wrappers import Request

FORCE_GENERAL = "COSTREL_GENERAL_PATH"
"""Environment variable: ``1`` puts every application on the general path."""

FORCE_LOOP = "COSTREL_LOOP_PATH"
"""Environment variable: ``1`` runs every plan on the event loop under ASGI, even if all its
steps are sync. For tests only: such a request just takes more hops to threads."""


_METHODS = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT".split())
"""Methods that are cached for a rule that allows any. SPEC(RFC 9110 §9.3, RFC 5789)."""


class Plan:
    """The functions that run for one rule's requests, in order."""

    __slots__ = (
        "after", "before", "body_limit", "coroutine", "detours", "endpoint", "finish", "guard",
        "lifted", "preprocess", "quiet", "rule", "steps", "streams_body", "teardown",
        "trusted_hosts", "values", "view",
    )  # fmt: skip

    def __init__(
        self,
        app: App,
        rule: Rule | None,
        *,
        view: t.Callable[..., t.Any] | None = None,
        on_loop: bool = False,
    ) -> None:
        """Compile what the requests of a rule run; None for those that match no rule.

        `view` is called instead of the registered view.
        """
        endpoint: t.Any = None if rule is None else rule.endpoint
        blueprint = endpoint.rpartition(".")[0] if endpoint and "." in endpoint else None
        function = view_of(app, t.cast("Rule", rule)) if view is None else view
        inwards, outwards = outside_in(blueprint), inside_out(blueprint)
        self.rule = rule
        self.endpoint = endpoint
        self.view = app.ensure_sync(function)
        preprocess = _chain(app.url_value_preprocessors, inwards)
        before = _chain(app.before_request_funcs, inwards)
        after = _chain(app.after_request_funcs, outwards, backwards=True)
        #: How many before-hooks run as `guard`, and what these are: the checks of the rule.
        before, self.lifted, self.guard = lift_guard(app, rule, before)
        #: What adds header fields to the responses; None if nothing does.
        after, self.finish = lift_finish(app, rule, after)
        #: The request's teardown functions, then the application context's.
        teardown = (
            *_chain(app.teardown_request_funcs, outwards, backwards=True),
            *reversed(app.teardown_appcontext_funcs),
        )
        refuse_ignored((*preprocess, *before, *after, *teardown))
        self.preprocess, self.before, self.after, self.teardown = (
            tuple(map(app.ensure_sync, chain)) for chain in (preprocess, before, after, teardown)
        )
        preprocess, before, after, teardown = (
            tuple(map(for_loop, chain)) for chain in (preprocess, before, after, teardown)
        )
        #: Whether only the view runs, and a plain body gets header fields known before.
        self.quiet = not (
            self.preprocess
            or self.before
            or self.after
            or self.teardown
            or (self.finish is not None and self.finish.varies)
        )
        #: Tells by the environ of a request if it is not as quiet; None if all are.
        self.detours = detours(
            self.guard,
            [finisher.concerns for finisher in (self.finish.finishers if self.finish else ())],
        )
        #: The view's arguments, if the rule has no variables.
        self.values = dict((rule and rule.defaults) or ())
        view = for_loop(function)
        #: The greatest length of a body in bytes; None for no limit.
        self.body_limit: int | None = getattr(
            function, "body_limit_bytes", app.config["MAX_CONTENT_LENGTH"]
        )
        #: What the URL adapter sets on a request whose host it checks.
        self.trusted_hosts = listed_hosts(app)
        #: Whether the view reads the body while it is being received.
        self.streams_body = bool(getattr(function, "streams_body", False))
        #: The view, if it is a coroutine function, only it runs, and it does not stream the body.
        self.coroutine = (
            view
            if self.quiet
            and iscoroutinefunction(view)
            and not self.streams_body
            # It may have to be opened in a thread first.
            and not getattr(app.session_interface, "waits_for_store", False)
            else None
        )
        #: The same steps for an event loop, if one of them is a coroutine function, or if
        #: `on_loop` is true.
        self.steps = (
            AsyncSteps(view, preprocess, before, after, teardown, self.lifted)
            if on_loop
            or any(map(iscoroutinefunction, (view, *preprocess, *before, *after, *teardown)))
            else None
        )

    def attach(self, request: Request, values: dict[str, t.Any] | None) -> None:
        """Set what was matched on a request that was created before."""
        request.url_rule, request.view_args = self.rule, values
        if self.trusted_hosts is not None:
            request.trusted_hosts = self.trusted_hosts


class Group(t.NamedTuple):
    """Steps that run together: one coroutine function, or sync ones in one thread hop."""

    functions: tuple[t.Callable[..., t.Any], ...]
    is_async: bool


class Inwards(t.NamedTuple):
    """Steps up to the view that run together, in the order of the fields."""

    is_async: bool
    preprocess: tuple[t.Callable[..., t.Any], ...]
    #: How many before-hooks run before these, and before the checks.
    done: int
    #: Whether the checks of the rule run before these before-hooks, or before the view.
    guards: bool
    before: tuple[t.Callable[..., t.Any], ...]
    #: The view, if it is the last of these steps.
    view: t.Callable[..., t.Any] | None


class AsyncSteps:
    """The steps of a plan on an event loop, grouped by where they run."""

    __slots__ = ("after", "inwards", "teardown")

    def __init__(
        self,
        view: t.Callable[..., t.Any],
        preprocess: t.Iterable[t.Any],
        before: t.Iterable[t.Any],
        after: t.Iterable[t.Any],
        teardown: t.Iterable[t.Any],
        lifted: int = 0,
    ) -> None:
        self.inwards = tuple(_group_inwards(view, preprocess, before, lifted))
        self.after, self.teardown = _group(after), _group(teardown)


def _group_inwards(
    view: t.Callable[..., t.Any],
    preprocess: t.Iterable[t.Any],
    before: t.Iterable[t.Any],
    lifted: int,
) -> t.Iterator[Inwards]:
    steps = [("preprocess", step) for step in preprocess]
    steps += [("before", step) for step in before]
    steps.append(("view", view))
    guarded, done = False, 0
    for group in _group_by(steps, lambda step: step[1]):
        is_async = iscoroutinefunction(group[0][1])
        chosen: dict[str, list[t.Any]] = {"preprocess": [], "before": [], "view": [None]}
        for kind, step in group:
            chosen[kind].append(step)
        guards = not guarded and bool(chosen["before"] or chosen["view"][1:])
        yield Inwards(
            is_async,
            tuple(chosen["preprocess"]),
            done,
            guards,
            tuple(chosen["before"]),
            chosen["view"][-1],
        )
        guarded = guarded or guards
        done += len(chosen["before"]) + (lifted if guards else 0)


def _group(functions: t.Iterable[t.Callable[..., t.Any]]) -> tuple[Group, ...]:
    return tuple(
        Group(tuple(group), iscoroutinefunction(group[0]))
        for group in _group_by(functions, lambda function: function)
    )


def _group_by(
    steps: t.Iterable[t.Any], function_of: t.Callable[[t.Any], t.Any]
) -> t.Iterator[list[t.Any]]:
    """Split steps into single coroutine functions and runs of sync functions."""
    for is_async, run in groupby(steps, lambda step: iscoroutinefunction(function_of(step))):
        if is_async:
            yield from ([step] for step in run)
        else:
            yield list(run)


def automatic_options(rule: Rule) -> bool:
    """Whether OPTIONS is answered for a rule without calling its view."""
    return bool(getattr(rule, "provide_automatic_options", False))


def _chain(
    registry: t.Mapping[t.Any, list[t.Any]],
    names: tuple[str | None, ...],
    *,
    backwards: bool = False,
) -> tuple[t.Any, ...]:
    """Join the functions that are registered under some names."""
    functions: list[t.Any] = []
    for name in names:
        found = registry.get(name, ())
        functions += reversed(found) if backwards else found
    return tuple(functions)


class Engine:
    """The compiled routes and plans of one application, valid until its epoch changes.

    It holds no reference to the application, so that the application can be freed.

    Attributes:
        epoch: The application's epoch when this was compiled.
        general: Whether requests take the general path.
        fixed: Plans by path and method, for rules without variables.
        builders: URL builders by endpoint, for the endpoints that `builder` was asked for.
        body_limit: Up to how many bytes a body is received before its view is known; None for
            no limit.
        api_routes: The `ApiRoutes`, once an error of a request without a rule has asked for them.
        plain_host: Returns a value that is not None for a host that does not affect matching.
        plain_host_raw: The same for a host as bytes.
        lazy_session: Whether sessions may be opened on first access.
        coerce: Makes bodies from common return values.
        cookie: The cookie of sessions; None if the session interface must be asked.
        file_heads: The headers of files; None if they can't be kept.
    """

    def __init__(self, app: App) -> None:
        # Read the epoch first: a change while this compiles must make it stale.
        self.epoch = app._epoch.value
        look_again()
        self.fixed: dict[str, dict[str, Plan]] = {}
        self._plans: dict[int, Plan] = {}
        self._options_plans: dict[int, Plan] = {}
        self._unmatched: Plan | None = None
        self._unmatched_on_loop: Plan | None = None
        self.builders: dict[str, Build] = {}
        self.api_routes: t.Any = None
        self.body_limit = _greatest_body(app)
        self.coerce = PlainCoercion(app)
        self.file_heads = FileHeads() if _may_keep_heads(app) else None
        self.lazy_session = opens_lazily(app.session_interface)
        self.plain_host, self.plain_host_raw = plain_host_tests(app)
        self.general = (
            os.environ.get(FORCE_GENERAL) == "1"
            or not _steps_original(app)
            or not _registries_tracked(app)
        )
        if not self.general:
            with t.cast("RuleMap", app.url_map).changing:
                self._table = RouteTable(app.url_map)
            self.general = not self._table.usable
        self.cookie = None if self.general else compile_cookie(app)
        self._all_on_loop = os.environ.get(FORCE_LOOP) == "1"
        #: The ``ProxyFix`` objects that apply to the scopes of ASGI, outermost first.
        self.proxies = believed_proxies(app)
        #: What `TRUSTED_PROXIES` adds to the middleware around ``wsgi_app``.
        self.trusted = trusted_proxies(app)
        #: Whether ``wsgi_app`` has more to do than to follow a plan.
        self.detours = self.general or self.trusted is not None
        self.wrapped = is_wrapped(app)
        self._may_match_on_loop = (
            not self.general
            and self.plain_host is not never
            and self.lazy_session
            and not self.wrapped
            and app.is_original("async_to_sync")
        )
        #: Whether requests may run on the loop under ASGI, and some of them do.
        self.matches_on_loop = self._may_match_on_loop and (
            self._all_on_loop or any(map(_concerns_loop, _all_steps(app)))
        )

    def match(self, app: App, path: str, method: str) -> tuple[Plan, dict[str, t.Any]] | None:
        """Return the plan for a request, and the view's arguments.

        Returns None if the URL adapter must match: there is no plain match, or the rule has
        no view. Raises `NotFound` where no rule matches.
        """
        found = self._table.match(path, method)
        if found is None:
            return None
        rule, values = found
        plan = self.plan_of(app, rule, method)
        if plan is None:
            return None
        if not rule._converters and path.isascii() and method in (rule.methods or _METHODS):
            # INVARIANT: bounded, since such a rule matches one path with a few methods.
            # SECURITY(routing): looked up undecoded, so only ASCII, which decoding doesn't change.
            self.fixed.setdefault(path, {})[method] = plan
        return plan, values

    def plan_of(self, app: App, rule: Rule, method: str) -> Plan | None:
        """Return the plan of a rule's requests; None for a rule without a view."""
        if method == "OPTIONS" and automatic_options(rule):
            return self._options_plans.get(id(rule)) or self._compile_options(app, rule)
        return self._plans.get(id(rule)) or self._compile(app, rule)

    def unmatched(self, app: App) -> Plan:
        """Return the plan of requests that match no rule, or need another method or slash."""
        plan = self._unmatched
        if plan is None:
            plan = self._unmatched = Plan(app, None, view=_raise_found, on_loop=self._all_on_loop)
        return plan

    def unmatched_on_loop(self, app: App) -> Plan:
        """Return the same for an event loop, which needs no thread unless hooks do."""
        plan = self._unmatched_on_loop
        if plan is None:
            plan = self._unmatched_on_loop = Plan(app, None, view=_raise_found_on_loop)
        return plan

    def builder(self, app: App, endpoint: str) -> Build:
        """Return an endpoint's URL builder, which works if the endpoint has a single plain rule."""
        build = self.builders.get(endpoint)
        if build is None:
            try:
                with t.cast("RuleMap", app.url_map).changing:
                    rules = list(app.url_map.iter_rules(endpoint))
            except KeyError:
                # INVARIANT: only endpoints that exist are kept.
                return builds_nothing
            build = self.builders[endpoint] = make_builder(app.url_map, rules)
        return build

    def _compile(self, app: App, rule: Rule) -> Plan | None:
        if rule.endpoint not in app.view_functions:
            return None
        plan = self._plans[id(rule)] = Plan(app, rule, on_loop=self._all_on_loop)
        if plan.steps is not None:
            # Not known before if the view is sync and only its dependencies are async.
            self.matches_on_loop = self._may_match_on_loop
        return plan

    def _compile_options(self, app: App, rule: Rule) -> Plan:
        # INVARIANT: bounded, since a rule without variables is one path.
        view = _answer_options if rule._converters else _FixedOptions()
        plan = Plan(app, rule, view=view, on_loop=self._all_on_loop)
        self._options_plans[id(rule)] = plan
        return plan


def _raise_found() -> t.NoReturn:
    """Raise what matching found: the view of a request that matched nothing."""
    ctx = context.get()
    ctx.app.raise_routing_exception(ctx.request)
    raise AssertionError("It raises.")


async def _raise_found_on_loop() -> t.NoReturn:
    _raise_found()


def _answer_options(**_values: t.Any) -> Response:
    """Answer OPTIONS with the methods that the URL allows: the view of such a request."""
    response: Response = context.get().app.make_default_options_response()
    return response


class _FixedOptions:
    """Answer OPTIONS for the path of a rule without variables, whose methods stay the same."""

    def __init__(self) -> None:
        self._allowed: str | None = None

    def __call__(self, **_values: t.Any) -> Response:
        """Return the response, whose methods were asked for once."""
        app = context.get().app
        if self._allowed is None:
            response: Response = app.make_default_options_response()
            self._allowed = response.headers.get("Allow")
        else:
            response = app.response_class()
            response.headers["Allow"] = self._allowed
        return response


def _all_steps(app: App) -> t.Iterator[t.Callable[..., t.Any]]:
    # Iterate over copies, since another thread may register something in the meantime.
    yield from list(app.view_functions.values())
    yield from list(app.teardown_appcontext_funcs)
    registries: tuple[t.Mapping[t.Any, list[t.Any]], ...] = (
        app.url_value_preprocessors, app.before_request_funcs, app.after_request_funcs,
        app.teardown_request_funcs,
    )  # fmt: skip
    for registry in registries:
        for functions in list(registry.values()):
            yield from list(functions)


def _concerns_loop(function: t.Callable[..., t.Any]) -> bool:
    return awaits(function) or bool(getattr(function, "streams_body", False))


def _greatest_body(app: App) -> int | None:
    """Return the greatest length of a body, in bytes, that a view needs to have received.

    That is ``MAX_CONTENT_LENGTH``, unless an async view may have longer ones: it can't wait for
    the rest, as a sync one does in its thread.
    """
    greatest: int | None = app.config["MAX_CONTENT_LENGTH"]
    for view in list(app.view_functions.values()):
        own = getattr(view, "body_limit_bytes", 0)
        if own != 0 and awaits(view) and not getattr(view, "streams_body", False):
            if own is None or greatest is None:
                return None
            greatest = max(greatest, own)
    return greatest


def _may_keep_heads(app: App) -> bool:
    """Whether what a file's headers depend on is known, besides the file and the arguments."""
    return (
        app.response_class is Response
        and is_open("_may_keep_heads", Response)
        and is_open("_may_use_defaults", Response)
        and is_open("_may_omit_response", Response)
        and is_open("_may_make_request", app.request_class)
        and not app.config.get("USE_X_SENDFILE")
    )


def _steps_original(app: App) -> bool:
    """Whether a plan does the same as the steps that it skips: none of them is replaced."""
    return (
        is_open_for("_may_run_plans", app)
        and is_open("_may_enter", RequestContext)
        and is_open("_may_know_rule", app.request_class)
        and is_open("_may_match", MapAdapter)
        and is_open_for("_may_bind", app.url_map)
    )


def _registries_tracked(app: App) -> bool:
    """Whether every change of what plans are compiled from is noticed."""
    lists = (
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
        app.url_value_preprocessors,
    )
    return (
        all(isinstance(registry, TrackedLists) and registry.tracked() for registry in lists)
        and isinstance(app.view_functions, TrackedDict)
        and isinstance(app.teardown_appcontext_funcs, TrackedList)
        and isinstance(app.url_map, RuleMap)
        and app.url_map.epoch is app._epoch
        and isinstance(app.config, Config)
        and app.config.epoch is app._epoch
    )
