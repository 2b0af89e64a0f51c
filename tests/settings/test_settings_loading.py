"""`load` takes each setting from the strongest source, and writes it to the application."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys
import typing as t
from datetime import timedelta

import msgspec
import pytest

from costrel import Costrel, Flask
from costrel.login import Login
from costrel.login.setup import DEFAULTS
from costrel.settings import Secret, Settings, SettingsError, environment, load, loaded
from costrel.settings.framework import ADDED_LATER


class Base(Settings):
    """Settings of all environments."""

    title: str
    port: int = 8000
    secret_key: Secret = Secret("for-development-only")


class Development(Base):
    """Settings of development."""

    title: str = "Here"


class Testing(Base):
    """Settings of tests."""

    title: str = "Test"
    session_cookie_secure: bool = False


class Production(Base):
    """Settings of production; the key has no default here."""

    secret_key: Secret
    session_cookie_secure: bool = True


CLASSES = {"development": Development, "testing": Testing, "production": Production}


class Mail(msgspec.Struct, frozen=True):
    """A part of the settings."""

    host: str
    password: str = ""
    port: int = 25


class WithMail(Settings):
    """Settings with parts."""

    mail: Mail
    backup: Mail | None = None
    other: Mail = Mail("other.example", "pass-word-1")


@pytest.mark.parametrize("kind", [Flask, Costrel])
def test_settings_are_returned_and_written_to_the_configuration(kind, variables):
    """A setting in lower case is a configuration key in upper case; both have the same value."""
    variables(APP_TITLE="Shop", APP_SECRET_KEY="k" * 40, APP_PORT="81")
    app = kind(__name__)
    settings = load(app, CLASSES)
    assert settings == Production(title="Shop", port=81, secret_key=Secret("k" * 40))
    assert app.config["TITLE"] == "Shop"
    assert app.config["PORT"] == 81
    assert app.secret_key == "k" * 40
    assert app.config["SESSION_COOKIE_SECURE"] is True
    found = loaded(app)
    assert found.settings is settings
    assert found.environment == "production"


def test_stronger_source_wins(variables, folder):
    """Arguments win over variables, those over env files, these over TOML, that over defaults."""
    (folder / "settings.toml").write_text(
        "[default]\nport = 1\ntitle = 'default'\n[development]\nport = 2\n"
    )
    app = Flask(__name__)

    def port(**values):
        return load(app, CLASSES, "development", file=folder / "settings.toml", values=values).port

    assert load(app, CLASSES, "development").port == 8000
    assert port() == 2
    (folder / ".env").write_text("APP_PORT=3\n")
    assert port() == 3
    variables(APP_PORT="4")
    assert port() == 4
    assert port(port=5) == 5


def test_table_of_another_environment_is_left_alone(folder, variables):
    """Only the default table and that of the environment count."""
    (folder / "settings.toml").write_text(
        "[default]\ntitle = 'all'\n[production]\ntitle = 'p'\n[testing]\nport = 1\n"
    )
    variables(COSTREL_SETTINGS=str(folder / "settings.toml"))
    settings = load(Flask(__name__), CLASSES, "testing")
    assert (settings.title, settings.port) == ("all", 1)


def test_toml_file_is_relative_to_the_application(tmp_path):
    """A relative path is looked up in the folder of the application."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "own.toml").write_text("[default]\ntitle = 'own'\n")
    app = Flask(__name__, root_path=str(tmp_path / "app"))
    assert load(app, CLASSES, "testing", file="own.toml").title == "own"


def test_environment_is_named_by_argument_variable_or_debug_mode(variables, monkeypatch):
    """The argument wins; without any, it is production."""
    assert environment() == "production"
    variables(FLASK_DEBUG="1")
    assert environment() == "development"
    assert type(load(Flask(__name__), CLASSES)) is Development
    variables(COSTREL_ENV="testing")
    assert environment() == "testing"
    assert type(load(Flask(__name__), CLASSES)) is Testing
    assert type(load(Flask(__name__), CLASSES, "development")) is Development


def test_environment_without_a_class_is_refused(variables):
    """The error names the environments that there are."""
    variables(COSTREL_ENV="staging")
    with pytest.raises(SettingsError, match="'staging', only for 'development', 'testing'"):
        load(Flask(__name__), CLASSES)


def test_class_for_all_environments_needs_no_mapping(variables):
    """One class holds everywhere."""
    variables(COSTREL_ENV="staging")
    assert type(load(Flask(__name__), Testing)) is Testing


def test_testing_environment_turns_on_testing():
    """TESTING is set, unless the class says something else."""
    app = Flask(__name__)
    load(app, CLASSES, "testing")
    assert app.testing


def test_inherited_setting_without_a_default_must_be_set():
    """Production does not get the key for development, although its base class has one."""
    with pytest.raises(SettingsError) as caught:
        load(Flask(__name__), CLASSES, "production", values={"title": "x"})
    assert [problem.name for problem in caught.value.problems] == ["SECRET_KEY"]


