"""Four parameters of the query, and a list of 100 items that they choose."""

from exchange import Answer, Request
from material.shop import shelve

TITLE = "typed GET (four parameters, a list of 100 items)"
REQUEST = Request("GET", "/items?category=tools&in_stock=true&limit=100&offset=20")
PROBE = Request("GET", "/items?category=paint&in_stock=false&limit=3&offset=0")


def check(answer: Answer) -> None:
    """Expect the items, in any formatting."""
    expected = shelve(dict)["tools", True][20:120]
    answer.require(answer.json() == expected, "not the items from the 20th on")


def check_probe(answer: Answer) -> None:
    """Expect other items for other values."""
    expected = shelve(dict)["paint", False][:3]
    answer.require(answer.json() == expected, "not the first three")
