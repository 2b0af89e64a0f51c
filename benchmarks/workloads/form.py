"""Two fields of an urlencoded form, as a browser sends them."""

from exchange import Answer, Request

TITLE = "form (two urlencoded fields)"
REQUEST = Request(
    "POST",
    "/form",
    {"Content-Type": "application/x-www-form-urlencoded"},
    b"name=Ada+Lovelace&mail=ada%40example.com",
)


def check(answer: Answer) -> None:
    """Expect both values, decoded."""
    answer.require(answer.body == b"Ada Lovelace <ada@example.com>", f"{answer.body!r}")
