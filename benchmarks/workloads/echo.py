"""JSON in by POST, the same JSON out."""

from exchange import Answer, Request

TITLE = "echo (JSON by POST)"
REQUEST = Request(
    "POST",
    "/echo",
    {"Content-Type": "application/json"},
    b'{"message": "hello", "numbers": [1, 2, 3], "nested": {"ok": true}}',
)


def check(answer: Answer) -> None:
    """Expect what was sent, in any formatting."""
    expected = {"message": "hello", "numbers": [1, 2, 3], "nested": {"ok": True}}
    answer.require(answer.json() == expected, f"not {expected}")
