"""Sessions are signed, expire, tell caches, and never write what they may not."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.datastructures import ImmutableMultiDict

from costrel import Config, Flask, Request, Response, request, session
from costrel.sessions import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
    session_json_serializer,
)

# Made by Flask 3.1.3 with the key "dev".
FLASK_COOKIE = "eyJhIjp7IiB0IjpbMSwyXX0sImIiOjF9.awPY2g.zFTDZ_MYFKB7VNRI1tEivW7xUJ4"


def make_app(**config):
    """Make an application with a secret key and these settings."""
    app = Flask(__name__)
    app.testing = True
    app.secret_key = "dev"
    app.config.update(config)
    return app


def signed_by(key, data):
    """Return a session cookie as an application with this one key makes it."""
    app = make_app(SECRET_KEY=key)
    return app.session_interface.get_signing_serializer(app).dumps(data)


def test_session_changed_comes_back_with_the_next_request():
    """What one request stores, the next one reads."""
    app = make_app()

    @app.get("/set")
    def set_it():
        session["value"] = (1, b"2")
        return ""

    @app.get("/get")
    def get_it():
        return repr(session["value"])

    client = app.test_client()
    cookie = client.get("/set").headers["Set-Cookie"]
    assert re.fullmatch(r"session=[\w.-]+; HttpOnly; Path=/", cookie)
    assert client.get("/get").text == "(1, b'2')"


def test_cookie_made_by_flask_is_read():
    """A session outlives the change from Flask: the bytes were made by Flask 3.1.3."""
    app = make_app(PERMANENT_SESSION_LIFETIME=timedelta(days=36500))
    with app.test_request_context(headers={"Cookie": f"session={FLASK_COOKIE}"}):
        assert session == {"a": (1, 2), "b": 1}


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.__setitem__("b", 2),
        lambda s: s.__delitem__("a"),
        lambda s: s.pop("a"),
        lambda s: s.popitem(),
        lambda s: s.clear(),
        lambda s: s.update(b=2),
        lambda s: s.setdefault("b", 2),
        lambda s: s.__ior__({"b": 2}),
        lambda s: setattr(s, "permanent", True),
    ],
)
def test_change_of_the_dict_marks_the_session_modified(change):
    """Every way to change the dict is noticed."""
    data = SecureCookieSession({"a": 1})
    assert not data.modified
    change(data)
    assert data.modified


@pytest.mark.parametrize(
    "read",
    [
        lambda s: s["a"],
        lambda s: s.get("a"),
        lambda s: s.setdefault("a", 2),
        lambda s: s.pop("b", None),
        lambda s: s.permanent,
        lambda s: "a" in s,
        len,
        list,
    ],
)
def test_read_of_the_dict_does_not_mark_the_session_modified(read):
    """A cookie is not sent again for having been read."""
    data = SecureCookieSession({"a": 1})
    read(data)
    assert not data.modified


@pytest.mark.parametrize(
    "touch",
    [
        lambda: session.get("a"),
        lambda: "a" in session,
        lambda: len(session),
        lambda: list(session),
        lambda: bool(session),
        lambda: session.setdefault("a", 1),
        lambda: session.modified,
    ],
)
def test_session_looked_at_makes_the_response_vary_by_cookie(touch):
    """A shared cache must know of a page that depends on the session (CVE-2026-27205)."""
    app = make_app()

    @app.get("/")
    def index():
        touch()
        return ""

    response = app.test_client().get("/")
    assert response.headers.getlist("Vary") == ["Cookie"]


def test_session_not_looked_at_leaves_the_response_cacheable():
    """Nothing is said, and nothing sent, for a session that nobody asked for."""
    app = make_app()
    app.get("/")(lambda: "")
    client = app.test_client()
    client.set_cookie("session", signed_by("dev", {"a": 1}))
    response = client.get("/")
    assert "Vary" not in response.headers
    assert "Set-Cookie" not in response.headers


def test_permanent_session_refreshed_unseen_makes_the_response_vary():
    """A response that sends the cookie varies by it, also if no code looked (CVE-2023-30861)."""
    app = make_app()
    app.get("/")(lambda: "")
    client = app.test_client()
    client.set_cookie("session", signed_by("dev", {"_permanent": True, "a": 1}))
    response = client.get("/")
    assert "Set-Cookie" in response.headers
    assert response.headers.getlist("Vary") == ["Cookie"]
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    response = client.get("/")
    assert "Set-Cookie" not in response.headers
    assert "Vary" not in response.headers


def test_vary_set_by_the_view_is_kept():
    """The header is added to, and not doubled."""
    app = make_app()

    @app.get("/")
    def index():
        session["a"] = 1
        return "", {"Vary": "Accept-Encoding"}

    response = app.test_client().get("/")
    assert response.headers.getlist("Vary") == ["Accept-Encoding, Cookie"]


def test_cookie_is_signed_by_the_key_and_not_by_a_fallback():
    """An old key verifies only, so that it can be retired (GHSA-4grg-w6v8-c28g)."""
    app = make_app(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old", "older"])
    made = app.session_interface.get_signing_serializer(app).dumps({"a": 1})
    with_new_only = make_app(SECRET_KEY="new")
    signing = with_new_only.session_interface.get_signing_serializer(with_new_only)
    assert signing.loads(made) == {"a": 1}


@pytest.mark.parametrize(
    ("key", "expected"),
    [("new", {"a": 1}), ("old", {"a": 1}), ("older", {"a": 1}), ("other", {})],
)
def test_cookie_signed_by_key_or_fallback_is_read(key, expected):
    """Keys are rotated without ending sessions, and a foreign key gives nothing."""
    app = make_app(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["older", "old"])
    cookie = signed_by(key, {"a": 1})
    with app.test_request_context(headers={"Cookie": f"session={cookie}"}):
        assert expected == session


def test_keys_changed_take_effect_at_once():
    """The serializer that was kept is never used with other keys or settings."""
    app = make_app()
    interface = app.session_interface = SecureCookieSessionInterface()
    first = interface.get_signing_serializer(app)
    assert first is interface.get_signing_serializer(app)
    app.config["SECRET_KEY_FALLBACKS"] = ["old"]
    assert interface.get_signing_serializer(app).secret_keys == [b"old", b"dev"]
    app.config["SECRET_KEY_FALLBACKS"].append("new")
    assert interface.get_signing_serializer(app).secret_keys == [b"old", b"new", b"dev"]
    app.secret_key = b"other"
    assert interface.get_signing_serializer(app).secret_keys[-1] == b"other"
    interface.salt = "another"
    assert interface.get_signing_serializer(app).salt == b"another"
    app.secret_key = None
    assert interface.get_signing_serializer(app) is None
    for number in range(100):
        app.secret_key = f"key {number}"
        assert interface.get_signing_serializer(app).secret_keys[-1] == f"key {number}".encode()
    assert len(interface._signing_serializers) <= 8
    app.secret_key = bytearray(b"unhashable")
    assert interface.get_signing_serializer(app).secret_keys[-1] == b"unhashable"


@settings(deadline=None)
@given(st.text(st.characters(codec="latin-1", exclude_characters=';, "\\'), max_size=60))
def test_any_forged_cookie_gives_nothing_that_was_not_signed(value):
    """No cookie that the key did not sign is read, and none is an error."""
    app = make_app()
    valid = signed_by("dev", {"a": 1})
    # What follows the padding of base 64 is no part of the signature.
    expected = {value: [{}], f"x{value}{valid}": [{}], f"{valid}{value}x": [{}, {"a": 1}]}
    for cookie, sessions in expected.items():
        with app.test_request_context(environ_overrides={"HTTP_COOKIE": f"session={cookie}"}):
            assert dict(session) in sessions


def test_cookie_older_than_the_lifetime_gives_an_empty_session():
    """The signature carries its time, so a client cannot keep a session alive."""
    app = make_app(PERMANENT_SESSION_LIFETIME=-1)
    cookie = signed_by("dev", {"a": 1})
    with app.test_request_context(headers={"Cookie": f"session={cookie}"}):
        assert session == {}


def test_session_emptied_deletes_the_cookie_with_its_attributes():
    """A browser deletes only a cookie of the same name, domain and path."""
    app = make_app(
        SESSION_COOKIE_NAME="s",
        SESSION_COOKIE_DOMAIN="example.com",
        SESSION_COOKIE_PATH="/p",
        SESSION_COOKIE_HTTPONLY=False,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PARTITIONED=True,
    )
    interface = app.session_interface
    data = SecureCookieSession({"a": 1})
    data.clear()
    response = Response()
    interface.save_session(app, data, response)
    assert response.headers["Set-Cookie"] == (
        "s=; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure;"
        " Path=/p; SameSite=Lax; Partitioned"
    )
    data["a"] = 1
    response = Response()
    interface.save_session(app, data, response)
    attributes = "; Domain=example.com; Secure; Path=/p; SameSite=Lax; Partitioned"
    assert response.headers["Set-Cookie"].endswith(attributes)


def test_cookie_path_falls_back_to_the_application_root():
    """An application under a prefix keeps its cookie there."""
    app = make_app(APPLICATION_ROOT="/app")
    assert app.session_interface.get_cookie_path(app) == "/app"
    app.config["SESSION_COOKIE_PATH"] = "/other"
    assert app.session_interface.get_cookie_path(app) == "/other"


def test_permanent_is_what_stands_in_the_session():
    """What was stored under the key itself is given back as it is, as Flask does so."""
    app = make_app()
    app.add_url_rule("/", view_func=lambda: [session.permanent])
    client = app.test_client()
    assert client.get("/").json == [False]
    client.set_cookie("session", signed_by("dev", {"_permanent": "yes"}))
    assert client.get("/").json == ["yes"]


def test_permanent_session_expires_after_the_lifetime():
    """The cookie outlives the browser only if the session is permanent."""
    app = make_app(PERMANENT_SESSION_LIFETIME=60)
    data = SecureCookieSession()
    assert app.session_interface.get_expiration_time(app, data) is None
    data.permanent = True
    ends = app.session_interface.get_expiration_time(app, data)
    assert timedelta(seconds=55) < ends - datetime.now(UTC) <= timedelta(seconds=60)


@pytest.mark.parametrize(
    "write",
    [
        lambda s: s.__setitem__("a", 1),
        lambda s: s.__delitem__("a"),
        lambda s: s.pop("a"),
        lambda s: s.popitem(),
        lambda s: s.clear(),
        lambda s: s.update(a=1),
        lambda s: s.setdefault("a", 1),
        lambda s: s.__ior__({"a": 1}),
        lambda s: setattr(s, "permanent", True),
    ],
)
def test_session_without_a_secret_key_can_be_read_but_not_written(write):
    """Without a key there is no session, and a write says which setting is missing."""
    app = make_app(SECRET_KEY=None)
    with app.test_request_context():
        assert session.get("a") is None
        assert not session.permanent
        assert isinstance(session._get_current_object(), NullSession)
        with pytest.raises(RuntimeError, match=r"session is unavailable.*secret_key"):
            write(session._get_current_object())


def test_key_taken_away_during_a_request_is_an_error_and_not_a_loss():
    """Data that cannot be saved is not dropped silently."""
    app = make_app()
    with app.test_request_context():
        session["a"] = 1
        app.secret_key = None
        with pytest.raises(RuntimeError, match="no secret key"):
            app.session_interface.save_session(app, session, Response())


def test_interface_of_ones_own_is_used_for_every_request():
    """Opening and saving are called in their order, also if nobody touches the session."""
    calls = []

    class Interface(SessionInterface):
        def open_session(self, app, request):
            calls.append(("open", request.path))
            return SecureCookieSession()

        def save_session(self, app, session, response):
            calls.append(("save", response.status_code))

    app = make_app()
    app.session_interface = Interface()
    app.get("/")(lambda: "")
    app.test_client().get("/")
    assert calls == [("open", "/"), ("save", 200)]


def test_interface_that_opens_nothing_gives_its_null_session():
    """None from open_session stands for a session that is not to be had or saved."""
    saved = []

    class Nothing(NullSession):
        pass

    class Interface(SessionInterface):
        null_session_class = Nothing

        def open_session(self, app, request):
            return None

        def save_session(self, app, session, response):
            saved.append(session)

    app = make_app()
    app.session_interface = Interface()

    @app.get("/")
    def index():
        return type(session._get_current_object()).__name__

    assert app.test_client().get("/").text == "Nothing"
    assert saved == []


def test_interface_without_its_two_methods_says_so():
    """What an interface must define is named."""
    interface = SessionInterface()
    with pytest.raises(NotImplementedError, match="open_session"):
        interface.open_session(make_app(), request)
    with pytest.raises(NotImplementedError, match="save_session"):
        interface.save_session(make_app(), SecureCookieSession(), Response())


def test_subclass_settings_decide_the_signature():
    """Salt, derivation and session class are the subclass's to set."""

    class Session(SecureCookieSession):
        pass

    class Interface(SecureCookieSessionInterface):
        salt = "mine"
        key_derivation = "none"
        session_class = Session

    app = make_app()
    app.session_interface = Interface()
    cookie = URLSafeTimedSerializer(
        "dev",
        salt="mine",
        serializer=Interface.serializer,
        signer_kwargs={"key_derivation": "none", "digest_method": Interface.digest_method},
    ).dumps({"a": 1})
    with app.test_request_context(headers={"Cookie": f"session={cookie}"}):
        assert session == {"a": 1}
        assert type(session._get_current_object()) is Session


