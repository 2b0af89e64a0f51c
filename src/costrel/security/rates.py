"""Rate limits: how many requests a client may send, to a view, a blueprint or the application."""

from __future__ import annotations

import logging
import typing as t
import weakref
from dataclasses import dataclass
from functools import partial

from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from ..ground.current import context
from ..ground.markers import RATE, refuse_markers
from ..registration.misplaced import note_decorator
from ..registration.origin import caller, definition
from .clientkeys import address_key, has_siblings, is_behind_stranger
from .quotas import Quota, quotas_of
from .quotas import RateStatus as RateStatus
from .ratefields import Counted, RateFields
from .state import Check, Exemption, security_of

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..registration.application import App
    from ..registration.scaffold import Scaffold
    from .limiter import Limiter

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
T = t.TypeVar("T")
Key = t.Callable[[], object]
Cost = int | t.Callable[[], int]

_log = logging.getLogger("costrel.security")


@dataclass(frozen=True, slots=True)
class RateRule:
    """A rate limit as it was declared.

    Attributes:
        limits: Its quotas as they were written.
        key: Returns who is counted; None counts addresses.
        cost: How many requests one counts as, or a function that says so.
        methods: The HTTP methods that count; None for all but OPTIONS.
        name: What views share that count together; None for each view by itself.
        origin: The file and line of the declaration.
    """

    limits: str
    key: Key | None = None
    cost: Cost = 1
    methods: frozenset[str] | None = None
    name: str | None = None
    origin: str = ""

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """The quotas, the shortest time first."""
        return quotas_of(self.limits)

    @property
    def may_block(self) -> bool:
        """Whether the application's own functions are called for it."""
        return self.key is not None or callable(self.cost)

    def counts(self, method: str) -> bool:
        """Whether requests with a method are counted."""
        return method != "OPTIONS" if self.methods is None else method in self.methods


def limit(
    limits: str,
    *,
    key: Key | None = None,
    cost: Cost = 1,
    methods: t.Iterable[str] | None = None,
    name: str | None = None,
) -> t.Callable[[F], F]:
    """Limit how often a client may call a view; it then gets a 429 that says when to come again.

    For a view of an application that has `protect`, as `Costrel` has::

        @app.post("/invitations")
        @limit("10/minute; 50/day")
        def invite(): ...

    It stands below the route's decorator, several times if need be, on functions, on methods of a
    `MethodView`, in ``decorators`` of a class, and on what ``as_view`` returns.

    Args:
        limits: How many requests in what time: ``10/minute``, ``100 per 15 minutes``, or several
            with a semicolon between them, all of which hold.
        key: Returns who is counted, such as ``lambda: current_user.id``. Default: the address of
            the client, and of IPv6 its network (/64).
        cost: How many requests one counts as, or a function of no arguments that says so.
        methods: The HTTP methods that count. Default: all but OPTIONS.
        name: A name that views share which are counted together. Default: each view has its own.

    Raises `ValueError`, with an example, for what is no limit, and `RuntimeError` without the
    package ``limits``.
    """
    rule = _rule(limits, key, cost, methods, name)

    def decorator(view: F) -> F:
        if isinstance(view, type):
            raise TypeError(
                f"@limit decorates the class {view.__name__}, which is no view. Write"
                f" decorators = [limit({limits!r})] in the class, or decorate its methods."
            )
        view.rate_rules = (*getattr(view, "rate_rules", ()), rule)  # type: ignore[attr-defined]
        note_decorator("limit", view)
        return view

    return decorator


def limit_blueprint(
    blueprint: Scaffold,
    limits: str,
    *,
    key: Key | None = None,
    cost: Cost = 1,
    methods: t.Iterable[str] | None = None,
) -> None:
    """Limit how often a client may call the views of a blueprint, and of those within it, together.

    Takes and raises what `limit` does.
    """
    if hasattr(blueprint, "wsgi_app"):
        raise TypeError(
            "limit_blueprint() takes a blueprint. To limit a whole application, set"
            f" RATE_LIMIT_DEFAULT = {limits!r}."
        )
    rules = getattr(blueprint, "rate_rules", ())
    rule = _rule(limits, key, cost, methods, None)
    blueprint.rate_rules = (*rules, rule)  # type: ignore[attr-defined]


def rate_limit_exempt(view: T) -> T:
    """Take a view, or a blueprint, out of ``RATE_LIMIT_DEFAULT`` and of its blueprints' limits.

    The limits of the view itself remain. An audit lists it.
    """
    view.rate_exempt = caller()  # type: ignore[attr-defined]
    note_decorator("rate_limit_exempt", view)
    return view


def _rule(
    limits: str, key: Key | None, cost: Cost, methods: t.Iterable[str] | None, name: str | None
) -> RateRule:
    origin = caller()
    for function in filter(callable, (key, cost)):
        refuse_markers(function, RATE)
    try:
        quotas_of(limits)
    except ValueError as error:
        raise ValueError(f"{error} ({origin})") from None
    if isinstance(cost, int) and cost < 0:
        raise ValueError(f"cost={cost} of a rate limit ({origin}): it has to be 0 or more.")
    upper = None if methods is None else frozenset(map(str.upper, methods))
    return RateRule(limits, key, cost, upper, name, origin)


