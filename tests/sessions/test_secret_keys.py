"""Weak secret keys stop the start; in debug mode there is always a key."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel import Costrel, Flask, flash, get_flashed_messages, session
from costrel.ground.protection import security_of
from costrel.security.csrftokens import csrf_token
from costrel.sessions.keys import (
    DEBUG_KEY,
    MIN_BYTES,
    DebugKey,
    WeakSecretError,
    debug_key,
    declare_need,
    fresh_key,
    install,
    weakness_of,
)
from costrel.sessions.stores.memory import MemoryStore

WEAK = {
    "dev": "is 3 bytes long",
    "secret": "is 6 bytes long",
    "changeme": "is 8 bytes long",
    b'_5#y2L"F4Q8z\n\xec]/': "is an example",
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf": "is an example",
    "192B9BDD22AB9ED4D12E236C78AFCB9A393EC15F71BBF5DC987D54727823BCBF": "is an example",
    "a" * 64: "has only 1 different characters",
    "ab" * 32: "has only 2 different characters",
    "k3Vq9-Zt" * 5: "repeats a shorter text",
    "please-change-me-before-production-2026": "is a placeholder",
    "django-insecure-3k!v9$xq7p0z@w5r8t2y6u4i1o": "is a placeholder",
    "My Very Own Super Secret Key For This Shop": "is a placeholder",
    "abcdefghijklmnopqrstuvwxyz0123456789": "is a sequence",
    "x" * (MIN_BYTES - 1): f"is {MIN_BYTES - 1} bytes long",
    secrets.token_bytes(31): "is 31 bytes long",
    12345: "is neither text nor bytes",
}


@pytest.mark.parametrize(("key", "reason"), WEAK.items(), ids=range(len(WEAK)))
def test_weak_key_is_recognized(key: object, reason: str) -> None:
    """And the reason is said, without the key."""
    weakness = weakness_of(key)
    assert weakness is not None
    assert weakness.startswith(reason)
    assert str(key) not in weakness


@pytest.mark.parametrize("missing", [None, "", b""])
def test_missing_key_is_not_weak(missing: t.Any) -> None:
    """It fails elsewhere, when it is used."""
    assert weakness_of(missing) is None


@given(st.binary(min_size=32, max_size=32))
def test_what_generators_make_is_not_weak(entropy: bytes) -> None:
    """None of the usual spellings of random bytes, if those are random."""
    made = secrets.token_hex(), secrets.token_urlsafe(), secrets.token_bytes(), fresh_key()
    assert [weakness_of(key) for key in made] == [None] * 4
    weakness_of(entropy)
    weakness_of(entropy.decode("latin-1"))


def make_app(**settings: t.Any) -> Flask:
    """Make an application whose keys are checked."""
    app = Flask("shop", root_path=os.devnull)
    app.config.update(settings)
    install(app)
    app.add_url_rule("/", "index", lambda: "index")
    return app


def start_response(_status: str, _headers: t.Any, _exc_info: t.Any = None) -> t.Any:
    """Stand in for a server's function."""


def serve(app: Flask) -> bytes:
    """Send a request as a server does."""
    environ = app.test_request_context("/").environ
    return b"".join(app(environ, start_response))


async def serve_on_loop(app: Flask) -> list[t.Any]:
    """Send a request as a server over ASGI does that has no lifespan."""
    sent: list[t.Any] = []

    async def receive() -> dict[str, t.Any]:
        return {"type": "http.request"}

    async def send(message: t.Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/", "raw_path": b"/", "query_string": b"", "root_path": "",
        "headers": [(b"host", b"localhost")], "server": ("localhost", 80),
    }  # fmt: skip
    await app.asgi(scope, receive, send)
    return sent


