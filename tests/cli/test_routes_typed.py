"""``costrel routes`` of an application with typed views."""

from __future__ import annotations

import typing as t

from click.testing import CliRunner

from costrel import Blueprint, Costrel
from costrel.api import BearerAuth, Depends
from costrel.cli import FlaskGroup
from costrel.views import MethodView

login = BearerAuth()


def _check() -> None: ...


async def _open() -> t.AsyncIterator[int]:
    yield 1


def _close() -> None: ...


def _show(token: t.Annotated[str, Depends(login)], opened: t.Annotated[int, Depends(_open)]) -> int:
    return opened


class _Items(MethodView):
    def get(self, opened: t.Annotated[int, Depends(_open)]) -> int:
        return opened

    def post(self, closed: t.Annotated[None, Depends(_close)]) -> int:
        return 1


def _make_app() -> Costrel:
    app = Costrel("shop", static_folder=None)
    guarded = Blueprint("guarded", __name__, dependencies=[Depends(_check)])
    guarded.get("/show")(_show)
    app.register_blueprint(guarded)
    app.add_url_rule("/items", view_func=_Items.as_view("items"))
    return app


def _routes(*args: str, debug: bool = False) -> list[str]:
    app = _make_app()
    app.debug = debug
    group = FlaskGroup(create_app=lambda: app, set_debug_flag=False)
    result = CliRunner().invoke(group, ["routes", *args])
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def _place_of(function: t.Any) -> str:
    line = function.__code__.co_firstlineno
    return f"{function.__name__} (tests/cli/test_routes_typed.py:{line})"


_DEPENDS_ON_OPEN = f"depends   {_place_of(_open)}, async"
_DEPENDS_ON_CLOSE = f"depends   {_place_of(_close)}"


def test_dependencies_are_shown_in_the_order_in_which_they_run() -> None:
    """Credentials are read first; those of a blueprint are among them."""
    lines = _routes("--match", "GET", "/show")
    start = next(number for number, line in enumerate(lines) if line.startswith("depends"))
    assert lines[start:] == [
        f"depends   {login!r}",
        f"depends   {_place_of(_check)}",
        _DEPENDS_ON_OPEN,
        f"view      {_place_of(_show)}",
        "after     costrel.security: the header fields of responses",
        "runs      on the event loop (ASGI), its sync functions in threads",
    ]
    assert "before    costrel.security: the checks of requests" in lines[:start]
    assert f"    depends   {_place_of(_check)}" in _routes("--verbose")


def test_match_shows_the_dependencies_of_one_method() -> None:
    """The whole list of a class-based view has those of all its methods."""
    assert _DEPENDS_ON_CLOSE in _routes("--match", "POST", "/items")
    of_head = _routes("--match", "HEAD", "/items")
    assert (_DEPENDS_ON_OPEN in of_head, _DEPENDS_ON_CLOSE in of_head) == (True, False)
    lines = _routes("--verbose")
    assert f"    {_DEPENDS_ON_OPEN}" in lines
    assert f"    {_DEPENDS_ON_CLOSE}" in lines


def test_rules_of_the_document_and_its_page_are_listed() -> None:
    """As they are at the first request: the page in debug mode only."""
    assert ["openapi_document", "GET", "/openapi.json"] in [line.split() for line in _routes()]
    assert not any(line.endswith(" /docs") for line in _routes())
    assert any(line.endswith(" /docs") for line in _routes(debug=True))
    assert "endpoint  openapi_document" in _routes("--match", "GET", "/openapi.json")
