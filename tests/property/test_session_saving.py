"""A session is saved with the same bytes by what was compiled, by its interface and by Flask's."""

from __future__ import annotations

import hashlib
import itertools
import os
import typing as t
import zlib
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer

import costrel
from costrel import Flask, flash, get_flashed_messages, session
from costrel.dispatch.plan import FORCE_GENERAL
from costrel.json.tag import TaggedJSONSerializer
from costrel.registration.safedefaults import SESSIONS
from costrel.sessions.bounded import SHORT_BYTES, pack, unpack
from costrel.sessions.installing import install
from costrel.sessions.signing import compress
from costrel.sessions.stores.memory import MemoryStore

SECRET = "saved"
NOW = 1_800_000_000.5

# What repeats itself comes close to being shorter when compressed, or is.
near_texts = st.text(alphabet="ab\x00é", max_size=140) | st.builds(
    lambda part, times: part * times, st.text(max_size=30), st.integers(0, 20)
)


@settings(max_examples=600, deadline=None)
@given(near_texts.map(str.encode) | st.binary(max_size=300))
def test_data_is_compressed_where_that_saves_two_bytes(data: bytes) -> None:
    """As itsdangerous decides, which always compresses."""
    shorter = zlib.compress(data)
    assert compress(data) == (shorter if len(shorter) < len(data) - 1 else None)


@settings(max_examples=300, deadline=None)
@given(near_texts.map(lambda text: text.encode() * 9) | st.binary(max_size=6_000))
def test_data_of_safe_sessions_is_packed_only_if_it_gets_shorter(data: bytes) -> None:
    """And not if it is short."""
    packed = pack(data)
    assert packed == (None if len(data) <= SHORT_BYTES else compress(data))
    assert packed is None or data == unpack(packed)


def _flash() -> t.Any:
    flash("hello", "info")
    return "flashed"


def _flash_here() -> t.Any:
    flash("hello")
    return get_flashed_messages()


def _keep() -> str:
    session.permanent = not session.permanent
    return "kept"


def _later() -> str:
    @costrel.after_this_request
    def write(response: t.Any) -> t.Any:
        session["later"] = len(session)
        return response

    return "later"


def _in_hands() -> t.Any:
    session["n"] = 1
    response = costrel.make_response("made")
    response.set_cookie("other", "1")
    return response


def _unwritable() -> str:
    session["set"] = {1}
    return "never sent"


ACTIONS: dict[str, t.Callable[[str], t.Any]] = {
    "text": lambda text: session.update(text=text) or "text",
    "dict": lambda text: session.update({text: [text, 1, None, 2.5]}) or {"a": text},
    "typed": lambda text: session.update(t=(text.encode(), {" t": text})) or [1],
    "status": lambda text: (session.update(n=len(text)) or "made", 201),
    "vary": lambda text: (session.update(n=len(text)) or "made", {"Vary": "Accept"}),
    "redirect": lambda text: session.update(user=text) or costrel.redirect("/text"),
    "read": lambda _: str(session.get("n")),
    "untouched": lambda _: "untouched",
    "clear": lambda _: session.clear() or "cleared",
    "pop": lambda _: str(session.pop("n", "nothing")),
    "inside": lambda text: session.setdefault("list", []).append(text) or "not seen",
    "flash": lambda _: _flash(),
    "flashed": lambda _: get_flashed_messages(with_categories=True),
    "flash here": lambda _: _flash_here(),
    "keep": lambda _: _keep(),
    "later": lambda _: _later(),
    "response": lambda _: _in_hands(),
    "error": lambda text: session.update(n=text) or 1 / 0,
    "unwritable": lambda _: _unwritable(),
}
configs = st.fixed_dictionaries(
    {},
    optional={
        "SESSION_COOKIE_NAME": st.sampled_from(("s", "my_session", "a b")),
        "SESSION_COOKIE_DOMAIN": st.sampled_from(("localhost", ".localhost")),
        "SESSION_COOKIE_PATH": st.sampled_from(("/", "/é")),
        "SESSION_COOKIE_HTTPONLY": st.just(False),
        "SESSION_COOKIE_SECURE": st.just(True),
        "SESSION_COOKIE_SAMESITE": st.sampled_from(("Lax", "Strict", "wrong")),
        "SESSION_COOKIE_PARTITIONED": st.just(True),
        "SESSION_REFRESH_EACH_REQUEST": st.just(False),
        "PERMANENT_SESSION_LIFETIME": st.just(60),
        "MAX_COOKIE_SIZE": st.just(0),
        "SECRET_KEY": st.sampled_from((b"bytes", None)),
    },
)


