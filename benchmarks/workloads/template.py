"""A template from a string, with a parameter out of the URL, escaped."""

from exchange import Answer, Request

TITLE = "template (from a string, with a URL parameter)"
REQUEST = Request("GET", "/template/Ada")
PROBE = Request("GET", "/template/%3Cb%3E")


def check(answer: Answer) -> None:
    """Expect the name in the page."""
    page = answer.page()
    answer.require(page.words == ["Greeting", "Hello,", "Ada!"], f"the words are {page.words}")
    answer.require(page.tags == ["title", "h1"], f"the tags are {page.tags}")


def check_probe(answer: Answer) -> None:
    """Expect a tag in the URL to come out as text."""
    page = answer.page()
    answer.require(page.tags == ["title", "h1"], f"the tags are {page.tags}")
    answer.require("<b>!" in page.words, f"the words are {page.words}")
