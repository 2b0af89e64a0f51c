"""Types that several models and views share, with what is allowed."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from costrel.api import Path

LARGEST = 2**31 - 1  # SQLite could not look for a number of any size.

Id = Annotated[int, Meta(ge=1, le=LARGEST)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Year = Annotated[int, Meta(ge=1450, le=2100)]
Price = Annotated[int, Meta(ge=0, le=1_000_000, description="In cents.")]

BookId = Annotated[Id, Path(description="The number of the book.")]
OrderId = Annotated[Id, Path(description="The number of the order.")]

PageNumber = Annotated[int, Meta(ge=1, le=10_000)]
PageSize = Annotated[int, Meta(ge=1, le=100)]
