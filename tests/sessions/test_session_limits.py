"""A session that browsers would drop, or that would unpack to too much, is refused."""

from __future__ import annotations

import logging
import random
import tracemalloc

import pytest
from itsdangerous import URLSafeTimedSerializer
from safe_apps import PRODUCTION, cookie_of, make_app, send

from costrel import Flask, session
from costrel.sessions import session_json_serializer
from costrel.sessions.bounded import LIMIT_BYTES
from costrel.sessions.safe import SessionTooLarge

pytestmark = pytest.mark.usefixtures("path")


def noise(length: int) -> str:
    """Return text that can't be compressed much."""
    return random.Random(1).randbytes(length // 2).hex()  # noqa: S311  no secret


def test_session_too_large_for_browsers_is_an_error():
    """It names the size, the limit, the largest keys, no values, and the way out."""
    app = make_app(TESTING=True)

    @app.get("/fill")
    def fill() -> str:
        session.update(cart=noise(9_000), name="Anna", seen=noise(400))
        return ""

    with pytest.raises(SessionTooLarge) as caught:
        app.test_client().get("/fill", base_url=PRODUCTION)
    message = str(caught.value)
    assert "'__Host-session'" in message
    assert "4,093" in message
    assert "'cart' (9,0" in message
    assert message.index("'cart'") < message.index("'seen'") < message.index("'name'")
    assert "SESSION_STORE" in message
    assert "Anna" not in message
    assert caught.value.limit_bytes == 4_093
    assert caught.value.size_bytes > 4_093


def test_client_gets_a_page_and_keeps_the_old_session(caplog):
    """The error is logged, and saving is not tried again for the page of the error."""
    app = make_app()
    app.add_url_rule("/fill", "fill", lambda: session.update(value=noise(9_000)) or "")
    client = app.test_client()
    client.get("/set/old", base_url=PRODUCTION)
    with caplog.at_level(logging.ERROR):
        response = client.get("/fill", base_url=PRODUCTION)
    assert response.status_code == 500
    assert "Set-Cookie" not in response.headers
    assert len(caplog.records) == 1
    assert client.get("/get", base_url=PRODUCTION).text == "old"


def test_largest_session_that_fits_is_saved():
    """The limit counts the name, the value and the attributes."""
    app = make_app()
    lengths = iter(range(4_800, 6_500, 3))
    app.add_url_rule(
        "/fill", "fill", lambda: session.update(value=noise(9_000)[: next(lengths)]) or ""
    )
    sizes = []
    for _ in range(500):
        response = app.test_client().get("/fill", base_url=PRODUCTION)
        if response.status_code == 500:
            break
        sizes.append(len(response.headers["Set-Cookie"]))
    assert 4_080 < max(sizes) <= 4_093


def test_limit_can_be_lifted():
    """With 0, as Werkzeug's warning; for clients that are no browsers."""
    app = make_app(MAX_COOKIE_SIZE=0)
    app.add_url_rule("/fill", "fill", lambda: session.update(value=noise(9_000)) or "")
    client = app.test_client()
    assert client.get("/fill").status_code == 200
    assert len(client.get("/get").text) == 9_000


def test_data_that_would_not_be_unpacked_is_an_error():
    """It compresses well, so its cookie is small."""
    app = make_app(TESTING=True)
    app.add_url_rule("/fill", "fill", lambda: session.update(value="a" * LIMIT_BYTES) or "")
    with pytest.raises(SessionTooLarge, match=r"unpacks to at most 65,536.*'value'"):
        app.test_client().get("/fill")


@pytest.mark.parametrize("fallback", [False, True])
def test_cookie_that_unpacks_to_too_much_is_invalid(fallback):
    """CWE-409: whoever has the key can't make the server unpack megabytes."""
    app = make_app()
    if fallback:
        app.config.update(SECRET_KEY="another", SECRET_KEY_FALLBACKS=["a secret"])
    interface = app.session_interface
    foreign = URLSafeTimedSerializer(
        "a secret",
        salt=interface.salt,
        serializer=session_json_serializer,
        signer_kwargs={"key_derivation": "hmac", "digest_method": interface.digest_method},
    )
    near = foreign.dumps({"value": "a" * (LIMIT_BYTES - 100)})
    assert len(send(app, "/get", f"__Host-session={near}").text) == LIMIT_BYTES - 100
    bomb = foreign.dumps({"value": "a" * 30_000_000})
    tracemalloc.start()
    try:
        assert send(app, "/get", f"__Host-session={bomb}").text == "nothing"
        _now, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 5_000_000


@pytest.mark.parametrize("change", [lambda v: v[:-9], lambda v: v[:20], lambda v: f".{v}"])
def test_cookie_that_can_t_be_unpacked_is_invalid(change):
    """Signed, but with data that ends too early or is none."""
    app = make_app()
    signing = app.session_interface.get_signing_serializer(app)
    payload = signing.dump_payload({"value": "a" * 1_000}).decode()
    assert payload.startswith(".")
    broken = signing.make_signer(signing.salt).sign(change(payload)).decode()
    assert send(app, "/get", f"__Host-session={broken}").text == "nothing"


def test_flask_keeps_its_own_limits(recwarn):
    """It reads a large session, and only warns of a cookie that is too large."""
    app = Flask("flask")
    app.secret_key = "a secret"
    app.add_url_rule("/fill", "fill", lambda: session.update(value="a" * 100_000) or "")
    app.add_url_rule("/get", "get", lambda: str(len(session["value"])))
    client = app.test_client()
    _name, _value = cookie_of(client.get("/fill"))
    assert client.get("/get").text == "100000"
    assert len(recwarn) == 0
