"""Draw the figures as horizontal bars, in SVG that reads on light and on dark.

python benchmarks/plots.py [results.json [folder]]
"""

from __future__ import annotations

import json
import pathlib
import sys
from xml.sax.saxutils import escape

from figures import Figure, Group, Results, from_json
from registry import ROOT, load_peers
from report import show_number

WIDTH = 720
LABELS = 210  # pixels left of the bars
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

PLOTS = {
    "http": "Requests per second over HTTP: more is better",
    "process": "Microseconds per request in process: less is better",
    "import": "Milliseconds to import, in a fresh interpreter: less is better",
    "start": "Milliseconds to start: less is better",
    "memory": "KiB of memory of a worker: less is better",
}


def draw(results: Results, folder: pathlib.Path) -> list[pathlib.Path]:
    """Write one file per group of figures, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    titles = {name: peer.title for name, peer in load_peers().items()}
    written = []
    for kind, caption in PLOTS.items():
        for group in results.groups:
            if group.kind == kind and group.ranked():
                path = folder / f"bench-{kind}-{group.name}.svg"
                path.write_text(draw_group(group, caption, titles))
                written.append(path)
    return written


def draw_group(group: Group, caption: str, titles: dict[str, str]) -> str:
    """Return the SVG of one group."""
    ranked = group.ranked()
    longest = max(figure.median for figure in ranked)
    height = 60 + LINE * len(ranked)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(group.title)}. {escape(caption)}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="0" y="16">{escape(group.title)}</text>',
        f'<text x="0" y="36">{escape(caption)}</text>',
    ]
    for position, figure in enumerate(ranked):
        parts += draw_bar(figure, titles, 50 + LINE * position, figure.median / longest)
    return "\n".join([*parts, "</svg>", ""])


def draw_bar(figure: Figure, titles: dict[str, str], top: int, share: float) -> list[str]:
    """Return label, bar and number of one figure."""
    label = titles.get(figure.peer, figure.peer)
    if figure.where not in {"", "in process"}:
        label += f", {figure.where}"
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
    """Draw a run that has been written."""
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results" / "latest.json"
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT.parent / "docs" / "img"
    for drawn in draw(from_json(json.loads(path.read_text())), folder):
        print(drawn)


if __name__ == "__main__":
    main()