def answers(
    config: dict[str, t.Any],
    steps: list[tuple[str, str]],
    general: str,
    *,
    hooked: bool,
    stored: bool = False,
) -> list[t.Any]:
    """Return what is sent for one action after the other, by one client.

    Of stored sessions, each is 200 seconds after the one before.
    """
    found: list[t.Any] = []
    times = itertools.count(NOW, 200 if stored else 0)
    ids = (f"{number:043d}" for number in itertools.count())
    with (
        mock.patch.dict(os.environ, {FORCE_GENERAL: general}),
        mock.patch("time.time", return_value=NOW) as clock,
        mock.patch("costrel.sessions.stored.secrets.token_urlsafe", side_effect=ids),
    ):
        app = Flask("saving")
        if stored:
            app.config.update(SESSIONS, SESSION_STORE=MemoryStore(clock=clock))
            install(app)
        app.config.update({"SECRET_KEY": SECRET, **config})
        app.logger.disabled = True
        if hooked:
            app.after_request(lambda response: response)
        texts: list[str] = []

        @app.get("/<action>")
        def do(action: str) -> t.Any:
            return ACTIONS[action](texts.pop())

        client = app.test_client()
        for action, text in steps:
            texts[:] = [text]
            clock.return_value = next(times)
            response = client.get(f"/{action}", base_url="https://localhost")
            fields = [(name, value) for name, value in response.headers if "Expires=" not in value]
            found.append((response.status, fields, response.data))
    return found


steps = st.lists(st.tuples(st.sampled_from(tuple(ACTIONS)), near_texts), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(configs, steps, st.booleans())
def test_session_is_saved_alike_on_both_paths(
    config: dict[str, t.Any], steps: list[tuple[str, str]], hooked: bool
) -> None:
    """The header fields and their order are those of the interface's methods."""
    assert answers(config, steps, "0", hooked=hooked) == answers(config, steps, "1", hooked=hooked)


lifetimes = st.fixed_dictionaries(
    {},
    optional={
        "SESSION_IDLE_LIFETIME": st.sampled_from((600, 60_000)),
        "SESSION_ABSOLUTE_LIFETIME": st.sampled_from((500, 60_000)),
        "PERMANENT_SESSION_LIFETIME": st.sampled_from((600, 60_000)),
    },
)


@settings(max_examples=150, deadline=None)
@given(configs, lifetimes, steps, st.booleans())
def test_stored_session_is_saved_alike_on_both_paths(
    config: dict[str, t.Any], last: dict[str, t.Any], steps: list[tuple[str, str]], hooked: bool
) -> None:
    """With what was compiled, and by the methods of the interface."""
    config = {**config, **last}
    planned, general = (
        answers(config, steps, way, hooked=hooked, stored=True) for way in ("0", "1")
    )
    assert planned == general


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(near_texts, near_texts | st.integers() | st.binary(max_size=9), min_size=1))
def test_cookie_has_the_bytes_that_itsdangerous_writes(data: dict[str, t.Any]) -> None:
    """Timestamp, signature and compression included, so that Flask reads and writes the same."""
    app = Flask("saving")
    app.secret_key = SECRET
    app.config["MAX_COOKIE_SIZE"] = 0
    app.add_url_rule("/", view_func=lambda: session.update(data) or "written")
    reference = URLSafeTimedSerializer(
        SECRET,
        salt="cookie-session",
        serializer=TaggedJSONSerializer(),
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
    )
    with mock.patch("time.time", return_value=NOW):
        sent = app.test_client().get("/").headers.get("Set-Cookie")
        with app.app_context():
            written = t.cast("str", reference.dumps(data))
    assert app._engine.general or app._engine.cookie is not None
    assert sent == f"session={written}; HttpOnly; Path=/"


pieces = st.sampled_from(
    (
        "a=b", "session", "=x", "", "session=", " session={}", '"', "session={}", "session={} ",
        "é", 'session="{}"', "session=.{}", "session={}x", "my_session=x", "session=%20",
        "session\t={}",
    )
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=4), st.sampled_from(("; ", ";", ", ", ";\t")), st.booleans())
def test_session_is_found_in_any_header_alike_on_both_paths(
    parts: list[str], between: str, touched: bool
) -> None:
    """Whatever else the header holds, and whether or not the request was looked at before."""
    found = []
    for general in ("0", "1"):
        with mock.patch.dict(os.environ, {FORCE_GENERAL: general}):
            app = Flask("reading")
            app.secret_key = SECRET
            app.add_url_rule("/", view_func=lambda: dict(session))
            if touched:
                app.before_request(lambda: costrel.request.method and None)
            signing = t.cast("t.Any", app.session_interface).get_signing_serializer(app)
            header = between.join(parts).replace("{}", signing.dumps({"a": 1}))
            header = header.encode().decode("latin-1")
            client = app.test_client(use_cookies=False)
            answer = client.get("/", environ_overrides={"HTTP_COOKIE": header})
            found.append((answer.data, list(answer.headers)))
    assert found[0] == found[1]
