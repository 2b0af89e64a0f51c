"""The page about the bookshop shows what the example has."""

from __future__ import annotations

from pages import ROOT, Page

EXAMPLE = ROOT / "examples"


def test_page_shows_parts_of_the_files_of_the_example():
    """Each block is in the file that its first line names, except for lines of ``...``."""
    blocks = [block for block in Page(ROOT / "docs" / "bookshop.md").blocks if block.file_name]
    assert len(blocks) >= 8
    for block in blocks:
        source = (EXAMPLE / str(block.file_name)).read_text(encoding="utf-8")
        _first, _, shown = block.text.partition("\n")
        for part in f"\n{shown}".split("\n...\n"):
            assert part.strip("\n") in source, f"docs/bookshop.md:{block.line}: {part}"
