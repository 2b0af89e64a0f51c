"""Hostile requests to typed views: the exact problem of each, over both interfaces."""

from __future__ import annotations

import json
import typing as t
from functools import partial
from types import MappingProxyType

import pytest
from typed_intake import make_app
from werkzeug.test import EnvironBuilder, run_wsgi_app

from costrel.testing.asgi.bridge import answer_by_asgi

JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
INT = "Expected `int`"
HUGE = "9" * 5_000
TOO_DEEP = '[{"children":' * 600


class Bad(t.NamedTuple):
    """A request, and what is wrong with it.

    `wanted` has the errors of a 422, by place and pointer; or the status and the beginning of
    the detail of another problem.
    """

    target: str
    wanted: dict[str, str] | tuple[int, str]
    body: bytes = b""
    content_type: str | None = None
    headers: t.Mapping[str, str] = MappingProxyType({})

    @property
    def method(self) -> str:
        """Return POST for what has a body."""
        return "GET" if self.content_type is None and not self.body else "POST"


def query(text: str, wanted: str, name: str | None = None) -> Bad:
    """Return a request with a query, whose first name is wrong."""
    name = name or text.partition("=")[0]
    return Bad(f"/query?{text}", {f"query:/{name}": wanted})


def book(text: str | bytes, wanted: dict[str, str] | tuple[int, str]) -> Bad:
    """Return a request with a document; a field's pointer is below the body."""
    if isinstance(wanted, dict):
        wanted = {f"body:{pointer}": detail for pointer, detail in wanted.items()}
    body = text if isinstance(text, bytes) else text.encode()
    return Bad("/books", wanted, body, JSON)


def field(text: str, wanted: str, below: str = "") -> Bad:
    """Return a request with a document that has one wrong field, as JSON."""
    name = text.partition(":")[0].strip('"')
    return book(f'{{"title": "x", {text}}}', {f"/{name}{below}": wanted})


def login(text: str, wanted: dict[str, str]) -> Bad:
    """Return a request with an urlencoded form."""
    return Bad(
        "/login", {f"form:{key}": one for key, one in wanted.items()}, text.encode(), URLENCODED
    )


def part(name: str, content: str | bytes, more: str = "", kind: str = "") -> bytes:
    """Return a part of a form."""
    content = content if isinstance(content, bytes) else content.encode()
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n'
    head += f"Content-Type: {kind}\r\n" if kind else ""
    return head.encode() + b"\r\n" + content + b"\r\n"


CAPTION = part("caption", "A cover")
DETAILS = part("details", '{"width": 1}')
COVER = part("cover", b"\x89PNG", '; filename="a.png"', "image/png")


def cover(
    wanted: dict[str, str] | tuple[int, str], *parts: bytes, end: bytes = b"--b--\r\n"
) -> Bad:
    """Return a request with a multipart form."""
    return Bad("/covers", wanted, b"".join(parts) + end, MULTIPART)


