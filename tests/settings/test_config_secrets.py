"""Secrets of `Costrel`'s configuration hide themselves, and are what extensions expect."""

from __future__ import annotations

import copy
import hmac
import json
import logging
import pickle
import pprint
import reprlib
import sqlite3
import traceback
import typing as t
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from itsdangerous import URLSafeTimedSerializer
from markupsafe import Markup

from costrel import Config, Costrel, Flask, jsonify, session
from costrel.security import protect
from costrel.settings import URL, Secret

KEY = "0123456789-do-not-show-this-0123456789"
PASSWORD = "pass-w0rd-of-something"
ADDRESS = f"postgresql://ann:{PASSWORD}@db.example/shop"


def config_of(cls=Costrel) -> Config:
    """Return a configuration with secrets of each kind, set in each way."""
    app = cls("hidden", static_folder=None)
    app.secret_key = KEY
    app.config["SECRET_KEY_FALLBACKS"] = [f"{KEY}-old", PASSWORD.encode()]
    app.config.update(MAIL_PASSWORD=PASSWORD, SQLALCHEMY_DATABASE_URI=ADDRESS)
    app.config |= {"SQLALCHEMY_BINDS": {"one": ADDRESS, "two": {"url": ADDRESS}}}
    app.config.setdefault("API_TOKENS", {PASSWORD})
    app.config.setdefault("API_TOKENS", "another")
    app.config.from_mapping(
        MORE_TOKENS=(PASSWORD, frozenset({PASSWORD})), LONG_URL=f"{ADDRESS}{'/x' * 99}"
    )
    return app.config


def traceback_of(config: Config) -> str:
    """Return a traceback with the variables of its frames."""

    def fail(key, everything):
        found, (_first, *_rest) = config["MAIL_PASSWORD"], config["SECRET_KEY_FALLBACKS"]
        raise KeyError(found[:0], key[:0])

    try:
        fail(config["SECRET_KEY"], dict(config))
    except KeyError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format())


def rich_of(config: Config) -> str:
    """Return what rich shows in its tracebacks."""
    pretty = pytest.importorskip("rich.pretty")
    return pretty.pretty_repr(dict(config), max_string=20)


SHOWN: dict[str, t.Callable[[Config], str]] = {
    "repr": repr,
    "dict": lambda config: repr(dict(config)),
    "display": lambda config: repr({**config}),
    "copy": lambda config: repr(config.copy()),
    "merged": lambda config: repr(config | {}),
    "items": lambda config: "%s" % (list(config.items()),),  # noqa: UP031  as loggers do
    "values": lambda config: f"{list(config.values())}",
    "each": lambda config: "".join(f"{value!r}" for value in config.values()),
    "ascii": lambda config: ascii(dict(config)),
    "deepcopy": lambda config: repr(copy.deepcopy(dict(config))),
    "pickle": lambda config: repr(pickle.loads(pickle.dumps(dict(config)))),  # noqa: S301
    "pprint": lambda config: pprint.pformat(dict(config)),
    "reprlib": lambda config: reprlib.repr(dict(config)) + reprlib.repr(config["SECRET_KEY"]),
    "slices": lambda config: repr([config["SECRET_KEY"][:20], config["LONG_URL"][:50]]),
    "traceback": traceback_of,
    "rich": rich_of,
}


@pytest.mark.parametrize("name", SHOWN)
def test_configuration_is_shown_without_secrets(name):
    """Also what was made of it, and by tools that know nothing of it."""
    text = SHOWN[name](config_of())
    assert not [secret for secret in (KEY, PASSWORD, KEY[:12], PASSWORD[:8]) if secret in text]


def test_log_shows_no_secrets(caplog):
    """In a line with the whole configuration."""
    with caplog.at_level(logging.WARNING):
        logging.getLogger(__name__).warning("%s %r", config_of().items(), dict(config_of()))
    assert KEY not in caplog.text
    assert PASSWORD not in caplog.text


def test_debugger_shows_no_secrets():
    """Neither in the variables of a frame, nor at its prompt."""
    from werkzeug.debug.repr import debug_repr

    config = config_of()
    for value in (dict(config), config["SECRET_KEY"], config["SQLALCHEMY_DATABASE_URI"], config):
        shown = debug_repr(value)
        assert KEY not in shown
        assert PASSWORD not in shown


def test_configuration_of_flask_has_what_was_set():
    """The very objects, which are shown."""
    key, binds = KEY, {"one": ADDRESS}
    app = Flask("shown", static_folder=None)
    app.config.update(SECRET_KEY=key, SQLALCHEMY_BINDS=binds)
    assert app.config["SECRET_KEY"] is key
    assert type(app.config["SQLALCHEMY_BINDS"]["one"]) is str
    assert KEY in repr(dict(app.config))
    protect(app)
    assert type(app.config["SECRET_KEY"]) is Secret
    assert type(binds["one"]) is URL


