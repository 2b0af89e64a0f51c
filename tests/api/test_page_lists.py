"""Lists in pages, by number and by cursor, and the links between them."""

from __future__ import annotations

import datetime as dt
import decimal
import typing as t
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.pool import StaticPool
from werkzeug.middleware.proxy_fix import ProxyFix

from costrel import Costrel
from costrel.api import CursorPage, Page, paginate, paginate_by_cursor
from costrel.testing import FlaskClient

pytestmark = pytest.mark.usefixtures("path")


class Base(DeclarativeBase):
    """The base of the tables."""


class StoredBook(Base):
    """A row, with what nobody may see."""

    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    year: Mapped[int] = mapped_column("published")
    added: Mapped[dt.datetime]
    secret: Mapped[str] = mapped_column(default="hash")
    tags: Mapped[list[StoredTag]] = relationship()


class StoredTag(Base):
    """A row that belongs to another."""

    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("book.id"))
    name: Mapped[str]


class Tag(Struct):
    """What clients see of a tag."""

    name: str


class Book(Struct):
    """What clients see of a book."""

    id: int
    title: str


class TaggedBook(Book):
    """With its tags."""

    tags: list[Tag] = []


class Wanted(Struct):
    """What a client looks for."""

    size: int


COUNT = 7
MIDNIGHT = dt.datetime(2020, 1, 1)  # noqa: DTZ001  SQLite has no time zones


@pytest.fixture
def session() -> Iterator[Session]:
    """Return a session with seven books, of three years."""
    engine = sa.create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for number in range(1, COUNT + 1):
            book = StoredBook(id=number, title=f"Book {number}", year=2000 + number % 3)
            book.added = MIDNIGHT + dt.timedelta(days=number // 2)
            book.tags = [StoredTag(name=name) for name in "ab"]
            session.add(book)
        session.commit()
        yield session
    engine.dispose()


def links_of(response: t.Any) -> dict[str, str]:
    """Return the links of a response by their relation."""
    links = {}
    for link in filter(None, response.headers.get("Link", "").split(", ")):
        url, _, relation = link.partition("; rel=")
        links[relation.strip('"')] = url.strip("<>")
    return links


def client_of(view: t.Any, **config: t.Any) -> FlaskClient:
    """Return a client of an application with one view."""
    app = Costrel(__name__)
    app.testing = True
    app.config.update({"SECRET_KEY": "test"} | config)
    app.get("/books")(view)
    return app.test_client()


def pages_of(client: FlaskClient, url: str, relation: str = "next") -> list[list[int]]:
    """Return the ids on a page and those that its links lead to, one after the other."""
    pages = []
    while url:
        response = client.get(url)
        assert response.status_code == 200, response.text
        pages.append([item["id"] for item in response.json["items"]])
        url = links_of(response).get(relation, "")
        assert len(pages) < 20
    return pages


NUMBERS = [{"id": number, "title": "x", "secret": "hash"} for number in range(1, COUNT + 1)]


def test_list_is_cut_into_pages() -> None:
    """Each item has what is declared; total, number and size are told."""

    def show(page: int = 1, size: int = 3) -> Page[Book]:
        return paginate(NUMBERS, page, size)

    client = client_of(show)
    assert client.get("/books?page=3").json == {
        "items": [{"id": 7, "title": "x"}], "page": 3, "size": 3, "total": 7,
    }  # fmt: skip
    assert pages_of(client, "/books") == [[1, 2, 3], [4, 5, 6], [7]]
    assert pages_of(client, "/books?page=3", "prev") == [[7], [4, 5, 6], [1, 2, 3]]
    assert pages_of(client, "/books?size=7") == [[1, 2, 3, 4, 5, 6, 7]]
    assert pages_of(client, "/books?page=9") == [[]]
    assert pages_of(client, "/books?page=9", "prev")[1] == [7]
    assert client.get(f"/books?page={10**30}").json["items"] == []


def test_page_of_an_empty_list_is_the_first_and_last() -> None:
    """Without a page beside it."""

    def show() -> Page[Book]:
        return paginate([])

    response = client_of(show).get("/books")
    assert response.json == {"items": [], "page": 1, "size": 20, "total": 0}
    assert list(links_of(response)) == ["first", "last"]


def test_links_keep_the_other_parameters() -> None:
    """In whatever order and spelling, repeated ones too; nothing in them ends a link."""

    def show(page: int = 1) -> Page[Book]:
        return paginate(NUMBERS, page, 3)

    response = client_of(show).get("/books?b=1&page=2&a=%3E%22%2C+%C3%A9&b=2&c=")
    query = "b=1&b=2&a=%3E%22%2C+%C3%A9&c=&page="
    assert links_of(response) == {
        relation: f"http://localhost/books?{query}{number}"
        for relation, number in {"first": 1, "prev": 1, "next": 3, "last": 3}.items()
    }


def test_links_are_those_that_the_proxy_serves() -> None:
    """Scheme, host and prefix are the client's."""

    def show(page: int = 1) -> Page[Book]:
        return paginate(NUMBERS, page, 4)

    client = client_of(show)
    app = client.application
    app.config["TRUSTED_HOSTS"] = ["books.test"]
    app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1, x_prefix=1)
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "books.test",
        "X-Forwarded-Prefix": "/api",
    }
    links = links_of(client.get("/books", headers=headers))
    assert links["next"] == "https://books.test/api/books?page=2"


