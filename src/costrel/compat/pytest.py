"""A pytest plugin that runs a test suite written for Flask on Costrel.

Use it as ``pytest -p costrel.compat.pytest``. The alias is in place before conftest files
and plugins of installed packages are imported, in the workers of pytest-xdist, and, by way
of ``COSTREL_AS_FLASK``, in the processes that tests start.

With ``COSTREL_TEST_INTERFACE=asgi`` in the environment the test clients send by ASGI.
"""

from __future__ import annotations

import os

import pytest

from . import install_as_flask


def pytest_addoption() -> None:
    """Install the alias.

    There is no option to add: this is the hook that pytest calls as soon as it knows the
    plugin, before it loads anything that may import flask.

    Raises `pytest.UsageError` if a plugin that came earlier has imported the real Flask.
    """
    try:
        install_as_flask()
    except RuntimeError as error:
        raise pytest.UsageError(str(error)) from None
    os.environ["COSTREL_AS_FLASK"] = "1"
    # Not above: it is a costrel that answers to the name of flask that has to be imported.
    from ..testing.asgi.bridge import send_by_asgi_if_asked

    send_by_asgi_if_asked()