BAD: dict[str, Bad] = {
    # The query.
    "underscore in int": query("n=1_000", INT),
    "float for int": query("n=1.0", "Expected `int`, got `float`"),
    "exponent for int": query("n=1e1", "Expected `int`, got `float`"),
    "sign before int": query("n=%2B1", INT),
    "zero before int": query("n=01", INT),
    "space before int": query("n=%201", INT),
    "line break after int": query("n=1%0A", INT),
    "nothing for int": query("n=", INT),
    "no equals sign": query("n", INT),
    "word for int": query("n=true", INT),
    "null for int": query("n=null", INT),
    "quoted int": query("n=%221%22", INT),
    "Arabic digit": query("n=%D9%A1", INT),
    "superscript digit": query("n=%C2%B2", INT),
    "5,000 digits": query(f"n={HUGE}", INT),
    "int too small": query("n=0", "Expected `int` >= 1"),
    "int too large": query("n=101", "Expected `int` <= 100"),
    "int of 64 bits": query("n=9223372036854775808", "Expected `int` <= 100"),
    "repeated int": query("n=1&n=2", "Given more than once"),
    "repeated and wrong": query("n=1&n=x", "Given more than once"),
    "array syntax": Bad("/query?tag[]=x&tag=x", {"query:/tag/0": INT}),
    "NaN": query("ratio=NaN", "Expected `float | null`"),
    "infinity": query("ratio=-Infinity", "Expected `float | null`"),
    "1e400": query("ratio=1e400", "Expected `float | null`"),
    "number for bool": query("exact=1", "Expected `bool`"),
    "capital bool": query("exact=True", "Expected `bool`"),
    "date that is none": query("day=2020-02-30", "Invalid RFC3339 encoded date"),
    "year 10000": query("day=10000-01-01", "Invalid RFC3339 encoded date"),
    "year 0": query("day=0000-01-01", "Invalid RFC3339 encoded date"),
    "Unix time for date": query("day=1577836800", "Invalid RFC3339 encoded date"),
    "Unix time for datetime": query("at=1577836800", "Invalid RFC3339 encoded datetime"),
    "hour 25": query("at=2020-01-01T25:00:00Z", "Invalid RFC3339 encoded datetime"),
    "offset of 99 hours": query(
        "at=2020-01-01T00:00:00%2B99:00", "Invalid RFC3339 encoded datetime"),
    "endless duration": query("lasts=P999999999999D", "Duration is out of range"),
    "number for duration": query("lasts=5", "Invalid ISO8601 duration"),
    "short UUID": query("key=1234", "Invalid UUID"),
    "NaN for decimal": query("price=NaN", "Invalid decimal string"),
    "signaling NaN": query("price=sNaN123", "Invalid decimal string"),
    "underscore in decimal": query("price=1_0", "Invalid decimal string"),
    "enum by its name": query("genre=NOVEL", "Invalid enum value 'NOVEL'"),
    "text too long": query(f"q={'x' * 11}", "Expected `str` of length <= 10"),
    "bytes that are not UTF-8": query("n=%FF%FE", INT),
    "lone surrogate in query": query("n=%ED%A0%80", INT),
    "NUL in query": query("n=1%00", INT),
    "list with a wrong item": query("tag=1&tag=x&tag=3", INT, "tag/1"),
    "all at once": Bad(
        "/query?n=x&exact=x&genre=x",
        {
            "query:/n": INT,
            "query:/exact": "Expected `bool`",
            "query:/genre": "Invalid enum value 'x'",
        },
    ),
    "unknown name": Bad("/strict?n=1&more=2", {"query:/more": "Unknown parameter"}),
    "unknown name with a slash": Bad("/strict?a/b~c=2", {"query:/a~1b~0c": "Unknown parameter"}),
    "wrong and unknown": Bad(
        "/strict?sort=x&more=2",
        {"query:/more": "Unknown parameter", "query:/sort": "Invalid enum value 'x'"},
    ),
    # Headers, cookies and the path.
    "missing header": Bad("/headers", {"header:/X-Number": "Required"}),
    "header of bytes": Bad("/headers", {"header:/X-Number": INT}, headers={"X-Number": "\xff\xfe"}),
    "list in a header": Bad("/headers", {"header:/X-Number": INT}, headers={"X-Number": "1, 2"}),
    "long header": Bad(
        "/headers",
        {"header:/X-Name": "Expected `str` of length <= 5"},
        headers={"X-Number": "1", "X-Name": "\xe9" * 6},
    ),
    "cookie of bytes": Bad(
        "/headers",
        {"cookie:/session_id": INT},
        headers={"X-Number": "1", "Cookie": "session_id=\xff"},
    ),
    "quoted cookie": Bad(
        "/headers",
        {"cookie:/session_id": INT},
        headers={"X-Number": "1", "Cookie": 'session_id="\\377"'},
    ),
    "year too early": Bad("/years/1", {"path:/year": "Expected `int` >= 1450"}),
    "infinite ratio": Bad(f"/ratios/{HUGE}.0", {"path:/ratio": "Number out of range"}),
    "day that is none": Bad("/days/2020-02-30", {"path:/day": "Invalid RFC3339 encoded date"}),
    "day of bytes": Bad("/days/%FF", {"path:/day": "Invalid RFC3339 encoded date"}),
    # JSON.
    "no body": Bad("/books", {"body:": "Required"}, b"", JSON),
    "null": book("null", {"": "Expected `object`, got `null`"}),
    "array": book("[]", {"": "Expected `object`, got `array`"}),
    "text": book('"x"', {"": "Expected `object`, got `str`"}),
    "missing field": book("{}", {"/title": "Required"}),
    "null field": book('{"title": null}', {"/title": "Expected `str`, got `null`"}),
    "extra field": field('"more": 1', "Unknown field"),
    "text for int": field('"year": "2000"', "Expected `int | null`, got `str`"),
    "float for int in JSON": field('"year": 2000.5', "Expected `int | null`, got `float`"),
    "bool for int": field('"year": true', "Expected `int | null`, got `bool`"),
    "year too late": field('"year": 2101', "Expected `int` <= 2100"),
    "5,000 digits in JSON": book(
        f'{{"title": "x", "count": {HUGE}}}', (400, "The body is not valid JSON: The JSON has a")
    ),
    "1e400 in JSON": field('"rating": 1e400', "Number out of range"),
    "NaN as text": field('"price": "NaN"', "Invalid decimal string"),
    "base64 that is none": field('"data": "!"', "Invalid base64 encoded string"),
    "time 24:00": field('"time": "24:00:00"', "Invalid RFC3339 encoded time"),
    "day of month 32": field('"day": "2020-01-32"', "Invalid RFC3339 encoded date"),
    "endless duration in JSON": field('"lasts": "P999999999999D"', "Duration is out of range"),
    "pair of three": field('"pair": [1, 2, 3]', "Expected `array` of length 2, got 3"),
    "point without x": field('"point": []', "Expected `array` of length 1 to 2, got 0"),
    "point of text": field('"point": [1, "x"]', "Expected `int`, got `str`", "/1"),
    "wrong value in a dictionary": field(
        '"scores": {"a/b": "x"}', "Expected `int`, got `str`", "/a~1b"
    ),
    "wrong key in a dictionary": field(
        '"pages": {"x": "y"}', "As a key: Expected `int`, got `str`", "/x"
    ),
    "too many items": field('"tags": ["a", "b", "c"]', "Expected `array` of length <= 2"),
    "wrong code of an address": field(
        '"address": {"street": "x", "code": "1"}',
        "Expected `str` matching regex '^[0-9]{5}$'",
        "/code",
    ),
    "missing key of a typed dictionary": field('"publisher": {}', "Required", "/name"),
    "broken JSON": book("{", (400, "The body is not valid JSON")),
    "JSON and more": book("{}x", (400, "The body is not valid JSON")),
    "single quotes": book("{'title': 'x'}", (400, "The body is not valid JSON")),
    "NaN in JSON": book('{"title": "x", "rating": NaN}', (400, "The body is not valid JSON")),
    "lone surrogate": book('{"title": "\\ud800"}', (400, "The body is not valid JSON")),
    "control character": book('{"title": "a\nb"}', (400, "The body is not valid JSON")),
    "bytes in JSON": book(b'{"title": "\xff"}', (400, "The body is not valid JSON")),
    "byte order mark": book(b"\xef\xbb\xbf{}", (400, "The body is not valid JSON")),
    "UTF-16": book('{"title": "x"}'.encode("utf-16"), (400, "The body is not valid JSON")),
    "deep arrays": book("[" * 100_000, (400, "The body is not valid JSON")),
    "deep objects": book('{"a":' * 100_000, (400, "The body is not valid JSON")),
    "deep model": Bad("/categories", (400, "The body is not valid JSON"), TOO_DEEP.encode(), JSON),
    "wrong at depth": Bad(
        "/categories",
        {"body:" + "/children/0" * 200: "Expected `object`, got `int`"},
        ('{"name": "n", "children": [' * 200 + "1" + "]}" * 200).encode(),
        JSON,
    ),
    "unknown tag": Bad(
        "/payments", {"body:/type": "Invalid value 'cash'"}, b'{"type": "cash"}', JSON
    ),
    "no tag": Bad("/payments", {"body:/type": "Required"}, b'{"number": "1"}', JSON),
    "no media type": Bad("/books", (415, "The body has to be JSON"), b'{"title": "x"}'),
    "text/plain": Bad("/books", (415, "The body has to be JSON"), b'{"title": "x"}', "text/plain"),
    "form for JSON": Bad("/books", (415, "The body has to be JSON"), b"title=x", URLENCODED),
    # Forms.
    "empty form": login("", {"/name": "Required"}),
    "empty text": login("name=", {"/name": "Expected `str` of length >= 1"}),
    "int in a form": login("name=x&age=1_0", {"/age": "Expected `int | null`"}),
    "word in a form": login("name=x&remember=off", {"/remember": "Expected `bool`"}),
    "empty item in a form": login("name=x&tag=1&tag=", {"/tag/1": INT}),
    "repeated field": login("name=x&name=y", {"/name": "Given more than once"}),
    "list in a form": login("name=x&tag=1&tag=y", {"/tag/1": INT}),
    "unknown field": login("name=x&more=1", {"/more": "Unknown field"}),
    "bytes in a form": login("name=x&age=%FF", {"/age": "Expected `int | null`"}),
    "JSON for a form": Bad("/login", (415, "The body has to be a form"), b'{"name": "x"}', JSON),
    "text for a form": Bad("/login", (415, "The body has to be a form"), b"name=x", "text/plain"),
    "urlencoded for files": Bad(
        "/covers",
        {"form:/details": "Required", "file:/cover": "Required"},
        b"caption=x",
        URLENCODED,
    ),
    "no parts": cover(
        {"form:/caption": "Required", "form:/details": "Required", "file:/cover": "Required"}
    ),
    "cut off form": cover((400, "The body is not a valid form"), CAPTION, DETAILS, end=b""),
    "form cut off at its beginning": cover((400, "The body is not a valid form"), end=b"--b\r\nx"),
    "part without a head": cover((400, "The body is not a valid form"), b"--b\r\nNone"),
    "no boundary": Bad(
        "/covers", (400, "The body is not a valid form"), CAPTION, "multipart/form-data"
    ),
    "wrong boundary": Bad(
        "/covers", (400, "The body is not a valid form"), CAPTION, "multipart/form-data; boundary=c"
    ),
    "file too large": cover(
        {"file:/cover": "Expected a file of at most 10 bytes, got 11"},
        CAPTION, DETAILS, part("cover", "x" * 11, '; filename="a.png"', "image/png"),
    ),
    "file of another type": cover(
        {"file:/cover": "Expected `image/*`, got `text/html`"},
        CAPTION, DETAILS, part("cover", "x", '; filename="a.png"', "text/html"),
    ),
    "file without a type": cover(
        {"file:/cover": "Expected `image/*`"},
        CAPTION, DETAILS, part("cover", "x", '; filename="../../a"'),
    ),
    "field for a file": cover(
        {"file:/cover": "Expected a file, got text"}, CAPTION, DETAILS, part("cover", "x")
    ),
    "empty file field": cover(
        {"file:/cover": "Required"},
        CAPTION, DETAILS, part("cover", "", '; filename=""', "application/octet-stream"),
    ),
    "two files for one": cover(
        {"file:/cover": "Given more than once"}, CAPTION, DETAILS, COVER, COVER
    ),
    "broken JSON part": cover(
        {"form:/details": "Invalid JSON: Input data was truncated"},
        CAPTION, part("details", "{"), COVER,
    ),
    "wrong JSON part": cover(
        {"form:/details/width": "Expected `int`, got `str`"},
        CAPTION, part("details", '{"width": "1"}'), COVER,
    ),
    "JSON part of text": cover(
        {"form:/details": "Expected `object`, got `str`"},
        CAPTION, part("details", '"x"'), COVER,
    ),
    "deep JSON part": cover(
        {"form:/details": "Invalid JSON: The JSON is nested too deeply to be read."},
        CAPTION, part("details", '{"inner":' * 600), COVER,
    ),
    "JSON part that is an image": cover(
        {
            "form:/details": "Invalid JSON: its content type is 'image/png',"
            " not 'application/json' or 'application/msgpack'"
        },
        CAPTION, part("details", '{"width": 1}', '; filename="blob"', "image/png"), COVER,
    ),
    "all of a form at once": cover(
        {
            "form:/caption": "Expected `str` of length <= 20",
            "form:/details/width": "Expected `int` >= 1",
            "file:/cover": "Expected `image/*`, got `text/plain`",
        },
        part("caption", "x" * 21), part("details", '{"width": 0}'),
        part("cover", "x", '; filename="a"', "text/plain"),
    ),
}  # fmt: skip


