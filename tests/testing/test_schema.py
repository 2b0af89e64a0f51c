"""`schema_test` finds what an API does besides what its document says."""

from __future__ import annotations

import sys
import typing as t
from types import SimpleNamespace

import pytest
from msgspec import Meta, Struct

from costrel import Blueprint, Costrel, Event, EventStream, abort, request
from costrel.api import BearerAuth, Depends, File, Form, UploadedFile
from costrel.openapi import document_of
from costrel.testing import schema_test
from costrel.testing.schema import send_only_wrong_bodies_as_wrong

FEW = {"generation": {"max-examples": 10, "deterministic": True, "database": "none"}}


class Item(Struct):
    """What clients send and get."""

    name: t.Annotated[str, Meta(max_length=20)]
    count: t.Annotated[int, Meta(ge=0, le=1000)] = 0


def shop():
    """Make an API that does what its document says."""
    app = Costrel(__name__)

    @app.get("/items")
    def list_items(limit: t.Annotated[int, Meta(ge=1, le=100)] = 10) -> list[Item]:
        return [Item("tea")][:limit]

    @app.post("/items", status=201)
    def add_item(item: Item) -> Item:
        return item

    return app


def test_api_that_keeps_its_word_passes():
    """Nothing is raised, with all checks."""
    schema_test(shop(), **FEW)


def test_errors_and_answers_that_are_not_documented_are_reported_with_the_request():
    """Each failure is named once, with how to repeat it."""
    app = shop()

    @app.get("/broken")
    def broken(divisor: int = 1) -> Item:
        return Item("tea", 1 // max(0, 1 - divisor))

    with pytest.raises(AssertionError) as caught:
        schema_test(app, **FEW)
    message = str(caught.value)
    assert "GET /broken: Server error" in message
    assert "curl -X GET" in message
    assert "/items" not in message


def test_options_are_settings_of_schemathesis():
    """The headers are sent, and underscores stand for hyphens."""
    app = shop()
    seen = set()
    app.before_request(lambda: seen.add(request.headers.get("X-Token")))
    schema_test(app, headers={"X-Token": "t"}, max_failures=1, **FEW)
    assert seen == {"t"}


class Counted(Struct):
    """A part of a form."""

    number: t.Annotated[int, Meta(ge=1)]


def uploads():
    """Make an API that takes several files."""
    app = Costrel(__name__)

    @app.post("/files", status=201)
    def add_files(
        file: t.Annotated[UploadedFile, File()],
        counted: t.Annotated[Counted, Form()],
        others: list[UploadedFile] = [],  # noqa: B006  as users write it
    ) -> Item:
        return Item(file.filename or "", len(others))

    return app


@pytest.mark.parametrize(
    ("body", "is_sent"),
    [
        ({"file": b"a", "counted": {"number": 0}, "others": []}, True),
        ({"file": b"a", "counted": {"number": 1}, "others": []}, False),
        ({"file": "", "counted": {"number": 1}, "others": [b"a"]}, False),
        ({"counted": {"number": 1}, "others": [b"a"]}, True),
        ({"file": "", "counted": {"number": 1}, "others": []}, True),
    ],
)
def test_bodies_with_files_are_sent_as_wrong_only_if_they_are(body, is_sent):
    """Others are as schemathesis says."""
    from schemathesis import GenerationMode, openapi
    from schemathesis.core.parameters import ParameterLocation
    from schemathesis.hooks import HookContext

    schema = openapi.from_dict(document_of(uploads()))
    send_only_wrong_bodies_as_wrong(schema)
    operation = schema["/files"]["POST"]
    wrong = SimpleNamespace(mode=GenerationMode.NEGATIVE)
    meta = SimpleNamespace(components={ParameterLocation.BODY: wrong})
    case = SimpleNamespace(
        body=body, media_type="multipart/form-data", operation=operation, meta=meta
    )
    (hook,) = schema.hooks.get_all_by_name("filter_case")
    assert hook(HookContext(operation=operation), case) is is_sent


def test_version_is_tested_by_its_own_document():
    """Operations of other versions are left alone."""
    app = Costrel(__name__)
    app.testing = True
    for version in ("v1", "v2"):
        blueprint = Blueprint(version, __name__, url_prefix=f"/{version}", version=version)
        blueprint.get("/ping", endpoint="ping")(ping)
        app.register_blueprint(blueprint)
    schema_test(app, version="v2", **FEW)
    with pytest.raises(AssertionError, match=r"GET /v1/ping: RuntimeError\('v1'\)"):
        schema_test(app, version="v1", **FEW)


def ping() -> dict[str, int]:
    """Fail in the first version."""
    if request.path.startswith("/v1"):
        raise RuntimeError("v1")
    return {"pong": 1}


def test_missing_schemathesis_is_named_with_its_install_command(monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "schemathesis", None)
    with pytest.raises(RuntimeError, match=r"pip install 'schemathesis>=4.32'"):
        schema_test(shop())


def check_token(token: t.Annotated[str, Depends(BearerAuth())]) -> None:
    """Let in who has the token."""
    if token != "t":
        abort(401)


def test_api_that_checks_credentials_passes():
    """It is asked with the right ones, with wrong ones, and with none."""
    app = shop()

    @app.delete("/items", dependencies=[Depends(check_token)])
    def delete_items() -> None:
        """Delete all."""

    schema_test(app, auth={"openapi": {"bearerAuth": {"bearer": "t"}}}, **FEW)


def test_api_that_ignores_credentials_is_found():
    """What the document demands is not checked."""
    app = shop()

    @app.delete("/items", security=[BearerAuth()])
    def delete_items() -> None:
        """Delete all."""

    with pytest.raises(AssertionError, match="DELETE /items"):
        schema_test(app, auth={"openapi": {"bearerAuth": {"bearer": "t"}}}, **FEW)


def test_post_that_needs_a_token_passes_with_it_and_without_it():
    """The header that is sent along is enough, and requests without it are tried as well."""
    app = shop()
    added = []

    @app.post("/notes", status=201, dependencies=[Depends(check_token)])
    def add_note(item: Item) -> Item:
        added.append(item)
        return item

    schema_test(app, headers={"Authorization": "Bearer t"}, **FEW)
    assert added


def streams(data):
    """Make an API of two streams: of items and of items or text."""
    app = Costrel(__name__)

    @app.get("/items")
    def items() -> EventStream[Item]:
        return EventStream(iter([Item("tea"), Event(Item("rum"), event="new", id="1")]))

    @app.get("/either")
    def either() -> EventStream[Item | str]:
        return EventStream(iter([Item("tea"), "text"]))

    @app.get("/bare")
    def bare() -> EventStream:
        return EventStream(iter([Event(data, retry_ms=5), "text"]))

    return app


def test_streams_of_events_pass():
    """The document says what each event is."""
    schema_test(streams({"a": 1}), **FEW)


def test_event_that_is_not_as_documented_is_found(monkeypatch):
    """What is in the data of each event is compared."""
    app = streams("")
    document = document_of(app)
    document["components"]["schemas"]["Item"]["properties"]["count"]["maximum"] = -1
    monkeypatch.setattr("costrel.openapi.document_of", lambda *_: document)
    with pytest.raises(AssertionError, match="GET /items: SSE event"):
        schema_test(app, **FEW)