class Applied(t.NamedTuple):
    """A rule on an endpoint.

    Attributes:
        rule: The rule.
        scope: The name under which it counts.
        label: What its policies are called in responses, before the quota.
    """

    rule: RateRule
    scope: str
    label: str


Limits = tuple[tuple[Applied, tuple[Quota, ...]], ...]


class Rates:
    """The rate limits of an application; see `limiter_of` and `limit`."""

    def __init__(self, app: App) -> None:
        # The application holds this.
        self._app = t.cast("App", weakref.proxy(app))
        self._epoch = -1
        self._applied: dict[str | None, tuple[Applied, ...]] = {}
        self._limiter: Limiter | None = None
        self._opened: tuple[str, str] | None = None
        self._told_of_proxy = False
        self._told_of_workers = False

    @property
    def limiter(self) -> Limiter:
        """What counts, as ``RATE_LIMIT_STORE`` and ``RATE_LIMIT_ON_OUTAGE`` say.

        Raises `ValueError` for settings that make no sense, and `RuntimeError` if a package is
        not installed.
        """
        from .limiter import MEMORY, Limiter

        config = self._app.config
        url = config.get("RATE_LIMIT_STORE") or MEMORY
        settings = url, config.get("RATE_LIMIT_ON_OUTAGE") or "memory"
        if self._limiter is None or self._opened != settings:
            # INVARIANT: kept for as long as these settings stay, since it holds the counts.
            self._limiter = Limiter(*settings, prefix=f"{self._app.name}:")
            self._opened = settings
        return self._limiter

    def rules_of(self, endpoint: str | None) -> tuple[Applied, ...]:
        """Return what limits the requests of an endpoint; None stands for those without a rule."""
        epoch = self._app._epoch.value
        if epoch != self._epoch:
            self._applied, self._epoch = {}, epoch
        found = self._applied.get(endpoint)
        if found is None:
            # INVARIANT: bounded, since endpoints are those of rules.
            found = self._applied[endpoint] = tuple(self._find(endpoint))
        return found

    def _find(self, endpoint: str | None) -> t.Iterator[Applied]:
        app = self._app
        default = app.config.get("RATE_LIMIT_DEFAULT")
        view = None if endpoint is None else app.view_functions.get(endpoint)
        names = _blueprints_of(endpoint)
        blueprints = [app.blueprints.get(name) for name in names]
        exempt = any(hasattr(owner, "rate_exempt") for owner in (view, *blueprints))
        # Files are not counted by default: a page may have dozens.
        if default and not exempt and (endpoint or "").rpartition(".")[2] != "static":
            yield Applied(RateRule(default, origin="RATE_LIMIT_DEFAULT"), "*", "all")
        if not exempt:
            for name, blueprint in zip(names, blueprints, strict=True):
                for rule in getattr(blueprint, "rate_rules", ()):
                    yield Applied(rule, f"{name}.*", name)
        for rule in _rules_of_view(view):
            yield Applied(rule, rule.name or endpoint or "", rule.name or "")

    def applies_at_once(self, endpoint: str | None, _rule: Rule | None) -> t.Any:
        """Return what counts the requests of an endpoint that is limited, in microseconds."""
        rules = self.rules_of(endpoint)
        return self._counting(rules) if rules and not self._may_block(endpoint) else False

    def applies_later(self, endpoint: str | None, _rule: Rule | None) -> t.Any:
        """Return what counts the requests of an endpoint, which may have to wait."""
        rules = self.rules_of(endpoint)
        return self._counting(rules) if rules and self._may_block(endpoint) else False

    def _counting(self, rules: tuple[Applied, ...]) -> t.Callable[[t.Any], None]:
        """Return what counts a request; settings and quotas are read once for a plan."""
        limits = tuple((applied, applied.rule.quotas) for applied in rules)
        shown = bool(self._app.config.get("RATE_LIMIT_HEADERS", True))
        return partial(self._check, self.limiter, limits, shown)

    def _may_block(self, endpoint: str | None) -> bool:
        return self.limiter.is_remote or any(
            applied.rule.may_block for applied in self.rules_of(endpoint)
        )

    def check(self, request: t.Any) -> None:
        """Count a request; raises 429 if there were too many, 503 during an outage."""
        self._counting(self.rules_of(request.endpoint))(request)

    def _check(self, limiter: Limiter, limits: Limits, shown: bool, request: t.Any) -> None:
        counted: list[Counted] = []
        ctx = context.get()
        if not self._told_of_workers and has_siblings(ctx.environ):
            self.served_by(2)
        method = request.method
        try:
            for applied, quotas in limits:
                if applied.rule.counts(method):
                    self._count(limiter, applied, quotas, request, counted)
        finally:
            # The handshake of a WebSocket has no response that could be changed.
            if shown and counted and "websocket" not in vars(ctx):
                ctx._after_request_functions.append(RateFields(counted))

    def _count(
        self,
        limiter: Limiter,
        applied: Applied,
        quotas: tuple[Quota, ...],
        request: t.Any,
        counted: list[Counted],
    ) -> None:
        rule = applied.rule
        cost = rule.cost() if callable(rule.cost) else rule.cost
        if cost < 1:
            return
        key = self._address(request) if rule.key is None else str(rule.key())
        statuses = limiter.spend(applied.scope, quotas, key, cost)
        for status in statuses:
            counted.append((applied.label, status))  # noqa: PERF401  one, or two
        last = statuses[-1]
        if last.allowed:
            return
        if last.is_guess:
            raise ServiceUnavailable("Try again in a moment.", retry_after=last.reset_s)
        quota = t.cast("Quota", last.quota)
        _log.info(
            "429 for %r: more than %s of %r by %r (limit of %s)",
            request.path,
            quota.text,
            applied.scope,
            key,
            rule.origin,
        )
        raise TooManyRequests(
            f"At most {quota.text} is allowed. Try again in {last.reset_s} s.",
            retry_after=last.reset_s,
        )

    def _address(self, request: t.Any) -> str:
        address = request.remote_addr
        if not self._told_of_proxy and is_behind_stranger(address, context.get().environ):
            if not self._app.config.get("TRUSTED_PROXIES"):
                _log.warning(
                    "Rate limits count all clients as one, because all have the address %r, which"
                    " is that of a proxy. Set TRUSTED_PROXIES = 1 if that sets X-Forwarded-For.",
                    address,
                )
            self._told_of_proxy = True
        return address_key(address)

    def served_by(self, workers: int) -> None:
        """Log once that several processes count apart, if the store is in memory."""
        if workers < 2 or self._told_of_workers or self.limiter.is_remote:
            return
        self._told_of_workers = True
        _log.warning(
            "Rate limits are counted in each of several worker processes, so a client may send"
            " that many times more. Set RATE_LIMIT_STORE to a Redis server, such as"
            " 'redis://localhost:6379', for one count of all."
        )

    def is_used(self) -> bool:
        """Whether anything of the application is limited, or may be."""
        app = self._app
        owners = [*app.view_functions.values(), *app.blueprints.values()]
        return bool(
            self._limiter is not None
            or app.config.get("RATE_LIMIT_DEFAULT")
            or any(any(_rules_of_view(owner)) for owner in owners)
        )


