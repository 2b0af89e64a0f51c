"""Read which tests a safe default makes fail, and which setting makes them pass again."""

from __future__ import annotations

import ast
import dataclasses
import pathlib
import tomllib
import typing as t

ON_COSTREL = pathlib.Path(__file__).resolve().parent / "on_costrel.toml"


@dataclasses.dataclass(frozen=True)
class Group:
    """Tests that fail on the class `Costrel` for one reason.

    `settings` are those with which they pass, as in a configuration file; none if the tests look at
    something that no setting changes. `tests` has their ids by suite.
    """

    name: str
    reason: str
    settings: tuple[str, ...]
    tests: t.Mapping[str, tuple[str, ...]]

    def configuration(self) -> dict[str, t.Any]:
        """Return the settings as a dict."""
        pairs = (line.partition(" = ") for line in self.settings)
        return {key: ast.literal_eval(value) for key, _, value in pairs}


def load_groups(path: pathlib.Path = ON_COSTREL) -> list[Group]:
    """Read the groups; `ValueError` if a test is in two of them."""
    groups = [
        Group(
            name,
            table["reason"],
            tuple(table.get("settings", ())),
            {suite: tuple(tests) for suite, tests in table["tests"].items()},
        )
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items()
    ]
    listed = [(suite, test) for g in groups for suite, tests in g.tests.items() for test in tests]
    for suite, test in listed:
        if listed.count((suite, test)) > 1:
            raise ValueError(f"{path.name} lists {test} of {suite} twice.")
    return groups


def reasons(groups: t.Iterable[Group], suite: str) -> dict[str, str]:
    """Return the tests of a suite that are expected to fail, each with the reason."""
    return {test: group.reason for group in groups for test in group.tests.get(suite, ())}
