"""The idioms as rows: Costrel beside Flask, the smallest ratio first."""

from __future__ import annotations

import dataclasses
import statistics

from figures import Figure, Group, Results


@dataclasses.dataclass(frozen=True)
class Row:
    """One idiom on both."""

    group: Group
    flask: Figure
    costrel: Figure
    ratio: float

    @property
    def others(self) -> dict[str, Figure]:
        """Return the figures of other frameworks, by peer."""
        known = (self.flask, self.costrel)
        return {figure.peer: figure for figure in self.group.ranked() if figure not in known}


def list_rows(results: Results, kind: str) -> list[Row]:
    """Return the rows that were measured on both, the smallest ratio first."""
    rows = []
    for group in results.groups:
        if group.kind == kind:
            where = "granian" if kind == "idioms-http" else "in process"
            flask, costrel = (group.find(name, where) for name in ("flask", "costrel"))
            ratio = costrel and costrel.times_as_fast_as(flask)
            if flask and costrel and ratio:
                rows.append(Row(group, flask, costrel, ratio))
    return sorted(rows, key=lambda row: row.ratio)


def median(rows: list[Row]) -> float:
    """Return the median of the ratios."""
    return statistics.median(row.ratio for row in rows)


def describe(rows: list[Row]) -> str:
    """Say what the median and the minimum are."""
    return (
        f"median {median(rows):.1f} x Flask, minimum {rows[0].ratio:.1f} x ({rows[0].group.title})"
    )
