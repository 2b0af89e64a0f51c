"""Who may use responses from pages of other origins, and how: one policy of CORS.

SPEC(Fetch): https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..ground.current import request_view
from ..wrappers.fields import append_absent
from .corsprobes import ANYBODY, stranger_in
from .csrf import is_ambient

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import Rule

Origins = str | re.Pattern[str] | t.Iterable[str | re.Pattern[str]]
"""Origins such as ``"https://shop.example"``, compiled patterns, ``"null"``, or ``"*"``."""

# SECURITY(CVE-2024-6221): nothing else is an origin, whatever a pattern says.
_ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_ALL_METHODS = frozenset("GET HEAD POST PUT PATCH DELETE".split())


@dataclass(frozen=True, slots=True)
class CorsPolicy:
    """What `cors` or `cors_route` has declared, checked.

    Attributes:
        exact: The origins that are listed, perhaps ``null``.
        patterns: Patterns that match all of an origin.
        anybody: Whether every origin is allowed.
        methods: The methods that are allowed, of those that a rule has; None for all.
        headers: The header fields that requests may have, besides those that always are allowed.
        expose: The header fields of responses that pages may read, besides the usual ones.
        credentials: Whether requests carry cookies, and pages may read the responses.
        max_age_s: How long browsers may remember the answer to a preflight request.
        place: The file and line that declared it.
    """

    exact: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]
    anybody: bool
    methods: frozenset[str] | None
    headers: tuple[str, ...]
    expose: tuple[str, ...]
    credentials: bool
    max_age_s: int
    place: str

    def allows(self, origin: str) -> bool:
        """Whether pages of an origin may use the responses."""
        return self.anybody or self._lists(origin)

    def trusts(self, environ: WSGIEnvironment) -> bool:
        """Whether a request comes from an origin that is listed, with what is allowed to it.

        Such a request is not a forgery, as it is what the policy is for. Where anybody is
        allowed, nobody is trusted, and neither is a request with a method that pages may not use:
        a form sends it without asking. Without `credentials`, it must not have any.
        """
        origin = environ.get("HTTP_ORIGIN")
        return (
            origin is not None
            and origin != "null"
            and (self.methods is None or environ["REQUEST_METHOD"] in self.methods)
            and (self.credentials or not ("HTTP_COOKIE" in environ or is_ambient(environ)))
            and self._lists(origin)
        )

    def _lists(self, origin: str) -> bool:
        if origin in self.exact:
            return True
        return (
            bool(self.patterns)
            and _ORIGIN.fullmatch(origin) is not None
            and any(pattern.fullmatch(origin) for pattern in self.patterns)
        )

    def methods_of(self, rule: Rule) -> frozenset[str]:
        """Return the methods of a rule that pages of other origins may use."""
        methods = frozenset(rule.methods or _ALL_METHODS) - {"OPTIONS"}
        return methods if self.methods is None else methods & self.methods

    def finish(self, response: t.Any) -> None:
        """Add to a response what lets the page that asked for it read it, in place."""
        headers = response.headers
        add_to_vary(headers, "Origin")
        origin = request_view.get().environ.get("HTTP_ORIGIN")
        if origin is None or "Access-Control-Allow-Origin" in headers or not self.allows(origin):
            return
        self._admit(headers, origin)
        if self.expose:
            headers["Access-Control-Expose-Headers"] = ", ".join(self.expose)

    def finish_preflight(self, response: t.Any, rule: Rule, origin: str) -> None:
        """Add to the response of a preflight request what the real request may have."""
        headers = response.headers
        del headers["Content-Type"]
        add_to_vary(headers, "Origin")
        self._admit(headers, origin)
        headers["Access-Control-Allow-Methods"] = ", ".join(sorted(self.methods_of(rule)))
        if self.headers:
            headers["Access-Control-Allow-Headers"] = ", ".join(self.headers)
        headers["Access-Control-Max-Age"] = str(self.max_age_s)

    def _admit(self, headers: t.Any, origin: str) -> None:
        headers["Access-Control-Allow-Origin"] = "*" if self.anybody else origin
        if self.credentials:
            headers["Access-Control-Allow-Credentials"] = "true"


def add_to_vary(headers: t.Any, name: str) -> None:
    """Say that a response depends on a header field of the request."""
    if append_absent(headers, ("Vary", name)):
        return
    names = [part.strip() for value in headers.getlist("Vary") for part in value.split(",")]
    if "*" not in names and name.lower() not in map(str.lower, names):
        headers["Vary"] = ", ".join([*filter(None, names), name])


def make_policy(
    place: str,
    origins: Origins,
    *,
    methods: t.Iterable[str] | None,
    headers: t.Iterable[str],
    expose: t.Iterable[str],
    credentials: bool,
    max_age_s: int,
) -> CorsPolicy:
    """Check what somebody has declared at a place, and return the policy.

    Raises `ValueError` for what is no origin, no name of a method or header field, and for
    credentials together with anybody.
    """
    listed = [origins] if isinstance(origins, (str, re.Pattern)) else list(origins)
    if not listed:
        raise ValueError(f"origins is empty ({place}). List them: ['https://shop.example'].")
    exact = frozenset(origin for origin in listed if isinstance(origin, str) and origin != "*")
    patterns = tuple(origin for origin in listed if isinstance(origin, re.Pattern))
    policy = CorsPolicy(
        exact,
        patterns,
        "*" in listed,
        None
        if methods is None
        else frozenset(n.upper() for n in _names("methods", methods, place)),
        _names("headers", headers, place),
        _names("expose", expose, place),
        credentials,
        max_age_s,
        place,
    )
    for origin in exact:
        check_origin(origin, place)
    for pattern in patterns:
        _check_pattern(pattern, place)
    if credentials:
        _check_credentials(policy)
    return policy


def _names(argument: str, names: t.Iterable[str], place: str) -> tuple[str, ...]:
    listed = names.replace(",", " ").split() if isinstance(names, str) else list(names)
    for name in listed:
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise ValueError(f"{argument} has {name!r}, which is no name ({place}).")
    return tuple(listed)


def check_origin(origin: str, place: str) -> None:
    """Raise `ValueError`, with what to write, for what is no origin as browsers send it."""
    if origin == "null":
        return
    if _ORIGIN.fullmatch(origin):
        scheme = origin.partition(":")[0]
        port = _DEFAULT_PORTS.get(scheme)
        if port is None or not origin.endswith(port):
            return
        instead = f"Browsers leave the usual port out: {origin.removesuffix(port)!r}."
    elif "*" in origin:
        instead = (
            "Only '*' alone stands for any. For a family of origins pass a pattern:"
            r" re.compile(r'https://[a-z0-9-]+\.shop\.example')."
        )
    elif _ORIGIN.fullmatch(origin.rstrip("/").lower()):
        instead = f"Browsers write it {origin.rstrip('/').lower()!r}."
    else:
        instead = "Write scheme, host and perhaps a port: 'https://shop.example'."
    raise ValueError(f"{origin!r} is no origin ({place}). {instead}")


def _check_pattern(pattern: re.Pattern[str], place: str) -> None:
    if not isinstance(pattern.pattern, str):
        message = f"The pattern {pattern.pattern!r} is of bytes ({place}). Use a str."
        raise ValueError(message)  # noqa: TRY004  as for other origins
    plain = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "", pattern.pattern, flags=re.DOTALL)
    if re.search(r"\.(?![*+?{])", plain):
        raise ValueError(
            f"The pattern {pattern.pattern!r} has a dot that stands for any character ({place}),"
            r" so that it matches other hosts too. Write \. for a dot."
        )


def _check_credentials(policy: CorsPolicy) -> None:
    wildcard = "'*'" if policy.anybody else "'null'" if "null" in policy.exact else None
    for pattern in policy.patterns:
        stranger = stranger_in(pattern)
        if stranger == ANYBODY:
            wildcard = wildcard or "a pattern that matches any host"
        elif stranger is not None:
            raise ValueError(
                f"The pattern {pattern.pattern!r} with credentials=True ({policy.place}) matches"
                f" {stranger!r} too, which anybody can have. Write a host in full behind what"
                r" varies: re.compile(r'https://[a-z0-9-]+\.shop\.example')."
            )
    if wildcard is not None:
        raise ValueError(
            f"credentials=True with the origin {wildcard} ({policy.place}) would let every page of"
            " the web act and read in the name of your users. List the origins that you trust."
        )
    if "*" in policy.headers or "*" in policy.expose:
        raise ValueError(
            f"With credentials=True, browsers take '*' for the name of a header field"
            f" ({policy.place}). List the names."
        )
