"""Each text becomes a value of the setting's type, or is refused with what is expected."""

from __future__ import annotations

import dataclasses
import enum
import ipaddress
import typing as t
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from costrel import Flask
from costrel.settings import URL, Secret, Settings, SettingsError, load


class Color(enum.Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Kinds(Settings):
    """A setting of each kind."""

    text: str = ""
    number: int = 0
    ratio: float = 0.0
    switch: bool = False
    wait: timedelta = timedelta()
    path: Path = Path()
    address: URL | None = None
    color: Color = Color.RED
    level: t.Literal["low", "high"] = "low"
    names: list[str] = dataclasses.field(default_factory=list)
    ports: tuple[int, ...] = ()
    maybe: int | None = 1
    network: ipaddress.IPv4Network | None = None
    table: dict[str, int] | None = None
    anything: t.Any = None
    token: Secret | None = None
    bounded: t.Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    keys: tuple[Secret, ...] = ()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("text", " as it is ", " as it is "),
        ("text", "null", "null"),
        ("text", "", ""),
        ("number", "80", 80),
        ("number", " 80 ", 80),
        ("ratio", "0.5", 0.5),
        ("ratio", "2", 2.0),
        ("switch", "true", True),
        ("switch", "False", False),
        ("switch", "1", True),
        ("switch", "0", False),
        ("switch", "yes", True),
        ("switch", " OFF ", False),
        ("wait", "90", timedelta(seconds=90)),
        ("wait", "1.5", timedelta(seconds=1.5)),
        ("wait", "1d12h", timedelta(hours=36)),
        ("wait", "30m", timedelta(minutes=30)),
        ("wait", "PT1H", timedelta(hours=1)),
        ("path", "/srv/files", Path("/srv/files")),
        ("address", "https://example.com/a", "https://example.com/a"),
        ("address", "sqlite:///shop.db", "sqlite:///shop.db"),
        ("address", "memory:", "memory:"),
        ("address", "", None),
        ("color", "blue", Color.BLUE),
        ("level", "high", "high"),
        ("names", "a, b,c", ["a", "b", "c"]),
        ("names", "", []),
        ("names", '["a,b"]', ["a,b"]),
        ("ports", "1,2", (1, 2)),
        ("ports", "[1, 2]", (1, 2)),
        ("maybe", "", None),
        ("maybe", "null", None),
        ("maybe", "3", 3),
        ("network", "10.0.0.0/8", ipaddress.IPv4Network("10.0.0.0/8")),
        ("table", '{"a": 1}', {"a": 1}),
        ("anything", "[1]", [1]),
        ("anything", "plain", "plain"),
        ("anything", "null", None),
        ("token", "secret text", "secret text"),
        ("keys", "one-key,other-key", ("one-key", "other-key")),
        ("bounded", "10", 10),
    ],
)
def test_text_becomes_a_value_of_the_type(variables, name, text, expected):
    """A variable is text; the setting is what its type says."""
    variables(**{f"APP_{name.upper()}": text})
    settings = load(Flask(__name__), Kinds)
    value = getattr(settings, name)
    assert value == expected
    assert type(value) is type(expected) or isinstance(value, (Secret, URL))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("number", "eighty", "expected a whole number, got 'eighty'"),
        ("number", "", "expected a whole number, got ''"),
        ("switch", "y", "expected true or false, got 'y'"),
        ("wait", "soon", "expected a duration such as 30m"),
        ("wait", "1e999", "expected a duration"),
        ("wait", "9" * 400, "expected a shorter duration"),
        ("path", "", "expected a path"),
        ("address", "no address", "expected an address such as https://example.com"),
        ("color", "green", "expected one of 'red', 'blue', got 'green'"),
        ("level", "middle", "expected one of 'low', 'high', got 'middle'"),
        ("ports", "1,x", "expected a list, as JSON, or separated by commas or lines, got"),
        ("ports", "[1", "expected JSON, and this is none"),
        ("maybe", "x", "expected a whole number, got 'x'"),
        ("network", "10", "expected a value of IPv4Network, got '10'"),
        ("table", "{", "expected JSON"),
        ("table", "a", "expected a JSON object"),
        ("bounded", "11", "expected `int` <= 10, got '11'"),
    ],
)
def test_text_that_does_not_fit_is_refused(variables, name, text, message):
    """The error names the variable, and says what is expected."""
    variable = f"APP_{name.upper()}"
    variables(**{variable: text})
    with pytest.raises(SettingsError) as caught:
        load(Flask(__name__), Kinds)
    assert f"- {name.upper()} ({variable}): {message}" in str(caught.value)


def test_toml_has_types_of_its_own(folder):
    """A number in quotes is no number there; durations, paths and lists are read."""
    path = folder / "settings.toml"
    path.write_text(
        "[default]\nnumber = 1\nwait = '30m'\npath = '/srv'\nnames = ['a']\nswitch = true\n"
        "color = 'blue'\ntoken = 'a text'\n"
    )
    settings = load(Flask(__name__), Kinds, file=path)
    assert settings.wait == timedelta(minutes=30)
    assert settings.path == Path("/srv")
    assert (settings.names, settings.switch, settings.color) == (["a"], True, Color.BLUE)
    assert type(settings.token) is Secret
    path.write_text("[default]\nnumber = '1'\n")
    with pytest.raises(SettingsError, match=r"NUMBER \(settings.toml:2 \[default\]\): expected a"):
        load(Flask(__name__), Kinds, file=path)


def test_arguments_may_be_of_the_type_already():
    """A test passes a path, an enum or a duration as it is."""
    values = {"path": Path("x"), "color": Color.BLUE, "wait": timedelta(1), "token": "t"}
    settings = load(Flask(__name__), Kinds, values=values)
    assert (settings.path, settings.color, settings.wait) == (Path("x"), Color.BLUE, timedelta(1))
    assert type(settings.token) is Secret


class WrongDefault(Settings):
    """A default that is not of its type, as a type checker would notice."""

    port: int = t.cast("int", "80")


class Odd(Settings):
    """A type that no text can become."""

    hook: t.Callable[[int], str] = str
    number: t.Callable[[int], int] | None = None


def test_default_of_a_wrong_type_is_reported():
    """The class that has the default is named."""
    with pytest.raises(SettingsError, match="the default of WrongDefault"):
        load(Flask(__name__), WrongDefault)


def test_default_of_a_type_without_text_is_kept(variables):
    """A function is a setting that only code can set."""
    assert load(Flask(__name__), Odd).hook is str
    variables(APP_HOOK="str")
    with pytest.raises(SettingsError, match="HOOK"):
        load(Flask(__name__), Odd)


def test_file_for_a_list_has_one_item_per_line(variables, folder):
    """So that keys may contain commas, and nobody has to write JSON into a file."""
    (folder / "old-keys").write_text("first,key\n\n  second\n")
    variables(SECRET_KEY_FALLBACKS_FILE="old-keys")
    app = Flask("lists")

    class Empty(Settings):
        """Nothing."""

    load(app, Empty, "production")
    assert app.config["SECRET_KEY_FALLBACKS"] == ["first,key", "second"]
    assert "first" not in repr(app.config["SECRET_KEY_FALLBACKS"])