async def start_by_lifespan(app: Flask) -> list[t.Any]:
    """Start the application as a server over ASGI does."""
    messages = iter(["lifespan.startup", "lifespan.shutdown"])
    sent: list[t.Any] = []

    async def receive() -> dict[str, t.Any]:
        return {"type": next(messages)}

    async def send(message: t.Any) -> None:
        sent.append(message)

    await app.asgi({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    return sent


def test_weak_key_stops_every_request_of_a_server() -> None:
    """Under WSGI and ASGI; the message says what to do, and not what the key is."""
    app = make_app(SECRET_KEY="hunter2")
    for _ in range(2):
        with pytest.raises(WeakSecretError, match="costrel secret") as raised:
            serve(app)
        assert "hunter2" not in str(raised.value)
        with pytest.raises(WeakSecretError, match=r"^SECRET_KEY is weak: it is 7 bytes long"):
            asyncio.run(serve_on_loop(app))
    app.secret_key = fresh_key()
    assert serve(app) == b"index"


def test_weak_key_stops_the_start_of_a_server_over_asgi(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Which then ends; the log and the server's message have the reason."""
    (failed,) = asyncio.run(start_by_lifespan(make_app(SECRET_KEY="hunter2")))
    assert failed["type"] == "lifespan.startup.failed"
    assert "SECRET_KEY is weak" in failed["message"]
    assert "hunter2" not in failed["message"]
    assert "SECRET_KEY is weak" in caplog.text
    started = asyncio.run(start_by_lifespan(make_app(SECRET_KEY=fresh_key())))
    assert [one["type"].rpartition(".")[2] for one in started] == ["complete", "complete"]


def test_weak_fallback_key_stops_the_start_too() -> None:
    """It is believed like the current one."""
    app = make_app(SECRET_KEY=fresh_key(), SECRET_KEY_FALLBACKS=[fresh_key(), "old"])
    with pytest.raises(WeakSecretError, match=r"^SECRET_KEY_FALLBACKS\[1\] is weak"):
        app._check_start()


@pytest.mark.parametrize("fallbacks", ["a text", b"bytes"])
def test_fallbacks_that_are_no_list_are_refused(fallbacks: t.Any) -> None:
    """Each character would count as a key, which is guessed at once."""
    app = make_app(SECRET_KEY=fresh_key(), SECRET_KEY_FALLBACKS=fallbacks)
    with pytest.raises(TypeError, match="Make it a list"):
        app._check_start()


def test_key_is_checked_once() -> None:
    """A change while the application runs is its own business."""
    app = make_app(SECRET_KEY=fresh_key())
    assert serve(app) == b"index"
    app.secret_key = "dev"
    assert serve(app) == b"index"


def test_tests_may_use_any_key() -> None:
    """Requests of test clients are not refused, nor is anything in testing mode."""
    app = make_app(SECRET_KEY="dev")
    assert app.test_client().get("/").text == "index"

    async def ask() -> str:
        async with app.async_test_client() as client:
            return str((await client.get("/")).text)

    assert asyncio.run(ask()) == "index"
    with pytest.raises(WeakSecretError):
        serve(app)
    app.testing = True
    assert serve(app) == b"index"


def test_weak_key_is_only_noted_in_debug_mode() -> None:
    """It is the same key that production would refuse."""
    app = make_app(SECRET_KEY="dev", DEBUG=True)
    app._check_start()
    (note,) = app._start_notes
    assert "SECRET_KEY is weak: it is 3 bytes long" in note
    assert serve(app) == b"index"


def visits(app: Flask) -> Flask:
    """Add a view that writes to the session."""

    @app.get("/visit")
    def visit() -> str:
        session["visits"] = session.get("visits", 0) + 1
        return str(session["visits"])

    return app


def test_debug_mode_makes_a_key_and_warns_when_it_is_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Once; an application that uses no session hears nothing."""
    monkeypatch.delenv(DEBUG_KEY, raising=False)
    caplog.set_level(logging.WARNING)
    client = visits(make_app(DEBUG=True)).test_client()
    assert client.get("/").text == "index"
    assert caplog.messages == []
    assert [client.get("/visit").text for _ in range(3)] == ["1", "2", "3"]
    (message,) = caplog.messages
    assert "No SECRET_KEY is set" in message
    assert "costrel secret" in message


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("stored", ["memory:", "file", "object"])
def test_sessions_on_the_server_need_no_key_in_debug_mode_either(
    stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They are kept under a random id, so that nothing is signed and nothing is warned of."""
    monkeypatch.delenv(DEBUG_KEY, raising=False)
    caplog.set_level(logging.WARNING)
    stores = {"file": f"file://{tmp_path}", "object": MemoryStore()}
    app = visits(Costrel("shop", root_path=os.devnull))
    app.config.update(DEBUG=True, SESSION_STORE=stores.get(stored, stored))

    @app.get("/loop")
    async def on_loop() -> str:
        flash("hello")
        return f"{session['visits']} {len(get_flashed_messages())}"

    app._check_start()
    client = app.test_client()
    assert [client.get("/visit").text for _ in range(2)] == ["1", "2"]
    assert client.get("/loop").text == "2 1"
    with client.session_transaction() as changed:
        changed["visits"] = 7
    assert client.post("/visit", headers={"X-CSRF-Token": "none"}).status_code == 405

    async def over_asgi() -> list[str]:
        loop_client = app.async_test_client()
        return [(await loop_client.get(path)).text for path in ("/visit", "/loop")]

    assert asyncio.run(over_asgi()) == ["1", "1 1"]
    assert caplog.messages == []


def test_processes_of_a_debug_run_have_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a variable, so that sessions survive when the code changes. Its repr hides it."""
    monkeypatch.delenv(DEBUG_KEY, raising=False)
    key = debug_key()
    assert debug_key() == key == os.environ[DEBUG_KEY]
    assert weakness_of(str(key)) is None
    assert key not in repr({"SECRET_KEY": key})
    assert isinstance(key, DebugKey)


def test_production_makes_no_key() -> None:
    """The first write of the session says what to do."""
    app = visits(make_app(PROPAGATE_EXCEPTIONS=True))
    with pytest.raises(RuntimeError, match="costrel secret"):
        app.test_client().get("/visit")


def test_key_that_is_needed_and_missing_is_noted() -> None:
    """Before the first request, by what was declared or by the code of the views."""
    app = make_app()
    app._check_start()
    assert app._start_notes == ()
    app = visits(make_app())
    app._check_start()
    (note,) = app._start_notes
    assert "No SECRET_KEY is set, but the view" in note
    assert "visit (" in note
    app = make_app()
    declare_need(app, "it is declared")
    app._check_start()
    assert app._start_notes == ()
    security_of(app)
    app = make_app()
    security_of(app)
    declare_need(app, "it has a login")
    declare_need(app, "it has a login")
    app._check_start()
    (note,) = app._start_notes
    assert note.startswith("No SECRET_KEY is set, but it has a login.")


@pytest.mark.parametrize(
    "name", ["SECRET_KEY_FILE", "APP_SECRET_KEY_FILE", "FLASK_SECRET_KEY_FILE"]
)
def test_file_of_a_key_that_nothing_reads_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With what to write, at the start, where the key is missed, and in debug mode."""
    app = visits(make_app(PROPAGATE_EXCEPTIONS=True))
    with pytest.raises(RuntimeError) as unset:
        app.test_client().get("/visit")
    assert "The environment has" not in str(unset.value)

    monkeypatch.setenv(name, "/run/secrets/secret-key")
    monkeypatch.delenv(DEBUG_KEY, raising=False)
    with pytest.raises(RuntimeError) as missed:
        app.test_client().get("/visit")
    app = visits(make_app())
    app._check_start()
    visits(make_app(DEBUG=True)).test_client().get("/visit")
    with make_app().test_request_context(), pytest.raises(RuntimeError) as unsigned:
        csrf_token()
    for told in (str(missed.value), str(unsigned.value), *app._start_notes, *caplog.messages):
        assert f"The environment has {name}, but this application doesn't read the file" in told
        assert "costrel.settings.load(app, Settings)" in told
        assert f'app.secret_key = Path(os.environ["{name}"]).read_text().strip()' in told
    assert len([*app._start_notes, *caplog.messages]) == 3


def test_note_is_logged_under_servers_that_we_do_not_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Once."""
    app = visits(make_app())
    serve(app)
    serve(app)
    (message,) = caplog.messages
    assert "No SECRET_KEY is set, but the view" in message


def test_check_is_installed_once() -> None:
    """Whoever asks for it again changes nothing."""
    app = make_app()
    install(app)
    assert len(app._start_checks) == 1