def test_links_that_are_too_long_are_left_out() -> None:
    """A proxy would refuse the answer."""

    def show(page: int = 1) -> Page[Book]:
        return paginate(NUMBERS, page, 3)

    response = client_of(show).get(f"/books?q={'x' * 3000}")
    assert response.status_code == 200
    assert "Link" not in response.headers


@pytest.mark.parametrize(
    ("query", "pointer", "detail"),
    [
        ("page=0", "/page", "Expected `int` >= 1"),
        ("page=-1", "/page", "Expected `int` >= 1"),
        ("size=0", "/size", "Expected `int` >= 1"),
        ("size=101", "/size", "Expected `int` <= 100"),
        (f"size={10**30}", "/size", "Expected `int` <= 100"),
    ],
)
def test_page_out_of_range_is_refused(query: str, pointer: str, detail: str) -> None:
    """Although the view did not say which pages there are."""

    def show(page: int = 1, size: int = 3) -> Page[Book]:
        return paginate(NUMBERS, page, size)

    response = client_of(show).get(f"/books?{query}")
    assert response.status_code == 422
    assert response.json["errors"] == [{"in": "query", "pointer": pointer, "detail": detail}]


@pytest.mark.parametrize(
    ("page", "size", "message"),
    [
        (
            1,
            1000,
            r"^size=1000 of a page is out of range: expected `int` <= 100\..* max_size=1000\.",
        ),
        (1, 0, "^size=0 of a page is out of range: expected `int` >= 1"),
        (0, 3, "^page=0 of a page is out of range: expected `int` >= 1"),
    ],
)
def test_number_out_of_range_that_no_client_sent_is_an_error_of_the_code(
    page: int, size: int, message: str
) -> None:
    """It names what to write, in a request and outside of one."""

    def show(q: str = "") -> Page[Book]:
        return paginate(NUMBERS, page, size)

    with pytest.raises(ValueError, match=message):
        client_of(show).get("/books?q=x")
    with pytest.raises(ValueError, match=message):
        paginate(NUMBERS, page, size)


def test_cursor_page_of_a_size_that_the_code_has_is_an_error_of_the_code() -> None:
    """As a page by its number."""

    def show(cursor: str | None = None) -> CursorPage[Book]:
        return paginate_by_cursor(NUMBERS, cursor, 1000)

    with pytest.raises(ValueError, match="max_size=1000"):
        client_of(show).get("/books")


def test_number_out_of_range_is_refused_by_the_name_that_the_client_sent() -> None:
    """Whatever the view calls it, and wherever it is."""
    app = Costrel(__name__)

    @app.get("/books")
    def show(number: int = 1, per_page: int = 3) -> Page[Book]:
        return paginate(NUMBERS, number, per_page)

    @app.get("/pages/<int:number>")
    def show_page(number: int) -> Page[Book]:
        return paginate(NUMBERS, number)

    @app.post("/searches")
    def search(wanted: Wanted) -> Page[Book]:
        return paginate(NUMBERS, 1, wanted.size)

    client = app.test_client()
    responses = [
        client.get("/books?per_page=101"),
        client.get("/books?number=-1"),
        client.get("/pages/0"),
        client.post("/searches", json={"size": 101}),
    ]
    assert [response.status_code for response in responses] == [422] * len(responses)
    assert [
        (error["in"], error["pointer"])
        for response in responses
        for error in response.json["errors"]
    ] == [("query", "/per_page"), ("query", "/number"), ("path", "/number"), ("body", "")]


