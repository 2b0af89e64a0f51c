"""``costrel settings``, and how commands show that settings are wrong."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from costrel import Costrel, Flask
from costrel.cli import FlaskGroup
from costrel.cli.settings import settings_command
from costrel.settings import Secret, Settings, load

APP = """
from costrel import Costrel
from costrel.settings import Secret, Settings, load

class Shop(Settings):
    secret_key: Secret
    port: int = 80

def create_app():
    app = Costrel(__name__)
    load(app, Shop)
    return app
"""


class Mail(Settings):
    """A part."""

    host: str = "localhost"


class Shop(Settings):
    """The settings of a shop."""

    secret_key: Secret
    port: int = 80
    mail: Mail = Mail()


def create_app() -> Flask:
    """Make an application, and change a setting after they are loaded."""
    app = Flask("shop")
    load(app, Shop)
    app.config["PORT"] = 81
    app.config["OWN"] = "mine"
    return app


def invoke(*args: str, create_app: t.Callable[[], Flask] = create_app) -> Result:
    """Run the command for an application."""
    group = FlaskGroup(create_app=create_app, load_dotenv=False)
    group.add_command(settings_command)
    return CliRunner().invoke(group, ["settings", *args])


def test_settings_are_shown_with_their_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets are hidden; what the code has set afterwards is said to be."""
    monkeypatch.setenv("APP_SECRET_KEY", "do-not-show-me-1")
    monkeypatch.setenv("COSTREL_ENV", "staging")
    shown = invoke()
    assert shown.exit_code == 0
    assert shown.stdout == (
        "Environment: staging\n"
        "\n"
        "Setting     Value           From\n"
        "-------     -----           ----\n"
        "MAIL__HOST  'localhost'     the default of Mail\n"
        "OWN         'mine'          app.config\n"
        "PORT        81              app.config, instead of the default of Shop\n"
        "SECRET_KEY  Secret(hidden)  APP_SECRET_KEY\n"
    )
    assert "SESSION_COOKIE_NAME" in invoke("--all").stdout
    assert "do-not-show-me" not in invoke("--all").stdout


def test_application_without_settings_is_shown_too() -> None:
    """What differs from the defaults comes from its configuration."""

    def create() -> Flask:
        app = Flask("plain")
        app.secret_key = "do-not-show-me-2"
        return app

    shown = invoke(create_app=create)
    assert "SECRET_KEY  (hidden)  app.config" in shown.stdout
    assert "Environment: production" in shown.stdout


def test_wrong_settings_end_the_command_with_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """It exits with 1, for a check before a deployment."""
    monkeypatch.setenv("APP_PORT", "x")
    shown = invoke()
    assert shown.exit_code == 1
    assert "SECRET_KEY is missing" in shown.stderr
    assert "PORT (APP_PORT): expected a whole number, got 'x'." in shown.stderr


@pytest.mark.parametrize(("debug", "exit_code"), [(False, 1), (True, 0)])
def test_weak_key_ends_the_command_outside_debug_mode(
    monkeypatch: pytest.MonkeyPatch, debug: bool, exit_code: int
) -> None:
    """As it stops the start of a server; the settings are shown first."""
    monkeypatch.setenv("APP_SECRET_KEY", "dev")
    monkeypatch.setenv("FLASK_DEBUG", str(int(debug)))

    def create() -> Flask:
        app = Costrel("shop")
        load(app, Shop, "production")
        return app

    shown = invoke(create_app=create)
    assert shown.exit_code == exit_code
    assert "SECRET_KEY" in shown.stdout
    assert ("SECRET_KEY is weak" in shown.stderr) is not debug


def test_wrong_setting_of_a_protection_ends_the_command() -> None:
    """One that the application has set itself, too."""

    def create() -> Flask:
        app = Costrel("shop")
        app.config["TRUSTED_HOSTS"] = []
        return app

    shown = invoke(create_app=create)
    assert shown.exit_code == 1
    assert "every host would be served" in shown.stderr


@pytest.mark.parametrize("command", [("routes",), ("run",), ("run", "--debug"), ("settings",)])
def test_command_shows_the_report_without_a_traceback(
    costrel_command: t.Any, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Wrong settings are no fault of the code."""
    (tmp_path / "shop.py").write_text(APP)
    result = costrel_command("--app", "shop", *command)
    assert result.returncode == 1
    assert "SECRET_KEY is missing" in result.stderr
    assert "Error: " in result.stderr.splitlines()[0]
    assert ("FLASK_DEBUG=1 into .flaskenv" in result.stderr) is ("--debug" not in command)
    assert "Traceback" not in result.stderr + result.stdout
