"""What a client sends can be seen in a log, and does nothing there."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.logging import escape
from costrel.logging.escaping import escape_lines

SHOWN = {
    "a\nb": r"a\nb",
    "a\r\nERROR b": r"a\r\nERROR b",
    "\x1b[2J": r"\x1b[2J",
    "\x9b1m": r"\x9b1m",
    "\x00\x08\x7f": r"\x00\x08\x7f",
    "user\u202etxt.exe": r"user\u202etxt.exe",
    "\u2066a\u2069": r"\u2066a\u2069",
    "a\u2028b\u2029c": r"a\u2028b\u2029c",
    "zero\u200bwidth\ufeff": r"zero\u200bwidth\ufeff",
    "tag\U000e0041": r"tag\U000e0041",
    "half \ud800": r"half \ud800",
    "\u3164\u115f\u1160\uffa0\u2800": r"\u3164\u115f\u1160\uffa0\u2800",
    "a\ufe0fb\u034fc": r"a\ufe0fb\u034fc",
    "\U0001d173\U0001bca0\U000110bd\U00013430": r"\U0001d173\U0001bca0\U000110bd\U00013430",
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.items(), ids=map(ascii, SHOWN))
def test_character_that_acts_is_shown_as_its_code(text: str, shown: str) -> None:
    """SECURITY(log-injection): no line breaks, terminal codes, or turned text."""
    assert escape(text) == shown


@pytest.mark.parametrize("text", ["", "GET /a?b=1", "grüße, 世界, שלום, naïve 🙂", r"C:\new"])
def test_text_that_can_be_seen_stays(text: str) -> None:
    """Letters of every language are no danger."""
    assert escape(text) == text


def test_every_character_that_acts_or_is_not_seen_is_shown_as_its_code() -> None:
    """All of these categories, as far as this Python knows them."""
    categories = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    for code in range(0x110000):
        character = chr(code)
        if unicodedata.category(character) in categories:
            assert escape(character) != character, hex(code)


@given(st.text(st.characters(codec=None)))
def test_any_text_becomes_one_line_of_visible_characters(text: str) -> None:
    """Whatever it is, it can be written as UTF-8, and has no controls."""
    shown = escape(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not {unicodedata.category(character) for character in shown} & unseen
    assert escape(shown) == shown


@given(st.text(st.characters(codec=None)))
def test_lines_of_a_text_are_indented(text: str) -> None:
    """So that none but the first begins where a record does."""
    first, *others = escape_lines(text, "    ").split("\n")
    assert len(first.splitlines()) <= 1
    assert all(line.startswith("    ") for line in others)
    assert len(others) == text.count("\n")
