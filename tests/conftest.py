"""What holds for every test."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Fail a test that skips itself where everything it needs must be there: in CI."""
    report = yield
    return fail_if_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    """Fail a module that skips itself as a whole, likewise."""
    report = yield
    return fail_if_skipped(report)


def fail_if_skipped(report):
    """Turn a skip into a failure if `CI` is set; an expected failure is no skip."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"no test may be skipped in CI, but this one was: {reason}"
    return report