def test_size_may_have_another_limit() -> None:
    """Of the view's."""

    def show(size: int = 3) -> Page[Book]:
        return paginate(NUMBERS, 1, size, max_size=500)

    client = client_of(show)
    assert client.get("/books?size=500").json["size"] == 500
    assert client.get("/books?size=501").status_code == 422


@pytest.mark.parametrize("source", [{"a": 1}, "text", iter([1]), 5, None])
def test_what_is_no_list_is_refused(source: t.Any) -> None:
    """The error says what there can be instead."""
    with pytest.raises(TypeError, match="of lists and of selects"):
        paginate(source)


def test_select_is_cut_into_pages(session: Session) -> None:
    """Only the rows of the page are loaded, in the select's order; attributes are picked."""

    def show(page: int = 1, size: int = 3) -> Page[TaggedBook]:
        books = sa.select(StoredBook).order_by(StoredBook.id.desc())
        return paginate(books, page, size, session=session)

    client = client_of(show)
    response = client.get("/books?page=3")
    tags = [{"name": "a"}, {"name": "b"}]
    assert response.json["items"] == [{"id": 1, "title": "Book 1", "tags": tags}]
    assert response.json["total"] == COUNT
    assert "hash" not in response.text
    assert pages_of(client, "/books") == [[7, 6, 5], [4, 3, 2], [1]]
    assert client.get(f"/books?page={10**30}").json["items"] == []


def test_rows_that_repeat_an_object_are_one_item(session: Session) -> None:
    """A collection that is loaded with it does not change the size of a page."""

    def show(page: int = 1) -> Page[TaggedBook]:
        books = sa.select(StoredBook).options(sa.orm.joinedload(StoredBook.tags))
        return paginate(books.order_by(StoredBook.id), page, 3, session=session)

    assert pages_of(client_of(show), "/books") == [[1, 2, 3], [4, 5, 6], [7]]


def test_columns_are_cut_into_pages(session: Session) -> None:
    """Several are an object, one is a value, and so are the rows of a table or a union."""
    app = Costrel(__name__)
    app.testing = True
    columns = sa.select(StoredBook.id, StoredBook.title, StoredBook.secret).order_by(StoredBook.id)
    union = sa.union_all(
        sa.select(StoredBook.id, StoredBook.title), sa.select(StoredTag.id, StoredTag.name)
    )

    @app.get("/columns")
    def show_columns() -> Page[Book]:
        return paginate(columns, 2, 3, session=session)

    @app.get("/titles")
    def show_titles() -> Page[str]:
        return paginate(sa.select(StoredBook.title).order_by("id"), 2, 3, session=session)

    @app.get("/table")
    def show_table() -> Page[Book]:
        table = StoredBook.__table__
        return paginate(sa.select(table).order_by(table.c.id), 2, 3, session=session)

    @app.get("/union")
    def show_union() -> Page[Book]:
        return paginate(union.order_by("id", "title"), 1, 3, session=session)

    client = app.test_client()
    fourth = {"id": 4, "title": "Book 4"}
    for path in ("/columns", "/table"):
        assert client.get(path).json["items"][0] == fourth
        assert "hash" not in client.get(path).text
    assert client.get("/titles").json["items"] == ["Book 4", "Book 5", "Book 6"]
    assert client.get("/union").json["total"] == 3 * COUNT


def test_session_is_that_of_flask_sqlalchemy(session: Session) -> None:
    """Without one, the error says what to pass."""

    class Extension:
        """Like Flask-SQLAlchemy's."""

    def show() -> Page[Book]:
        return paginate(sa.select(StoredBook))

    client = client_of(show)
    with pytest.raises(TypeError, match="Pass session="):
        client.get("/books")
    extension: t.Any = Extension()
    extension.session = session
    client.application.extensions["sqlalchemy"] = extension
    assert client.get("/books").json["total"] == COUNT


