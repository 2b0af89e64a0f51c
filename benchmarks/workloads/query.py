"""Query parameters, one of them a number, to JSON."""

from exchange import Answer, Request

TITLE = "query (parameters to JSON)"
REQUEST = Request("GET", "/query?name=Ada&count=3&tag=new")
PROBE = Request("GET", "/query?name=%C3%89ve+L.&count=12&tag=a%26b")


def check(answer: Answer) -> None:
    """Expect the values, the number as a number."""
    expected = {"name": "Ada", "count": 3, "tag": "new"}
    answer.require(answer.json() == expected, f"not {expected}")


def check_probe(answer: Answer) -> None:
    """Expect percent-encoded values decoded."""
    expected = {"name": "Éve L.", "count": 12, "tag": "a&b"}
    answer.require(answer.json() == expected, f"not {expected}")
