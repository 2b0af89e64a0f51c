"""Each advisory that concerns a framework has a test that is named after it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from advised import ADVISORIES, named

PATTERN = "test_advisories_of_*.py"
ID = re.compile(r"CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}")


def find_tests() -> dict[str, str]:
    """Return the docstrings of the tests, by name."""
    return {
        node.name: ast.get_docstring(node) or ""
        for path in sorted(Path(__file__).parent.glob(PATTERN))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_each_advisory_has_a_test_named_after_it():
    """Whoever looks for an advisory finds what holds us to it."""
    names = find_tests()
    without = [
        each for each in ADVISORIES if not any(n.startswith(f"{named(each)}_") for n in names)
    ]
    assert without == []


def test_each_of_these_tests_is_named_after_an_advisory():
    """A test under a name that is misspelled would count for nothing."""
    beginnings = tuple(f"{named(each)}_" for each in ADVISORIES)
    assert [name for name in find_tests() if not name.startswith(beginnings)] == []


def test_other_names_are_in_the_docstring():
    """An advisory is found by all of its names, and no docstring has a name of another."""
    tests = find_tests()
    for advisory, others in ADVISORIES.items():
        for name, docstring in tests.items():
            if name.startswith(f"{named(advisory)}_"):
                assert all(other in docstring for other in others), name
                assert {*ID.findall(docstring)} <= {advisory, *others}, name
