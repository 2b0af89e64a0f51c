"""A pytest plugin that writes the outcome of every test to a file.

The file is JSON: ``flask``, the name of the module that ``import flask`` gave (``costrel``
under the alias), and ``outcomes``, which maps a test id to an outcome and its reason.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys

import pytest

OUTCOMES: dict[str, tuple[str, str]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the outcome of one phase; what goes wrong outweighs what went before."""
    if report.failed:
        outcome = "failed" if report.when == "call" else "error"
    elif hasattr(report, "wasxfail"):
        outcome = "xfailed" if report.skipped else "xpassed"
    elif report.skipped:
        outcome = "skipped"
    elif report.when == "call":
        outcome = "passed"
    else:
        return
    OUTCOMES[report.nodeid] = (outcome, reason_of(report))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a module that could not be imported, or that was skipped as a whole."""
    if not report.passed:
        OUTCOMES[report.nodeid] = ("error" if report.failed else "skipped", reason_of(report))


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Note the tests that were left out."""
    OUTCOMES.update({item.nodeid: ("deselected", "") for item in items})


def pytest_sessionfinish() -> None:
    """Write the file."""
    flask = sys.modules.get("flask")
    result = {"flask": getattr(flask, "__name__", None), "outcomes": OUTCOMES}
    target = pathlib.Path(os.environ["CONFORMANCE_OUTCOMES"])
    target.write_text(json.dumps(result, indent=1), encoding="utf-8")


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return one line that says why, empty for a test that passed."""
    if isinstance(report.longrepr, tuple):  # a skip: file, line, reason
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext
    lines = text.strip().splitlines() or [""]
    return lines[0] if crash is not None else lines[-1]
