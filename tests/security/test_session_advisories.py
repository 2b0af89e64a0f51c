"""Advisories about sessions: caches, keys, formats."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from costrel import Costrel, Flask, session
from costrel.registration.safedefaults import SESSIONS
from costrel.sessions.installing import install

pytestmark = pytest.mark.usefixtures("path", "kind")

KINDS: dict[str, type[Flask]] = {}


@pytest.fixture(params=[Flask, Costrel])
def kind(request):
    """Run a test on both classes."""
    KINDS["now"] = request.param


def make_app(**config):
    """Make an application that signs sessions, with these settings."""
    app = KINDS["now"](__name__)
    if isinstance(app, Costrel):
        app.config.update(SESSIONS)
        install(app)
    app.testing = True
    app.config.update(SECRET_KEY="a secret", **config)
    return app


def cookie(app, data, *, key=None, now=None, serializer=None):
    """Sign a session as `app` would, or with another key, time or format."""
    interface = app.session_interface
    signer = URLSafeTimedSerializer(
        key or app.secret_key,
        salt=interface.salt,
        serializer=serializer or interface.serializer,
        signer_kwargs={
            "key_derivation": interface.key_derivation,
            "digest_method": interface.digest_method,
        },
    )
    if now is None:
        return signer.dumps(data)
    signer_class = signer.signer

    class Then(signer_class):
        def get_timestamp(self):
            return int(now)

    signer.signer = Then
    return signer.dumps(data)


LOOKS = {
    "in": lambda: "name" in session,
    "len": lambda: len(session),
    "bool": lambda: bool(session),
    "iter": lambda: list(session),
    "get": lambda: session.get("name"),
    "keys": lambda: list(session.keys()),
    "equal": lambda: session == {},
    "permanent": lambda: session.permanent,
    "new": lambda: session.new,
    "repr": lambda: repr(session),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("brought", [True, False])
def test_session_looked_at_in_any_way_varies_by_cookie(look, brought):
    """CVE-2026-27205: a response that may depend on the session says so to caches.

    That is also for ``in`` and ``len``, and for a client without a session.
    """
    app = make_app()

    @app.get("/")
    def index():
        return str(LOOKS[look]())

    headers = {"Cookie": f"session={cookie(app, {'name': 'x'})}"} if brought else {}
    response = app.test_client(use_cookies=False).get("/", headers=headers)
    assert response.status_code == 200
    assert "Cookie" in response.vary


@pytest.mark.parametrize("touch", [True, False])
def test_permanent_session_sent_again_varies_by_cookie(touch):
    """CVE-2023-30861: no cache may give one client's refreshed cookie to another.

    A permanent session is sent again with each response, also where the view did
    not look at it.
    """
    app = make_app()

    @app.get("/")
    def index():
        return session["name"] if touch else "no session"

    brought = cookie(app, {"_permanent": True, "name": "x"})
    response = app.test_client(use_cookies=False).get("/", headers={"Cookie": f"session={brought}"})
    assert response.headers["Set-Cookie"].startswith("session=")
    assert "Cookie" in response.vary


@pytest.mark.parametrize("change", ["set", "clear", "error", "before", "after"])
def test_every_response_that_sets_the_cookie_varies_by_it(change):
    """CVE-2023-30861: whoever changed the session, and if an error followed, too."""
    app = make_app(PROPAGATE_EXCEPTIONS=False)

    @app.before_request
    def before():
        if change == "before":
            session["name"] = "y"

    @app.after_request
    def after(response):
        if change == "after":
            session["name"] = "y"
        return response

    @app.get("/")
    def index():
        if change == "set":
            session["name"] = "y"
        if change == "clear":
            session.clear()
        if change == "error":
            session["name"] = "y"
            raise RuntimeError
        return ""

    brought = cookie(app, {"name": "x"})
    response = app.test_client(use_cookies=False).get("/", headers={"Cookie": f"session={brought}"})
    assert response.headers["Set-Cookie"].startswith("session=")
    assert "Cookie" in response.vary


def test_response_without_session_is_left_to_caches():
    """CVE-2023-30861: what has nothing to do with the session stays cacheable for all."""
    app = make_app()

    @app.get("/")
    def index():
        return "the same for all"

    brought = cookie(app, {"name": "x"})
    response = app.test_client(use_cookies=False).get("/", headers={"Cookie": f"session={brought}"})
    assert "Set-Cookie" not in response.headers
    assert "Vary" not in response.headers


def test_session_is_signed_with_the_current_key():
    """GHSA-4grg-w6v8-c28g (CVE-2025-47278): fallback keys verify and never sign."""
    app = make_app(SECRET_KEY_FALLBACKS=["old", "older"])

    @app.get("/")
    def index():
        session["seen"] = session.get("seen", 0) + 1
        return str(session["seen"])

    def ask(brought):
        response = app.test_client(use_cookies=False).get(
            "/", headers={"Cookie": f"session={brought}"}
        )
        return response.text, response.headers["Set-Cookie"].partition("=")[2].partition(";")[0]

    for key in ("a secret", "old", "older"):
        seen, sent = ask(cookie(app, {"seen": 1}, key=key))
        assert seen == "2"
        # Only the current key verifies what was sent.
        assert make_opened(sent, "a secret") == {"seen": 2}
        assert make_opened(sent, "old") == make_opened(sent, "older") == {}
    assert ask(cookie(app, {"seen": 1}, key="never"))[0] == "1"


def make_opened(value, key):
    """Open a session cookie in an application that has only this key."""
    app = make_app()
    app.secret_key = key
    with app.test_request_context(headers={"Cookie": f"session={value}"}):
        return dict(session)


def test_session_older_than_its_lifetime_is_empty():
    """OWASP, session timeout: an old cookie is nobody's, though its signature holds."""
    app = make_app(PERMANENT_SESSION_LIFETIME=60)

    @app.get("/")
    def index():
        return str(dict(session))

    client = app.test_client(use_cookies=False)
    for age, seen in ((30, "{'name': 'x'}"), (90, "{}")):
        brought = cookie(app, {"name": "x"}, now=time.time() - age)
        assert client.get("/", headers={"Cookie": f"session={brought}"}).text == seen


def test_session_is_never_unpickled(tmp_path):
    """CVE-2021-33026: whoever learns the secret key still can't run code.

    Sessions are JSON; a pickle under a valid signature is an invalid session.
    """
    app = make_app()
    proof = tmp_path / "executed"

    class Attack:
        def __reduce__(self):
            return Path.touch, (proof,)

    @app.get("/")
    def index():
        return str(dict(session))

    brought = cookie(app, Attack(), serializer=pickle)
    response = app.test_client(use_cookies=False).get("/", headers={"Cookie": f"session={brought}"})
    assert (response.status_code, response.text) == (200, "{}")
    assert not proof.exists()
    assert app.session_interface.pickle_based is False