def test_keys_of_the_framework_need_no_class(variables):
    """What is in the configuration already has the type of its default, or a known one."""
    app = Flask(__name__)
    app.config["OWN_LIMIT"] = 5
    variables(
        APP_SESSION_COOKIE_SECURE="true",
        APP_MAX_CONTENT_LENGTH="1000",
        APP_TRUSTED_HOSTS="a.example, b.example",
        APP_PERMANENT_SESSION_LIFETIME="12h",
        APP_OWN_LIMIT="7",
        APP_TRUSTED_PROXIES='{"x_for": 1}',
    )
    load(app, Testing)
    assert app.config["SESSION_COOKIE_SECURE"] is True
    assert app.config["MAX_CONTENT_LENGTH"] == 1000
    assert app.config["TRUSTED_HOSTS"] == ["a.example", "b.example"]
    assert app.permanent_session_lifetime.total_seconds() == 43200
    assert app.config["OWN_LIMIT"] == 7
    assert app.config["TRUSTED_PROXIES"] == {"x_for": 1}


class NoneOfItsOwn(Settings):
    """Settings that declare nothing."""


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("SESSION_COOKIE_SECURE", "false", False),
        ("SESSION_COOKIE_SECURE", "auto", "auto"),
        ("SESSION_IDLE_LIFETIME", "30m", timedelta(minutes=30)),
        ("SESSION_ABSOLUTE_LIFETIME", "", None),
        ("CSRF_TRUSTED_ORIGINS", "https://a.example", ["https://a.example"]),
        ("VIEW_TIMEOUT_S", "2.5", 2.5),
        ("SECURITY_HEADERS", "null", None),
        ("CONTENT_SECURITY_POLICY", '{"img-src": null}', {"img-src": None}),
        ("SESSION_STORE", "redis://localhost/0", "redis://localhost/0"),
    ],
)
def test_safe_defaults_can_be_set_by_variables(variables, key, text, value):
    """Each has the type that it needs, whatever the type of its default is."""
    app = Costrel(__name__)
    variables(**{f"APP_{key}": text})
    load(app, NoneOfItsOwn)
    assert app.config[key] == value


def test_misspelled_switch_is_refused(variables):
    """A text that is no choice would be true."""
    variables(APP_SESSION_COOKIE_SECURE="no")
    with pytest.raises(SettingsError, match="expected true or false or one of 'auto', got 'no'"):
        load(Costrel(__name__), NoneOfItsOwn)


class Reached(Settings):
    """Settings that demand the names that the application is reached by."""

    trusted_hosts: list[str]


@pytest.mark.parametrize("kind", [NoneOfItsOwn, Reached])
def test_empty_list_of_hosts_is_refused(variables, kind):
    """SECURITY(host-header): a variable that is empty by mistake does not open the application."""
    variables(APP_TRUSTED_HOSTS="")
    with pytest.raises(SettingsError, match=r"TRUSTED_HOSTS \(APP_TRUSTED_HOSTS\): expected at"):
        load(Costrel(__name__), kind)


def test_configuration_loads_as_before(variables):
    """What `from_mapping` and its like set, before or after, is kept."""
    app = Flask(__name__)
    app.config.from_mapping(BEFORE=1, TITLE="no longer")
    load(app, Testing)
    app.config.from_mapping(PORT=9)
    assert (app.config["BEFORE"], app.config["TITLE"], app.config["PORT"]) == (1, "Test", 9)


def test_parts_of_a_setting_come_from_different_sources(folder, variables):
    """One source may have the host, and another the password."""
    (folder / "settings.toml").write_text("[default.mail]\nhost = 'm.example'\nport = 26\n")
    (folder / "password").write_text("from a file\n")
    variables(
        APP_MAIL__PORT="27",
        APP_MAIL__PASSWORD_FILE=str(folder / "password"),
        APP_OTHER__PORT="28",
    )
    settings = load(Flask(__name__), WithMail, file=folder / "settings.toml")
    assert settings.mail == Mail("m.example", "from a file", 27)
    assert settings.backup is None
    assert settings.other == Mail("other.example", "pass-word-1", 28)


def test_parts_may_be_written_together(variables):
    """A variable may have all parts, as JSON; an optional setting is made if it has a part."""
    variables(APP_MAIL='{"host": "m.example", "port": 1}', APP_BACKUP__HOST="b.example")
    settings = load(Flask(__name__), WithMail)
    assert settings.mail == Mail("m.example", "", 1)
    assert settings.backup == Mail("b.example")
    settings = load(Flask(__name__), WithMail, values={"mail": Mail("own.example")})
    assert settings.mail == Mail("own.example")


def test_dataclasses_and_structs_are_settings_too(variables):
    """Any dataclass or msgspec.Struct holds settings."""

    @dataclasses.dataclass
    class Plain:
        port: int = 1
        names: list[str] = dataclasses.field(default_factory=list)

    variables(APP_PORT="2", APP_NAMES="a,b", APP_HOST="h")
    app = Flask(__name__)
    app.config.update(HOST="", NAMES=None)
    assert load(app, Plain) == Plain(2, ["a", "b"])
    assert load(app, Mail) == Mail("h", "", 2)