def test_session_class_of_ones_own_is_called_with_what_was_read():
    """It need not derive from the default one, and its constructor runs."""

    class Session(dict, SessionMixin):
        def __init__(self, initial=()):
            super().__init__(initial)
            self.made_with = dict(initial)

    class Interface(SecureCookieSessionInterface):
        session_class = Session

    app = make_app()
    app.session_interface = Interface()
    cookie = app.session_interface.get_signing_serializer(app).dumps({"a": 1})
    with app.test_request_context(headers={"Cookie": f"session={cookie}"}):
        assert {"a": 1} == session.made_with


# A session that nobody accessed: a permanent one is sent again, to extend its lifetime

DATA = {
    "short": {"user": 1},
    "long, so it is compressed": {"text": "x" * 500},
    **{f"{length} characters before": {"A" * length: 1} for length in range(6)},
}

HEADERS = {
    "alone": "session={}",
    "last": "a=b; session={}",
    "first": "session={}; a=b",
    "quoted": 'session="{}"',
    "with spaces": "session = {}",
    "with a space behind the sign": "session= {}",
    "with a tab": "session=\t{}",
    "without spaces between": "a=b;session={};c=d",
    "twice": "session={}; session=other",
    "beside one whose name ends alike": "my_session=x; session={}",
}


