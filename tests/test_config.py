"""Configuration is loaded from files, objects, mappings and the environment."""

from __future__ import annotations

import json
import tomllib
import types
from datetime import timedelta
from pathlib import Path

import pytest

from costrel.config import Config, ConfigAttribute


@pytest.fixture
def config(tmp_path):
    """An empty configuration whose files are in a temporary folder."""
    return Config(tmp_path)


def test_defaults_given_become_entries(tmp_path):
    """The defaults are copied, so that a change does not reach the original."""
    defaults = {"A": 1}
    config = Config(tmp_path, defaults)
    config["A"] = 2
    assert defaults == {"A": 1}
    assert repr(config) == "<Config {'A': 2}>"


def test_python_file_keeps_upper_case_names_only(config, tmp_path):
    """A file may import and compute; only its names in upper case count."""
    (tmp_path / "settings.py").write_text("import os\nhelper = 2\nANSWER = helper * 21\n_X1 = 1\n")
    assert config.from_pyfile("settings.py") is True
    assert config == {"ANSWER": 42, "_X1": 1}


def test_python_file_knows_its_own_path(config, tmp_path):
    """A file finds what lies beside it by ``__file__``."""
    (tmp_path / "settings.py").write_text("HERE = __file__\n")
    config.from_pyfile(Path("settings.py"))
    assert config["HERE"] == str(tmp_path / "settings.py")


def test_python_file_with_coding_comment_is_read_in_that_charset(config, tmp_path):
    """The coding comment is honoured, as Python does for any source file."""
    source = "# -*- coding: latin-1 -*-\nNAME = 'föö'\n"
    (tmp_path / "settings.py").write_text(source, "latin-1")
    config.from_pyfile("settings.py")
    assert config["NAME"] == "föö"


def test_python_file_that_raises_lets_the_error_through_with_its_place(config, tmp_path):
    """An error in the file is the user's to see, with file and line, also if silent."""
    (tmp_path / "settings.py").write_text("\nraise ZeroDivisionError\n")
    with pytest.raises(ZeroDivisionError) as caught:
        config.from_pyfile("settings.py", silent=True)
    assert str(caught.traceback[-1].path) == str(tmp_path / "settings.py")
    assert caught.traceback[-1].lineno == 1