def test_async_session_is_refused_with_what_to_write() -> None:
    """Nothing is awaited in a function that is not async."""

    class AsyncSession:
        async def execute(self, statement: t.Any) -> None:
            """Do nothing."""

    with pytest.raises(TypeError, match="run_sync"):
        paginate(sa.select(StoredBook), session=AsyncSession())


KEYS = ["id", "-id", "year", "-year", ("year", "-title"), ("-added", "year"), ("-year", "-id")]


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_cursors_visit_each_row_once(session: Session, key: t.Any, size: int) -> None:
    """In the order of the key, forwards and backwards, also where many rows share a key."""

    def show(cursor: str | None = None) -> CursorPage[Book]:
        books = sa.select(StoredBook).order_by(StoredBook.title)
        return paginate_by_cursor(books, cursor, size, key=key, session=session)

    client = client_of(show)
    pages = pages_of(client, "/books")
    found = [number for page in pages for number in page]
    names = [key] if isinstance(key, str) else list(key)
    wanted = list(session.scalars(sa.select(StoredBook).order_by(StoredBook.id)))
    for name in reversed(names):
        wanted.sort(key=lambda book: getattr(book, name.lstrip("-")), reverse=name[0] == "-")
    assert found == [book.id for book in wanted]
    last: t.Any = client.get("/books")
    while "next" in links_of(last):
        last = client.get(links_of(last)["next"])
    back = [[item["id"] for item in last.json["items"]]]
    back += pages_of(client, links_of(last)["prev"], "prev") if len(pages) > 1 else []
    assert [number for page in reversed(back) for number in page] == found
    assert links_of(last)["first"] == "http://localhost/books"


