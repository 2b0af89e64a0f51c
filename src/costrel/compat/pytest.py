"""A pytest plugin that runs a test suite written for Flask on Costrel.

Use it as ``pytest -p costrel.compat.pytest``. The alias is installed before conftest files
and plugins of installed packages are imported. It also applies in the workers of
pytest-xdist and, through ``COSTREL_AS_FLASK``, in the processes that tests start.

With ``COSTREL_TEST_INTERFACE=asgi`` in the environment, test clients send requests over ASGI.
"""

from __future__ import annotations

import os

import pytest

from . import install_as_flask


def pytest_addoption() -> None:
    """Install the alias.

    This adds no option. pytest calls this hook as soon as it knows the plugin, before it loads
    anything that may import flask.

    Raises `pytest.UsageError` if an earlier plugin has imported the real Flask.
    """
    try:
        install_as_flask()
    except RuntimeError as error:
        raise pytest.UsageError(str(error)) from None
    os.environ["COSTREL_AS_FLASK"] = "1"
    # Not at the top: the alias must be installed before this import.
    from ..testing.asgi.bridge import send_by_asgi_if_asked

    send_by_asgi_if_asked()
