"""A pytest plugin that writes the outcome of every test to a file.

The file is JSON: ``flask``, the name of the module that ``import flask`` gave (``costrel``
under the alias), ``outcomes``, which maps a test id to an outcome and its reason, and
``by_wsgi``, the ids of tests that called an application by WSGI in a run by ASGI.
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
    """Note what comes by WSGI, where the clients send by ASGI: a test's own call."""
    if os.environ.get("COSTREL_TEST_INTERFACE") == "asgi":
        from costrel import app

        # In place of these, which the steps are looked up behind: nothing is replaced that
        # chooses the way of a request.
        for name in ("respond_planned", "respond_by_steps"):
            setattr(app, name, noting(getattr(app, name)))


def noting(respond: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Make a function that notes the test whose request did not come by ASGI."""

    def note(*args: t.Any) -> t.Any:
        environ = args[-2]
        if "asgi.scope" not in environ:
            BY_WSGI.add(os.environ["PYTEST_CURRENT_TEST"].rpartition(" (")[0])
        return respond(*args)

    return note


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
    result["by_wsgi"] = sorted(BY_WSGI)
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