def send(app: t.Any, request: Bad, interface: str) -> tuple[int, str, t.Any]:
    """Send a request; return the status, the content type and the document."""
    builder = EnvironBuilder(
        method=request.method, data=request.body or None, content_type=request.content_type
    )
    environ = builder.get_environ()
    path, _mark, environ["QUERY_STRING"] = request.target.partition("?")
    environ["PATH_INFO"] = path.replace("%FF", "\xff")
    if request.content_type is None:
        environ.pop("CONTENT_TYPE", None)
    for name, value in request.headers.items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    call = app if interface == "wsgi" else partial(answer_by_asgi, app)
    pieces, status, headers = run_wsgi_app(call, environ, buffered=True)
    document = json.loads(b"".join(pieces))
    return int(status[:3]), headers["Content-Type"], document


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("name", BAD)
def test_bad_request_gets_its_problem(name: str, interface: str, path: str) -> None:
    """Every error is there, by place and pointer; it is never a 500."""
    request = BAD[name]
    status, content_type, problem = send(make_app(), request, interface)
    assert content_type == "application/problem+json", problem
    assert problem["status"] == status
    if isinstance(request.wanted, dict):
        found = {f"{one['in']}:{one['pointer']}": one["detail"] for one in problem["errors"]}
        assert (status, found) == (422, request.wanted)
        assert len(problem["errors"]) == len(found)
    else:
        wanted_status, beginning = request.wanted
        assert status == wanted_status
        assert problem["detail"].startswith(beginning)


