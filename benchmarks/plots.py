"""Draw the figures as horizontal bars, in SVG that is readable on light and dark.

python benchmarks/plots.py [results.json [folder]]
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
from xml.sax.saxutils import escape

from figures import Figure, Results, from_json
from registry import ROOT, load_peers
from report import show_number
from routing import RULES, where

WIDTH = 720
LABELS = 240  # pixels left of the bars
BAR = 16
LINE = 24
NUMBERS = 120  # pixels right of the longest bar

# One neutral for text that reads on white and on black where a viewer ignores the media
# query; colours for what is compared: ours, Flask, the limit, everyone else.
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600; font-size: 15px }
.ours { fill: #1f883d } .flask { fill: #cf6f12 } .bare { fill: #8c959f } .peer { fill: #4a86cf }
@media (prefers-color-scheme: dark) {
  text { fill: #c9d1d9 }
  .ours { fill: #3fb950 } .flask { fill: #e3933a } .bare { fill: #6e7681 } .peer { fill: #58a6ff }
}
"""

CAPTIONS = {
    "http": "Requests per second over HTTP: more is better",
    "process": "Microseconds per request in process: less is better",
    "import": "Milliseconds to import, in a fresh interpreter: less is better",
    "start": "Milliseconds to start: less is better",
    "memory": "KiB of memory of a worker: less is better",
}


@dataclasses.dataclass(frozen=True)
class Section:
    """Bars of one length scale, under a title."""

    title: str
    figures: list[Figure]


def draw(results: Results, folder: pathlib.Path) -> list[pathlib.Path]:
    """Write a file per group of figures and two that show several; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    plots: dict[str, tuple[str, list[Section]]] = {}
    for kind, caption in CAPTIONS.items():
        for group in results.groups:
            if group.kind == kind:
                sections = [Section(group.title, group.ranked())]
                plots[f"bench-{kind}-{group.name}"] = (caption, sections)
    plots["bench-overview"] = (CAPTIONS["http"], choose(results, "http", "granian"))
    caption = f"Microseconds per request with {RULES[-1]} rules: less is better"
    plots["bench-routing"] = (caption, choose(results, "routing", where(RULES[-1])))
    written = []
    for name, (caption, sections) in plots.items():
        if any(section.figures for section in sections):
            path = folder / f"{name}.svg"
            path.write_text(draw_sections(caption, sections))
            written.append(path)
    return written


def choose(results: Results, kind: str, at: str) -> list[Section]:
    """Return a section per group, of its figures measured in one place, one for each peer."""
    return [
        Section(group.title, [f for f in group.ranked() if f.where == at and group.stands(f)])
        for group in results.groups
        if group.kind == kind
    ]


def draw_sections(caption: str, sections: list[Section]) -> str:
    """Return the SVG of one or more sections."""
    titles = {name: peer.title for name, peer in load_peers().items()}
    servers = {figure.where for section in sections for figure in section.figures}
    parts, top = [f'<text x="0" y="14">{escape(caption)}</text>'], 24
    for section in sections:
        longest = max((figure.median for figure in section.figures), default=0)
        parts.append(f'<text class="title" x="0" y="{top + 18}">{escape(section.title)}</text>')
        top += 30
        for figure in section.figures:
            label = titles.get(figure.peer, figure.peer)
            if len(servers) > 1:
                label += f", {figure.where}"
            parts += draw_bar(label, figure, top, figure.median / longest)
            top += LINE
        top += 8
    size = f'width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
    about = ", ".join(section.title for section in sections)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{escape(caption)}: {escape(about)}</title>",
            f"<style>{STYLE}</style>",
            *parts,
            "</svg>",
            "",
        ]
    )


def draw_bar(label: str, figure: Figure, top: int, share: float) -> list[str]:
    """Return label, bar and number of one figure."""
    width = max(1, round((WIDTH - LABELS - NUMBERS) * share, 1))
    base = top + BAR - 3
    kind, number = find_class(figure.peer), show_number(figure.median)
    return [
        f'<text x="{LABELS - 8}" y="{base}" text-anchor="end">{escape(label)}</text>',
        f'<rect class="{kind}" x="{LABELS}" y="{top}" width="{width:g}" height="{BAR}" rx="2"/>',
        f'<text x="{LABELS + width + 8:g}" y="{base}">{number}</text>',
    ]


def find_class(peer: str) -> str:
    """Return the colour of a peer."""
    if peer.startswith("costrel"):
        return "ours"
    if peer.startswith("bare"):
        return "bare"
    return "flask" if peer == "flask" else "peer"


def main() -> None:
    """Draw a saved run."""
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results" / "latest.json"
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT.parent / "docs" / "img"
    for drawn in draw(from_json(json.loads(path.read_text())), folder):
        print(drawn)


if __name__ == "__main__":
    main()
