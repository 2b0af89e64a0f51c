"""Fresh interpreters, and a Flask that must never be loaded."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

FOREIGN_VARIABLES = ("COSTREL_", "FLASK_", "PYTEST_")


@pytest.fixture
def other_flask(tmp_path):
    """Return a directory with an installed Flask 9.9 whose modules raise when loaded."""
    site = tmp_path / "other"
    package = site / "flask"
    package.mkdir(parents=True)
    for module in ("__init__", "cli", "only_there"):
        source = "raise SystemExit('the other Flask was loaded')\n"
        (package / f"{module}.py").write_text(source)
    info = site / "flask-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Flask\nVersion: 9.9\n")
    (info / "entry_points.txt").write_text("[console_scripts]\nflask = flask.cli:main\n")
    return site


@pytest.fixture
def run_python(other_flask):
    """Return a function that runs code, or arguments, in a fresh interpreter.

    The other Flask comes first on its path, and warnings are errors. It must succeed unless
    `check` is false.
    """

    def run(*arguments, code=None, check=True, **variables):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN_VARIABLES)}
        paths = [str(other_flask), inherited.get("PYTHONPATH", "")]
        inherited["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        if code is not None:
            arguments = ("-c", textwrap.dedent(code), *arguments)
        done = subprocess.run(
            [sys.executable, "-W", "error", *map(str, arguments)],
            check=False,
            env=inherited | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run
