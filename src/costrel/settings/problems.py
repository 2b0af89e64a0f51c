"""What is wrong with the settings: collected, and reported at once."""

from __future__ import annotations

import typing as t

Path = tuple[str, ...]
"""The name of a setting in lower case; of one inside another, the names of both."""


class Problem(t.NamedTuple):
    """One thing that is wrong; `message` says what, where, and what to do. No secrets are in it."""

    name: str
    message: str

    def __str__(self) -> str:
        """Return the line of the report."""
        return f"{self.name}{self.message}"


class SettingsError(Exception):
    """Raised if settings can't be used; its text lists everything wrong with them.

    The `costrel` command shows the text and ends; other servers show it below the traceback.

    - `environment`: the environment whose settings were read;
    - `problems`: each `Problem`;
    - `notes`: what else may be the reason.
    """

    def __init__(
        self, environment: str, problems: t.Sequence[Problem], notes: t.Sequence[str] = ()
    ) -> None:
        self.environment = environment
        self.problems = tuple(problems)
        self.notes = tuple(notes)
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        lines = [f"{count} with the settings for {environment!r}:", ""]
        lines += [f"- {problem}" for problem in self.problems]
        lines += [text for note in self.notes for text in ("", note)]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[t.Any, ...]:
        return type(self), (self.environment, self.problems, self.notes)


class Report:
    """Collect what is wrong while settings are read."""

    def __init__(self, environment: str) -> None:
        self.environment = environment
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.refused: set[Path] = set()
        """Settings that a source has, but not in a usable form. They are not missing."""

    def add(self, name: str, message: str, path: Path | None = None) -> None:
        """Add a problem; `path` is the setting that can't have a value because of it."""
        problem = Problem(name, message)
        if problem not in self.problems:
            self.problems.append(problem)
        if path is not None:
            self.refused.add(path)

    def unknown(self, name: str, known: t.Iterable[str], where: str = "") -> None:
        """Add that there is no setting of this name, and offer the nearest one."""
        # Imported here, because only a mistake needs it.
        from difflib import get_close_matches

        near = get_close_matches(name, list(known), n=1, cutoff=0.7)
        hint = (
            f"Did you mean {near[0]}?"
            if near
            else "Remove it, or add it to the class of the settings."
        )
        self.add(name, f"{where and f' ({where})'}: there is no such setting. {hint}")

    def raise_if_any(self) -> None:
        """Raise `SettingsError` if there is a problem."""
        if self.problems:
            raise SettingsError(self.environment, sorted(self.problems), self.notes)
