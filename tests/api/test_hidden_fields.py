"""Fields that say ``init=False`` are the application's: clients can't fill them."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import attrs
import msgspec
import pydantic
import pytest

from costrel import Costrel
from costrel.api import Body, Cookie, Form, Header, Partial, Query, changes_of
from costrel.openapi import document_of

pytestmark = pytest.mark.usefixtures("path")


@dataclasses.dataclass
class User:
    """A dataclass with a field that has a default, and one that it makes itself."""

    name: str
    admin: bool = dataclasses.field(init=False, default=False)
    slug: str = dataclasses.field(init=False, default="")

    def __post_init__(self) -> None:
        """Make the slug."""
        self.slug = self.name.lower()


@attrs.define
class Member:
    """A class of attrs with such a field."""

    name: str
    admin: bool = attrs.field(init=False, default=False)


class Team(msgspec.Struct):
    """A model with such classes inside."""

    lead: User
    others: list[Member] = []
    named: dict[str, User] = {}
    either: Member | str = ""
    pair: tuple[int, User] | None = None


class PydanticTeam(pydantic.BaseModel):
    """The same for Pydantic, of dataclasses."""

    lead: User


SENT = {"name": "Ann", "admin": True, "slug": "root"}
TEAM = {"lead": SENT, "others": [SENT], "named": {"a": SENT}, "either": SENT, "pair": [1, SENT]}


def flags_in(value: t.Any) -> list[bool]:
    """Return the flag of each user in a value."""
    if isinstance(value, (User, Member)):
        return [value.admin]
    if isinstance(value, (Team, PydanticTeam)):
        value = [getattr(value, name) for name in type(value).__annotations__]
    if isinstance(value, dict):
        value = list(value.values())
    return (
        [flag for one in value for flag in flags_in(one)]
        if isinstance(value, (list, tuple))
        else []
    )


@pytest.mark.parametrize(
    ("annotation", "sent", "count"),
    [
        (User, SENT, 1), (Member, SENT, 1), (Team, TEAM, 5), (list[User], [SENT, SENT], 2),
        (User | None, SENT, 1), (t.Annotated[dict[str, Member], Body()], {"a": SENT}, 1),
        (PydanticTeam, {"lead": SENT}, 1),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_field_of_the_application_is_not_taken_from_a_body(
    annotation, sent, count, escaped, packed
):
    """Wherever the class is, and however the name is written."""
    app = Costrel(__name__)
    taken = []

    def take(value):
        taken.extend(flags_in(value))
        return ""

    take.__annotations__ = {"value": annotation, "return": str}
    app.post("/")(take)
    text = json.dumps(sent)
    if escaped:
        text = text.replace("admin", "\\u0061dmin")
    data, kind = text.encode(), "application/json"
    if packed:
        data, kind = msgspec.msgpack.encode(sent), "application/msgpack"
    assert app.test_client().post("/", data=data, content_type=kind).status_code == 200
    assert taken == [False] * count


@pytest.mark.parametrize("value", ["x", None, [1]])
def test_value_of_such_a_field_is_not_looked_at(value):
    """As that of any name that a model does not have."""
    app = Costrel(__name__)

    @app.post("/")
    def show(user: User) -> str:
        return user.slug

    response = app.test_client().post("/", json={"name": "Ann", "admin": value, "slug": value})
    assert response.text == "ann"


def test_name_that_is_there_twice_hides_no_field():
    """Of two values, only one would be looked at."""
    app = Costrel(__name__)

    @app.post("/")
    def show(user: User) -> str:
        return str(user.admin)

    text = '{"name": "a", "admin": true, "admin": true}'
    response = app.test_client().post("/", data=text, content_type="application/json")
    assert response.status_code == 400


@pytest.mark.parametrize("model", [User, Member])
def test_field_of_the_application_is_not_taken_from_text(model):
    """Nor from the query, the headers, a cookie or a form, whole or as a part."""
    app = Costrel(__name__)

    def add(rule: str, marker: t.Any, **more: t.Any) -> None:
        def show(value, **_others):
            return str(value.admin)

        show.__annotations__ = {"value": t.Annotated[model, marker], **more, "return": str}
        app.route(rule, endpoint=rule, methods=["GET", "POST"])(show)

    for place in (Query, Header, Cookie, Form):
        add(f"/{place.__name__}", place())

    @app.post("/part")
    def part(value: t.Annotated[model, Form()], other: t.Annotated[str, Form()]) -> str:
        return str(value.admin) + other

    part.__annotations__["value"] = t.Annotated[model, Form()]
    client = app.test_client()
    client.set_cookie("name", "a")
    client.set_cookie("admin", "true")
    text = {"name": "a", "admin": "true"}
    assert client.get("/Query", query_string=text).text == "False"
    assert client.get("/Header", headers=text).text == "False"
    assert client.get("/Cookie").text == "False"
    assert client.post("/Form", data=text).text == "False"
    part_ = json.dumps({"name": "a", "admin": True})
    assert client.post("/part", data={"value": part_, "other": "!"}).text == "False!"


def test_field_of_the_application_is_not_changed_by_a_patch():
    """A partial model does not have it."""
    app = Costrel(__name__)

    @app.patch("/")
    def change(changes: Partial[User]) -> dict[str, str]:
        return {name: str(value) for name, value in changes_of(changes).items()}

    assert app.test_client().patch("/", json=SENT).json == {"name": "Ann"}


def test_document_tells_clients_of_no_such_field():
    """It is in what is sent, but not in what is taken."""
    app = Costrel(__name__)

    @app.post("/")
    def send(user: User) -> User:
        return user

    @app.get("/")
    def find(member: t.Annotated[Member, Query()]) -> str:
        return member.name

    schemas = document_of(app)["components"]["schemas"]
    assert set(schemas["User"]["properties"]) == {"name", "admin", "slug"}
    assert set(schemas["UserInput"]["properties"]) == {"name"}
    (parameter,) = document_of(app)["paths"]["/"]["get"]["parameters"]
    assert parameter["name"] == "name"


def test_field_that_nobody_can_fill_is_refused_at_the_start():
    """With what to write, since msgspec would ask clients for it."""

    @dataclasses.dataclass
    class Page:
        title: str
        slug: str = dataclasses.field(init=False)

    app = Costrel(__name__)

    def add(page):
        return page.title

    add.__annotations__ = {"page": list[Page]}
    app.post("/")(add)
    app.testing = True
    with pytest.raises(TypeError, match=r"Page\.slug says init=False and has no default"):
        app.test_client().post("/", json=[])
