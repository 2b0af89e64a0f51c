"""Let pages of other origins use an application: CORS, by the rule that a request matches.

SECURITY(CVE-2024-6221, CVE-2024-6839, CVE-2024-6844, CVE-2024-6866): not by patterns of paths, and
nothing of a request is sent back but an origin that is allowed.
"""

from __future__ import annotations

import typing as t

from werkzeug.exceptions import HTTPException

from ..dispatch.guarding import GuardStep
from ..registration.application import App
from ..registration.habits import hinting
from ..registration.misplaced import note_decorator
from ..registration.origin import caller
from ..wrappers import blueprint_path
from . import finish, guard, suspects
from .corspolicy import CorsPolicy, Origins, make_policy
from .perrule import PerRule
from .state import Check, Exemption, Finisher, security_of

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..ctx import RequestContext
    from ..registration.scaffold import Scaffold

F = t.TypeVar("F", bound=t.Callable[..., t.Any])

MAX_AGE_S = 600
"""How long browsers may remember the answer to a preflight request by default (seconds)."""

_MARK = "_cors_policy"

_OF_CSRF = frozenset({"csrf", suspects.NAME})


_HINTS: t.Mapping[str, str] = {
    "resources": (
        "Call cors(blueprint, [...]) for a blueprint, or place @cors_route([...]) below the routes"
        " of single views: policies belong to rules, not to patterns of paths."
    ),
    "supports_credentials": "Write credentials=True.",
    "allow_credentials": "Write credentials=True.",
    "allow_headers": "Write headers=[...].",
    "expose_headers": "Write expose=[...].",
    "allow_methods": "Write methods=[...].",
    "allow_origins": "Write origins=[...].",
    "allow_origin_regex": "Write origins=[re.compile(...)].",
    "max_age": "Write max_age_s=..., in seconds.",
    "send_wildcard": "Leave it out: it is '*' where origins is '*'.",
    "always_send": "Leave it out: only requests of other origins get the fields.",
    "vary_header": "Leave it out: responses vary by Origin.",
    "automatic_options": "Leave it out: preflight requests are answered without the view.",
    "intercept_exceptions": "Leave it out: responses of errors have the fields too.",
    "allow_private_network": "Leave it out: private networks are not opened.",
}
"""Arguments of Flask-CORS and of FastAPI's middleware, and what to write instead."""

_USAGE = (
    'Write cors(app, ["https://shop.example"]), with a blueprint in place of app for its views'
    " only; further arguments are methods, headers, expose, credentials and max_age_s."
)
_ROUTE_USAGE = 'Write @cors_route(["https://shop.example"]) below the route.'


@hinting(_HINTS, _USAGE)
def cors(
    target: App | Scaffold,
    origins: Origins,
    *,
    methods: t.Iterable[str] | None = None,
    headers: t.Iterable[str] = ("Content-Type",),
    expose: t.Iterable[str] = (),
    credentials: bool = False,
    max_age_s: int = MAX_AGE_S,
) -> None:
    """Let pages of other origins use all views of an application or a blueprint.

    What is said of a view or an inner blueprint counts more, as a whole. Requests of other
    origins get no header fields of CORS, so browsers keep the responses from their pages.

    Args:
        target: The application, or a blueprint before it is registered. A factory may call this
            for each of its applications: one that has the blueprint keeps what was said before.
        origins: Who may: ``"https://shop.example"``, a list of such, compiled patterns that match
            a whole origin, or ``"*"`` for anybody.
        methods: The methods that they may use, of those that the rule has, and that they are
            trusted with. Default: all.
        headers: The header fields that their requests may have. ``Authorization`` must be listed.
        expose: The header fields of responses that their pages may read.
        credentials: Let requests carry cookies. The origins are then trusted with requests that
            change something, so the check for forged ones lets them pass.
        max_age_s: How long browsers may remember this, in seconds.

    Raises `ValueError` for what is no origin, and for ``"*"`` with credentials.
    """
    policy = make_policy(
        caller(),
        origins,
        methods=methods,
        headers=headers,
        expose=expose,
        credentials=credentials,
        max_age_s=max_age_s,
    )
    if isinstance(target, App):
        install(target).everywhere = policy
        target._epoch.bump()
    else:
        _mark_blueprint(target, policy)


class _BlueprintMark:
    """What `cors` has said of a blueprint at last, for applications that register it from now on.

    Attributes:
        policy: The policy.
        is_used: Whether an application has registered the blueprint since.
    """

    __slots__ = ("is_used", "policy")

    def __init__(self, policy: CorsPolicy) -> None:
        self.policy = policy
        self.is_used = False


def _mark_blueprint(blueprint: t.Any, policy: CorsPolicy) -> None:
    is_first = getattr(blueprint, _MARK, None) is None
    setattr(blueprint, _MARK, _BlueprintMark(policy))
    if not is_first:
        return

    def take_over(state: t.Any) -> None:
        # An application that is not protected otherwise needs the hooks.
        rules = install(state.app)
        mark: _BlueprintMark = getattr(blueprint, _MARK)
        mark.is_used = True
        rules.of_blueprints[blueprint] = mark.policy

    # Not `record`, which refuses a blueprint that another application has registered already.
    blueprint.deferred_functions.append(take_over)


