"""What clerks, customers and the courier can do."""

import io
import json

import pytest

from ..orders import Shipped, messenger

BOOKS = "/api/v2/books"
EMMA = {"title": "Emma", "authors": [{"name": "Jane Austen", "born": 1775}], "price": 999}
PNG = b"\x89PNG\r\n\x1a\n and the rest"


@pytest.fixture
def emma(client, clerk):
    """Add a book, of which there are three copies."""
    answer = client.post(BOOKS, json={**EMMA, "stock": 3}, headers=clerk)
    assert answer.status_code == 201
    return answer.json


def test_both_versions_show_the_same_book(client, clerk, emma):
    """Version 1 has one author, version 2 has several."""
    assert emma == {**EMMA, "id": 1, "stock": 3, "year": None, "category_id": None}
    assert client.get("/api/v1/books/1").json == {
        "id": 1, "title": "Emma", "author": "Jane Austen", "price": 999, "year": None,
    }  # fmt: skip
    old = {"title": "Persuasion", "author": "Jane Austen", "price": 800, "year": 1817}
    assert client.post("/api/v1/books", json=old, headers=clerk).json == {**old, "id": 2}
    assert client.put("/api/v1/books/2", json={**old, "price": 1}, headers=clerk).json["price"] == 1
    assert client.get(f"{BOOKS}/2").json["authors"] == [{"name": "Jane Austen", "born": None}]


def test_only_clerks_change_books(client, emma):
    """Everybody else is told how to log in."""
    answer = client.delete(f"{BOOKS}/1")
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.delete(f"{BOOKS}/1", headers={"Authorization": "Bearer x"}).status_code == 401
    assert client.get(f"{BOOKS}/1").json == emma


def test_everything_that_is_wrong_is_told_at_once(client, clerk):
    """Each error has a pointer to its place in the body."""
    wrong = {"title": "", "authors": [{"name": "Jane Austen", "age": 41}], "price": "9.99"}
    answer = client.post(BOOKS, json=wrong, headers=clerk)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json["errors"]} == {
        "/title", "/authors/0/age", "/price",
    }  # fmt: skip


def test_patch_changes_what_is_sent(client, clerk, emma):
    """What is absent stays as it is, which null does not."""
    client.patch(f"{BOOKS}/1", json={"year": 1815}, headers=clerk)
    answer = client.patch(f"{BOOKS}/1", json={"price": 500}, headers=clerk)
    assert answer.json == {**emma, "year": 1815, "price": 500}
    answer = client.patch(f"{BOOKS}/1", json={"year": None}, headers=clerk)
    assert answer.json["year"] is None
    assert client.patch(f"{BOOKS}/1", json={"price": None}, headers=clerk).status_code == 422
    answer = client.patch(f"{BOOKS}/1", json={"category_id": 9}, headers=clerk)
    assert (answer.status_code, answer.json["detail"]) == (409, "There is no category 9.")


@pytest.mark.usefixtures("emma")
def test_etag_keeps_clerks_from_each_others_changes(client, clerk):
    """A change that is meant for another state of the book is refused."""
    seen = client.get(f"{BOOKS}/1").headers["ETag"]
    assert client.get(f"{BOOKS}/1", headers={"If-None-Match": seen}).status_code == 304
    mine = {**clerk, "If-Match": seen}
    assert client.patch(f"{BOOKS}/1", json={"price": 500}, headers=mine).status_code == 200
    assert client.patch(f"{BOOKS}/1", json={"price": 1}, headers=mine).status_code == 412
    assert client.get(f"{BOOKS}/1").headers["ETag"] != seen
    assert client.delete(f"{BOOKS}/1", headers=clerk).status_code == 204
    assert client.get(f"{BOOKS}/1").status_code == 404


def test_books_are_listed_page_by_page(client, clerk):
    """By numbers in version 1, and by cursors in version 2; both say where the next page is."""
    for number in range(5):
        book = {**EMMA, "title": f"Emma {number}", "price": number, "year": 1815 + number}
        client.post(BOOKS, json=book, headers=clerk)
    page = client.get("/api/v1/books?q=emma&size=2&page=3").json
    assert (page["total"], [book["title"] for book in page["items"]]) == (5, ["Emma 4"])

    titles, url = [], f"{BOOKS}?size=2&cheaper_than=4"
    while url:
        answer = client.get(url)
        titles += [book["title"] for book in answer.json["items"]]
        url = f"{BOOKS}?size=2&cheaper_than=4&cursor={answer.json['next']}"
        url = url if answer.json["next"] else None
    assert titles == ["Emma 0", "Emma 1", "Emma 2", "Emma 3"]
    assert len(client.get(f"{BOOKS}?year=1815&year=1817").json["items"]) == 2


