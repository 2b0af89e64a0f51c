"""`protect` gives a `Flask` what `Costrel` has from the start."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
from werkzeug.datastructures import ImmutableDict

import costrel.security
from costrel import Costrel, Flask, render_template_string
from costrel.registration.safedefaults import BY_FEATURE, SAFE_DEFAULTS
from costrel.security import exemptions_of, protect, security_of
from costrel.sessions.automatic import AutoName

FEATURES = sorted(BY_FEATURE.keys() - {"login"})


def test_costrel_has_the_safe_defaults():
    """They are in its configuration, where anybody can read them."""
    app = Costrel(__name__)
    assert SAFE_DEFAULTS.items() <= Costrel.default_config.items()
    assert SAFE_DEFAULTS.keys() <= app.config.keys()
    assert security_of(app).installed == set(FEATURES)


def test_flask_has_no_key_or_value_of_them():
    """Suites of extensions compare its configuration with Flask's."""
    app = Flask(__name__)
    differing = {key for key in SAFE_DEFAULTS if app.config.get(key, ...) != SAFE_DEFAULTS[key]}
    assert differing == SAFE_DEFAULTS.keys()
    assert not app.extensions


def test_protect_sets_what_still_has_the_value_of_flask():
    """What somebody has set stays, and so do the defaults of a subclass."""

    class Own(Flask):
        default_config = {**Flask.default_config, "MAX_FORM_PARTS": 7}  # noqa: RUF012

    app = Own(__name__)
    app.config["SECURITY_HEADERS"] = {"X-Own": "1"}
    protect(app)
    assert app.config["SECURITY_HEADERS"] == {"X-Own": "1"}
    assert app.config["MAX_FORM_PARTS"] == 7
    assert app.config["CONTENT_SECURITY_POLICY"] == {}


@pytest.mark.parametrize("way", ["item", "update", "mapping", "object", "environment", "or"])
def test_protect_keeps_what_somebody_has_set_to_the_value_of_flask(way, monkeypatch):
    """Whichever way it was set: it was a choice, and not a default."""
    chosen = {
        "SESSION_COOKIE_NAME": "session", "SESSION_COOKIE_SECURE": False, "TRUSTED_HOSTS": None,
        "MAX_CONTENT_LENGTH": None,
    }  # fmt: skip
    app = Flask(__name__)
    config = app.config
    if way == "item":
        for key, value in chosen.items():
            config[key] = value
    elif way == "update":
        config.update((pair for pair in chosen.items()), OTHER=1)
    elif way == "mapping":
        config.from_mapping(chosen)
    elif way == "object":
        config.from_object(type("Settings", (), chosen))
    elif way == "environment":
        for key, value in chosen.items():
            monkeypatch.setenv(f"FLASK_{key}", {None: "null", False: "false"}.get(value, "session"))
        config.from_prefixed_env()
    else:
        config |= chosen
    protect(app)
    # The safe interface writes down the name that it uses.
    assert chosen.items() <= config.items()
    assert config["SESSION_COOKIE_SAMESITE"] == "Lax"
    # A copy of a protected application's configuration is one of its own.
    assert copy.deepcopy(config) == config


CHOSEN = {
    "SESSION_COOKIE_NAME": "session", "SESSION_COOKIE_SECURE": False, "TRUSTED_HOSTS": None,
    "MAX_CONTENT_LENGTH": None,
}  # fmt: skip
"""Values that are those of `Flask` too."""


class OfCostrel(Costrel):
    """Begins with the defaults of `Costrel`."""

    default_config = ImmutableDict({**Costrel.default_config, **CHOSEN})


class BelowIt(OfCostrel):
    """Repeats what its base class has chosen."""

    default_config = ImmutableDict({**OfCostrel.default_config, "OWN": 1})


class WithNone(OfCostrel):
    """Has no defaults of its own."""


class Mixed:
    """Has a setting for others to take over."""

    default_config = ImmutableDict({"MIXED": 1})


class MixedIn(Mixed, Costrel):
    """Takes over two sets of defaults."""

    default_config = ImmutableDict({**Costrel.default_config, **Mixed.default_config, **CHOSEN})


class OnlyThese(Flask):
    """Repeats nothing."""

    default_config = ImmutableDict(
        {**CHOSEN, "SECRET_KEY": None, "APPLICATION_ROOT": "/", "PROVIDE_AUTOMATIC_OPTIONS": True}
    )


