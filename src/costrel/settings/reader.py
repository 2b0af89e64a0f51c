"""The value of each setting: from the first source that has it, in the setting's type."""

from __future__ import annotations

import typing as t

from ..ground.redaction import redact
from .conversion import UnfitError, convert, expected_of
from .problems import Path, Report
from .schema import MISSING, Field
from .sources import FILE_SUFFIX, Level


class Reader:
    """Take settings from levels, and note where each is from.

    Args:
        levels: The sources, the strongest first.
        prefix: How the names of environment variables begin, for messages.
        report: Where problems go.
    """

    def __init__(self, levels: t.Sequence[Level], prefix: str, report: Report) -> None:
        self.levels = levels
        self.prefix = prefix
        self.report = report
        self.missing = False
        """Whether a setting that must be set is not."""
        self.values: dict[str, t.Any] = {}
        """The settings by their keys; the parts of a structure each by its own."""
        self.origins: dict[str, str] = {}
        """Where each of these is from."""

    def structure(self, kind: type[t.Any], fields: t.Iterable[Field]) -> t.Any:
        """Return an instance of a class with its settings; `MISSING` if one of them is wrong."""
        values = {field.attribute: self.value(field) for field in fields}
        if any(value is MISSING for value in values.values()):
            return MISSING
        try:
            return kind(**values)
        except (TypeError, ValueError) as error:
            # From the class's own __post_init__, which compares settings with each other.
            self.report.add(kind.__name__, f": {redact(str(error))}")
            return MISSING

    def others(self, fields: t.Mapping[Path, Field]) -> dict[str, t.Any]:
        """Return the settings that no class declares and a source has, by their keys."""
        return {
            field.key: self.value(field)
            for path, field in fields.items()
            if any(path in level for level in self.levels)
        }

    def value(self, field: Field) -> t.Any:
        """Return a setting's value, or `MISSING` after a report of what is wrong."""
        for level in self.levels:
            found = level.get(field.path)
            if found is not None:
                return self._converted(field, found.value, found.origin, text=found.text)
        if field.kind is not None and (
            field.default is MISSING or isinstance(field.default, field.kind) or self._has(field)
        ):
            # With a default, its parts have those of the default.
            return self.structure(field.kind, field.fields)
        if field.default is not MISSING:
            origin = f"the default of {field.owner}"
            return self._converted(field, field.default, origin, text=False)
        if field.path not in self.report.refused:
            self._report_missing(field)
        return MISSING

    def _has(self, field: Field) -> bool:
        """Whether a source has a part of a structure."""
        length = len(field.path)
        return any(path[:length] == field.path for level in self.levels for path in level)

    def _converted(self, field: Field, value: t.Any, origin: str, *, text: bool) -> t.Any:
        self.origins[field.key] = origin
        try:
            converted = self.values[field.key] = convert(field, value, text=text)
        except UnfitError as error:
            self.report.add(field.key, f" ({origin}): {error}.", field.path)
            return MISSING
        return converted

    def _report_missing(self, field: Field) -> None:
        self.missing = True
        variable = f"{self.prefix}{field.key}"
        if field.secret:
            how = (
                f"Set {field.key}{FILE_SUFFIX} to the path of a file that contains it, or set"
                f" {variable}."
            )
        else:
            how = f"Set {variable}, or {'.'.join(field.path)} in the TOML file."
        self.report.add(
            field.key, f" is missing: expected {expected_of(field.hint)}. {how}", field.path
        )
