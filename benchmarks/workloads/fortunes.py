"""Rows from SQLite by SQLAlchemy 2, one added, sorted, escaped, rendered.

The queries are the same code for every peer (`material/database.py`).
"""

from exchange import Answer, Request

TITLE = "fortunes (SQLAlchemy 2 on SQLite)"
REQUEST = Request("GET", "/fortunes")


def check(answer: Answer) -> None:
    """Expect 13 sorted rows in which the script is text."""
    page = answer.page()
    answer.require("script" not in page.tags, "the script is not escaped")
    messages = [row[1] for row in page.rows[1:]]
    answer.require(len(messages) == 13, f"there are {len(messages)} rows")
    answer.require(messages == sorted(messages), "the rows are not sorted")
    answer.require('<script>alert("!");</script>' in messages, "the script is not there")
    answer.require(["0", "Added at the time of the request."] in page.rows, "nothing was added")
