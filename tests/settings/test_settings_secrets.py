"""Secrets work wherever a text does, and are shown nowhere."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import traceback
import typing as t

import pytest

from costrel import Costrel, Flask, render_template_string, session
from costrel.ground.redaction import redact
from costrel.settings import URL, Secret, Settings, SettingsError, load, loaded

KEY = "0123456789-do-not-show-0123456789"
PASSWORD = "pass-w0rd-of-the-database"
ADDRESS = f"postgresql://ann:{PASSWORD}@db.example/shop?sslmode=require"


class Shop(Settings):
    """Secrets by type, by name, and in an address."""

    secret_key: Secret
    mail_password: str
    database_url: str
    api_tokens: tuple[str, ...] = ()
    smtp: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Plain:
    """A dataclass whose repr is Python's own."""

    mail_password: str
    database_url: str


VALUES: dict[str, t.Any] = {
    "secret_key": KEY,
    "mail_password": PASSWORD,
    "database_url": ADDRESS,
    "api_tokens": ("first-token-1", "second-token-2"),
    "smtp": {"user": "ann", "password": PASSWORD},
}
HIDDEN = (KEY, PASSWORD, "first-token-1", "second-token-2")


def shop(kind=Flask) -> tuple[Flask, Shop]:
    """Make an application with these settings."""
    app = kind(__name__)
    return app, load(app, Shop, "production", values=VALUES)


def assert_hidden(text: str) -> None:
    """Fail if a secret is in a text."""
    assert not [secret for secret in HIDDEN if secret in text]


@pytest.mark.parametrize("kind", [Flask, Costrel])
def test_repr_shows_no_secrets(kind):
    """Neither of the settings, nor of the configuration, nor of their values."""
    app, settings = shop(kind)
    for value in (settings, app.config, loaded(app), app.secret_key, dict(app.config)["API_TOKENS"],
                  settings.mail_password, app.config["DATABASE_URL"]):  # fmt: skip
        assert_hidden(repr(value))
        assert_hidden(f"{value!r}")
        assert_hidden(f"{[value]}")
    assert "'SECRET_KEY': Secret(hidden)" in repr(app.config)
    assert "URL('postgresql://ann:(hidden)@db.example/shop?sslmode=require')" in repr(settings)


def test_repr_of_a_plain_dataclass_shows_no_secrets():
    """Its values hide themselves."""
    values = {"mail_password": PASSWORD, "database_url": ADDRESS}
    assert_hidden(repr(load(Flask(__name__), Plain, "testing", values=values)))


