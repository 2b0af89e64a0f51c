"""Safe sessions are read and saved alike by what was compiled and by their interface."""

from __future__ import annotations

import os
import random
import typing as t
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_session_saving import ACTIONS, NOW, SECRET, near_texts

from costrel import Flask, request, session
from costrel.dispatch.plan import FORCE_GENERAL
from costrel.registration.safedefaults import SESSIONS
from costrel.sessions.installing import install

LARGE = random.Random(1).randbytes(4_000).hex()  # noqa: S311  no secret

URLS = ("https://localhost", "https://example.com", "http://localhost:5000", "http://example.com")

SAFE_ACTIONS: dict[str, t.Callable[[str], t.Any]] = {
    **ACTIONS,
    "regenerate": lambda _: session.regenerate() or "new identity",
    "destroy": lambda _: session.destroy() or "ended",
    "only times": lambda _: [session.pop(key) for key in [*session] if key[:1] != "_"] and "popped",
    "large": lambda text: session.update(large=text + LARGE) or "never sent",
    "unpacked": lambda text: session.update(large=text + "a" * 66_000) or "never sent",
}
safe_configs = st.fixed_dictionaries(
    {},
    optional={
        "DEBUG": st.just(True),
        "SESSION_COOKIE_NAME": st.sampled_from(("s", "a b", "__Host-mine", "__Secure-mine")),
        "SESSION_COOKIE_DOMAIN": st.sampled_from(("localhost", "example.com")),
        "SESSION_COOKIE_PATH": st.sampled_from(("/", "/é")),
        "SESSION_COOKIE_SECURE": st.booleans(),
        "SESSION_COOKIE_SAMESITE": st.sampled_from(("Strict", "None", None)),
        "SESSION_COOKIE_PARTITIONED": st.just(True),
        "SESSION_REFRESH_EACH_REQUEST": st.just(False),
        "SESSION_IDLE_LIFETIME": st.just(100),
        "SESSION_ABSOLUTE_LIFETIME": st.just(150),
        "PERMANENT_SESSION_LIFETIME": st.just(120),
        "MAX_COOKIE_SIZE": st.sampled_from((0, 200)),
        "SECRET_KEY": st.sampled_from((b"bytes", None)),
    },
)
Step = tuple[str, str, int, str]
safe_steps = st.lists(
    st.tuples(
        st.sampled_from(tuple(SAFE_ACTIONS)),
        near_texts,
        st.sampled_from((0, 1, 9, 11, 60, 101)),
        st.sampled_from(URLS),
    ),
    min_size=1,
    max_size=8,
)


def make_app(config: dict[str, t.Any]) -> Flask:
    """Make an application with safe sessions and these settings."""
    app = Flask("safe")
    app.config.update(SESSIONS)
    install(app)
    app.config.update({"SECRET_KEY": SECRET, **config})
    app.logger.disabled = True
    return app


def safe_answers(
    config: dict[str, t.Any], steps: list[Step], general: str, *, hooked: bool
) -> list[t.Any]:
    """Return what is sent for one action after the other, by one client."""
    found: list[t.Any] = []
    now = NOW
    with (
        mock.patch.dict(os.environ, {FORCE_GENERAL: general}),
        mock.patch("time.time", side_effect=lambda: now),
    ):
        app = make_app({"PROPAGATE_EXCEPTIONS": False, **config})
        if hooked:
            app.after_request(lambda response: response)
        texts: list[str] = []

        @app.get("/<action>")
        def do(action: str) -> t.Any:
            return SAFE_ACTIONS[action](texts.pop())

        client = app.test_client()
        for action, text, seconds, url in steps:
            now += seconds
            texts[:] = [text]
            response = client.get(f"/{action}", base_url=url)
            fields = [(name, value) for name, value in response.headers if "Expires=" not in value]
            found.append((response.status, fields, response.data))
    return found


@settings(max_examples=200, deadline=None)
@given(safe_configs, safe_steps, st.booleans())
@example(
    {"SESSION_IDLE_LIFETIME": 100},
    [("text", "a", 0, URLS[0]), ("read", "", 11, URLS[0]), ("only times", "", 1, URLS[0])],
    False,
)
def test_safe_session_is_saved_alike_on_both_paths(
    config: dict[str, t.Any], steps: list[Step], hooked: bool
) -> None:
    """The header fields, their order and the errors are those of the interface's methods."""
    planned = safe_answers(config, steps, "0", hooked=hooked)
    general = safe_answers(config, steps, "1", hooked=hooked)
    assert planned == general


pieces = st.sampled_from(
    (
        "a=b", "__Host-session", "=__Host-session={}", "session={}", "__Host-session={}",
        " __Host-session={}", "__Host-session= {}", "\u2000__Host-session={}", "\xa0session={}",
        '__Host-session="{}"', "__Host-session=", "__host-session={}", "__Host-session\t={}",
        "__Host-session={}x", "session=", "é", "$__Host-session={}",
    )
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.lists(pieces, max_size=4),
    st.sampled_from(("; ", ";", ", ", ";\t")),
    st.sampled_from(URLS),
    st.booleans(),
)
def test_safe_session_is_found_in_any_header_alike_on_both_paths(
    parts: list[str], between: str, url: str, touched: bool
) -> None:
    """Whatever else the header holds; and only in a cookie of exactly the name."""
    found = []
    for general in ("0", "1"):
        with mock.patch.dict(os.environ, {FORCE_GENERAL: general}):
            app = make_app({})
            app.add_url_rule("/", "show", lambda: dict(session))
            if touched:
                app.before_request(lambda: request.method and None)
            signing = t.cast("t.Any", app.session_interface).get_signing_serializer(app)
            header = between.join(parts).replace("{}", signing.dumps({"a": 1}))
            sent = header.encode().decode("latin-1")
            client = app.test_client(use_cookies=False)
            answer = client.get("/", base_url=url, environ_overrides={"HTTP_COOKIE": sent})
            found.append((answer.data, list(answer.headers)))
    assert found[0] == found[1]