@pytest.mark.parametrize("name", ["missing.cfg", ".", "file/below"])
def test_python_file_that_cannot_be_read_fails_unless_silent(config, tmp_path, name):
    """A file that is not there is an OSError that names it, or False when silent."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Unable to load configuration file") as caught:
        config.from_pyfile(name)
    assert caught.value.filename == str(tmp_path / name) or name == "."
    assert config.from_pyfile(name, silent=True) is False


@pytest.mark.parametrize(
    ("text", "load", "content"),
    [
        (True, json.load, '{"NAME": "x", "lower": 1}'),
        (False, tomllib.load, 'NAME = "x"\nlower = 1\n'),
    ],
)
def test_file_of_any_format_is_read_by_the_given_parser(config, tmp_path, text, load, content):
    """The parser is given the file as text or bytes, and keys in lower case are left out."""
    (tmp_path / "settings").write_text(content)
    assert config.from_file("settings", load=load, text=text) is True
    assert config == {"NAME": "x"}


def test_file_that_is_missing_fails_unless_silent(config):
    """A missing file is an OSError that names it, or False when silent."""
    with pytest.raises(FileNotFoundError, match=r"Unable to load.*missing\.json"):
        config.from_file("missing.json", load=json.load)
    assert config.from_file("missing.json", load=json.load, silent=True) is False


def test_environment_variable_names_a_file(config, tmp_path, monkeypatch):
    """The file that the variable names is loaded as a Python file."""
    (tmp_path / "settings.py").write_text("A = 1\n")
    monkeypatch.setenv("MY_SETTINGS", str(tmp_path / "settings.py"))
    assert config.from_envvar("MY_SETTINGS") is True
    assert config == {"A": 1}


@pytest.mark.parametrize("value", [None, ""])
def test_environment_variable_unset_fails_unless_silent(config, monkeypatch, value):
    """A variable that names nothing is an error that names the variable."""
    monkeypatch.delenv("MY_SETTINGS", raising=False)
    if value is not None:
        monkeypatch.setenv("MY_SETTINGS", value)
    with pytest.raises(RuntimeError, match="'MY_SETTINGS' is not set"):
        config.from_envvar("MY_SETTINGS")
    assert config.from_envvar("MY_SETTINGS", silent=True) is False


def test_prefixed_environment_is_read_as_json_or_text(config, monkeypatch):
    """Values that are JSON are parsed, others stay text, and other prefixes are left."""
    monkeypatch.setenv("FLASK_TEXT", "value")
    monkeypatch.setenv("FLASK_NUMBER", "1.5")
    monkeypatch.setenv("FLASK_LIST", "[1, null]")
    monkeypatch.setenv("OTHER_TEXT", "value")
    config.from_prefixed_env()
    assert config["TEXT"] == "value"
    assert config["NUMBER"] == 1.5
    assert config["LIST"] == [1, None]
    assert "OTHER_TEXT" not in config


def test_prefixed_environment_nests_by_double_underscore(config, monkeypatch):
    """Dicts on the way are used when there and made when not."""
    monkeypatch.setenv("APP_DB__host", "a")
    monkeypatch.setenv("APP_NEW__inner__port", "1")
    config["DB"] = {"user": "u"}
    config.from_prefixed_env("APP")
    assert config["DB"] == {"user": "u", "host": "a"}
    assert config["NEW"] == {"inner": {"port": 1}}


def test_prefixed_environment_into_a_value_says_which_variable(config, monkeypatch):
    """Nesting into what is no dict is an error that names the variable."""
    monkeypatch.setenv("APP_DB", "text")
    monkeypatch.setenv("APP_DB__host__name", "a")
    with pytest.raises(TypeError, match="'APP_DB__host__name'"):
        config.from_prefixed_env("APP")


def test_prefixed_environment_with_parser_that_fails_keeps_text(config, monkeypatch):
    """Any exception of the parser means that the value is text."""
    monkeypatch.setenv("APP_A", "1")

    def load(text):
        raise KeyError(text)

    config.from_prefixed_env("APP", loads=load)
    assert config == {"A": "1"}


def test_object_gives_its_upper_case_attributes_inherited_ones_too(config):
    """Modules, classes and instances are all objects; properties of an instance are read."""

    class Base:
        INHERITED = 1
        lower = 2

    class Settings(Base):
        @property
        def COMPUTED(self):  # noqa: N802
            return self.INHERITED + 1

    config.from_object(Settings())
    assert config == {"INHERITED": 1, "COMPUTED": 2}
    module = types.ModuleType("settings")
    module.INHERITED = 3
    config.from_object(module)
    assert config["INHERITED"] == 3


def test_object_named_by_text_is_imported(config):
    """A dotted name stands for the object it names."""
    config.from_object("logging.handlers")
    assert config["DEFAULT_TCP_LOGGING_PORT"] == 9020
    with pytest.raises(ImportError, match=r"no\.such\.module"):
        config.from_object("no.such.module")


def test_mapping_pairs_and_keywords_are_loaded(config):
    """Keywords win over the mapping, and keys in lower case are left out."""
    assert config.from_mapping({"A": 1, "B": 1, "lower": 1}, B=2) is True
    assert config == {"A": 1, "B": 2}
    config.from_mapping([("C", 3)])
    assert config["C"] == 3
    with pytest.raises(TypeError):
        config.from_mapping({}, {})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"type": 1, "max_size": 2}),
        ({"lowercase": False}, {"TYPE": 1, "MAX_SIZE": 2}),
        ({"trim_namespace": False}, {"store_type": 1, "store_max_size": 2}),
        ({"lowercase": False, "trim_namespace": False}, {"STORE_TYPE": 1, "STORE_MAX_SIZE": 2}),
    ],
)
def test_namespace_gives_a_dict_made_for_keywords(config, options, expected):
    """Entries under a common start are returned under the rest of their names."""
    config.from_mapping(STORE_TYPE=1, STORE_MAX_SIZE=2, OTHER=3)
    assert expected == config.get_namespace("STORE_", **options)


def test_attribute_reads_and_writes_the_configuration(config):
    """The converter serves reading only, and the class gives the descriptor."""

    class App:
        name = ConfigAttribute[str]("NAME")
        lifetime = ConfigAttribute[timedelta](
            "LIFETIME", get_converter=lambda value: timedelta(seconds=value)
        )

    app = App()
    app.config = config
    app.name = "x"
    app.lifetime = 5
    assert config == {"NAME": "x", "LIFETIME": 5}
    assert app.name == "x"
    assert app.lifetime == timedelta(seconds=5)
    assert isinstance(App.name, ConfigAttribute)