def test_configuration_of_flask_is_shown_as_it_was():
    """An application that loads no settings has the repr of Flask's."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = KEY
    assert KEY in repr(app.config)
    app.config.hides_secrets = True
    assert_hidden(repr(app.config))


def test_page_that_prints_the_configuration_shows_no_secrets(path):
    """A template may be left with a debugging line in it."""
    app, _ = shop()

    @app.get("/")
    def index():
        return render_template_string("{{ config }}")

    assert_hidden(app.test_client().get("/").text)


def test_secret_is_a_text_wherever_one_is_needed():
    """It signs, formats, compares, encodes and copies like any text."""
    app, settings = shop()

    @app.get("/")
    def index():
        session["a"] = 1
        return "ok"

    client = app.test_client()
    assert client.get("/").status_code == 200
    with client.session_transaction() as stored:
        assert stored["a"] == 1
    assert settings.secret_key == KEY
    assert str(settings.secret_key) == f"{settings.secret_key}" == KEY
    assert f"Bearer {settings.secret_key}" == f"Bearer {KEY}"
    assert settings.secret_key.encode() == KEY.encode()
    assert json.dumps(settings.secret_key) == json.dumps(KEY)
    assert {settings.secret_key: 1}[KEY] == 1
    for other in (copy.deepcopy(settings.secret_key), pickle.loads(pickle.dumps(settings.secret_key))):  # noqa: S301, E501  # fmt: skip
        assert type(other) is Secret
        assert other == KEY
    assert type(settings.database_url) is URL
    assert settings.database_url == ADDRESS


def test_empty_secret_is_said_to_be_empty():
    """That helps to find out why nothing works, and gives nothing away."""
    assert repr(Secret("")) == "Secret('')"


class Strict(Settings):
    """Settings whose values can all be wrong."""

    api_key_number: int = 0
    pin_token: int = 0
    secret_color: t.Literal["red"] = "red"
    signing_key: Secret = Secret("")
    keys: list[int] = dataclasses.field(default_factory=list)
    fine: int = 0


def test_report_shows_no_values_of_secrets(variables):
    """What is wrong with a secret is said without it."""
    variables(
        APP_API_KEY_NUMBER=KEY,
        APP_PIN_TOKEN=KEY,
        APP_SECRET_COLOR=KEY,
        APP_KEYS=KEY,
        APP_UNKNOWN=PASSWORD,
        APP_FINE=f"redis://:{PASSWORD}@host/0",
    )
    with pytest.raises(SettingsError) as caught:
        load(Flask(__name__), Strict)
    text = str(caught.value)
    assert "PIN_TOKEN (APP_PIN_TOKEN): expected a whole number." in text
    assert "FINE (APP_FINE): expected a whole number, got 'redis://:(hidden)@host/0'." in text
    assert_hidden(text)


def test_traceback_shows_no_secrets(variables):
    """Neither its text, nor an earlier error, nor the variables of its frames."""
    variables(APP_PIN_TOKEN=KEY, APP_SIGNING_KEY=PASSWORD)
    with pytest.raises(SettingsError) as caught:
        load(Flask(__name__), Strict)
    assert caught.value.__context__ is None
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert_hidden("".join(shown.format()))


def test_texts_that_are_made_elsewhere_can_be_redacted(caplog):
    """A formatter of logs replaces the secrets that were loaded, and passwords in addresses."""
    _, settings = shop()
    with caplog.at_level(logging.WARNING):
        logging.getLogger(__name__).warning("%s %s", settings.secret_key, settings.database_url)
    assert_hidden(redact(caplog.text))
    assert redact(f"login failed: {PASSWORD}") == "login failed: (hidden)"
    assert redact("nothing here") == "nothing here"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("", "URL('')"),
        ("sqlite:shop.db", "URL('sqlite:shop.db')"),
        ("mailto:x", "URL('mailto:x')"),
        ("https://e.example", "URL('https://e.example')"),
        ("u:hunter2@h/db", "URL('u:(hidden)@h/db')"),
        ("postgres//u:hunter2@h", "URL('postgres//u:(hidden)@h')"),
        ("u:hun@ter2@h", "URL('u:(hidden)@h')"),
        ("db?password=hunter2", "URL('db?password=(hidden)')"),
    ],
)
def test_address_that_is_none_hides_its_password_too(address, expected):
    """A forgotten scheme or colon does not show it."""
    assert repr(URL(address)) == expected


def test_error_about_an_address_hides_its_password(variables):
    """The report quotes what is wrong, but not that."""

    class Shop(Settings):
        database_url: URL

    variables(APP_DATABASE_URL="postgres//u:hunter2@h")
    with pytest.raises(SettingsError) as caught:
        load(Costrel(__name__), Shop, "production")
    assert "got 'postgres//u:(hidden)@h'" in str(caught.value)


@pytest.mark.parametrize(
    "part", [lambda config: config.copy(), lambda config: config.get_namespace("DB_")]
)
def test_part_of_a_configuration_hides_its_secrets(part):
    """On `Costrel`, as the configuration does; on `Flask`, it is a plain dict."""
    for cls in (Costrel, Flask):
        app = cls(__name__)
        app.config.update(DB_PASSWORD="hunter2", DB_HOST="here")
        found = part(app.config)
        assert {"hunter2", "here"} <= set(found.values())
        assert "here" in repr(found)
        assert ("hunter2" in repr(found)) is (cls is Flask)
        assert type(found) is dict or cls is Costrel
