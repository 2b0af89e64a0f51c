"""A pytest plugin that writes the outcome of every test to a file.

The file is JSON with these keys: ``flask`` is the name of the module that ``import flask``
returned (``costrel`` under the alias), ``outcomes`` maps a test id to an outcome and its
reason, and ``by_wsgi`` lists the tests that called an application over WSGI in a run over
ASGI.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys
import typing as t

import pytest

OUTCOMES: dict[str, tuple[str, str]] = {}
BY_WSGI: set[str] = set()


def pytest_sessionstart() -> None:
    """In a run over ASGI, record the tests that call the application over WSGI themselves."""
    if os.environ.get("COSTREL_TEST_INTERFACE") == "asgi":
        from costrel import app

        # Wrap these functions, because replacing them does not change which path a request
        # takes.
        for name in ("respond_planned", "respond_by_steps"):
            setattr(app, name, noting(getattr(app, name)))


def noting(respond: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Wrap a function to record the test if its request did not come over ASGI."""

    def note(*args: t.Any) -> t.Any:
        environ = args[-2]
        if "asgi.scope" not in environ:
            BY_WSGI.add(os.environ["PYTEST_CURRENT_TEST"].rpartition(" (")[0])
        return respond(*args)

    return note


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Record the outcome of one phase; a failure overrides earlier outcomes."""
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
    """Record a module that could not be imported or was skipped as a whole."""
    if not report.passed:
        OUTCOMES[report.nodeid] = ("error" if report.failed else "skipped", reason_of(report))


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Record the deselected tests."""
    OUTCOMES.update({item.nodeid: ("deselected", "") for item in items})


def pytest_sessionfinish() -> None:
    """Write the file."""
    flask = sys.modules.get("flask")
    result = {"flask": getattr(flask, "__name__", None), "outcomes": OUTCOMES}
    result["by_wsgi"] = sorted(BY_WSGI)
    target = pathlib.Path(os.environ["CONFORMANCE_OUTCOMES"])
    target.write_text(json.dumps(result, indent=1), encoding="utf-8")


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return one line with the reason; empty for a test that passed."""
    if isinstance(report.longrepr, tuple):  # a skip: file, line, reason
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext
    lines = text.strip().splitlines() or [""]
    return lines[0] if crash is not None else lines[-1]