def _blueprints_of(endpoint: str | None) -> list[str]:
    """Return the names of an endpoint's blueprints, the outermost first."""
    parts = (endpoint or "").split(".")[:-1]
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def _rules_of_view(view: t.Any) -> t.Iterator[RateRule]:
    """Yield the rules of a view, and of the methods of a class-based one."""
    yield from getattr(view, "rate_rules", ())
    cls = getattr(view, "view_class", None)
    if cls is None:
        return
    for method in ("get", "head", "post", "put", "patch", "delete", "options", "trace"):
        for rule in getattr(getattr(cls, method, None), "rate_rules", ()):
            names = {method.upper()}
            if method == "get" and not hasattr(cls, "head"):
                names.add("HEAD")
            yield RateRule(
                rule.limits,
                rule.key,
                rule.cost,
                frozenset(names) if rule.methods is None else rule.methods & names,
                rule.name or f"{definition(cls)}.{method}",
                rule.origin,
            )


def exemptions(app: App) -> t.Iterator[Exemption]:
    """Yield the views and blueprints that are not counted as others are, for an audit."""
    for owners in (app.view_functions, app.blueprints):
        for name, owner in owners.items():
            origin: str | None = getattr(owner, "rate_exempt", None)
            if origin is not None:
                yield Exemption("rates", name, "rate_limit_exempt", origin)


def limiter_of(app: t.Any = None) -> Limiter:
    """Return what counts the requests of an application, to count something else with it.

    For attempts to log in, for example::

        status = limiter_of(app).hit("login", "5/minute; 20/hour", name)
        if not status.allowed:
            raise TooManyRequests(retry_after=status.reset_s)

    Args:
        app: The application. Default: the current one.

    Raises `RuntimeError` if a package is not installed.
    """
    if app is None:
        app = context.get().app
    app = getattr(app, "_get_current_object", lambda: app)()
    return rates_of(app).limiter


def rates_of(app: App) -> Rates:
    """Return the state of an application's rate limits; created if there is none."""
    security = security_of(app)
    if security.rates is None:
        security.rates = Rates(app)
    return t.cast("Rates", security.rates)


def install(app: App) -> None:
    """Enforce the rate limits of an application, its blueprints and its views."""
    security = security_of(app)
    if any(check.name == "rates" for check in security.checks):
        return
    rates = rates_of(app)
    security.collectors.append(exemptions)
    security.checks.append(Check("rates", rates.applies_at_once, rates.check, safe_methods=True))
    security.checks.append(
        Check("rates", rates.applies_later, rates.check, safe_methods=True, blocks=True)
    )
