"""What the shop refuses, and what clients are told."""

from __future__ import annotations

from sqlalchemy.orm.exc import StaleDataError


class NotFound(Exception):  # noqa: N818
    """There is no such book, category or order."""


class Conflict(Exception):  # noqa: N818
    """What is asked for does not go with what the shop has."""


class OutOfStock(Exception):  # noqa: N818
    """There are fewer copies of a book than are wanted."""

    def __init__(self, book_id: int, left: int) -> None:
        super().__init__(f"There are {left} copies of book {book_id} left.")
        self.book_id = book_id
        self.left = left


def init_app(app):
    """Say which problem each error is."""
    app.problem(StaleDataError, status=409, title="Changed by somebody else meanwhile")

    @app.problem(NotFound, status=404)
    @app.problem(Conflict, status=409)
    def explain(error):
        return str(error)

    @app.problem(OutOfStock, status=409, title="Out of stock")
    def tell_what_is_left(error):
        return {"detail": str(error), "book_id": error.book_id, "left": error.left}
