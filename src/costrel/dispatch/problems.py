"""Problems: which errors are sent as problem details (RFC 9457) instead of pages."""

from __future__ import annotations

import typing as t
from contextlib import nullcontext

from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ..ground.current import request_view
from ..logging.requestids import header_of, id_of, uri_of
from ..registration.operations import has_typed_views
from ..registration.problems import problem_for_exception
from .typed import is_api

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..ctx import RequestContext
    from ..registration.application import App


def as_problem(error: HTTPException) -> t.Any:
    """Return an error as a problem if the request is an API's; None otherwise."""
    ctx = request_view.get(None)
    if ctx is None or error.code is None or error.code < 400 or not _is_of_api(ctx, error):
        if not isinstance(error.description, (str, type(None))):
            _describe_for_people(error)
        return None
    from ..api.problems import problem_of

    return problem_of(error)


def _describe_for_people(error: HTTPException) -> None:
    """Have the page of an error that was raised with a `Problem` say only its text."""
    from ..api.problems import Problem

    said: t.Any = error.description
    if isinstance(said, Problem):
        error.problem = said  # type: ignore[attr-defined]
        error.description = said.detail or said.title


def mark_occurrence(error: HTTPException) -> None:
    """Give an error of the server the id of its request, for the log and for what is sent.

    Pages get none unless ``REQUEST_ID_HEADER`` is set: their log lines are Flask's.
    """
    ctx = request_view.get(None)
    if ctx is None or ctx.error_id is not None:
        return
    if header_of(ctx.app) or _is_of_api(ctx, error):
        # The same as in every other line that the log has of this request.
        ctx.error_id = uri_of(t.cast("str", id_of(ctx)))


def quote_id(error: HTTPException) -> HTTPException:
    """Return an error, with the id of the request on its page if it is one of the server.

    Only if ``REQUEST_ID_HEADER`` is set, and not on a page with a text, or a response, of its own.
    """
    if error.code is None or error.code < 500:
        return error
    ctx = request_view.get(None)
    if (
        ctx is not None
        and getattr(error, "response", error) is None
        and error.description is type(error).description
        and type(error).__module__ == HTTPException.__module__
        and header_of(ctx.app)
    ):
        # Another object: somebody may raise this one again, for another request.
        shown = type(error).__new__(type(error))
        vars(shown).update(vars(error))
        shown.description = f"{error.description}\nIf you report it, quote this id: {id_of(ctx)}"
        return shown
    return error


def mapped_error(app: App, raised: Exception) -> HTTPException | None:
    """Return the HTTP error that ``app.problem`` maps an exception to; None if nothing does.

    If it is one of the server, the exception is logged.
    """
    mapped = problem_for_exception(app, raised, request_view.get().request.blueprints)
    if mapped is None:
        return None
    from ..api.problems import error_for

    error = error_for(mapped, raised)
    if t.cast("int", error.code) >= 500:
        mark_occurrence(error)
        app.log_exception((type(raised), raised, raised.__traceback__))
    return error


def is_mapped(app: App, error: Exception) -> bool:
    """Whether an error has no handler, but is mapped to a problem."""
    if not app.problem_spec:
        return False
    blueprints = request_view.get().request.blueprints
    return (
        problem_for_exception(app, error, blueprints) is not None
        and app._find_error_handler(error, blueprints) is None
    )


def _is_of_api(ctx: RequestContext, error: HTTPException) -> bool:
    """Whether the client of a request reads problems: its rule is an API's.

    Without a rule, `ApiRoutes` decides. WebSockets are no part of an API.
    """
    if "websocket" in vars(ctx):
        return False
    rule = ctx.request.url_rule
    known = None if rule is None else is_api(ctx.app, rule)
    return _routes_of(ctx.app).own(ctx, error) if known is None else known


def _routes_of(app: App) -> ApiRoutes:
    engine = app._engine
    if engine is None or engine.epoch != app._epoch.value:
        return ApiRoutes(app)
    if engine.api_routes is None:
        engine.api_routes = ApiRoutes(app)
    return t.cast("ApiRoutes", engine.api_routes)


