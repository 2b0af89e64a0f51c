"""Debug mode that ``.env`` or ``.flaskenv`` asks for."""

from __future__ import annotations

import os

import pytest

from costrel import Costrel
from costrel.cli import get_debug_flag, load_dotenv
from costrel.settings import Settings, SettingsError, environment, load
from costrel.settings.files import origin_of_variable


class Shop(Settings):
    """The settings of a shop."""

    title: str


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Return a function that reads a file as the command line does, with a real environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("FLASK_DEBUG", "COSTREL_ENV", "COSTREL_FROM_ENV_FILES", "APP_TITLE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)

    def read(text, file=".env", **environ):
        os.environ.update(environ)
        (tmp_path / file).write_text(text)
        load_dotenv()

    return read


@pytest.mark.parametrize("file", [".env", ".flaskenv"])
@pytest.mark.parametrize(
    ("named", "debug"),
    [("", True), ("development", True), ("production", False), ("testing", False), ("eu", False)],
)
def test_file_turns_on_debug_mode_in_development_only(read, file, named, debug):
    """Not where the environment of the process says that it is something else."""
    read("FLASK_DEBUG=1\n", file, COSTREL_ENV=named)
    assert get_debug_flag() is debug
    assert Costrel("x").debug is debug
    assert environment() == (named or "development")


def test_file_can_not_name_the_environment_for_its_debug_mode(read):
    """What is in the same file as the variable says nothing of where it is."""
    read("FLASK_DEBUG=1\nCOSTREL_ENV=production\n")
    assert get_debug_flag() is True


def test_variable_of_the_process_counts_everywhere(read):
    """Whoever starts it has set it."""
    read("FLASK_DEBUG=0\n", COSTREL_ENV="production", FLASK_DEBUG="1")
    assert get_debug_flag() is True


def test_place_of_the_variable_is_known(read, tmp_path):
    """With the line, for what prints that debug mode is on."""
    read("\nFLASK_DEBUG=1\n")
    assert origin_of_variable("FLASK_DEBUG") == f"FLASK_DEBUG in {tmp_path / '.env'}:2"
    assert origin_of_variable("PATH") == "PATH"


def test_what_is_not_read_is_told_once_with_the_problems(read, caplog):
    """Below the list, and not in the log as well."""
    read("FLASK_DEBUG=1\nAPP_TITLE=x\nCOSTREL_ENV=development\n", COSTREL_ENV="production")
    with pytest.raises(SettingsError) as caught:
        load(Costrel("x"), Shop)
    assert str(caught.value).splitlines()[-1] == (
        "APP_TITLE, FLASK_DEBUG from .env or .flaskenv are not read, because this is production."
        " Set them in the environment of the process. For development, set COSTREL_ENV=development."
    )
    assert not caplog.records


@pytest.mark.parametrize(("named", "told"), [("", True), ("eu", False), ("development", False)])
def test_missing_settings_of_production_tell_how_to_develop(read, named, told):
    """The first thing that a newcomer sees is what production lacks."""
    read("", COSTREL_ENV=named)
    with pytest.raises(SettingsError) as caught:
        load(Costrel("x"), Shop)
    assert ("FLASK_DEBUG=1 into .flaskenv" in str(caught.value)) is told