@pytest.mark.parametrize(
    "cls", [OfCostrel, BelowIt, WithNone, MixedIn, OnlyThese], ids=lambda cls: cls.__name__
)
def test_protect_keeps_what_a_subclass_has_written_with_the_value_of_flask(cls):
    """It stands in ``default_config``, where it differs from what was taken over."""
    app = cls(__name__)
    protect(app)
    assert CHOSEN.items() <= app.config.items()
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert app.config["MAX_HEADERS"] == 100


class OfFlask(Flask):
    """Begins with the defaults of `Flask`, and has chosen nothing that is safe."""

    default_config = ImmutableDict({**Flask.default_config, "OWN": 1})


class MovedOver(Costrel):
    """Was derived from `Flask` until its base class was replaced."""

    default_config = ImmutableDict({**Flask.default_config, "OWN": 1})


class MixedOver(Mixed, Flask):
    """Takes over two sets of defaults, neither of them safe."""

    default_config = ImmutableDict({**Flask.default_config, **Mixed.default_config})


@pytest.mark.parametrize("cls", [OfFlask, MovedOver, MixedOver], ids=lambda cls: cls.__name__)
def test_protect_replaces_what_a_subclass_has_taken_over_from_flask(cls):
    """Nobody has written these values."""
    app = cls(__name__)
    protect(app)
    # The safe interface writes down the name that it uses.
    wanted = {**SAFE_DEFAULTS, "SESSION_COOKIE_NAME": app.config["SESSION_COOKIE_NAME"]}
    assert type(wanted["SESSION_COOKIE_NAME"]) is AutoName
    assert {key: app.config[key] for key in wanted} == wanted


def test_feature_that_is_left_out_is_an_exemption():
    """An audit sees it, and where that was written."""
    app = Flask(__name__)
    protect(app, **dict.fromkeys(FEATURES, False))
    assert security_of(app).installed == set()
    found = {e.feature: e for e in exemptions_of(app)}
    assert sorted(found) == FEATURES
    assert all("test_protect.py:" in e.origin for e in found.values())
    assert not SAFE_DEFAULTS.keys() - Flask.default_config.keys() & app.config.keys()


def test_protecting_twice_changes_nothing():
    """An extension may call it too."""
    app = Costrel(__name__)
    hooks = {key: list(value) for key, value in app.before_request_funcs.items()}
    collectors = list(security_of(app).collectors)
    assert protect(app) is security_of(app)
    assert hooks == app.before_request_funcs
    assert collectors == security_of(app).collectors


def test_feature_that_is_on_can_not_be_left_out():
    """The error says that settings are the way."""
    with pytest.raises(ValueError, match="headers is on already"):
        protect(Costrel(__name__), headers=False)


def test_newcomers_program_runs():
    """It needs no secret, no list of hosts, and no knowledge of header fields."""
    app = Costrel("newcomer")

    @app.get("/")
    def hello():
        return render_template_string("<link rel=stylesheet href=/static/a.css>hello")

    assert "hello" in app.test_client().get("/").text


def test_templates_get_their_functions_before_and_after_the_environment():
    """An application may have been using templates when it is protected."""
    app = Flask(__name__)
    before = app.jinja_env
    protect(app)
    assert "csp_nonce" in before.globals
    assert "csp_nonce" in Costrel(__name__).jinja_env.globals


def test_configuration_can_be_copied():
    """Test suites copy it to restore it."""
    app = Costrel(__name__)
    assert copy.deepcopy(dict(app.config)) == app.config


def test_public_names_are_those_that_are_loaded_lazily():
    """Neither list has a name that the other has not."""
    assert set(costrel.security.__all__) == costrel.security._LAZY_NAMES.keys()


@pytest.mark.parametrize("name", costrel.security.__all__)
def test_public_name_is_there(name):
    """Each name of the module is loaded when it is first used."""
    assert getattr(costrel.security, name) is not None
    assert name in dir(costrel.security)


def test_unknown_name_is_an_attribute_error():
    """As for any module."""
    with pytest.raises(AttributeError, match="nothing"):
        _ = costrel.security.nothing


def test_import_loads_no_protection_and_an_application_little():
    """What a feature needs is loaded when it is used."""
    script = (
        "import sys, costrel;"
        "assert not [m for m in sys.modules if m.startswith('costrel.security')];"
        "costrel.Costrel('x');"
        "heavy = {'argon2', 'limits', 'redis', 'sqlalchemy', 'asyncio', 'msgspec'};"
        "print(sorted(heavy & {m.partition('.')[0] for m in sys.modules}))"
    )
    output = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert output.strip() == "[]"