def test_number_of_5000_digits_in_the_path_matches_nothing(path: str) -> None:
    """Python refuses to read it, which is no error of the application's."""
    assert make_app().test_client().get(f"/years/{HUGE}").status_code == 404


def test_table_is_long_enough() -> None:
    """It has more than eighty requests."""
    assert len(BAD) >= 120


@pytest.mark.parametrize(
    ("setting", "value"),
    [("MAX_CONTENT_LENGTH", 100), ("MAX_FORM_MEMORY_SIZE", 10), ("MAX_FORM_PARTS", 2)],
)
def test_limits_of_forms_are_problems(path: str, setting: str, value: int) -> None:
    """413, whichever limit it is."""
    app = make_app()
    app.config[setting] = value
    parts = CAPTION + DETAILS + part("more", "x" * 100, '; filename="a"') + COVER + b"--b--\r\n"
    response = app.test_client().post("/covers", data=parts, content_type=MULTIPART)
    assert (response.status_code, response.json["status"]) == (413, 413)


def test_json_part_with_a_file_name_is_held_to_the_limit_of_fields(path: str) -> None:
    """It is read into memory as a field is."""
    app = make_app()
    app.config["MAX_FORM_MEMORY_SIZE"] = 1_000
    blob = part("details", " " * 2_000, '; filename="blob"', JSON)
    parts = CAPTION + blob + COVER + b"--b--\r\n"
    response = app.test_client().post("/covers", data=parts, content_type=MULTIPART)
    assert response.status_code == 413


def test_huge_arrays_are_searched_until_a_hundred_errors(path: str) -> None:
    """More would only help to fill the line."""
    app = make_app()
    app.config.update(MAX_QUERY_FIELDS=None, MAX_URL_LENGTH=None)
    client = app.test_client()
    assert client.post("/numbers", json=[1] * 200_000).status_code == 200
    response = client.post("/numbers", json=["x"] * 200_000)
    assert len(response.json["errors"]) == 100
    response = client.get("/query?" + "&".join(["tag=x"] * 5_000))
    assert len(response.json["errors"]) == 100


def test_of_a_duplicate_key_the_last_counts(path: str) -> None:
    """As in Python's parser, and most others; each value has to fit."""
    client = make_app().test_client()
    text = '{"title": "x", "day": "2020-01-01", "day": null}'
    assert client.post("/books", data=text, content_type=JSON).status_code == 200
    for text in ('{"title": 1, "title": "x"}', '{"title": "x", "title": 1}'):
        response = client.post("/books", data=text, content_type=JSON)
        assert response.json["errors"] == [
            {"in": "body", "pointer": "/title", "detail": "Expected `str`, got `int`"}
        ]
