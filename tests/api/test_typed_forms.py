"""Forms of typed views: fields, files and JSON parts."""

from __future__ import annotations

import datetime as dt
import enum
import io
import typing as t

import pytest
from msgspec import Meta, Struct, msgpack

from costrel import Costrel
from costrel.api import File, Form, Partial, Query, UploadedFile, changes_of

pytestmark = pytest.mark.usefixtures("path")


class Details(Struct):
    """A JSON part."""

    width: int
    tags: list[str] = []


class Stamp(Struct):
    """A part with types that JSON has no words for."""

    at: dt.datetime
    data: bytes
    width: int


class Author(Struct):
    """An object in a form."""

    name: str


class Cover(Struct):
    """A whole form with a file and an object."""

    caption: t.Annotated[str, Meta(min_length=1)]
    picture: UploadedFile
    others: list[UploadedFile] = []
    author: Author | None = None
    pages: list[int] = []


def file(content: bytes, name: str, kind: str = "image/png") -> tuple[io.BytesIO, str, str]:
    """Return a file for the test client."""
    return io.BytesIO(content), name, kind


@pytest.mark.parametrize("content_type", [None, "multipart/form-data"])
def test_form_is_filled_urlencoded_and_multipart(content_type: str | None) -> None:
    """A field each, by its alias if it has one."""
    app = Costrel(__name__)

    @app.post("/")
    def add(
        title: t.Annotated[str, Form()],
        year: t.Annotated[int | None, Form(alias="published")] = None,
        tag: t.Annotated[list[str], Form()] = [],  # noqa: B006
    ) -> list[str]:
        return [title, str(year), *tag]

    client = app.test_client()
    data = {"title": "Ämma", "published": "1815", "tag": ["a", "b"]}
    response = client.post("/", data=data, content_type=content_type)
    assert response.json == ["Ämma", "1815", "a", "b"]
    response = client.post("/", data={"title": "x", "more": "y"}, content_type=content_type)
    assert response.json == ["x", "None"]


def test_form_without_a_body_is_empty() -> None:
    """Which is an error only if a field has to be there."""
    app = Costrel(__name__)

    @app.post("/")
    def add(title: t.Annotated[str, Form()] = "none") -> list[str]:
        return [title]

    client = app.test_client()
    assert client.post("/").json == ["none"]
    empty = "--b--\r\n"
    response = client.post("/", data=empty, content_type="multipart/form-data; boundary=b")
    assert response.json == ["none"]


def test_json_part_is_decoded_beside_other_fields() -> None:
    """As text or with a file name, which browsers give to a blob; it may be a list."""
    app = Costrel(__name__)

    @app.post("/")
    async def add(
        details: t.Annotated[Details, Form()],
        cover: UploadedFile | None = None,
        authors: t.Annotated[list[Author], Form()] = [],  # noqa: B006
    ) -> dict[str, str]:
        names = " ".join(author.name for author in authors)
        text = "" if cover is None else cover.read().decode()
        return {"width": str(details.width), "cover": text, "names": names}

    client = app.test_client()
    data: dict[str, t.Any] = {
        "details": '{"width": 3}',
        "cover": file(b"PNG", "a.png"),
        "authors": ['{"name": "Ada"}', '{"name": "Bo"}'],
    }
    response = client.post("/", data=data)
    assert response.json == {"width": "3", "cover": "PNG", "names": "Ada Bo"}
    data = {"details": file(b'{"width": 4}', "blob", "application/json")}
    assert client.post("/", data=data).json["width"] == "4"
    data = {"details": '{"width": 4, "tags": [1]}', "authors": ['{"name": 1}']}
    response = client.post("/", data=data, content_type="multipart/form-data")
    assert {one["pointer"]: one["detail"] for one in response.json["errors"]} == {
        "/details/tags/0": "Expected `str`, got `int`",
        "/authors/0/name": "Expected `str`, got `int`",
    }