def test_values_are_what_was_set():
    """Equal, of the same hash, and text or bytes wherever these are needed."""
    config = config_of()
    key, password, address = (
        config[name] for name in ("SECRET_KEY", "MAIL_PASSWORD", "SQLALCHEMY_DATABASE_URI")
    )
    assert isinstance(key, str)
    assert (key, hash(key), {key: 1}[KEY]) == (KEY, hash(KEY), 1)
    assert f"{key} {password}" == f"{KEY} {PASSWORD}"
    assert str(key) == KEY
    assert type(str(key)) is str
    assert key + "" == "".join({key: 1}) == KEY
    assert json.loads(json.dumps([key, address])) == [KEY, ADDRESS]
    assert urlsplit(address).password == PASSWORD
    signed = URLSafeTimedSerializer(key).dumps(1)
    assert URLSafeTimedSerializer(KEY).loads(signed) == 1
    old, raw = config["SECRET_KEY_FALLBACKS"]
    assert hmac.digest(raw, b"x", "sha256") == hmac.digest(PASSWORD.encode(), b"x", "sha256")
    assert (old, raw, raw[0], bytes(raw)) == (
        f"{KEY}-old",
        PASSWORD.encode(),
        112,
        PASSWORD.encode(),
    )
    with closing(sqlite3.connect(":memory:")) as database:
        assert database.execute("select ?", [key]).fetchone() == (KEY,)
    assert config["API_TOKENS"] == {PASSWORD}
    assert config["MORE_TOKENS"] == (PASSWORD, {PASSWORD})
    assert pickle.loads(pickle.dumps(config))["SECRET_KEY"] == KEY  # noqa: S301


def test_containers_stay_the_objects_that_were_set():
    """So code that changes them later is seen, as in Flask."""
    app = Costrel("hidden", static_folder=None)
    fallbacks, binds, tokens = [KEY], {"one": ADDRESS}, {PASSWORD}
    fallbacks_of_two = (KEY, 1)
    plain = ("a", 1)
    app.config.update(
        SECRET_KEY_FALLBACKS=fallbacks, SQLALCHEMY_BINDS=binds, API_TOKENS=tokens, PLAIN=plain,
        SECRET_KEYS=fallbacks_of_two, EMPTY_KEY="", NO_KEY=None, NAME="x", KEY_FILE="/run/key",
    )  # fmt: skip
    assert app.config["SECRET_KEY_FALLBACKS"] is fallbacks
    assert app.config["SQLALCHEMY_BINDS"] is binds
    assert app.config["API_TOKENS"] is tokens
    assert app.config["PLAIN"] is plain
    assert repr(app.config["SECRET_KEYS"]) == "(Secret(hidden), 1)"
    for name in ("EMPTY_KEY", "NAME", "KEY_FILE"):
        assert type(app.config[name]) is str
    circle: list[t.Any] = [KEY]
    circle.append(circle)
    app.config["TOKENS"] = circle
    assert KEY not in repr(circle)


def test_secrets_can_be_sent_by_any_view(path):
    """A key that may be public is sent as the text that it is, by typed views too."""
    app = Costrel("hidden", static_folder=None)
    app.config.update(SECRET_KEY=KEY, PUBLIC_KEY=PASSWORD, RAW_KEY=PASSWORD.encode())

    @app.get("/plain")
    def plain():
        return {"key": app.config["PUBLIC_KEY"]}

    @app.get("/json")
    def with_jsonify():
        return jsonify(key=app.config["PUBLIC_KEY"])

    @app.get("/typed")
    def typed() -> dict[str, str]:
        return {"key": app.config["PUBLIC_KEY"]}

    @app.get("/markup")
    def markup() -> dict[str, str]:
        return {"key": Markup(PASSWORD)}  # noqa: S704  a text of ours

    @app.get("/session")
    def in_session():
        session["key"] = app.config["PUBLIC_KEY"]
        session["raw"] = app.config["RAW_KEY"]
        return {"key": session["key"]}

    client = app.test_client()
    for url in ("/plain", "/json", "/typed", "/markup", "/session"):
        assert client.get(url).get_json() == {"key": PASSWORD}
    with client.session_transaction() as stored:
        assert (stored["key"], stored["raw"]) == (PASSWORD, PASSWORD.encode())


def test_cookie_of_a_hidden_key_takes_the_short_way():
    """It costs requests nothing."""
    from costrel.sessions.compiling import compile_cookie

    for key in (KEY, KEY.encode()):
        app = Costrel("hidden", static_folder=None)
        app.secret_key = key
        assert type(app.secret_key) is not type(key)
        assert compile_cookie(app) is not None
