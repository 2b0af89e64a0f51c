"""The files that have settings: TOML, and ``.env`` in development."""

from __future__ import annotations

import importlib
import os
import re
import typing as t

from ..ground.environment import (
    DEBUG_VARIABLE,
    get_load_dotenv,
    names_from_env_files,
    real_environ,
)
from .environments import DEVELOPMENT, STANDARD, VARIABLE, logger
from .problems import Path, Report
from .sources import Found, Level

ENV_FILES = (".flaskenv", ".env")
"""The env files, the one with lower precedence first."""

DEFAULT_TABLE = "default"
"""The table of a TOML file whose settings hold in each environment."""

_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?")
_ENTRY = re.compile(
    r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_VARIABLE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=")


def env_file_variables() -> tuple[dict[str, str], dict[str, str]]:
    """Return the variables of ``.flaskenv`` and ``.env``, and where each of them is.

    The files are looked for in the working directory and its parents, as the command line does.
    `FLASK_SKIP_DOTENV` switches them off. Without python-dotenv they are not read, and a warning
    says how to install it.
    """
    values: dict[str, str] = {}
    origins: dict[str, str] = {}
    if not get_load_dotenv():
        return values, origins
    for name in ENV_FILES:
        path = find_upwards(name)
        if path is None:
            continue
        try:
            dotenv: t.Any = importlib.import_module("dotenv")
        except ImportError:
            logger.warning(
                "%s is not read, because python-dotenv is not installed. Install it with:"
                " pip install 'costrel[dotenv]'",
                path,
            )
            continue
        lines = _variable_lines(path)
        for variable, value in dotenv.dotenv_values(path, encoding="utf-8").items():
            # A line that holds only a name declares the variable without a value.
            if value is not None:
                values[variable] = value
                line = lines.get(variable)
                origins[variable] = f"{variable} in {name}{f':{line}' if line else ''}"
    return values, origins


def origin_of_variable(name: str) -> str:
    """Return where an environment variable is from: its name, and the file and line if in one."""
    if name not in names_from_env_files():
        return name
    for file in reversed(ENV_FILES):
        path = find_upwards(file)
        line = None if path is None else _variable_lines(path).get(name)
        if line is not None:
            return f"{name} in {path}:{line}"
    return name


def find_upwards(name: str) -> str | None:
    """Return the path of a file in the working directory or the nearest parent that has it."""
    folder = os.getcwd()
    while not os.path.isfile(os.path.join(folder, name)):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return os.path.join(folder, name)


def _variable_lines(path: str) -> dict[str, int]:
    with open(path, encoding="utf-8", errors="replace") as file:
        found = ((number, _VARIABLE.match(line)) for number, line in enumerate(file, 1))
        return {match[1]: number for number, match in found if match}


class TomlFile:
    """A TOML file of settings, with a table for each environment and one for all.

    Args:
        path: The file.
        tables: The names of the environments that there are.
        report: Where problems go.
    """

    def __init__(self, path: str, tables: t.Iterable[str], report: Report) -> None:
        self.path = path
        self.name = os.path.basename(path)
        self.tables = {DEFAULT_TABLE, *STANDARD, *tables}
        self.report = report
        self.lines: dict[Path, int] = {}

    def levels(self, environment: str) -> list[Level]:
        """Return what the file has for an environment, and what it has for all of them."""
        content = self._read()
        for name, value in content.items():
            if not isinstance(value, dict):
                self.report.add(
                    name,
                    f" ({self._place((name,))}) is in no table. Move it below [{DEFAULT_TABLE}],"
                    " which holds in each environment, or below the name of one.",
                )
            elif name not in self.tables:
                self.report.unknown(f"[{name}]", [f"[{table}]" for table in self.tables], self.name)
        tables = (content.get(environment), content.get(DEFAULT_TABLE))
        names = (environment, DEFAULT_TABLE)
        return [
            self._level(name, table)
            for name, table in zip(names, tables, strict=True)
            if isinstance(table, dict)
        ]

    def _read(self) -> dict[str, t.Any]:
        # Imported here, because only applications with such a file need it.
        import tomllib

        try:
            with open(self.path, encoding="utf-8", newline="") as file:
                text = file.read()
            content = tomllib.loads(text.replace("\r\n", "\n"))
        except OSError as error:
            reason = f"can't be read: {error.strerror or type(error).__name__}."
        except UnicodeDecodeError:
            reason = "is not UTF-8."
        except tomllib.TOMLDecodeError as error:
            reason = f"is not TOML: {error}."
        else:
            self.lines = _toml_lines(text)
            return content
        self.report.add(
            self.path,
            f" {reason} It is named by load(file=...) or by the variable {VARIABLE_OF_FILE}.",
        )
        return {}

    def _level(self, table: str, content: dict[str, t.Any]) -> Level:
        level: Level = {}
        for name, value in content.items():
            path = (name.lower(),)
            origin = f"{self._place((table, name))} [{table}]"
            if path in level:
                self.report.add(
                    name.upper(), f" is set twice in [{table}] of {self.name}. Remove one.", path
                )
            level[path] = Found(value, origin)
        return level

    def _place(self, path: Path) -> str:
        line = self.lines.get(tuple(name.lower() for name in path))
        return self.name if line is None else f"{self.name}:{line}"


VARIABLE_OF_FILE = "COSTREL_SETTINGS"
"""The environment variable with the path of the TOML file."""


def _toml_lines(text: str) -> dict[Path, int]:
    """Return the lines of the tables' entries, by the names in lower case.

    A key inside a setting, in a table of its own or behind a dot, is at the line of the first of
    its setting.
    """
    lines: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        header, entry = _HEADER.fullmatch(line), _ENTRY.match(line)
        if header:
            table = _split(header[1])
            path = table
        elif entry:
            path = (*table, *_split(entry[1]))
        else:
            continue
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], number)
    return lines


def _split(dotted: str) -> Path:
    return tuple(part.strip().strip("\"'").lower() for part in dotted.split("."))


def note_of_ignored(environment: str, variables: t.Sequence[str]) -> str:
    """Return a note of variables that ``.env`` or ``.flaskenv`` sets outside development."""
    return (
        f"{', '.join(variables)} from .env or .flaskenv {'is' if len(variables) == 1 else 'are'}"
        f" not read, because this is {environment}. Set {'it' if len(variables) == 1 else 'them'}"
        f" in the environment of the process. {development_hint()}"
    )


def note_of_env_file(environment: str) -> str:
    """Return a note that ``.env`` is not read outside development; empty if there is none."""
    path = find_upwards(".env")
    if path is None:
        return ""
    return f"{path} is read in development only, and this is {environment}. {development_hint()}"


def development_hint() -> str:
    """Return how a process becomes one for development."""
    if real_environ().get(VARIABLE, "").strip():
        # It decides, whatever turns on debug mode.
        return f"For development, set {VARIABLE}={DEVELOPMENT}."
    return f"For development, use --debug, or write {DEBUG_VARIABLE}=1 into .flaskenv."
