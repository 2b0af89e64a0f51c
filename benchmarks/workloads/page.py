"""A typical page: session, user, headers, inheritance, 20 rows, ten URLs.

The session is read from a signed cookie, a before-hook loads the user that it names,
three after-hooks set a header each, and the template extends a base, loops over 20 rows
and builds ten URLs.
"""

from exchange import Answer, Request

TITLE = "page (session, hooks, inheritance, 20 rows, ten URLs)"
LOGIN = Request("GET", "/login")  # answers with the cookie that the request then carries
REQUEST = Request("GET", "/page")

LINKS = ["/", "/json", "/query", "/template/Ada", *(f"/items/{number}" for number in range(1, 7))]
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
}


def check(answer: Answer) -> None:
    """Expect user, rows, links and headers."""
    page = answer.page()
    answer.require(page.links == LINKS, f"the links are {page.links}")
    answer.require(len(page.rows) == 20, f"there are {len(page.rows)} rows")
    answer.require(page.rows[6] == ["7", "Part 7 <steel> & more", "10.50"], f"{page.rows[6]}")
    answer.require("Grace" in page.words, "the user is not greeted")
    actual = {name: answer.headers.get(name) for name in HEADERS}
    answer.require(actual == HEADERS, f"the headers are {actual}")