@pytest.mark.parametrize("permanent", [False, True])
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("data", DATA)
def test_untouched_session_is_sent_again_if_it_is_permanent(data, header, permanent):
    """However the client writes its cookie, and wherever the mark falls in the encoded data."""
    app = Flask(__name__)
    app.secret_key = "secret"
    app.add_url_rule("/", "index", lambda: "text")
    app.add_url_rule("/read", "read", lambda: dict(session))
    content = {**DATA[data], **({"_permanent": True} if permanent else {})}
    value = app.session_interface.get_signing_serializer(app).dumps(content)
    environ = {"HTTP_COOKIE": HEADERS[header].format(value)}
    client = app.test_client(use_cookies=False)

    read = client.get("/read", environ_overrides=environ).json
    answer = client.get("/", environ_overrides=environ)

    assert read == content
    assert ("Set-Cookie" in answer.headers) is permanent


def test_session_that_another_serializer_wrote_is_opened():
    """It may hide in its text that the session is permanent."""

    class Reversed:
        def dumps(self, obj):
            return session_json_serializer.dumps(obj)[::-1]

        def loads(self, text):
            return session_json_serializer.loads(text[::-1])

    app = Flask(__name__)
    app.secret_key = "secret"
    app.session_interface = SecureCookieSessionInterface()
    app.session_interface.serializer = Reversed()
    app.add_url_rule("/", "index", lambda: "text")
    value = app.session_interface.get_signing_serializer(app).dumps({"_permanent": True})
    client = app.test_client(use_cookies=False)

    answer = client.get("/", environ_overrides={"HTTP_COOKIE": f"session={value}"})

    assert "Set-Cookie" in answer.headers


