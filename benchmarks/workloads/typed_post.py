"""A JSON document of ten fields, nested, validated, and sent back."""

import json

from exchange import Answer, Request
from material.shop import ORDER

TITLE = "typed POST (ten nested fields, validated and sent back)"
REQUEST = Request(
    "POST", "/orders", {"Content-Type": "application/json"}, json.dumps(ORDER).encode()
)


def check(answer: Answer) -> None:
    """Expect what was sent, in any formatting."""
    answer.require(answer.json() == ORDER, f"not {ORDER}")
