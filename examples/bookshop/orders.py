"""Customers, their orders, and the courier who brings them."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import select

from costrel import Blueprint, current_app
from costrel.api import Depends, Page, paginate

from .database import Database, find
from .errors import Conflict, NotFound, OutOfStock
from .fields import Id, Name, OrderId, PageNumber, PageSize
from .people import Customer, cookie_of, for_the_courier, make_token
from .tables import BookRow, CustomerRow, LineRow, OrderRow

orders = Blueprint("orders", __name__)


class Somebody(Struct):
    """Somebody who buys in the shop."""

    name: Name


@orders.post("/customers", status=201)
def add_customer(new: Somebody, session: Database) -> tuple[Somebody, dict[str, str]]:
    """Become a customer: the answer sets a cookie, which orders are made with."""
    token, token_hash = make_token()
    customer = CustomerRow(name=new.name, token_hash=token_hash)
    session.add(customer)
    session.commit()
    return customer, cookie_of(token)


class Card(Struct, tag="card"):
    """Payment with a card, of which the shop knows what the card's company gave the customer."""

    token: Annotated[str, Meta(min_length=1, max_length=100)]


class Invoice(Struct, tag="invoice"):
    """Payment after delivery."""

    address: Annotated[str, Meta(min_length=1, max_length=500)]


class Voucher(Struct, tag="voucher"):
    """Payment with a present."""

    code: Annotated[str, Meta(min_length=8, max_length=20)]


Payment = Card | Invoice | Voucher


class NewLine(Struct):
    """Copies of one book."""

    book_id: Id
    count: Annotated[int, Meta(ge=1, le=100)] = 1


class NewOrder(Struct):
    """What a customer wants."""

    lines: Annotated[list[NewLine], Meta(min_length=1, max_length=50)]
    payment: Payment


class Line(Struct):
    """Copies of one book, and what one cost."""

    book_id: int
    title: str
    price: int
    count: int


class Order(Struct):
    """What a customer has ordered."""

    id: int
    lines: list[Line]
    total: int
    paid_by: str
    ordered: date
    shipped: date | None


@orders.post("/orders", status=201)
def add_order(new: NewOrder, customer: Customer, session: Database) -> Order:
    """Order books; either all that is wanted, or nothing."""
    order = OrderRow(customer_id=customer.id, paid_by=describe(new.payment))
    for line in new.lines:
        book = find(session, BookRow, line.book_id)
        if book.stock < line.count:
            raise OutOfStock(book.id, book.stock)
        book.stock -= line.count
        order.lines.append(
            LineRow(book_id=book.id, title=book.title, price=book.price, count=line.count)
        )
    session.add(order)
    session.commit()
    return order


def describe(payment: Payment) -> str:
    """Say how an order is paid."""
    match payment:
        case Card():
            return "card"
        case Invoice(address=address):
            return f"invoice to {address}"
        case Voucher(code=code):
            return f"voucher {code[:4]}..."


@orders.get("/orders")
def list_orders(
    customer: Customer, session: Database, page: PageNumber = 1, size: PageSize = 20
) -> Page[Order]:
    """List the customer's orders, the newest first."""
    mine = select(OrderRow).where(OrderRow.customer_id == customer.id)
    return paginate(mine.order_by(OrderRow.id.desc()), page, size, session=session)


@orders.get("/orders/<int:order_id>")
def read_order(order_id: OrderId, customer: Customer, session: Database) -> Order:
    """Show one of the customer's orders."""
    order = find(session, OrderRow, order_id)
    if order.customer_id != customer.id:
        raise NotFound(f"There is no order {order_id}.")
    return order


class Shipped(Struct):
    """The news that an order is on its way."""

    order_id: int
    shipped: date


def order_shipped(news: Shipped) -> None:
    """Hear that an order is on its way: the documentation says so of this webhook."""


Tell = Callable[[Shipped], None]


def messenger() -> Tell:
    """Return what tells of orders that are on their way; tests put another in its place."""
    return tell_the_webhook


def tell_the_webhook(news: Shipped) -> None:
    """Send the news where the configuration says, without keeping the courier waiting."""
    if url := current_app.config["SHIPPED_URL"]:
        current_app.add_background_task(send, url, news)


def send(url: str, news: Shipped) -> None:
    """Send the news."""
    headers = {"Content-Type": "application/json"}
    message = urllib.request.Request(url, msgspec.json.encode(news), headers)  # noqa: S310  it is ours
    urllib.request.urlopen(message, timeout=10).close()  # noqa: S310  as above


@orders.post("/orders/<int:order_id>/shipment", status=201, dependencies=for_the_courier)
def ship_order(
    order_id: OrderId, session: Database, tell: Annotated[Tell, Depends(messenger)]
) -> Shipped:
    """Say that an order is on its way."""
    order = find(session, OrderRow, order_id)
    if order.shipped is not None:
        raise Conflict(f"Order {order_id} was shipped on {order.shipped}.")
    order.shipped = datetime.now(UTC).date()
    session.commit()
    news = Shipped(order.id, order.shipped)
    tell(news)
    return news