def check_late(app: App, *, served: bool) -> tuple[str, ...]:  # noqa: ARG001  for tests too
    """Raise `RuntimeError` for a policy that came after its blueprint was registered."""
    for blueprint in app.blueprints.values():
        mark: _BlueprintMark | None = getattr(blueprint, _MARK, None)
        if mark is not None and not mark.is_used:
            raise RuntimeError(
                f"cors() ({mark.policy.place}) comes after the blueprint {blueprint.name!r} was"
                " registered, so it has no effect. Write it above register_blueprint()."
            )
    return ()


@hinting(_HINTS, _ROUTE_USAGE)
def cors_route(
    origins: Origins,
    *,
    methods: t.Iterable[str] | None = None,
    headers: t.Iterable[str] = ("Content-Type",),
    expose: t.Iterable[str] = (),
    credentials: bool = False,
    max_age_s: int = MAX_AGE_S,
) -> t.Callable[[F], F]:
    """Let pages of other origins use one view; takes what `cors` takes.

    Place it below the route. It needs an application that is protected, which every `Costrel` is.
    """
    policy = make_policy(
        caller(),
        origins,
        methods=methods,
        headers=headers,
        expose=expose,
        credentials=credentials,
        max_age_s=max_age_s,
    )

    def decorator(view: F) -> F:
        setattr(view, _MARK, policy)
        note_decorator("cors_route", view)
        return view

    return decorator


class CorsRules:
    """Finds the policies of an application's rules, and what they mean for requests.

    Attributes:
        everywhere: The policy of the application, for what has none of its own.
        of_blueprints: The policies of blueprints, as they were when these were registered.
    """

    def __init__(self) -> None:
        self.everywhere: CorsPolicy | None = None
        self.of_blueprints: dict[t.Any, CorsPolicy] = {}
        self._is_used = PerRule(lambda app, _rule: bool(list(policies_of(app))))

    def policy_of(self, app: App, rule: Rule | None) -> CorsPolicy | None:
        """Return the policy of a rule; of requests that match none it is the application's."""
        if rule is None:
            return self.everywhere
        endpoint: str = rule.endpoint
        policy = _mark_of(app.view_functions.get(endpoint))
        if policy is None and "." in endpoint:
            for name in blueprint_path(endpoint.rpartition(".")[0]):
                policy = self.of_blueprints.get(app.blueprints.get(name))
                if policy is not None:
                    break
        return self.everywhere if policy is None else policy

    def finisher_of(self, app: App, rule: Rule | None) -> Finisher | None:
        """Return what adds to the responses of a rule; None if it has no policy."""
        policy = self.policy_of(app, rule)
        return None if policy is None else Finisher("cors", policy.finish, lambda _environ: True)

    def trusting(self, app: App, rule: Rule | None, check: Check, step: GuardStep) -> GuardStep:
        """Return a check that lets origins pass that the policy trusts; only those for CSRF."""
        policy = self.policy_of(app, rule)
        if check.name not in _OF_CSRF or policy is None:
            return step
        concerns = step.concerns

        def concerns_others(environ: t.Any) -> t.Any:
            return not policy.trusts(environ) and (concerns is None or concerns(environ))

        return step._replace(concerns=concerns_others)

    def answer_of(self, app: App, _rule: Rule | None) -> t.Callable[[RequestContext], t.Any] | None:
        """Return what answers preflight requests; None if the application has no policy.

        Any rule may get one: the rule for OPTIONS need not be that of the method asked about.
        """
        return self._answer if self._is_used.of(app, None) else None

    def _answer(self, ctx: RequestContext) -> t.Any:
        """Answer a preflight request; None if it is none, or must not be allowed."""
        environ = ctx.environ
        origin = environ.get("HTTP_ORIGIN")
        method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
        adapter = ctx.url_adapter
        if origin is None or method is None or adapter is None:
            return None
        try:
            rule, _values = adapter.match(method=method, return_rule=True)
        except HTTPException:
            return None
        policy = self.policy_of(ctx.app, rule)
        if policy is None or not policy.allows(origin) or method not in policy.methods_of(rule):
            return None
        response = ctx.app.response_class(status=204)
        policy.finish_preflight(response, rule, origin)
        return response


def _mark_of(target: t.Any) -> CorsPolicy | None:
    found: CorsPolicy | None = getattr(target, _MARK, None)
    if found is None:
        found = getattr(getattr(target, "view_class", None), _MARK, None)
    return found


def policies_of(app: App) -> t.Iterator[tuple[str, CorsPolicy]]:
    """Yield the policies of an application, with what each is for."""
    rules: CorsRules = security_of(app).cors
    if rules.everywhere is not None:
        yield "*", rules.everywhere
    for name, blueprint in list(app.blueprints.items()):
        if blueprint in rules.of_blueprints:
            yield name, rules.of_blueprints[blueprint]
    for name, view in list(app.view_functions.items()):
        policy = _mark_of(view)
        if policy is not None:
            yield name, policy


def cors_exemptions(app: App) -> t.Iterator[Exemption]:
    """Yield what the policies open to others, for an audit."""
    for target, policy in policies_of(app):
        names = ["*"] if policy.anybody else [*policy.exact, *(p.pattern for p in policy.patterns)]
        reason = f"{' '.join(sorted(names))} may read responses"
        if policy.credentials:
            reason += ", with credentials, and pass the check for CSRF"
        yield Exemption("cors", target, reason, policy.place)


def install(app: App) -> CorsRules:
    """Let an application have policies; returns what finds them."""
    security = security_of(app)
    guard.install(app)
    finish.install(app)
    if security.cors is None:
        security.cors = CorsRules()
        security.collectors.append(cors_exemptions)
        app._start_checks = (*app._start_checks, check_late)
    rules: CorsRules = security.cors
    return rules