class ApiRoutes:
    """An application's rules, by the segments that they begin with.

    They tell whether an error is an API's if no rule has matched the request. Rules of views
    that Costrel has itself, such as static files, have no say.
    """

    def __init__(self, app: App) -> None:
        #: The rules below each beginning: the domain, then segments without variables.
        self._below: dict[tuple[str, ...], list[Rule]] = {}
        #: Whether all of these are an API's. INVARIANT: bounded, since so are the beginnings.
        self._decided: dict[tuple[str, ...], bool] = {}
        self._longest = 0
        url_map = app.url_map
        with getattr(url_map, "changing", nullcontext()):
            rules = [rule for rule in url_map.iter_rules() if _has_a_say(app, rule)]
        if not any(has_typed_views(app, rule.endpoint) for rule in rules):
            return
        for rule in rules:
            fixed = _beginning(rule, rule.host if url_map.host_matching else rule.subdomain)
            self._longest = max(self._longest, len(fixed))
            for count in range(len(fixed) + 1):
                self._below.setdefault(fixed[:count], []).append(rule)

    def own(self, ctx: RequestContext, error: HTTPException) -> bool:
        """Whether a request that matched no rule is an API's.

        If rules match its path with another method, it is so if they all are, of those that can
        tell. Otherwise those rules count that have the most first segments in common with the path.
        """
        if not self._below:
            return False
        others = _allowed(ctx, error) if isinstance(error, MethodNotAllowed) else []
        known = {is_api(ctx.app, rule) for rule in others} - {None}
        if known:
            return False not in known
        segments = (_domain_of(ctx), *ctx.request.path.split("/")[1:])
        for count in range(min(len(segments), self._longest), -1, -1):
            decided = self._decide(ctx.app, segments[:count])
            if decided is not None:
                return decided
        return False

    def _decide(self, app: App, beginning: tuple[str, ...]) -> bool | None:
        """Whether all rules with a beginning are an API's; None if nobody can tell."""
        decided = self._decided.get(beginning)
        if decided is None and beginning in self._below:
            for rule in self._below[beginning]:
                known = is_api(app, rule)
                decided = decided if known is None else known
                if known is False:
                    break
            if decided is not None:
                self._decided[beginning] = decided
        return decided


def _has_a_say(app: App, rule: Rule) -> bool:
    view = app.view_functions.get(rule.endpoint)
    if view is None or rule.websocket or rule.build_only:
        return False
    package, _dot, _rest = str(getattr(view, "__module__", "")).partition(".")
    return package != _PACKAGE


_PACKAGE = __name__.partition(".")[0]


def _beginning(rule: Rule, domain: str | None) -> tuple[str, ...]:
    """Return a rule's domain and first segments, up to the first variable."""
    fixed = []
    for part in (domain or "", *rule.rule.split("/")[1:]):
        if "<" in part:
            break
        fixed.append(part)
    return tuple(fixed)


def _domain_of(ctx: RequestContext) -> str:
    """Return what a rule's host or subdomain has to be for the request."""
    app = ctx.app
    if app.url_map.host_matching or app.subdomain_matching:
        adapter = ctx.url_adapter
        if adapter is None:  # the host was refused
            return ""
        return adapter.server_name if app.url_map.host_matching else adapter.subdomain or ""
    return app.url_map.default_subdomain


def _allowed(ctx: RequestContext, error: MethodNotAllowed) -> list[Rule]:
    """Return the rules that match the request's path with another method."""
    found: dict[int, Rule] = {}
    adapter = ctx.url_adapter
    if adapter is None:
        return []
    for method in error.valid_methods or ():
        try:
            rule, _values = adapter.match(method=method, return_rule=True)
        except HTTPException:  # such as a redirect
            continue
        found[id(rule)] = rule
    return list(found.values())
