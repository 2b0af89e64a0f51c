"""Query parameters, one of them a number, to JSON."""

from exchange import Answer, Request

TITLE = "query (parameters to JSON)"
REQUEST = Request("GET", "/query?name=Ada&count=3&tag=x%20y")


def check(answer: Answer) -> None:
    """Expect the decoded values, the number as a number."""
    expected = {"name": "Ada", "count": 3, "tag": "x y"}
    answer.require(answer.json() == expected, f"not {expected}")