def test_categories_form_a_tree(client, clerk):
    """A whole tree is added at once, and within another category."""
    tree = {"name": "Fiction", "children": [{"name": "Novels", "children": [{"name": "Short"}]}]}
    assert client.post("/api/v2/categories", json=tree, headers=clerk).status_code == 201
    answer = client.post("/api/v2/categories?within=1", json={"name": "Poems"}, headers=clerk)
    assert answer.json == {"id": 4, "name": "Poems", "children": []}
    assert client.get("/api/v2/categories").json == [
        {"id": 1, "name": "Fiction", "children": [
            {"id": 2, "name": "Novels", "children": [{"id": 3, "name": "Short", "children": []}]},
            {"id": 4, "name": "Poems", "children": []},
        ]},
    ]  # fmt: skip


@pytest.mark.usefixtures("emma")
def test_cover_is_uploaded_with_what_is_said_of_it(client, clerk):
    """The picture is a file, the rest is a part with JSON."""
    about = (io.BytesIO(json.dumps({"text": "A lady"}).encode()), None, "application/json")
    data = {"picture": (io.BytesIO(PNG), "../../emma.png", "image/png"), "about": about}
    answer = client.put(f"{BOOKS}/1/cover", data=data, headers=clerk)
    assert answer.status_code == 204
    answer = client.get(f"{BOOKS}/1/cover")
    assert (answer.data, answer.mimetype) == (PNG, "image/png")

    data = {"picture": (io.BytesIO(b"<script>"), "emma.html", "text/html")}
    answer = client.put(f"{BOOKS}/1/cover", data=data, headers=clerk)
    assert answer.status_code == 422
    assert {error["in"] for error in answer.json["errors"]} == {"file", "form"}


@pytest.mark.usefixtures("emma")
@pytest.mark.parametrize(
    "payment",
    [
        {"type": "card", "token": "tok_1"},
        {"type": "invoice", "address": "Chawton"},
        {"type": "voucher", "code": "PRESENT-2026"},
    ],
)
def test_customer_orders_books(client, customer, payment):
    """The order has the price of the day, and there are fewer copies left."""
    order = {"lines": [{"book_id": 1, "count": 2}], "payment": payment}
    answer = customer.post("/api/v2/orders", json=order)
    assert (answer.status_code, answer.json["total"]) == (201, 1998)
    assert customer.get("/api/v2/orders").json["items"] == [answer.json]
    assert customer.get("/api/v2/orders/1").json == answer.json
    assert client.get(f"{BOOKS}/1").json["stock"] == 1
    assert client.get("/api/v2/orders/1").status_code == 401


@pytest.mark.usefixtures("emma")
def test_order_of_more_than_there_is_changes_nothing(client, customer, clerk):
    """The first line would have been possible, but is rolled back with the second."""
    other = client.post(BOOKS, json=EMMA, headers=clerk).json
    lines = [{"book_id": 1}, {"book_id": other["id"]}]
    order = {"lines": lines, "payment": {"type": "card", "token": "tok_1"}}
    answer = customer.post("/api/v2/orders", json=order)
    assert (answer.status_code, answer.json["title"]) == (409, "Out of stock")
    assert (answer.json["book_id"], answer.json["left"]) == (2, 0)
    assert client.get(f"{BOOKS}/1").json["stock"] == 3


@pytest.mark.usefixtures("emma")
def test_courier_tells_of_a_shipment(app, client, customer):
    """Once for each order, and whoever wants to know is told."""
    order = {"lines": [{"book_id": 1}], "payment": {"type": "card", "token": "tok_1"}}
    customer.post("/api/v2/orders", json=order)
    courier = {"X-Courier-Key": "the courier's key"}
    told = []
    with app.override(messenger, lambda: told.append):
        answer = client.post("/api/v2/orders/1/shipment", headers=courier)
        again = client.post("/api/v2/orders/1/shipment", headers=courier)
    assert (answer.status_code, again.status_code) == (201, 409)
    assert [(news.order_id, news.shipped.isoformat()) for news in told] == [
        (1, answer.json["shipped"])
    ]
    assert isinstance(told[0], Shipped)
    assert client.post("/api/v2/orders/1/shipment").status_code == 401
    assert customer.get("/api/v2/orders/1").json["shipped"] == answer.json["shipped"]


@pytest.mark.usefixtures("clerk")
def test_clerk_is_added_once(app):
    """The command refuses a name that there is."""
    answer = app.test_cli_runner().invoke(args=["add-clerk", "Ada"])
    assert answer.output == "Error: There is a clerk called Ada already.\n"
