"""Static HTML: what a request costs when the view does nothing."""

from exchange import Answer, Request

TITLE = "hello (static HTML)"
REQUEST = Request("GET", "/")


def check(answer: Answer) -> None:
    """Expect the words, as HTML."""
    answer.expect("text/html")
    answer.require(answer.body == b"<h1>Hello, World!</h1>", "not the page")
