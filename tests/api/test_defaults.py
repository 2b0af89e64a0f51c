"""Defaults of parameters are each request's own."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import attrs
import pydantic
import pytest
from msgspec import UNSET, Struct, UnsetType, defstruct

from costrel import Costrel
from costrel.api import Body, Cookie, Depends, File, Form, Header, Query, UploadedFile
from costrel.dispatch.typed import check_views

pytestmark = pytest.mark.usefixtures("path")


class Kept(Struct):
    """A model with a list."""

    names: list[str] = []


@dataclass
class KeptData:
    """The same as a dataclass."""

    names: list[str] = field(default_factory=list)


class KeptModel(pydantic.BaseModel):
    """The same of Pydantic's."""

    names: list[str] = []


def _add(kept: t.Any) -> list[str]:
    """Change a default, and return what is in it."""
    if isinstance(kept, dict):
        kept[f"name{len(kept)}"] = ["mine"]
        return list(kept)
    names = kept if isinstance(kept, list) else kept.names
    names.append("mine")
    return list(names)


def _depend(value: Kept = Kept()) -> Kept:  # noqa: B008  the fault that is looked for
    return value


CASES: dict[str, tuple[t.Any, t.Any]] = {
    "list body": (t.Annotated[list[str], Body()], []),
    "dict body": (t.Annotated[dict[str, list[str]], Body()], {}),
    "struct body": (Kept, Kept()),
    "dataclass body": (KeptData, KeptData()),
    "model body": (KeptModel, KeptModel()),
    "models body": (list[KeptModel], []),
    "model query": (t.Annotated[KeptModel, Query()], KeptModel()),
    "model header": (t.Annotated[KeptModel, Header()], KeptModel()),
    "model cookie": (t.Annotated[KeptModel, Cookie()], KeptModel()),
    "list query": (list[str], []),
    "list header": (t.Annotated[list[str], Header()], []),
    "struct query": (t.Annotated[Kept, Query()], Kept()),
    "struct form": (t.Annotated[Kept, Form()], Kept()),
    "list form": (t.Annotated[list[str], Form()], []),
    "files": (t.Annotated[list[UploadedFile], File()], []),
}


@pytest.mark.parametrize("case", CASES)
def test_default_is_not_shared_between_requests(case: str) -> None:
    """What one request changes in it, no other sees; its copies are equal to what was written."""
    annotation, default = CASES[case]
    app = Costrel(__name__)

    def show(kept: t.Any = default) -> t.Any:
        return {"kept": _add(kept)}

    async def show_later(kept: t.Any = default) -> t.Any:
        return {"kept": _add(kept)}

    for rule, view in (("/", show), ("/later", show_later)):
        view.__annotations__["kept"] = annotation
        app.add_url_rule(rule, view_func=view, methods=["POST"])
    client = app.test_client()
    answers = [client.post(rule).json for rule in ("/", "/", "/later", "/later")]
    assert answers[0] is not None
    assert len(answers[0]["kept"]) == 1
    assert answers == [answers[0]] * 4
    assert not (default if isinstance(default, (list, dict)) else default.names)


def test_default_of_a_dependency_is_not_shared() -> None:
    """The dependencies of a view are filled as it is."""
    app = Costrel(__name__)

    @app.post("/")
    def show(kept: t.Annotated[Kept, Depends(_depend)]) -> list[str]:
        return _add(kept)

    client = app.test_client()
    assert [client.post("/").json for _request in range(2)] == [["mine"]] * 2


def test_default_that_cant_be_copied_is_refused() -> None:
    """When the application is set up, with what to write."""
    app = Costrel(__name__)

    class Single(pydantic.BaseModel):
        def __deepcopy__(self, memo: dict[int, t.Any] | None = None) -> Single:
            raise ValueError("There is one.")

    @app.post("/")
    def show(kept: Single = Single()) -> str:  # noqa: B008
        return ""

    show.__annotations__["kept"] = Single
    with pytest.raises(TypeError, match=r"default of 'kept'.*There is one.*Make it None"):
        check_views(app)


@dataclass
class Bag:
    """What can change."""

    names: list[str] = field(default_factory=list)


@attrs.frozen
class Frozen:
    """What can't change, but for what it may hold."""

    names: t.Any = ()


class SharedTuple(t.NamedTuple):
    """A named tuple, which has no factories."""

    names: list[str] = []  # noqa: RUF012  the fault that is looked for


class SharedInTuple(t.NamedTuple):
    """The same deeper."""

    names: tuple[list[str], ...] = ([],)


@attrs.define
class SharedAttrs:
    """An attrs class, which does not refuse it."""

    names: list[str] = attrs.field(default=[])


class SharedBag(Struct):
    """A struct, which refuses structs only."""

    bag: Bag = Bag()


class SharedFrozen(Struct):
    """What holds a list."""

    held: Frozen = Frozen([])


class Safe(t.NamedTuple):
    """Defaults that nobody can change."""

    names: tuple[str, ...] = ()
    numbers: frozenset[int] = frozenset({1})
    held: Frozen = Frozen()
    number: float | None = 1.5


@attrs.define
class SafeAttrs:
    """Defaults that are made anew, and one that stands for nothing."""

    names: list[str] = attrs.field(factory=list)
    mark: int | UnsetType = UNSET


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (SharedTuple, r"SharedTuple.names has the default \[\].*Make it a tuple or None"),
        (SharedInTuple, "SharedInTuple.names"),
        (SharedAttrs, r"SharedAttrs.names .*attrs.field\(factory=...\)"),
        (SharedBag, r"SharedBag.bag .*field\(default_factory=...\)"),
        (SharedFrozen, "SharedFrozen.held"),
        (list[SharedTuple], "SharedTuple.names"),
        (dict[str, SharedAttrs | None], "SharedAttrs.names"),
    ],
)
@pytest.mark.parametrize("marker", [Body(), Form()])
def test_default_in_a_model_that_requests_would_share_is_refused(
    model: t.Any, said: str, marker: t.Any
) -> None:
    """What a view adds to it for one client, the next one would get: at any depth."""
    app = Costrel(__name__)

    outer: t.Any = model if isinstance(marker, Body) else defstruct("Outer", [("inner", model)])

    def add(kept: t.Any) -> None: ...

    add.__annotations__ = {"kept": t.Annotated[outer, marker], "return": None}
    app.post("/")(add)
    with pytest.raises(TypeError, match=said):
        check_views(app)


@pytest.mark.parametrize("model", [Safe, SafeAttrs, list[Safe]])
def test_default_in_a_model_that_can_not_change_is_usable(model: t.Any) -> None:
    """What can't change may be shared, and what is made anew is not."""
    app = Costrel(__name__)

    def add(kept: t.Any) -> None: ...

    add.__annotations__ = {"kept": t.Annotated[model, Body()], "return": None}
    app.post("/")(add)
    check_views(app)
