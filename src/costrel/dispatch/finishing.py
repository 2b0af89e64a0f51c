"""Add the header fields that protect an application's users to its responses.

They come from one after-hook of the application, a `FinishHook`, which is registered first and so
runs last. A plan takes it out of its chain, and adds what it compiled for the rule: to a plain
body without creating a response object, otherwise to the response.
"""

from __future__ import annotations

import typing as t

from werkzeug.datastructures import Headers

from ..ground.current import request_view
from ..ground.protection import Finisher

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule

    from ..ctx import RequestContext
    from ..registration.application import App

Fields = list[tuple[str, str]]

NO_STORE = ("Cache-Control", "no-store")


class FinishHook:
    """The after-hook that adds header fields to responses.

    INVARIANT: what `compile` returns does for the rule what calling the hook does.
    """

    def compile(self, app: App, rule: Rule | None) -> Finishing | None:
        """Return what finishes responses of a rule, or without one; None if nothing does."""
        raise NotImplementedError

    def __call__(self, response: t.Any) -> t.Any:
        """Finish the response of the current request, in place."""
        raise NotImplementedError


class Finishing:
    """What the responses of one rule get.

    Args:
        insecure: The header fields of requests over plain HTTP.
        secure: Those of requests over TLS.
        finishers: What else adds to responses.
        with_nonce: Adds a nonce to the value of a policy.
        varies: Whether the fields depend on more of the request than its scheme.
        no_store: Whether responses that have read the session must not be kept by caches.
    """

    __slots__ = (
        "_insecure_by_name", "_names", "_secure_by_name", "finishers", "insecure", "no_store",
        "raw_insecure", "raw_secure", "secure", "varies", "with_nonce",
    )  # fmt: skip

    def __init__(
        self,
        insecure: Fields,
        secure: Fields,
        finishers: t.Iterable[Finisher] = (),
        *,
        with_nonce: t.Callable[[str, str], str] | None = None,
        varies: bool = False,
        no_store: bool = True,
    ) -> None:
        self.insecure, self.secure = insecure, secure
        self.raw_insecure, self.raw_secure = map(_encode, (insecure, secure))
        self.finishers = tuple(finishers)
        self.with_nonce = with_nonce
        self.varies = varies
        self.no_store = no_store
        self._insecure_by_name, self._secure_by_name = (
            [(field[0].lower(), field) for field in fields] for fields in (insecure, secure)
        )
        self._names = frozenset(_names_of([*insecure, *secure]))

    def plain_fields(self, ctx: RequestContext) -> Fields | None:
        """Return the fields of a plain body; None if it needs a response object."""
        environ = ctx.environ
        own = ctx.__dict__
        if self.varies or "csp_nonce" in own:
            return None
        for finisher in self.finishers:
            if finisher.concerns(environ):
                return None
        fields = self._fields(ctx)
        return [*fields, NO_STORE] if self._reads_session(ctx) else fields

    def merged(self, given: Fields, *, is_secure: bool) -> Fields:
        """Return a response's header fields, with those that it does not have yet."""
        return given + self._missing(_names_of(given), is_secure=is_secure)

    def apply(self, ctx: RequestContext, response: t.Any) -> None:
        """Add to a response, in place, what it does not have yet."""
        headers = response.headers
        own = ctx.__dict__
        nonce = own.get("csp_nonce")
        # What runs later may read the session too, when the head has been sent.
        streams = self.no_store and "streams" in own
        reads_session = streams or self._reads_session(ctx)
        no_store = nonce is None and reads_session
        if type(headers) is Headers:
            # PERF(page): one look at the names. Asking for each takes 1 us, and 3 us if it is
            # not there, because Werkzeug raises and catches an error then.
            given = headers._list
            present = _names_of(given)
            given += self._missing(present, is_secure=_is_secure(ctx))
            if no_store and "cache-control" not in present and "cache-control" not in self._names:
                given.append(NO_STORE)
        else:
            for name, value in (*self._fields(ctx), *([NO_STORE] if no_store else ())):
                if name not in headers:
                    headers[name] = value
        if nonce is not None:
            self._allow_nonce(headers, nonce)
        if reads_session:
            if ctx.sent_file_age is not None:
                age_s, is_default = ctx.sent_file_age
                _keep_file_private(headers, age_s, is_default=is_default)
            if streams and "cookie" not in response.vary:
                response.vary.add("Cookie")
        ctx.is_finished = True
        for finisher in self.finishers:
            finisher.run(response)

    def _missing(self, present: set[str], *, is_secure: bool) -> Fields:
        if present.isdisjoint(self._names):
            return self.secure if is_secure else self.insecure
        by_name = self._secure_by_name if is_secure else self._insecure_by_name
        return [field for name, field in by_name if name not in present]

    def _fields(self, ctx: RequestContext) -> Fields:
        return self.secure if _is_secure(ctx) else self.insecure

    def _reads_session(self, ctx: RequestContext) -> bool:
        session = ctx.__dict__.get("_opened_session")
        return self.no_store and session is not None and bool(session.accessed)

    def _allow_nonce(self, headers: t.Any, nonce: str) -> None:
        """Allow what bears the nonce; a page with a nonce must not come from a cache again."""
        if self.with_nonce is not None:
            for name in ("Content-Security-Policy", "Content-Security-Policy-Report-Only"):
                policies = headers.getlist(name)
                if policies:
                    headers.setlist(name, [self.with_nonce(policy, nonce) for policy in policies])
        if "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"


def _keep_file_private(headers: t.Any, age_s: int | None, *, is_default: bool) -> None:
    """Keep a file that was sent to one user out of the caches of others.

    Until somebody has set ``Cache-Control`` otherwise, it is what `send_file` has set, which knows
    nothing of users: ``no-cache``, which lets caches keep the file, or ``public``.
    """
    made = "no-cache" if age_s is None else f"public, max-age={age_s}"
    if headers.get("Cache-Control", made) == made and (is_default or age_s is not None):
        headers["Cache-Control"] = NO_STORE[1] if is_default else f"private, max-age={age_s}"
        # Older caches know this field only.
        headers.pop("Expires", None)


def _names_of(fields: Fields) -> set[str]:
    return {name.lower() for name, _value in fields}


def _is_secure(ctx: RequestContext) -> bool:
    return bool(ctx.environ["wsgi.url_scheme"] in {"https", "wss"})


def _encode(fields: Fields) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields]


def lift_finish(
    app: App, rule: Rule | None, after: tuple[t.Any, ...]
) -> tuple[tuple[t.Any, ...], Finishing | None]:
    """Take the hook that finishes responses out of a chain of after-hooks, if it is the last.

    Returns the other hooks, and what finishes responses in its place.
    """
    if after and isinstance(after[-1], FinishHook):
        return after[:-1], after[-1].compile(app, rule)
    return after, None


def finish_anyway(app: App, response: t.Any) -> None:
    """Finish a response although one of the after-hooks, which run before, has failed."""
    if request_view.get(None) is None:
        return
    for hook in app.after_request_funcs.get(None, ()):
        if isinstance(hook, FinishHook):
            hook(response)
