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
        "_names", "finishers", "insecure", "no_store", "raw_insecure", "raw_secure", "secure",
        "varies", "with_nonce",
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
        self._names = frozenset(name.lower() for name, _value in (*insecure, *secure))

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
        fields = self.secure if is_secure else self.insecure
        present = {name.lower() for name, _value in given}
        if present.isdisjoint(self._names):
            return given + fields
        return given + [field for field in fields if field[0].lower() not in present]

    def apply(self, ctx: RequestContext, response: t.Any) -> None:
        """Add to a response, in place, what it does not have yet."""
        headers = response.headers
        if type(headers) is Headers:
            # PERF(page): one look at the names, instead of one for each field.
            fields = self.merged(headers._list, is_secure=_is_secure(ctx))
            headers._list[:] = fields
        else:
            for name, value in self._fields(ctx):
                if name not in headers:
                    headers[name] = value
        if "csp_nonce" in ctx.__dict__:
            self._allow_nonce(headers, ctx.__dict__["csp_nonce"])
        elif self._reads_session(ctx) and "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        ctx.is_finished = True
        for finisher in self.finishers:
            finisher.run(response)

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
