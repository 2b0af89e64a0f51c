"""Figures of one kind of measurement, and their ratios."""

from __future__ import annotations

import dataclasses
import statistics
import typing as t

TWIN = "_jsonify"  # the end of the name of a peer whose views return it
FLASK_IS_AT = {
    "http": "granian",
    "defaults": "granian-defaults",
    "process": "in process",
    "idioms": "in process",
    "idioms-http": "granian",
    "typed": "in process",
    "typed-http": "granian",
    "safe": "in process",
    "safe-http": "granian",
}


@dataclasses.dataclass
class Figure:
    """The figures of one cell, one per round.

    `unit` is "/s", for which more is better, or "us", "ms" or "KiB", for which less is better.
    """

    peer: str
    where: str
    unit: str
    runs: list[float] = dataclasses.field(default_factory=list)
    p99_us: list[int] = dataclasses.field(default_factory=list)

    @property
    def median(self) -> float:
        """Return the median of the rounds."""
        return statistics.median(self.runs)

    @property
    def spread(self) -> float:
        """Return how far apart the rounds are, as a fraction of the median."""
        return (max(self.runs) - min(self.runs)) / self.median

    def times_as_fast_as(self, other: Figure | None) -> float | None:
        """Return how many times as fast as another this is, or None if there is no other.

        The median over the rounds, each compared within itself: a machine that slows
        down between rounds slows both.
        """
        if other is None or not other.runs or not self.runs:
            return None
        pairs = zip(self.runs, other.runs, strict=False)
        if self.unit == "/s":
            return statistics.median(mine / theirs for mine, theirs in pairs)
        return statistics.median(theirs / mine for mine, theirs in pairs)


@dataclasses.dataclass
class Group:
    """Figures that are compared with each other: one workload in one setting."""

    kind: str
    name: str
    title: str
    figures: list[Figure] = dataclasses.field(default_factory=list)

    def find(self, peer: str, where: str | None = None) -> Figure | None:
        """Return the figure of a peer, on a server or on any."""
        for figure in self.figures:
            if figure.peer == peer and where in {None, figure.where} and figure.runs:
                return figure
        return None

    def published(self, peer: str, where: str | None = None) -> Figure | None:
        """Return the figure that stands for a peer, where its views may also return `jsonify(...)`.

        Of Costrel's two it is the slower, and of Flask's the faster.
        """
        both = [self.find(name, where) for name in (peer, peer + TWIN)]
        measured = [figure for figure in both if figure is not None]
        if not measured:
            return None
        slower_first = sorted(
            measured, key=lambda figure: figure.median, reverse=measured[0].unit != "/s"
        )
        return slower_first[0 if peer.startswith("costrel") else -1]

    def stands(self, figure: Figure) -> bool:
        """Return whether a figure is the one that stands for its peer."""
        return figure is self.published(figure.peer.removesuffix(TWIN), figure.where)

    def add(self, peer: str, where: str, unit: str) -> Figure:
        """Return the figure of a peer, new if there is none."""
        for figure in self.figures:
            if (figure.peer, figure.where) == (peer, where):
                return figure
        figure = Figure(peer, where, unit)
        self.figures.append(figure)
        return figure

    def of_bare(self, figure: Figure) -> float | None:
        """Return how many times as fast as the bare callable on the same server this is."""
        bare = "bare_asgi" if is_asgi(figure.where) else "bare"
        return figure.times_as_fast_as(self.find(bare, figure.where))

    def of_flask(self, figure: Figure) -> float | None:
        """Return how many times as fast as Flask this is; over HTTP, as Flask on Granian."""
        where = FLASK_IS_AT.get(self.kind, figure.where)
        return figure.times_as_fast_as(self.published("flask", where))

    def ranked(self) -> list[Figure]:
        """Return the figures, the best first."""
        measured = [figure for figure in self.figures if figure.runs]
        return sorted(
            measured,
            key=lambda figure: figure.median,
            reverse=measured[:1] != [] and measured[0].unit == "/s",
        )

    def to_json(self) -> dict[str, t.Any]:
        """Return the group as JSON values."""
        rows = [
            dataclasses.asdict(figure)
            | {
                "median": figure.median,
                "spread": figure.spread,
                "of_bare": self.of_bare(figure),
                "of_flask": self.of_flask(figure),
            }
            for figure in self.ranked()
        ]
        return {"kind": self.kind, "name": self.name, "title": self.title, "figures": rows}


def is_asgi(server: str) -> bool:
    """Return whether a server, or a way to call in process, is asynchronous."""
    return server in {"uvicorn", "uvicorn-defaults", "granian-asgi", "ASGI"}


@dataclasses.dataclass
class Results:
    """All groups of a run, and its failures."""

    groups: list[Group] = dataclasses.field(default_factory=list)
    failures: list[str] = dataclasses.field(default_factory=list)
    missing: dict[str, str] = dataclasses.field(default_factory=dict)
    tryouts: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)

    def group(self, kind: str, name: str, title: str) -> Group:
        """Return a group, new if there is none."""
        found = self.find(kind, name)
        if found is None:
            found = Group(kind, name, title)
            self.groups.append(found)
        return found

    def find(self, kind: str, name: str) -> Group | None:
        """Return a group, or None."""
        for group in self.groups:
            if (group.kind, group.name) == (kind, name):
                return group
        return None

    def figure(self, kind: str, name: str, peer: str, where: str | None = None) -> Figure | None:
        """Return the figure that stands for a peer, or None if it was not measured."""
        group = self.find(kind, name)
        return group.published(peer, where) if group else None

    def to_json(self) -> dict[str, t.Any]:
        """Return the whole run as JSON values."""
        return {
            "groups": [group.to_json() for group in self.groups],
            "failures": self.failures,
            "missing": self.missing,
            "tryouts": self.tryouts,
        }


def from_json(content: dict[str, t.Any]) -> Results:
    """Return what :meth:`Results.to_json` was made from."""
    names = [field.name for field in dataclasses.fields(Figure)]
    groups = [
        Group(
            group["kind"],
            group["name"],
            group["title"],
            [Figure(**{name: row[name] for name in names}) for row in group["figures"]],
        )
        for group in content["groups"]
    ]
    return Results(groups, content["failures"], content["missing"], content["tryouts"])
