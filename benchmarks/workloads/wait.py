"""A view that waits for 10 ms, as for a database, for 256 clients at the same time."""

from exchange import Answer, Request

TITLE = "wait (10 ms in each view, 256 clients)"
REQUEST = Request("GET", "/wait")
CONNECTIONS = 256
SECONDS = 0.01


def check(answer: Answer) -> None:
    """Expect the text."""
    answer.require(answer.status == 200, f"the status is {answer.status}")
    answer.require(answer.body == b"Waited.", f"the body is {answer.body!r}")
