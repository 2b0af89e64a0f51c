"""What the typed workloads send and show: an order, and the items of a shop."""

from __future__ import annotations

import typing as t

T = t.TypeVar("T")

ORDER = {
    "customer": "Grace Hopper",
    "paid": True,
    "address": {"street": "1 Harbour Road", "city": "Arlington", "postcode": "22202"},
    "lines": [
        {"sku": "bolt-m4", "quantity": 12, "price": 0.25},
        {"sku": "gear-32", "quantity": 1, "price": 18.5},
    ],
}

# Too short, missing, and of another type.
BROKEN = {
    "customer": "",
    "paid": True,
    "address": {"street": "1 Harbour Road", "city": "Arlington"},
    "lines": [{"sku": "bolt-m4", "quantity": "twelve", "price": 0.25}],
}
WRONG = ("customer", "postcode", "quantity")

ON_A_SHELF = 150
SHELVES = [(category, in_stock) for category in ("tools", "paint") for in_stock in (True, False)]

Shelves = dict[tuple[str, bool], list[T]]


def shelve(make: t.Callable[..., T]) -> Shelves[T]:
    """Return the items of each category, in stock or not, made by a class or `dict`."""
    return {
        shelf: [make(**row) for row in _rows(1_000 * number)]
        for number, shelf in enumerate(SHELVES, 1)
    }


def _rows(first: int) -> list[dict[str, t.Any]]:
    return [
        {
            "id": first + number,
            "name": f"Part {first + number}",
            "price": number * 0.25,
            "weight_g": number * 10,
            "tags": ["steel", "new"] if number % 2 else ["brass"],
        }
        for number in range(ON_A_SHELF)
    ]
