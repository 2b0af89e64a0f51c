"""Class-based views: every method of the rule runs what the annotations say."""

import typing as t

import pytest
from msgspec import Struct

from costrel import Costrel, abort
from costrel.api import Depends, Query
from costrel.dispatch.typed import check_views
from costrel.views import MethodView, View

pytestmark = pytest.mark.usefixtures("path")


class Book(Struct):
    """What is sent."""

    id: int


def refuse() -> str:
    """Let nobody pass."""
    abort(403)


def name(name: str) -> str:
    """Return what the query says."""
    return name


ROW = {"id": 1, "password": "hunter2"}
Refused = t.Annotated[str, Depends(refuse)]
Named = t.Annotated[str, Depends(name)]


class Plain(View):
    """A view with one method for all."""

    methods: t.ClassVar[list[str]] = ["POST", "HEAD", "OPTIONS"]

    def dispatch_request(self, user: Refused = "anon") -> Book:
        return t.cast("t.Any", ROW)


class PlainLater(View):
    """The same on the event loop."""

    methods: t.ClassVar[list[str]] = ["POST", "HEAD", "OPTIONS"]

    async def dispatch_request(self, user: Refused = "anon") -> Book:
        return t.cast("t.Any", ROW)


class OnlyOthers(View):
    """A view whose rule has only the methods that others get automatically."""

    methods: t.ClassVar[list[str]] = ["HEAD", "OPTIONS"]

    def dispatch_request(self, user: Refused = "anon") -> Book:
        return t.cast("t.Any", ROW)


class Methods(MethodView):
    """A class with the same in each method."""

    def get(self, user: Refused = "anon") -> Book:
        return t.cast("t.Any", ROW)

    def head(self, user: Refused = "anon") -> Book:
        return t.cast("t.Any", ROW)

    async def options(self, user: Refused = "anon") -> Book:
        return t.cast("t.Any", ROW)


class Heads(MethodView):
    """A class without a method for ``GET``."""

    methods: t.ClassVar[set[str]] = {"POST", "HEAD", "OPTIONS"}

    def post(self, user: Refused = "anon") -> Book:
        return t.cast("t.Any", ROW)

    async def head(self, user: Refused = "anon") -> Book:
        return t.cast("t.Any", ROW)

    def options(self, user: Refused = "anon") -> Book:
        return t.cast("t.Any", ROW)


class Dispatching(MethodView):
    """A class that has no method for any."""

    methods: t.ClassVar[set[str]] = {"GET", "POST", "OPTIONS", "PURGE"}

    def dispatch_request(self, user: Refused = "anon") -> Book:  # type: ignore[override]
        return t.cast("t.Any", ROW)


CLASSES = [Plain, PlainLater, OnlyOthers, Methods, Heads, Dispatching]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_all_methods_run_their_dependencies(cls: t.Any) -> None:
    """HEAD and OPTIONS are no way around a guard."""
    app = Costrel(__name__)
    app.add_url_rule("/", view_func=cls.as_view("view"))
    client = app.test_client()
    rule = next(app.url_map.iter_rules("view"))
    assert rule.methods is not None
    for method in sorted(rule.methods):
        assert client.open("/", method=method).status_code == 403, method


def test_all_methods_are_filtered() -> None:
    """What a class sends for OPTIONS has the declared fields only, and HEAD its length."""
    app = Costrel(__name__)

    class Show(View):
        methods: t.ClassVar[list[str]] = ["POST", "HEAD", "OPTIONS"]

        def dispatch_request(self, n: int = 0) -> Book:
            return t.cast("t.Any", {**ROW, "id": n})

    class Many(MethodView):
        def get(self) -> Book:
            return t.cast("t.Any", ROW)

        def options(self, n: t.Annotated[int, Query()] = 0) -> Book:
            return t.cast("t.Any", {**ROW, "id": n})

        async def head(self, n: int = 0) -> Book:
            return t.cast("t.Any", {**ROW, "id": n})

    class Own(MethodView):
        methods: t.ClassVar[set[str]] = {"HEAD", "OPTIONS"}

        def dispatch_request(self, n: int = 0) -> Book:  # type: ignore[override]
            return t.cast("t.Any", {**ROW, "id": n})

    for cls in t.cast("tuple[t.Any, ...]", (Show, Many, Own)):
        app.add_url_rule(f"/{cls.__name__}", view_func=cls.as_view(cls.__name__))
    client = app.test_client()
    for cls in (Show, Many, Own):
        assert client.options(f"/{cls.__name__}?n=20").data == b'{"id":20}'
        assert client.head(f"/{cls.__name__}?n=20").content_length == 9
        assert client.options(f"/{cls.__name__}?n=x").status_code == 422
        assert client.head(f"/{cls.__name__}?n=x").status_code == 422


def test_head_has_parameters_of_its_own() -> None:
    """A method for HEAD takes what it says, not what GET takes."""
    app = Costrel(__name__)

    class Items(MethodView):
        def get(self, n: int) -> Book:
            return Book(n)

        def head(self, name: Named) -> tuple[Book, int]:
            return Book(1), 202 if name == "Ada" else 203

    app.add_url_rule("/", view_func=Items.as_view("items"))
    client = app.test_client()
    assert client.head("/?name=Ada").status_code == 202
    assert client.get("/?n=4").json == {"id": 4}


def test_rules_without_methods_run_the_dependencies() -> None:
    """A rule that was added to the map matches any method."""
    app = Costrel(__name__)
    app.view_functions["view"] = Methods.as_view("view")
    app.url_map.add(app.url_rule_class("/", endpoint="view"))
    client = app.test_client()
    for method in ("GET", "HEAD", "OPTIONS"):
        assert client.open("/", method=method).status_code == 403, method


def test_annotations_of_dispatch_request_are_not_ignored() -> None:
    """Those of a class that also has functions for its methods would be: it is refused."""
    app = Costrel(__name__)

    class Guarded(MethodView):
        def dispatch_request(self, user: Refused = "anon", **kwargs: t.Any) -> t.Any:
            return super().dispatch_request(**kwargs)

        def get(self) -> Book:
            return Book(1)

    class Declared(MethodView):
        def dispatch_request(self, **kwargs: t.Any) -> Book:  # type: ignore[override]
            return t.cast("t.Any", super().dispatch_request(**kwargs))

        def get(self) -> t.Any:
            return ROW

    for cls in (Guarded, Declared):
        app.add_url_rule(f"/{cls.__name__}", view_func=cls.as_view(cls.__name__))
    with pytest.raises(TypeError, match="no effect on GET") as caught:
        check_views(app)
    assert "Guarded.dispatch_request" in str(caught.value)
    assert "Declared.dispatch_request" in str(caught.value)


def test_dispatch_request_may_wrap_the_functions() -> None:
    """Without annotations that say anything, for example to log all requests of a class."""
    app = Costrel(__name__)

    class Logged(MethodView):
        def dispatch_request(self, **kwargs: t.Any) -> t.Any:
            return super().dispatch_request(**kwargs)

        def get(self, n: int = 1) -> Book:
            return Book(n)

    app.add_url_rule("/", view_func=Logged.as_view("logged"))
    client = app.test_client()
    assert client.get("/?n=3").json == {"id": 3}
    assert client.head("/?n=3").status_code == 200
