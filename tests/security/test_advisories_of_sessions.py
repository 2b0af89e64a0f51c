"""Advisories about sessions and cookies, on `Flask` and on `Costrel` with everything on."""

from __future__ import annotations

import pickle
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from costrel import Costrel, session

HTTPS = "https://localhost"


def session_cookie(response):
    """Return name and value of the session's cookie that a response sets."""
    sent = SimpleCookie(response.headers["Set-Cookie"])
    (morsel,) = sent.values()
    assert morsel.key in {"session", "__Host-session"}
    return morsel.key, morsel.value


def add_views(app):
    """Add views that store something, and that look without reading a value."""

    @app.get("/set")
    def put():
        session.permanent = True
        session["name"] = "anna"
        return ""

    @app.get("/untouched")
    def untouched():
        return "nothing"

    app.add_url_rule("/in", "in", lambda: str("name" in session))
    app.add_url_rule("/len", "len", lambda: str(len(session)))
    app.add_url_rule("/get", "get", lambda: session.get("name", "nobody"))
    return app


@pytest.mark.parametrize("path", ["/set", "/untouched", "/get"])
def test_cve_2023_30861_a_response_that_sets_the_session_varies_by_cookie(make_app, path):
    """GHSA-m2qf-hxjv-5gpq: no cache may hand one visitor's renewed cookie to another."""
    app = add_views(make_app(SESSION_STORE="cookie:", SESSION_IDLE_LIFETIME=None))
    client = app.test_client()
    client.get("/set", base_url=HTTPS)
    response = client.get(path, base_url=HTTPS)
    if path != "/untouched" or not isinstance(app, Costrel):
        assert "Set-Cookie" in response.headers
    if "Set-Cookie" in response.headers or path != "/untouched":
        assert "Cookie" in response.vary


@pytest.mark.parametrize("look", ["/in", "/len", "/get"])
def test_cve_2026_27205_looking_into_a_session_varies_by_cookie(make_app, look):
    """GHSA-68rp-wp8r-4726: also where no value of it is read; `Costrel` forbids to keep it."""
    app = add_views(make_app())
    response = app.test_client().get(look)
    assert "Cookie" in response.vary
    assert response.headers.get("Cache-Control") == (
        "no-store" if isinstance(app, Costrel) else None
    )


def test_cve_2025_47278_fallback_keys_sign_nothing(make_app):
    """GHSA-4grg-w6v8-c28g: what a retired key has signed is read, and signed with the new one."""
    old, new = "old-" + "k1x9" * 9, "new-" + "q7w3" * 9
    kept = {"SESSION_STORE": "cookie:"}
    before = add_views(make_app(SECRET_KEY=old, **kept))
    name, value = session_cookie(before.test_client().get("/set", base_url=HTTPS))

    rotated = add_views(make_app(SECRET_KEY=new, SECRET_KEY_FALLBACKS=[old], **kept))
    client = rotated.test_client(use_cookies=False)
    brought = {"Cookie": f"{name}={value}"}
    assert client.get("/get", base_url=HTTPS, headers=brought).text == "anna"
    name, value = session_cookie(client.get("/set", base_url=HTTPS, headers=brought))

    for key, seen in ((new, "anna"), (old, "nobody")):
        only = add_views(make_app(SECRET_KEY=key, **kept)).test_client(use_cookies=False)
        brought = {"Cookie": f"{name}={value}"}
        assert only.get("/get", base_url=HTTPS, headers=brought).text == seen


def test_cve_2021_33026_a_session_is_never_unpickled(make_app, tmp_path):
    """Neither from a cookie whose signature is right, nor from what a store has."""
    proof = tmp_path / "executed"

    class Attack:
        def __reduce__(self):
            return Path.touch, (proof,)

    app = add_views(make_app(SESSION_STORE="cookie:"))
    signer = URLSafeTimedSerializer(
        app.secret_key, salt="cookie-session", serializer=pickle,
        signer_kwargs={"key_derivation": "hmac"},
    )  # fmt: skip
    client = app.test_client(use_cookies=False)
    for name in ("session", "__Host-session"):
        brought = {"Cookie": f"{name}={signer.dumps(Attack())}"}
        assert client.get("/get", base_url=HTTPS, headers=brought).text == "nobody"

    folder = tmp_path / "sessions"
    stored = add_views(make_app(SESSION_STORE=f"file://{folder}"))
    client = stored.test_client()
    client.get("/set", base_url=HTTPS)
    for file in folder.rglob("*") if isinstance(stored, Costrel) else ():
        if file.is_file():
            file.write_bytes(pickle.dumps(Attack()))
    client.get("/get", base_url=HTTPS)
    assert not proof.exists()


@pytest.mark.parametrize("brought", ["={}={}", "; ={}={}", " = {}={}"])
def test_cve_2023_23934_a_cookie_without_a_name_is_no_session(make_app, brought):
    """GHSA-px8h-6qxv-m22q: another host of the domain can't set a ``__Host-`` cookie so."""
    app = add_views(make_app())
    name, value = session_cookie(app.test_client().get("/set", base_url=HTTPS))
    client = app.test_client(use_cookies=False)
    right = {"Cookie": f"{name}={value}"}
    assert client.get("/get", base_url=HTTPS, headers=right).text == "anna"
    wrong = {"Cookie": brought.format(name, value)}
    assert client.get("/get", base_url=HTTPS, headers=wrong).text == "nobody"
