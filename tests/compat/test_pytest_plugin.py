"""`pytest -p costrel.compat.pytest` runs a suite written for Flask on Costrel."""

from __future__ import annotations

import pytest

CONFTEST = """
import flask

def pytest_report_header():
    return f"conftest has {flask.__name__}"
"""

SUITE = """
import subprocess, sys
import flask

def test_here():
    assert flask.__name__ == "costrel"

def test_in_a_process():
    code = "import flask; assert flask.__name__ == 'costrel'"
    subprocess.run([sys.executable, "-c", code], check=True)
"""


@pytest.fixture
def suite(tmp_path):
    """Return a directory with a test suite for Flask."""
    directory = tmp_path / "suite"
    directory.mkdir()
    (directory / "conftest.py").write_text(CONFTEST)
    (directory / "test_flask.py").write_text(SUITE)
    (directory / "pytest.ini").touch()
    return directory


@pytest.mark.parametrize("workers", ["0", "2"])
def test_plugin_runs_a_suite_on_costrel(run_python, suite, workers):
    """Conftest, tests, xdist workers and processes started by tests all use Costrel."""
    done = run_python(
        "-m",
        "pytest",
        suite,
        "-p",
        "costrel.compat.pytest",
        "-n",
        workers,
        "-p",
        "no:cacheprovider",
    )
    assert "conftest has costrel" in done.stdout
    assert "2 passed" in done.stdout


def test_plugin_after_the_real_flask_is_a_usage_error(run_python, suite, tmp_path):
    """A plugin that loaded another Flask earlier is reported in one line, no traceback."""
    package = tmp_path / "loaded" / "flask"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package.parent / "early.py").write_text("import flask\n")
    done = run_python(
        "-m",
        "pytest",
        suite,
        "-p",
        "early",
        "-p",
        "costrel.compat.pytest",
        check=False,
        PYTHONPATH=str(package.parent),
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: Costrel cannot stand in for Flask" in done.stderr
    assert "Traceback" not in done.stderr
