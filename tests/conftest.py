"""Fixtures and hooks for all tests."""

from __future__ import annotations

import logging
import os
import signal

import pytest

from costrel.dispatch.plan import FORCE_GENERAL, FORCE_LOOP
from costrel.ground.current import context
from costrel.testing.asgi.bridge import INTERFACE, send_by_asgi_if_asked

# The programs that tests start inherit what is ignored, for example by ``nohup``.
for _name in ("SIGHUP", "SIGINT"):
    _signal = getattr(signal, _name, None)
    if _signal is not None and signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, signal.default_int_handler if _name == "SIGINT" else signal.SIG_DFL)

# `make test` runs the tests about requests twice, the second time over ASGI (`.ci/test`).
send_by_asgi_if_asked()


PLANNED_ONLY = "COSTREL_TEST_PLANNED_ONLY"
"""The environment variable for a run without the general path, after one that had both."""


def pytest_collection_modifyitems(config, items):
    """Deselect what a run is not about: over ASGI, the tests about WSGI; `shape` lists them."""
    over_asgi, planned_only = os.environ.get(INTERFACE) == "asgi", os.environ.get(PLANNED_ONLY)

    def is_left_out(item):
        if over_asgi and item.get_closest_marker("wsgi_only"):
            return True
        params = item.callspec.params if hasattr(item, "callspec") else {}
        return bool(planned_only) and params.get("path") == "general"

    left_out = [item for item in items if is_left_out(item)]
    if left_out:
        items[:] = [item for item in items if not is_left_out(item)]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(params=["planned", "general"])
def path(request, monkeypatch):
    """Run a test about requests twice: with plans, and on the general path."""
    if request.param == "general":
        monkeypatch.setenv(FORCE_GENERAL, "1")
    else:
        monkeypatch.delenv(FORCE_GENERAL, raising=False)
    return request.param


@pytest.fixture
def planned(monkeypatch):
    """Run a test about the plans themselves, even if another path is forced."""
    monkeypatch.delenv(FORCE_GENERAL, raising=False)
    monkeypatch.delenv(FORCE_LOOP, raising=False)


@pytest.fixture(autouse=True)
def _no_context_left():
    """Fail a test that leaves a context behind, and remove the context."""
    yield
    left = []
    while (ctx := context.get(None)) is not None:
        left.append(ctx)
        ctx.pop()
    assert left == []


@pytest.fixture(autouse=True)
def _loggers_as_before():
    """Enable again the loggers that a test disabled: applications of one name share theirs."""
    before = disabled_loggers()
    yield
    for logger in disabled_loggers() - before:
        logger.disabled = False


def disabled_loggers():
    """Return the loggers that are disabled."""
    known = list(logging.root.manager.loggerDict.values())
    return {logger for logger in known if getattr(logger, "disabled", False)}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Fail a test that is skipped in CI, where everything it needs must be installed."""
    report = yield
    return fail_if_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    """Fail a module that is skipped as a whole in CI."""
    report = yield
    return fail_if_skipped(report)


def fail_if_skipped(report):
    """Turn a skip into a failure if `CI` is set; an expected failure is not a skip."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"no test may be skipped in CI, but this one was: {reason}"
    return report