@pytest.mark.parametrize("key", ["id", "-year", ("year", "-id")], ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_cursors_visit_each_item_of_a_list_once(key: t.Any, size: int) -> None:
    """Items with the same key stay in the list's order, even one that is there twice."""
    items = [{"id": number, "title": "x", "year": number % 3} for number in range(COUNT)]
    items.append(items[3])

    def show(cursor: str | None = None) -> CursorPage[Book]:
        return paginate_by_cursor(items, cursor, size, key=key)

    client = client_of(show)
    forwards = pages_of(client, "/books")
    found = [number for page in forwards for number in page]
    assert sorted(found) == sorted([*range(COUNT), 3])
    last: t.Any = client.get("/books")
    while "next" in links_of(last):
        last = client.get(links_of(last)["next"])
    back = [[item["id"] for item in last.json["items"]]]
    back += pages_of(client, links_of(last)["prev"], "prev") if len(forwards) > 1 else []
    assert [number for page in reversed(back) for number in page] == found


def test_rows_that_come_and_go_do_not_move_the_others(session: Session) -> None:
    """The row that a cursor names may be gone, and others may have come before it."""

    def show(cursor: str | None = None) -> CursorPage[Book]:
        return paginate_by_cursor(sa.select(StoredBook), cursor, 3, session=session)

    client = client_of(show)
    first = client.get("/books")
    session.execute(sa.delete(StoredBook).where(StoredBook.id.in_([2, 3])))
    session.add(StoredBook(id=0, title="New", year=1, added=MIDNIGHT))
    session.commit()
    second = client.get(links_of(first)["next"])
    assert [item["id"] for item in second.json["items"]] == [4, 5, 6]
    assert second.json["previous"]
    assert pages_of(client, links_of(second)["prev"], "prev") == [[0, 1]]
    session.execute(sa.delete(StoredBook).where(StoredBook.id < 4))
    session.commit()
    before = client.get(links_of(second)["prev"])
    assert [item["id"] for item in before.json["items"]] == [4, 5, 6]
    assert before.json["previous"] is None


def test_values_of_any_kind_can_be_in_a_cursor() -> None:
    """Each comes back as what it was."""
    values: dict[str, list[t.Any]] = {
        "int": [1, 2**70],
        "float": [0.1, 2.5],
        "str": ["a", "é\0\n"],
        "bool": [False, True],
        "date": [dt.date(2020, 1, 1), dt.date(2020, 1, 2)],
        "datetime": [MIDNIGHT, MIDNIGHT.replace(microsecond=1)],
        "aware": [MIDNIGHT.replace(tzinfo=dt.UTC), MIDNIGHT.replace(year=2021, tzinfo=dt.UTC)],
        "time": [dt.time(1), dt.time(1, 2, 3, 4)],
        "delta": [dt.timedelta(1), dt.timedelta(days=2, microseconds=5)],
        "uuid": [uuid.UUID(int=1), uuid.UUID(int=2)],
        "decimal": [decimal.Decimal("0.10"), decimal.Decimal("1e3")],
    }
    app = Costrel(__name__)
    app.secret_key = "test"

    @app.get("/<name>")
    def show(name: str, cursor: str | None = None) -> CursorPage[Book]:
        items = [{"id": 1, "title": "x", "key": value} for value in values[name]]
        items[1]["id"] = 2
        return paginate_by_cursor(items, cursor, 1, key="key")

    client = app.test_client()
    for name in values:
        assert pages_of(client, f"/{name}") == [[1], [2]], name


def _cursor(client: FlaskClient, url: str = "/books") -> str:
    return str(client.get(url).json["next"])


def test_forged_cursor_is_refused() -> None:
    """Every change of it, of whatever length, and one of another list or key."""

    def show(cursor: str | None = None, key: str = "id") -> CursorPage[Book]:
        return paginate_by_cursor(NUMBERS, cursor, 2, key=key)

    client = client_of(show)
    client.application.get("/others", endpoint="others")(show)
    good = _cursor(client)
    other_key = _cursor(client, "/books?key=-id")
    other_list = _cursor(client, "/others")
    other_secret = _cursor(client_of(show, SECRET_KEY="other"))
    payload = good.rpartition(".")[0]
    forged = [
        "", " ", "x", ".", "..", "null", "W10", good[:-1], good + "x", good.swapcase(), payload,
        f"{payload}.", "a" + good, f".{good}", "\0", "é", "x" * 5_000, "%ff",
        other_key, other_list, other_secret,
    ]  # fmt: skip
    for cursor in forged:
        response = client.get("/books", query_string={"cursor": cursor})
        assert response.status_code == 404, cursor
        assert response.json["detail"] == "The list has no page at this cursor."
    assert client.get("/books", query_string={"cursor": good}).json["items"][0]["id"] == 3
    assert client.get("/books?cursor=%FF").status_code == 404


def test_cursor_outlives_a_change_of_the_key() -> None:
    """If the old key is among those that only verify."""

    def show(cursor: str | None = None) -> CursorPage[Book]:
        return paginate_by_cursor(NUMBERS, cursor, 2)

    cursor = _cursor(client_of(show, SECRET_KEY="old"))
    client = client_of(show, SECRET_KEY="new", SECRET_KEY_FALLBACKS=["older", "old"])
    assert client.get("/books", query_string={"cursor": cursor}).status_code == 200
    newer = _cursor(client)
    old = client_of(show, SECRET_KEY="old")
    assert old.get("/books", query_string={"cursor": newer}).status_code == 404


def test_cursor_without_a_secret_key_is_an_error() -> None:
    """Rather than one that any client may change."""

    def show() -> CursorPage[Book]:
        return paginate_by_cursor([])

    with pytest.raises(RuntimeError, match="Set SECRET_KEY"):
        client_of(show, SECRET_KEY=None).get("/books")


@pytest.mark.parametrize(
    ("items", "key", "said"),
    [
        ([{"id": None}], "id", "is None or missing in a dict"),
        ([{}], "id", "is None or missing in a dict"),
        ([{"id": b"x"}, {"id": b"y"}], "id", "can't be in a cursor"),
    ],
    ids=repr,
)
def test_key_that_gives_no_order_is_an_error(items: t.Any, key: str, said: str) -> None:
    """It is the view's, and says what is wrong with the key."""

    def show() -> CursorPage[Book]:
        return paginate_by_cursor(items, None, 1, key=key)

    with pytest.raises(TypeError, match=said):
        client_of(show).get("/books")


def test_key_that_a_select_does_not_have_is_an_error(session: Session) -> None:
    """As is a union, which has no condition."""
    sources = {
        "object": (sa.select(StoredBook), "no column 'isbn'"),
        "columns": (sa.select(StoredBook.id, StoredBook.title), "no column 'isbn'"),
        "union": (sa.union(sa.select(StoredBook.id), sa.select(StoredTag.id)), "union of selects"),
    }
    for source, said in sources.values():

        def show(source: t.Any = source) -> CursorPage[Book]:
            return paginate_by_cursor(source, None, 1, key="isbn", session=session)

        show.__annotations__.pop("source")
        with pytest.raises(TypeError, match=said):
            client_of(show).get("/books")


def test_columns_are_cut_by_cursors(session: Session) -> None:
    """Rows by one of their columns, values by themselves."""

    def show(cursor: str | None = None) -> CursorPage[Book]:
        rows = sa.select(StoredBook.id, StoredBook.title, StoredBook.secret)
        return paginate_by_cursor(rows, cursor, 3, key="-id", session=session)

    assert pages_of(client_of(show), "/books") == [[7, 6, 5], [4, 3, 2], [1]]

    def show_ids(cursor: str | None = None) -> CursorPage[int]:
        return paginate_by_cursor(sa.select(StoredBook.id), cursor, 3, session=session)

    client = client_of(show_ids)
    first = client.get("/books")
    assert first.json["items"] == [1, 2, 3]
    assert client.get(links_of(first)["next"]).json["items"] == [4, 5, 6]


def test_pages_need_no_sqlalchemy() -> None:
    """It is asked for only if the application has loaded it."""
    import subprocess
    import sys

    code = (
        "import sys, costrel.api; costrel.api.paginate([1], 1, 1);"
        "assert 'sqlalchemy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


LISTS: dict[str, list[t.Any]] = {
    "int": [1, 2, 3], "float": [0.5, 1.5, 2.5], "text": ["a", "b", "c"],
    "date": [dt.date(2020, 1, day) for day in (1, 2, 3)],
    "naive": [MIDNIGHT.replace(day=day) for day in (1, 2, 3)],
    "aware": [MIDNIGHT.replace(day=day, tzinfo=dt.UTC) for day in (1, 2, 3)],
    "uuid": [uuid.UUID(int=number) for number in (1, 2, 3)],
}  # fmt: skip
"""The keys of lists, by the kind of them."""

NUMBERS_TOO = {"int", "float"}


@pytest.mark.parametrize("one", LISTS)
@pytest.mark.parametrize("other", LISTS)
def test_cursor_of_another_list_of_the_view_has_no_page(one: str, other: str) -> None:
    """Nor one that a client has kept, if the keys are of another type since."""
    app = Costrel(__name__)
    app.secret_key = "test"

    @app.get("/<name>")
    def show(name: str, cursor: str | None = None) -> CursorPage[t.Any]:
        items = [{"id": value} for value in LISTS[name]]
        return paginate_by_cursor(items, cursor, 1)

    client = app.test_client()
    response = client.get(f"/{other}", query_string={"cursor": _cursor(client, f"/{one}")})
    are_alike = one == other or {one, other} == NUMBERS_TOO
    assert response.status_code == (200 if are_alike else 404)


@pytest.mark.parametrize("key", ["id", "title"])
def test_cursor_of_a_select_is_of_its_types(session: Session, key: str) -> None:
    """A database would refuse the value of another, or compare it in some way."""
    app = Costrel(__name__)
    app.secret_key = "test"

    @app.get("/<name>")
    def show(name: str, cursor: str | None = None) -> CursorPage[t.Any]:
        if name == "list":
            value = {"id": "text", "title": 7}[key]
            items = [{key: value}, {key: value}]
            return paginate_by_cursor(items, cursor, 1, key=key)
        columns = sa.select(getattr(StoredBook, key))
        return paginate_by_cursor(columns, cursor, 1, key=key, session=session)

    client = app.test_client()
    found = client.get("/select", query_string={"cursor": _cursor(client, "/select")})
    assert found.status_code == 200
    found = client.get("/select", query_string={"cursor": _cursor(client, "/list")})
    assert found.status_code == 404
