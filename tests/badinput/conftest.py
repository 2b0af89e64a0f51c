"""What tests of bad input share: the log of a server that did nothing wrong."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture
def no_error_logged(caplog):
    """Hold a test to an empty log: a client's mistake is no error of the server."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
