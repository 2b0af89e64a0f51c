"""The document of `typed_post` with three errors: what refusing a request costs."""

import json

from exchange import Answer, Request
from material.shop import BROKEN, WRONG

TITLE = "invalid typed POST (422, or 400)"
REQUEST = Request(
    "POST",
    "/orders",
    {"Content-Type": "application/json"},
    json.dumps(BROKEN).encode(),
    refused=True,
)


def check(answer: Answer) -> None:
    """Expect an error that names a wrong field; how many it names is the framework's choice."""
    answer.require(answer.status in {400, 422}, "the status is neither 400 nor 422")
    answer.require(any(name in answer.text() for name in WRONG), "no wrong field is named")
