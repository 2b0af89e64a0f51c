"""Fixtures of the tests about settings."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory, and an environment without variables of ours."""
    for name in list(os.environ):
        if name.startswith(("APP_", "COSTREL_", "FLASK_")) or name.endswith("_FILE"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def variables(monkeypatch):
    """Set environment variables."""

    def set_variables(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_variables