# What was compiled from the configuration, and when it is not used


def compiled(app):
    """Return what was compiled for an application's session cookie, after a request."""
    app.add_url_rule("/compiled", view_func=lambda: "")
    app.test_client().get("/compiled")
    return app._engine.cookie


def test_usual_application_has_a_compiled_cookie(monkeypatch):
    """Also if its interface is another object of the same class; not on the general path."""
    monkeypatch.delenv("COSTREL_GENERAL_PATH", raising=False)
    app = make_app()
    app.session_interface = SecureCookieSessionInterface()
    assert compiled(make_app()) is not None
    assert compiled(app) is not None
    assert compiled(make_app(SECRET_KEY=None)) is None


class _Interface(SecureCookieSessionInterface):
    """Overrides nothing, and might."""


class _Session(SecureCookieSession):
    """Overrides nothing, and might."""


class _App(Flask):
    """Decides about its key for each request."""

    secret_key = property(lambda _self: "dev", lambda _self, _key: None)


class _Chosen(Flask):
    """Decides about its interface for each request."""

    session_interface = property(lambda _self: _SHARED)


_SHARED = SecureCookieSessionInterface()


class _Config(Config):
    """Finds some settings elsewhere."""


class _Configured(Flask):
    """Has a configuration of its own."""

    config_class = _Config


