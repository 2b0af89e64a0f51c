"""A small JSON object, serialized for every request."""

from exchange import Answer, Request

TITLE = "json (a small object)"
REQUEST = Request("GET", "/json")


def check(answer: Answer) -> None:
    """Expect the object, in any formatting."""
    expected = {"id": 42, "name": "costrel", "active": True, "tags": ["a", "b"]}
    answer.require(answer.json() == expected, f"not {expected}")
