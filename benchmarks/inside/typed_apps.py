"""Applications of many routes: four of each thing, and models of their own for ten things.

Annotations are evaluated here (there is no `from __future__ import annotations`), since the
models are made when the application is.
"""

import typing as t

from exchange import Request

MODULES = {"costrel": ("costrel", "costrel.api", "msgspec"), "fastapi": ("fastapi", "pydantic")}
"""What files of such applications import at their top."""

OF_A_THING = 4
THINGS_PER_MODEL = 10
BODY = b'{"name": "bolt", "price": 0.25, "tags": ["new"]}'

Models = list[tuple[t.Any, t.Any]]


def make_models(framework: str, routes: int) -> Models:
    """Return pairs of models: of a thing that clients send, and of one that they get."""
    make = {"costrel": _make_structs, "fastapi": _make_pydantic_models}[framework]
    return [make(number) for number in range(-(-routes // (OF_A_THING * THINGS_PER_MODEL)))]


def _make_structs(number: int) -> tuple[t.Any, t.Any]:
    from msgspec import Meta, defstruct

    name = t.Annotated[str, Meta(min_length=1, max_length=100)]
    fields: list[t.Any] = [("name", name), ("price", float), ("tags", list[str])]
    models = [(f"NewThing{number}", fields), (f"Thing{number}", [("id", int), *fields])]
    new, thing = (defstruct(title, kinds, module=__name__) for title, kinds in models)
    return new, thing


def _make_pydantic_models(number: int) -> tuple[t.Any, t.Any]:
    from pydantic import Field, create_model

    name = t.Annotated[str, Field(min_length=1, max_length=100)]
    fields: dict[str, t.Any] = {"name": name, "price": float, "tags": list[str]}
    return create_model(f"NewThing{number}", **fields), create_model(
        f"Thing{number}", id=int, **fields
    )


def make_app(framework: str, kind: str, routes: int, models: Models) -> t.Any:
    """Return an application with so many routes, whose kind is `typed` or `plain`."""
    if framework == "fastapi":
        from fastapi import FastAPI

        app: t.Any = FastAPI()
        add = _add_to_fastapi
    else:
        from costrel import Costrel

        app = Costrel(__name__, static_folder=None)
        add = _add_typed if kind == "typed" else _add_plain
    for number in range(routes // OF_A_THING):
        add(app, number, *models[number // THINGS_PER_MODEL])
    return app


def make_requests(routes: int) -> list[Request]:
    """Return one request for each route."""
    requests = []
    for number in range(routes // OF_A_THING):
        path = f"/things{number}"
        requests += [
            Request("GET", f"{path}?q=bolt&limit=5"),
            Request("POST", path, {"Content-Type": "application/json"}, BODY),
            Request("GET", f"{path}/7"),
            Request("DELETE", f"{path}/7"),
        ]
    return requests


def _add_typed(app: t.Any, number: int, new_thing: t.Any, thing: t.Any) -> None:
    from msgspec import Meta

    path = f"/things{number}"

    @app.get(path, endpoint=f"list_things{number}")
    def list_things(q: str = "", limit: t.Annotated[int, Meta(ge=1, le=100)] = 10) -> list[thing]:
        return []

    @app.post(path, endpoint=f"add_thing{number}")
    def add_thing(new: new_thing) -> thing:
        return thing(1, new.name, new.price, new.tags)

    @app.get(f"{path}/<int:thing_id>", endpoint=f"read_thing{number}")
    def read_thing(thing_id: int) -> thing:
        return thing(thing_id, "bolt", 0.25, ["new"])

    @app.delete(f"{path}/<int:thing_id>", endpoint=f"remove_thing{number}")
    def remove_thing(thing_id: int) -> None:
        pass


def _add_plain(app: t.Any, number: int, _new_thing: t.Any, _thing: t.Any) -> None:
    from costrel import request

    path = f"/things{number}"

    @app.get(path, endpoint=f"list_things{number}")
    def list_things():
        return []

    @app.post(path, endpoint=f"add_thing{number}")
    def add_thing():
        return {"id": 1, **request.get_json()}

    @app.get(f"{path}/<int:thing_id>", endpoint=f"read_thing{number}")
    def read_thing(thing_id):
        return {"id": thing_id, "name": "bolt", "price": 0.25, "tags": ["new"]}

    @app.delete(f"{path}/<int:thing_id>", endpoint=f"remove_thing{number}")
    def remove_thing(thing_id):
        return "", 204


def _add_to_fastapi(app: t.Any, number: int, new_thing: t.Any, thing: t.Any) -> None:
    from fastapi import Query

    path = f"/things{number}"

    @app.get(path)
    async def list_things(
        q: str = "", limit: t.Annotated[int, Query(ge=1, le=100)] = 10
    ) -> list[thing]:
        return []

    @app.post(path)
    async def add_thing(new: new_thing) -> thing:
        return thing(id=1, name=new.name, price=new.price, tags=new.tags)

    @app.get(f"{path}/{{thing_id}}")
    async def read_thing(thing_id: int) -> thing:
        return thing(id=thing_id, name="bolt", price=0.25, tags=["new"])

    @app.delete(f"{path}/{{thing_id}}", status_code=204)
    async def remove_thing(thing_id: int) -> None:
        pass