def test_other_class_is_refused():
    """A class that holds no fields is a mistake in the code."""
    with pytest.raises(TypeError, match=r"subclass of costrel\.settings\.Settings"):
        load(Flask(__name__), int)


def test_env_file_is_read_in_development_only(folder):
    """Neither tests nor production depend on a developer's file."""
    (folder / ".env").write_text("APP_TITLE=mine\nAPP_TYPO=x\n")
    assert load(Flask(__name__), CLASSES, "testing").title == "Test"
    with pytest.raises(SettingsError) as caught:
        load(Flask(__name__), CLASSES, "production")
    assert f"{folder / '.env'} is read in development only" in str(caught.value)
    with pytest.raises(SettingsError, match=r"APP_TYPO \(APP_TYPO in .env:2\)"):
        load(Flask(__name__), CLASSES, "development")


def test_env_file_that_the_command_line_loaded_does_not_count_in_production(
    folder, monkeypatch, caplog
):
    """`costrel run` sets the variables of the file, and the log says that they are not read."""
    from costrel.cli import load_dotenv

    for name in ("APP_PORT", "COSTREL_ENV", "COSTREL_FROM_ENV_FILES"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (folder / ".env").write_text("APP_PORT=3\nCOSTREL_ENV=development\n")
    load_dotenv()
    with caplog.at_level(logging.WARNING, "costrel.settings"):
        settings = load(Flask(__name__), CLASSES, values={"title": "t", "secret_key": "k" * 40})
    assert settings.port == 8000
    assert type(settings) is Production
    assert "COSTREL_ENV in .env" in caplog.text
    assert "APP_PORT from .env or .flaskenv is not read, because this is production" in caplog.text
    assert load(Flask(__name__), CLASSES, "development").port == 3


def test_env_file_that_was_named_counts_everywhere(folder, monkeypatch):
    """A file after --env-file is the environment of the process."""
    from costrel.cli import load_dotenv

    for name in ("APP_PORT", "COSTREL_FROM_ENV_FILES"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (folder / "own.env").write_text("APP_PORT=4\n")
    (folder / ".env").write_text("APP_PORT=3\n")
    load_dotenv("own.env")
    assert load(Flask(__name__), Testing, "production").port == 4


def test_prefix_can_be_changed_or_empty(variables):
    """With an empty prefix, other programs' variables are no mistakes."""
    variables(SHOP_PORT="1", APP_PORT="2", PORT="3")
    assert load(Flask(__name__), Testing, prefix="SHOP_").port == 1
    assert load(Flask(__name__), Testing, prefix="").port == 3


def test_env_file_without_python_dotenv_is_said_to_be_unread(folder, monkeypatch, caplog):
    """The warning says how to install it."""
    monkeypatch.setitem(sys.modules, "dotenv", None)
    (folder / ".env").write_text("APP_PORT=3\n")
    assert load(Flask(__name__), Development, "development").port == 8000
    assert f"{folder / '.env'} is not read" in caplog.text
    assert "pip install 'costrel[dotenv]'" in caplog.text


def test_env_files_can_be_switched_off(folder, variables):
    """`FLASK_SKIP_DOTENV` holds here too."""
    (folder / ".env").write_text("APP_PORT=3\n")
    variables(FLASK_SKIP_DOTENV="1")
    assert load(Flask(__name__), Development, "development").port == 8000


def test_package_does_not_load_settings():
    """Only applications that use them pay for their import."""
    code = "import sys, costrel; costrel.Costrel('a'); print('costrel.settings' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"


@pytest.mark.parametrize("kind", [Flask, Costrel])
def test_settings_of_logins_may_be_read_before_there_is_a_login(kind, variables):
    """A factory reads its settings first, and `Login` then keeps what they say."""
    variables(
        APP_LOGIN_VIEW="enter",
        APP_LOGIN_LIMITS="3/hour",
        APP_LOGIN_FRESH_LIFETIME="600",
        APP_LOGIN_REMEMBER_STORE="memory:",
    )
    app = kind(__name__)
    load(app, NoneOfItsOwn)
    Login(app)
    assert app.config["LOGIN_VIEW"] == "enter"
    assert app.config["LOGIN_LIMITS"] == "3/hour"
    assert app.config["LOGIN_FRESH_LIFETIME"] == timedelta(minutes=10)
    assert app.config["LOGIN_REMEMBER_STORE"] == "memory:"
    assert app.config["LOGIN_ADDRESS_LIMITS"] == DEFAULTS["LOGIN_ADDRESS_LIMITS"]
    assert loaded(app).origins["LOGIN_VIEW"] == "APP_LOGIN_VIEW"


def test_every_setting_of_logins_is_known_before_there_is_one():
    """With the type that its default has."""
    assert ADDED_LATER.keys() == DEFAULTS.keys()
    for key, value in DEFAULTS.items():
        assert ADDED_LATER[key] is t.Any or isinstance(value, ADDED_LATER[key])


def test_misspelled_setting_of_logins_is_unknown(variables):
    """The report names the one that is meant."""
    variables(APP_LOGIN_VEIW="enter")
    with pytest.raises(SettingsError, match="APP_LOGIN_VIEW"):
        load(Costrel(__name__), NoneOfItsOwn)