@pytest.mark.parametrize("kind", ["application/msgpack", "application/vnd.msgpack"])
def test_part_of_messagepack_is_decoded_as_a_body_is(kind: str) -> None:
    """Its binary data and its times too; a broken one is called MessagePack, not JSON."""
    app = Costrel(__name__)

    @app.post("/")
    def add(
        stamp: t.Annotated[Stamp, Form()],
        cover: UploadedFile | None = None,  # beside it, the model is one part
    ) -> list[str]:
        return [stamp.at.isoformat(), stamp.data.decode(), str(stamp.width)]

    at = dt.datetime(2024, 5, 6, tzinfo=dt.UTC)
    client = app.test_client()

    def answer(content: bytes) -> t.Any:
        return client.post("/", data={"stamp": file(content, "blob", kind)}).json

    sent = {"at": at, "data": b"\x61", "width": 3}
    assert answer(msgpack.encode(sent)) == [at.isoformat(), "a", "3"]
    (wrong,) = answer(msgpack.encode({**sent, "width": "x"}))["errors"]
    assert (wrong["pointer"], wrong["detail"]) == ("/stamp/width", "Expected `int`, got `str`")
    (broken,) = answer(msgpack.encode(sent)[:-1])["errors"]
    assert broken["detail"].startswith("Invalid MessagePack: ")


def test_model_alone_is_the_whole_form() -> None:
    """With its files, lists, and objects as JSON."""
    app = Costrel(__name__)

    @app.post("/")
    def add(cover: t.Annotated[Cover, Form()]) -> list[str]:
        author = "" if cover.author is None else cover.author.name
        names = [one.safe_name for one in (cover.picture, *cover.others)]
        return [cover.caption, author, *map(str, cover.pages), *names]

    client = app.test_client()
    data: dict[str, t.Any] = {
        "caption": "x",
        "picture": file(b"1", "a.png"),
        "others": [file(b"2", "b.png"), file(b"3", "c.png")],
        "author": '{"name": "Ada"}',
        "pages": ["1", "2"],
    }
    response = client.post("/", data=data)
    assert response.json == ["x", "Ada", "1", "2", "a.png", "b.png", "c.png"]
    response = client.post("/", data={"caption": "", "author": "{}", "pages": "x"})
    assert [(one["in"], one["pointer"]) for one in response.json["errors"]] == [
        ("form", "/caption"),
        ("file", "/picture"),
        ("form", "/author/name"),
        ("form", "/pages/0"),
    ]


def test_file_has_size_and_type() -> None:
    """They are in its marker's limits; a list has each file checked."""
    app = Costrel(__name__)

    @app.post("/")
    def add(
        one: t.Annotated[UploadedFile, File(max_size=3, types=("image/png", "text/*"))],
        many: t.Annotated[list[UploadedFile], File(max_size=3), Meta(max_length=2)] = [],  # noqa: B006
    ) -> list[str]:
        content = one.read().decode()
        return [str(one.size), str(one.content_type), content, str(len(many))]

    client = app.test_client()
    data: dict[str, t.Any] = {"one": file(b"abc", "a.txt", "text/plain; charset=utf-8")}
    response = client.post("/", data=data)
    assert response.json == ["3", "text/plain; charset=utf-8", "abc", "0"]
    data = {
        "one": file(b"", "a.gif", "image/gif"),
        "many": [file(b"1", "1"), file(b"1234", "2"), file(b"3", "3")],
    }
    response = client.post("/", data=data)
    assert response.json["errors"] == [
        {
            "in": "file",
            "pointer": "/one",
            "detail": "Expected `image/png` or `text/*`, got `image/gif`",
        },
        {
            "in": "file",
            "pointer": "/many/1",
            "detail": "Expected a file of at most 3 bytes, got 4",
        },
        {"in": "file", "pointer": "/many", "detail": "Expected `array` of length <= 2"},
    ]


