"""What has values for settings: variables, files as containers mount them, and arguments.

Each source is a `Level`, a dict of what it has by the path of the setting. Of several levels the
first that has a setting wins.
"""

from __future__ import annotations

import re
import typing as t

from .problems import Path, Report
from .schema import MISSING, Field, fields_of, key_of

FILE_SUFFIX = "_FILE"
"""The end of a variable's name that says that its value is the path of a file."""

_LARGEST_BYTES = 1_000_000

# COMPAT(Kubernetes): it sets such variables for each service, also for one that is called "app".
_OF_A_SERVICE = re.compile(
    r"(?:\w*_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)"
)


class Found:
    """What a source has for a setting. Its repr does not show the value.

    - `value`: the value;
    - `origin`: where it is from, as people know it;
    - `text`: whether it is text that stands for a value of some type.
    """

    __slots__ = ("origin", "text", "value")

    def __init__(self, value: t.Any, origin: str, *, text: bool = False) -> None:
        self.value = value
        self.origin = origin
        self.text = text

    def __repr__(self) -> str:
        """Show only where the value is from."""
        return f"<Found in {self.origin}>"


Level = dict[Path, Found]


def path_of(key: str) -> Path:
    """Return the path of a setting: ``MAIL__HOST`` is the host in the setting mail."""
    return tuple(key.lower().split("__"))


class Variables:
    """Environment variables, or the lines of an env file.

    Args:
        prefix: How the names of those begin that are settings, such as ``APP_``.
        known: The paths of all settings.
        report: Where problems go.
    """

    def __init__(self, prefix: str, known: t.Mapping[Path, object], report: Report) -> None:
        self.prefix = prefix
        self.known = known
        self.report = report

    def level(self, variables: t.Mapping[str, str], origins: t.Mapping[str, str]) -> Level:
        """Return the settings among some variables.

        Args:
            variables: The variables.
            origins: Where each variable is set, if that is not the environment.
        """
        level: Level = {}
        for name in sorted(variables):
            path, is_file = self._target(name)
            if path is None:
                continue
            origin = origins.get(name, name)
            if path not in self.known:
                self._unknown(name, "" if origin == name else origin)
            elif path in level:
                self.report.add(
                    key_of(path),
                    f" is set twice: by {level[path].origin} and by {origin}. Remove one of the"
                    " two.",
                    path,
                )
            elif is_file:
                found = self._in_file(path, name, variables[name])
                if found is not None:
                    level[path] = found
            else:
                level[path] = Found(variables[name], origin, text=True)
        return level

    def is_setting(self, name: str) -> bool:
        """Whether a variable is meant for a setting."""
        return self._target(name)[0] is not None

    def _target(self, name: str) -> tuple[Path | None, bool]:
        """Return the path of the setting that a variable is for, and whether it names a file.

        A variable of another program has no path.
        """
        is_ours = name.startswith(self.prefix)
        key = name.removeprefix(self.prefix)
        path = path_of(key)
        if is_ours and path in self.known:
            return path, False
        if key.endswith(FILE_SUFFIX):
            named = path_of(key.removesuffix(FILE_SUFFIX))
            # Files are also found without the prefix, unless that is the name of a setting.
            if named in self.known and (is_ours or path not in self.known):
                return named, True
        if not is_ours or not self.prefix or _OF_A_SERVICE.fullmatch(key):
            return None, False
        return path, False

    def _unknown(self, name: str, where: str) -> None:
        names = [f"{self.prefix}{key_of(path)}" for path in self.known]
        self.report.unknown(name, [*names, *(f"{one}{FILE_SUFFIX}" for one in names)], where)

    def _in_file(self, path: Path, variable: str, file: str) -> Found | None:
        """Return what a file has, without the newline at its end."""
        reason = ""
        try:
            with open(file, "rb") as opened:
                content = opened.read(_LARGEST_BYTES + 1)
            if len(content) > _LARGEST_BYTES:
                reason = f"it has more than {_LARGEST_BYTES:,} bytes"
            else:
                value = content.decode("utf-8").rstrip("\r\n")
                return Found(value, f"{file} ({variable})", text=True)
        except OSError as error:
            reason = error.strerror or type(error).__name__
        except UnicodeDecodeError:
            reason = "it is not UTF-8"
        except ValueError:
            reason = "its path is none"
        self.report.add(
            key_of(path),
            f": the file {file!r}, which {variable} names, can't be read: {reason}. Name a file"
            " that the user of this process may read.",
            path,
        )
        return None


def arguments_level(values: t.Mapping[str, t.Any]) -> Level:
    """Return the settings that `load` was given as arguments."""
    return {path_of(name): Found(value, f"values[{name!r}]") for name, value in values.items()}


def refuse_unknown(level: Level, known: t.Mapping[Path, object], report: Report) -> None:
    """Report what a level has for settings that there are not."""
    names = [".".join(path) for path in known]
    for path, found in level.items():
        if path not in known:
            report.unknown(".".join(path), names, found.origin)


def open_structures(level: Level, fields: t.Iterable[Field], report: Report) -> None:
    """Give the parts of a setting that is a structure paths of their own.

    So that one source may have the host of the mail server, and another its password.
    """
    for field in fields:
        if field.kind is None:
            continue
        found = level.get(field.path)
        if found is not None:
            parts = _parts(field, found)
            if parts is not None:
                del level[field.path]
                for name, value in parts.items():
                    _add_part(level, (*field.path, str(name).lower()), value, found.origin, report)
        open_structures(level, field.fields, report)


def _parts(field: Field, found: Found) -> dict[str, t.Any] | None:
    value = found.value
    if found.text and isinstance(value, str) and value.lstrip().startswith("{"):
        # Imported here, because it is seldom needed.
        import json

        try:
            value = json.loads(value)
        except ValueError:
            return None
    if isinstance(value, dict):
        return value
    if field.kind is not None and isinstance(value, field.kind):
        parts = fields_of(field.kind, defaults=value)
        return {part.attribute: part.default for part in parts if part.default is not MISSING}
    return None


def _add_part(level: Level, path: Path, value: t.Any, origin: str, report: Report) -> None:
    if path in level:
        report.add(
            key_of(path),
            f" is set twice: by {origin} and by {level[path].origin}. Remove one of the two.",
            path,
        )
    else:
        level[path] = Found(value, origin)
