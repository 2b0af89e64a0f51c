"""Show what a client has sent without letting it act on a log or a terminal."""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    # Controls (line breaks and the codes of terminals among them), separators of lines, marks
    # that turn the direction of text, halves of surrogate pairs, and whatever is not seen: all
    # of the category Cf, what Unicode calls default ignorable, and the blank of Braille.
    r"[\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    r"\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_UNSAFE_IN_LINES = re.compile(_UNSAFE.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))


def escape(text: str) -> str:
    r"""Return a text as one line in which every character can be seen.

    A line break becomes ``\n``, an escape code ``\x1b``, a mark that turns the direction of text
    ``\u202e``. Letters of every language stay.

    SECURITY(log-injection): nothing that a client sends can begin a line of its own, move the
    cursor, or make a line look like another.
    """
    return _UNSAFE.sub(_escaped, text)


def escape_lines(text: str, indent: str) -> str:
    """Return a text of several lines in which every line but the first is indented.

    For text that has lines of its own, such as a traceback, in which a client's text may stand:
    what that puts at the beginning of a line does not begin a line of the log.
    """
    return _UNSAFE_IN_LINES.sub(_escaped, text).replace("\n", f"\n{indent}")


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