def test_file_of_wrong_size_and_type_has_both_errors() -> None:
    """Nobody sends a smaller one of the wrong type after the first error."""
    app = Costrel(__name__)

    @app.post("/")
    def add(one: t.Annotated[UploadedFile, File(max_size=3, types=("image/png",))]) -> list[str]:
        return [one.safe_name]

    response = app.test_client().post("/", data={"one": file(b"1234", "a.gif", "image/gif")})
    assert [(one["pointer"], one["detail"]) for one in response.json["errors"]] == [
        ("/one", "Expected a file of at most 3 bytes, got 4"),
        ("/one", "Expected `image/png`, got `image/gif`"),
    ]


def test_file_that_spills_to_disk_keeps_its_size() -> None:
    """And is read from its beginning."""
    app = Costrel(__name__)

    @app.post("/")
    def add(cover: UploadedFile) -> list[int]:
        return [cover.size, len(cover.read()), cover.size]

    head = b'--b\r\nContent-Disposition: form-data; name="cover"; filename="a"\r\n\r\n'
    body = head + b"x" * 700_000 + b"\r\n--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    response = app.test_client().post("/", data=body, content_type=kind)
    assert response.json == [700_000] * 3


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cover.png", "cover.png"),
        ("../../etc/passwd", "etc_passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Users\\me\\cover.png", "C_Users_me_cover.png"),
        ("/etc/shadow", "etc_shadow"),
        (".htaccess", "htaccess"),
        ("..", "file"),
        ("", "file"),
        ("\u202egnp.exe", "gnp.exe"),
        ("Émma.png", "Emma.png"),
        ("书.png", "png"),
        ("a\x00b.png", "ab.png"),
        ("a\r\nb.png", "a_b.png"),
        ("CON.png", "_CON.png"),
        ("nul", "_nul"),
        ("x" * 5_000 + ".png", "x" * 96 + ".png"),
        ("x." + "y" * 5_000, "x." + "y" * 19),
    ],
)
def test_safe_name_is_one_of_a_file_in_a_folder(name: str, safe: str) -> None:
    """SECURITY(upload): it has no folder, is not hidden, and is short enough for any system."""
    uploaded = UploadedFile(io.BytesIO(), name)
    assert uploaded.safe_name == safe
    assert 0 < len(uploaded.safe_name) <= 100
    assert uploaded.filename == name


def test_form_of_a_page_is_refused_with_a_page() -> None:
    """A view that declares text gets no problem document."""
    app = Costrel(__name__)

    @app.post("/")
    def add(title: t.Annotated[str, Form()]) -> str:
        return title

    client = app.test_client()
    assert client.post("/", data={"title": "x"}).text == "x"
    response = client.post("/", data={})
    assert (response.status_code, response.mimetype) == (422, "text/html")


@pytest.mark.parametrize("head", [b"form-data", b'form-data; filename="a"', b"attachment"])
@pytest.mark.parametrize("setting", ["ignore", "refuse"])
def test_part_without_a_name_is_an_unknown_one(head, setting):
    """Ignored as other fields that nobody knows, or refused; each part has to have a name."""

    class Strict(Struct, forbid_unknown_fields=True):
        name: str

    class Lax(Struct):
        name: str

    app = Costrel(__name__)

    def show(form):
        return form.name

    model = Strict if setting == "refuse" else Lax
    show.__annotations__ = {"form": t.Annotated[model, Form()], "return": dict[str, str] | str}
    app.post("/")(show)
    body = b'--X\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n'
    body += b"--X\r\nContent-Disposition: " + head + b"\r\n\r\n1\r\n--X--\r\n"
    kind = "multipart/form-data; boundary=X"
    response = app.test_client().post("/", data=body, content_type=kind)
    if setting == "ignore":
        assert response.status_code in {200, 400}
    else:
        assert response.status_code in {400, 422}
        assert "None" not in response.text


class Size(enum.Enum):
    """A choice that no empty text is."""

    SMALL = "s"


