"""Let pages of other origins use an application: CORS, by the rule that a request matches.

SECURITY(CVE-2024-6221, CVE-2024-6839, CVE-2024-6844, CVE-2024-6866): not by patterns of paths, and
nothing of a request is sent back but an origin that is allowed.
"""

from __future__ import annotations

import typing as t

from werkzeug.exceptions import HTTPException

from ..dispatch.guarding import GuardStep
from ..registration.application import App
from ..registration.misplaced import note_decorator
from ..registration.origin import caller
from ..wrappers import blueprint_path
from . import finish, guard
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
        target: The application, or a blueprint before it is registered.
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
        setattr(target, _MARK, policy)
        blueprint: t.Any = target
        # An application that is not protected otherwise needs the hooks.
        blueprint.record_once(lambda state: install(state.app))


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
    """

    def __init__(self) -> None:
        self.everywhere: CorsPolicy | None = None
        self._is_used = PerRule(lambda app, _rule: bool(list(policies_of(app))))

    def policy_of(self, app: App, rule: Rule | None) -> CorsPolicy | None:
        """Return the policy of a rule; of requests that match none it is the application's."""
        if rule is None:
            return self.everywhere
        endpoint: str = rule.endpoint
        policy = _mark_of(app.view_functions.get(endpoint))
        if policy is None and "." in endpoint:
            for name in blueprint_path(endpoint.rpartition(".")[0]):
                policy = _mark_of(app.blueprints.get(name))
                if policy is not None:
                    break
        return self.everywhere if policy is None else policy

    def finisher_of(self, app: App, rule: Rule | None) -> Finisher | None:
        """Return what adds to the responses of a rule; None if it has no policy."""
        policy = self.policy_of(app, rule)
        return None if policy is None else Finisher("cors", policy.finish, lambda _environ: True)

    def trusting(self, app: App, rule: Rule | None, check: Check, step: GuardStep) -> GuardStep:
        """Return a check that lets origins pass that the policy trusts; only the one for CSRF."""
        policy = self.policy_of(app, rule)
        if check.name != "csrf" or policy is None:
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
    for targets in (app.blueprints, app.view_functions):
        for name, target in list(targets.items()):
            policy = _mark_of(target)
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
    rules: CorsRules = security.cors
    return rules
