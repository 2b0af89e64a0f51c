"""Extensions for Flask on an application with typed views: see `typed_extensions.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_extensions_and_typed_views_bear_each_other(interface):
    """Decorators are called, what views return is filtered, and others' routes stay as they are."""
    # flask-marshmallow has more for those who have marshmallow-sqlalchemy, too.
    ignored = ["-W", "ignore::ResourceWarning", "-W", "ignore:Flask-SQLAlchemy integration"]
    options = ["-q", "-c", os.devnull, "-W", "error", *ignored]
    plugins = ["-p", "no:cacheprovider", "-p", "costrel.compat.pytest"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "typed_extensions.py", *options, *plugins],
        check=False,
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COSTREL_TEST_INTERFACE": interface},
    )
    assert done.returncode == 0, done.stdout[-4000:]
