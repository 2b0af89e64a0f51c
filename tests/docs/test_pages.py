"""What the documentation says agrees with the code."""

from __future__ import annotations

import re

import click
import pytest
from pages import ROOT, Page, all_pages
from werkzeug.datastructures import ImmutableDict

from costrel import Flask
from costrel.cli import cli
from costrel.ground.shortways import STEPS
from costrel.registration.safedefaults import SAFE_DEFAULTS

PAGES = {page.name: page for page in all_pages()}


def anchors(page: Page) -> set[str]:
    """Return the anchors that the headings of a page get."""
    headings = re.findall(r"^#+ (.+)$", page.prose(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_within_the_project_lead_somewhere(name):
    """A link names a file of the project, and a heading of it after a "#"."""
    page = PAGES[name]
    for target in re.findall(r"\]\(([^)\s]+)\)", page.prose()):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.path.parent / path).resolve() if path else page.path
        assert file.exists(), f"{name} links to {target}"
        if anchor:
            assert anchor in anchors(Page(file)), f"{name} links to {target}"


def test_index_names_every_page():
    """The index leads to each page and each decision."""
    index = PAGES["docs/index.md"].text
    for path in (ROOT / "docs").rglob("*.md"):
        name = path.relative_to(ROOT / "docs").as_posix()
        assert name == "index.md" or f"({name})" in index


@pytest.mark.parametrize("name", PAGES)
def test_make_targets_exist(name):
    """A page tells to make only what the Makefile makes."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", PAGES[name].text, re.MULTILINE)) <= known


def test_configuration_lists_every_key_with_its_default():
    """The table of configuration has each key once, and the default that it has.

    That is the default of `Flask`, for a key that `Flask` has.
    """
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| `([^`]+)` \|", PAGES["docs/configuration.md"].text, re.MULTILINE
    )
    defaults = ImmutableDict[str, object](SAFE_DEFAULTS | Flask.default_config)
    shown = {key: str(value) if hasattr(value, "days") else
             repr(dict(value)) if isinstance(value, dict) else repr(value)
             for key, value in defaults.items()}  # fmt: skip
    assert sorted(shown.items()) == sorted(rows)


def test_command_line_page_names_every_command_and_option():
    """The page of the command line leaves no command and no option out."""
    text = PAGES["docs/cli.md"].text
    commands: list[click.Command] = [cli, *cli.commands.values()]
    for command in commands:
        assert command is cli or f"`costrel {command.name}`" in text
        for parameter in command.params:
            for option in (*parameter.opts, *parameter.secondary_opts):
                assert f"`{option}" in text, f"{option} of {command.name}"


def test_lifecycle_names_the_steps_that_plans_take_over():
    """The page of a request's way lists the steps whose replacement is noticed."""
    listed = re.findall(r"^- `(\w+)`", PAGES["docs/lifecycle.md"].text, re.MULTILINE)
    assert sorted(STEPS) == sorted(listed)


def test_decisions_are_numbered_and_short():
    """Each decision has a number of its own, its reasons, and at most 40 lines."""
    pages = [page for page in PAGES.values() if page.path.parent.name == "decisions"]
    numbers = []
    for page in pages:
        number = int(page.path.name[:4])
        numbers.append(number)
        assert page.text.startswith(f"# {number}. ")
        for part in ("## Context", "## Decision", "## Consequences"):
            assert f"\n{part}\n" in page.text
        assert page.text.count("\n") <= 40
    assert sorted(set(numbers)) == sorted(numbers)