class _Request(Request):
    """Gets its cookies from elsewhere."""

    @property
    def cookies(self):
        """Return other cookies."""
        return ImmutableMultiDict()


def _own(**attributes):
    interface = SecureCookieSessionInterface()
    vars(interface).update(attributes)
    return interface


@pytest.mark.parametrize(
    "change",
    [
        lambda app: setattr(app, "session_interface", _Interface()),
        lambda app: setattr(app, "request_class", _Request),
        lambda app: app.config.update(SECRET_KEY=bytearray(b"changes in place")),
        lambda app: app.config.update(SESSION_COOKIE_NAME="a b"),
        lambda app: app.config.update(SESSION_COOKIE_SAMESITE="wrong"),
        lambda app: app.config.pop("SESSION_COOKIE_DOMAIN"),
        *[
            lambda app, name=name, value=value: setattr(
                app, "session_interface", _own(**{name: value})
            )
            for name, value in {
                "salt": "mine",
                "key_derivation": "none",
                "digest_method": hashlib.sha256,
                "serializer": json,
                "session_class": _Session,
                "get_cookie_secure": lambda _app: True,
                "should_set_cookie": lambda _app, _session: True,
            }.items()
        ],
    ],
)
def test_cookie_of_another_kind_is_left_to_the_interface(change):
    """Set before the first request or after it."""
    early, late = make_app(), make_app()
    change(early)
    compiled(late)
    change(late)
    late.test_client().get("/compiled")
    assert compiled(early) is late._engine.cookie is None


@pytest.mark.parametrize("cls", [_App, _Chosen, _Configured])
def test_application_that_may_decide_by_request_is_asked(cls):
    """Its class has a property, or a configuration, of its own."""
    app = cls(__name__)
    app.config["SECRET_KEY"] = "dev"
    assert compiled(app) is None


def test_interface_changed_between_requests_is_asked_at_once():
    """Its attributes may be set at any time, and so may methods of its class."""
    app = make_app()
    interface = app.session_interface = SecureCookieSessionInterface()
    app.add_url_rule("/", view_func=lambda: session.update(a=1) or "")
    client = app.test_client()
    assert client.get("/").headers["Set-Cookie"].endswith("; HttpOnly; Path=/")
    interface.get_cookie_samesite = lambda _app: "Lax"
    assert client.get("/").headers["Set-Cookie"].endswith("; HttpOnly; Path=/; SameSite=Lax")
    del interface.get_cookie_samesite
    interface.salt = "another"
    value = re.match("session=([^;]*)", client.get("/").headers["Set-Cookie"])[1]
    assert interface.get_signing_serializer(app).loads(value) == {"a": 1}
    with pytest.raises(BadSignature):
        make_app().session_interface.get_signing_serializer(app).loads(value)


def test_key_changed_between_requests_counts_at_once():
    """A cookie of the old key is refused, until the key becomes a fallback."""
    app = make_app(SECRET_KEY_FALLBACKS=[])
    app.add_url_rule("/", view_func=lambda: str(session.get("a")))
    app.add_url_rule("/set", "set", lambda: session.update(a=1) or "")
    client = app.test_client()
    client.get("/set")
    assert client.get("/").text == "1"
    app.secret_key = "new"
    assert client.get("/").text == "None"
    app.config["SECRET_KEY_FALLBACKS"].append("dev")
    assert client.get("/").text == "1"
    app.config["SECRET_KEY_FALLBACKS"].clear()
    assert client.get("/").text == "None"
    client.get("/set")
    assert client.get("/").text == "1"
    cookie = client.get_cookie("session").value
    assert make_app(SECRET_KEY="new").session_interface.get_signing_serializer(app).loads(cookie)


