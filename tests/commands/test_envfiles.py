"""`load_dotenv`, `get_debug_flag` and `get_load_dotenv`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from costrel.cli import get_debug_flag, get_load_dotenv, load_dotenv


def test_load_dotenv_reports_whether_anything_was_defined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with a variable is reported; an empty or missing one is not."""
    monkeypatch.chdir(tmp_path)
    # Set first, so that it is removed again after the test.
    monkeypatch.setenv("COLOR", "")
    monkeypatch.delenv("COLOR")
    (tmp_path / "empty").touch()
    (tmp_path / "full").write_text("COLOR=grün\nBARE\n", encoding="utf-8")

    assert load_dotenv("empty", load_defaults=False) is False
    assert load_dotenv("missing", load_defaults=False) is False
    assert load_dotenv(tmp_path / "full", load_defaults=False) is True
    assert os.environ["COLOR"] == "grün"
    assert "BARE" not in os.environ
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, False), ("", False), ("0", False), ("False", False), ("NO", False), ("1", True),
     ("true", True), ("anything", True)],
)  # fmt: skip
def test_debug_flag_reads_yes_and_no(
    monkeypatch: pytest.MonkeyPatch, value: str | None, expected: bool
) -> None:
    """The usual words for false switch it off."""
    if value is not None:
        monkeypatch.setenv("FLASK_DEBUG", value)

    assert get_debug_flag() is expected


@pytest.mark.parametrize(
    ("value", "default", "expected"),
    [(None, True, True), (None, False, False), ("", True, True), ("1", True, False),
     ("0", False, True), ("no", False, True)],
)  # fmt: skip
def test_skip_dotenv_overrules_the_default(
    monkeypatch: pytest.MonkeyPatch, value: str | None, default: bool, expected: bool
) -> None:
    """`FLASK_SKIP_DOTENV` decides if it is set, whether true or false."""
    if value is not None:
        monkeypatch.setenv("FLASK_SKIP_DOTENV", value)

    assert get_load_dotenv(default) is expected
