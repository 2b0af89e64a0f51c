"""`schema_test` finds what an API does besides what its document says."""

from __future__ import annotations

import datetime as dt
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
URLENCODED = "application/x-www-form-urlencoded"


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
        ({"file": "", "counted": {"number": 1}}, True),
    ],
)
def test_bodies_with_files_are_sent_as_wrong_only_if_they_are(body, is_sent):
    """Others are as schemathesis says."""
    assert is_sent_as_wrong(uploads(), "/files", body, "multipart/form-data") is is_sent


def is_sent_as_wrong(app, path, body, media_type):
    """Whether Schemathesis sends a body as a wrong one."""
    from schemathesis import GenerationMode, openapi
    from schemathesis.core.parameters import ParameterLocation
    from schemathesis.hooks import HookContext

    schema = openapi.from_dict(document_of(app))
    send_only_wrong_bodies_as_wrong(schema)
    operation = schema[path]["POST"]
    wrong = SimpleNamespace(mode=GenerationMode.NEGATIVE)
    meta = SimpleNamespace(components={ParameterLocation.BODY: wrong})
    case = SimpleNamespace(body=body, media_type=media_type, operation=operation, meta=meta)
    (hook,) = schema.hooks.get_all_by_name("filter_case")
    return hook(HookContext(operation=operation), case)


class Answers(Struct):
    """A form with lists, and with inputs that may be empty."""

    numbers: list[int]
    others: list[bool] = []
    day: dt.date | None = None
    moment: dt.datetime | None = None
    agreed: bool = False


def forms():
    """Make an application of one form."""
    app = Costrel(__name__)

    @app.post("/answers")
    def add_answers(answers: t.Annotated[Answers, Form()]) -> Answers:
        return answers

    return app


def test_form_with_lists_and_empty_inputs_passes():
    """Of what is the same when it is sent, nothing is taken for wrong."""
    schema_test(forms(), generation={**FEW["generation"], "max-examples": 40})


@pytest.mark.parametrize(
    ("body", "is_sent"),
    [
        ({"numbers": 1}, False),
        ({"numbers": [1], "day": []}, False),
        ({"numbers": [1], "agreed": [True]}, False),
        ({"numbers": []}, True),
        ({"numbers": ["x"]}, True),
        ({"numbers": "x", "day": None}, True),
        ({"numbers": 1, "agreed": [True, True]}, True),
    ],
)
def test_forms_are_sent_as_wrong_only_if_what_is_sent_is(body, is_sent):
    """A list of one is sent as its item is, and an empty one not at all."""
    assert is_sent_as_wrong(forms(), "/answers", body, URLENCODED) is is_sent


def test_application_is_started_and_stopped_by_each_test():
    """It can be used afterwards, and tested once more."""
    app = shop()
    steps = []
    app.before_serving(lambda: steps.append("started"))
    app.after_serving(lambda: steps.append("stopped"))
    for _ in range(2):
        schema_test(app, **FEW)
        assert steps == ["started", "stopped"]
        steps.clear()
    assert app.test_client().get("/items").status_code == 200


def test_event_loop_is_not_reported_as_blocked_by_the_test():
    """And is watched as before when the test has ended."""
    app = shop()
    limit_s = app.config["LOOP_LAG_WARNING_S"]
    during = []

    @app.get("/lag")
    def lag() -> str:
        during.append(app.config["LOOP_LAG_WARNING_S"])
        return ""

    schema_test(app, **FEW)
    assert set(during) == {None}
    assert app.config["LOOP_LAG_WARNING_S"] == limit_s == 0.5


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