class Subscription(Struct):
    """What a page's form has, with an input of each kind."""

    name: str
    nickname: str = "none"
    born: dt.date | None = None
    ends: dt.date | None = dt.date(2030, 1, 2)
    copies: t.Annotated[int, Meta(ge=1)] = 3
    size: Size | None = None
    email: t.Annotated[str, Meta(pattern="@")] | None = None
    kind: t.Literal["", "gift"] = "gift"
    number: int | str = 7
    discount: int | t.Literal[""] = 5
    newsletter: bool = False
    answers: list[bool] = []


INPUTS = (
    "nickname", "born", "ends", "copies", "size", "email", "kind", "number", "discount",
    "newsletter",
)  # fmt: skip


@pytest.mark.parametrize("content_type", [None, "multipart/form-data"])
def test_inputs_that_nothing_was_typed_in_are_empty_text_or_none_or_missing(
    content_type: str | None,
) -> None:
    """Text if the type takes it, None if the type has it, and else as if nothing had been sent."""
    app = Costrel(__name__)

    @app.post("/")
    def subscribe(one: t.Annotated[Subscription, Form()]) -> Subscription:
        return one

    data = dict.fromkeys(INPUTS, "") | {"name": "", "answers": ["on", "false"]}
    response = app.test_client().post("/", data=data, content_type=content_type)
    assert response.json == {
        "name": "", "nickname": "", "born": None, "ends": None, "copies": 3, "size": None,
        "email": None, "kind": "", "number": "", "discount": "", "newsletter": False,
        "answers": [True, False],
    }  # fmt: skip


def test_single_fields_that_are_empty_are_read_as_those_of_a_model() -> None:
    """A field that has to be there may be None, and is refused otherwise."""
    app = Costrel(__name__)

    @app.post("/")
    def subscribe(
        born: t.Annotated[dt.date | None, Form()],
        copies: t.Annotated[int, Form()] = 3,
        newsletter: t.Annotated[bool, Form()] = False,
    ) -> list[str]:
        return [str(born), str(copies), str(newsletter)]

    @app.post("/orders")
    def order(copies: t.Annotated[int, Form()]) -> int:
        return copies

    client = app.test_client()
    data = {"born": "", "copies": "", "newsletter": "on"}
    assert client.post("/", data=data).json == ["None", "3", "True"]
    assert client.post("/", data={"born": "2001-02-03"}).json == ["2001-02-03", "3", "False"]
    assert client.post("/", data={}).json["errors"][0]["pointer"] == "/born"
    repeated = client.post("/", data={"born": "", "copies": ["", ""]}).json["errors"]
    assert [error["detail"] for error in repeated] == ["Given more than once"]
    refused = client.post("/orders", data={"copies": ""}).json["errors"]
    assert refused == [{"in": "form", "pointer": "/copies", "detail": "Expected `int`"}]


def test_empty_field_of_a_partial_form_is_none_or_no_change() -> None:
    """What was emptied is cleared if it may be None."""
    app = Costrel(__name__)

    @app.post("/")
    def change(changes: t.Annotated[Partial[Subscription], Form()]) -> list[str]:
        return sorted(f"{name}={value}" for name, value in changes_of(changes).items())

    response = app.test_client().post("/", data={"copies": "", "born": "", "nickname": "Ada"})
    assert response.json == ["born=None", "nickname=Ada"]


def test_empty_text_and_on_are_what_they_were_outside_of_forms() -> None:
    """A query has the grammar of JSON, unless its type says more."""
    app = Costrel(__name__)

    @app.get("/")
    def search(
        year: int | None = None,
        exact: bool = False,
        size: t.Annotated[int | t.Literal[""], Query()] = "",
    ) -> list[str]:
        return [str(year), str(exact), str(size)]

    client = app.test_client()
    errors = client.get("/?year=&exact=on").json["errors"]
    assert [error["pointer"] for error in errors] == ["/year", "/exact"]
    assert client.get("/?size=").json == ["None", "False", ""]
    assert client.get("/?size=5").json == ["None", "False", "5"]