def test_settings_changed_during_a_request_count_in_it():
    """What was compiled before the change is not used for the response."""
    app = make_app()

    @app.get("/")
    def index():
        session["a"] = 1
        app.config["SESSION_COOKIE_NAME"] = "other"
        app.secret_key = "new"
        return ""

    found = re.match("other=([^;]*)", app.test_client().get("/").headers["Set-Cookie"])
    assert app.session_interface.get_signing_serializer(app).loads(found[1]) == {"a": 1}


def test_cookie_that_is_too_long_gives_a_warning():
    """As any other cookie does."""
    app = make_app(MAX_COOKIE_SIZE=80)
    app.add_url_rule("/", view_func=lambda: session.update(a="0123456789" * 2) or "")
    with pytest.warns(UserWarning, match="cookie"):
        assert "Set-Cookie" in app.test_client().get("/").headers


@pytest.mark.parametrize("hooked", [False, True])
def test_permanent_session_is_sent_with_its_expiry(hooked):
    """The date is the time of the response and the lifetime."""
    app = make_app(PERMANENT_SESSION_LIFETIME=timedelta(hours=1), SESSION_COOKIE_SAMESITE="Lax")
    if hooked:
        app.after_request(lambda response: response)

    @app.get("/")
    def index():
        session.permanent = True
        return ""

    cookie = app.test_client().get("/").headers["Set-Cookie"]
    expires = re.fullmatch(
        r"session=[\w.-]+; Expires=([^;]+); HttpOnly; Path=/; SameSite=Lax", cookie
    )
    lifetime = parsedate_to_datetime(expires[1]) - datetime.now(UTC)
    assert timedelta(minutes=59) < lifetime <= timedelta(hours=1)


@pytest.mark.parametrize("name", ["set_cookie", "delete_cookie"])
def test_response_with_a_method_of_its_own_is_asked(name):
    """A hook may replace it on the response."""
    app, asked = make_app(), []
    app.add_url_rule("/set_cookie", "set", lambda: session.update(a=1) or "")
    app.add_url_rule("/delete_cookie", "delete", lambda: session.clear() or "")

    @app.after_request
    def replace(response):
        original = getattr(response, name)
        setattr(
            response, name, lambda *args, **kwargs: asked.append(1) or original(*args, **kwargs)
        )
        return response

    client = app.test_client()
    client.set_cookie("session", signed_by("dev", {"a": 1}))
    assert "Set-Cookie" in client.get(f"/{name}").headers
    assert asked == [1]


def test_session_is_opened_with_the_cookies_of_the_request():
    """A hook may have replaced the request's environ, or its cookies."""
    app = make_app()
    app.add_url_rule("/", view_func=lambda: str(session.get("a")))
    changes = []
    app.before_request(lambda: changes[0](request))
    values = {name: f"session={signed_by('dev', {'a': name})}" for name in ("sent", "other")}
    client = app.test_client(use_cookies=False)

    def answer(change):
        changes[:] = [change]
        return client.get("/", headers={"Cookie": values["sent"]}).text

    other = ImmutableMultiDict({"session": values["other"].partition("=")[2]})
    assert answer(lambda r: None) == "sent"
    assert answer(lambda r: r.method and None) == "sent"
    assert answer(lambda r: r.environ.update(HTTP_COOKIE=values["other"])) == "other"
    assert answer(lambda r: setattr(r, "environ", {"HTTP_COOKIE": values["other"]})) == "other"
    assert answer(lambda r: setattr(r, "cookies", other)) == "other"


@pytest.mark.parametrize("cookie", ["a=b; session={}; c=d", 'session="{}"', "a; session={}", "={}"])
def test_session_is_found_among_other_cookies(cookie):
    """And nothing is found where there is none of its name."""
    app = make_app()
    app.add_url_rule("/", view_func=lambda: str(session.get("a")))
    value = signed_by("dev", {"a": 1})
    answer = app.test_client(use_cookies=False).get("/", headers={"Cookie": cookie.format(value)})
    assert answer.text == ("1" if "session" in cookie else "None")
