"""Raw requests get the same answers on every path, over both interfaces and from Flask."""

from __future__ import annotations

from pathlib import Path

import pytest
from differential.application import make_files
from differential.comparing import check, faults
from differential.differences import LISTED
from differential.requests import examples
from differential.ways import WAYS, all_ways
from differential.wire import Answer, Raw
from hypothesis import HealthCheck, given, settings

DIFFERENCES = Path(__file__).parents[2] / "docs" / "differences.md"


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    """Start a process for each path; they answer all requests of this module."""
    folder = tmp_path_factory.mktemp("differential")
    make_files(str(folder))
    with all_ways(folder) as ways:
        yield ways


# The same requests each time; `make fuzz` looks for new ones.
@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[*HealthCheck],
)
@given(raws=examples)
def test_raw_requests_are_answered_as_by_flask_on_every_way(ways, raws):
    """Status, body and headers agree except for listed differences; nothing is left behind."""
    check(ways, raws)


def test_listed_differences_are_entries_of_the_documentation():
    """Every allowed difference from Flask is documented for users."""
    bold = DIFFERENCES.read_text().replace("\n  ", " ")
    assert [entry for entry in LISTED if f"- **{entry}" not in bold] == []


RAW = Raw("hooked", "GET", "/")
RIGHT = Answer("200 OK", [("A", "1"), ("B", "2")], "body", None, is_context_left=False, teardowns=1)


@pytest.mark.parametrize("way", [name for name in WAYS if name != "Flask"])
@pytest.mark.parametrize(
    "change",
    [
        {"status": "201 CREATED"},
        {"fields": [("B", "2"), ("A", "1")]},
        {"fields": [("A", "1"), ("B", "2"), ("B", "2")]},
        {"body": "other"},
        {"raised": "ValueError"},
        {"is_context_left": True},
        {"teardowns": 2},
    ],
)
def test_any_part_of_an_answer_that_differs_is_a_fault(way, change):
    """A path that answers differently or leaves something behind is detected."""
    answers = dict.fromkeys(WAYS, RIGHT)
    assert faults(RAW, answers) == []
    assert faults(RAW, {**answers, way: RIGHT._replace(**change)}) != []


def test_answer_that_differs_from_flask_only_is_a_fault():
    """Paths that agree with each other must agree with Flask as well."""
    answers = {**dict.fromkeys(WAYS, RIGHT), "Flask": RIGHT._replace(body="other")}
    assert faults(RAW, answers) == ["planned differs from Flask"]
