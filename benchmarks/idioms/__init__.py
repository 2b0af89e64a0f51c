"""What Flask's documentation teaches, a row each.

The files of this folder import `flask`, as their readers' files do. Costrel runs them under its
alias (`COSTREL_AS_FLASK=1`), so both run the same lines. Every row has an application of its own.
This file does not import Flask, so that the run itself can read it.
"""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
import typing as t

from exchange import Answer, Request

Follow = t.Literal["cookie", "validators"]

OPTIONAL = {"flask_login"}  # a row of it is left out where it is not installed
PUBLIC_KEY = "measured-in-public-0123456789abcdef"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@dataclasses.dataclass(frozen=True)
class Idiom:
    """One row: a request, the status that answers it, and what makes the application.

    If there is a `first` request, it is sent once, and the row's request carries the cookie or
    the validators (ETag and date) of its answer, as `follow` says.
    """

    name: str
    title: str
    request: Request
    status: int
    served: bool
    first: Request | None = None
    follow: Follow = "cookie"
    build: t.Callable[[t.Any], object] | None = None

    def following(self, answer: Answer) -> Request:
        """Return the request that follows the answer to the first one."""
        if self.follow == "cookie":
            carried = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        else:
            carried = {
                "If-None-Match": answer.headers["etag"],
                "If-Modified-Since": answer.headers["last-modified"],
            }
        return dataclasses.replace(self.request, headers={**self.request.headers, **carried})

    def to_json(self) -> dict[str, t.Any]:
        """Return the row as JSON values, without what makes the application."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        requests = {name: _to_json(values[name]) for name in ("request", "first")}
        return values | requests | {"build": None}


def from_json(values: dict[str, t.Any]) -> Idiom:
    """Return what :meth:`Idiom.to_json` was made from."""
    requests = {name: _from_json(values[name]) for name in ("request", "first")}
    return Idiom(**(values | requests))


def _to_json(request: Request | None) -> dict[str, t.Any] | None:
    if request is None:
        return None
    return dataclasses.asdict(request) | {"body": request.body.decode()}


def _from_json(values: dict[str, t.Any] | None) -> Request | None:
    return None if values is None else Request(**(values | {"body": values["body"].encode()}))


IDIOMS: dict[str, Idiom] = {}


def site(
    title: str,
    target: str = "",
    *,
    method: str = "GET",
    headers: t.Mapping[str, str] | None = None,
    body: bytes = b"",
    status: int = 200,
    first: str = "",
    follow: Follow = "cookie",
    served: bool = False,
) -> t.Callable[[t.Callable[..., t.Any]], t.Callable[..., t.Any]]:
    """Register the decorated function, which adds to an application, as a row.

    The target is by default "/" and the function's name. `served` rows are also measured
    over HTTP.
    """

    def register(build: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        name = build.__name__
        if name in IDIOMS:
            raise ValueError(f"there are two rows called {name}")
        IDIOMS[name] = Idiom(
            name=name,
            title=title,
            request=Request(method, target or f"/{name}", headers or {}, body),
            status=status,
            served=served,
            first=Request("GET", first) if first else None,
            follow=follow,
            build=build,
        )
        return build

    return register


def view(
    title: str, target: str = "", *, rule: str = "", method: str = "GET", **row: t.Any
) -> t.Callable[[t.Callable[..., t.Any]], t.Callable[..., t.Any]]:
    """Register the decorated view as a row whose application has nothing else."""

    def register(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def build(app: t.Any) -> None:
            app.add_url_rule(
                rule or target.partition("?")[0] or f"/{function.__name__}",
                view_func=function,
                methods=[method],
            )

        build.__name__ = function.__name__
        site(title, target, method=method, **row)(build)
        return function

    return register


def load() -> dict[str, Idiom]:
    """Import all rows; the process decides by its environment whether Flask is Costrel."""
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        if path.stem not in {"__init__", "served", "others"}:
            try:
                importlib.import_module(f"idioms.{path.stem}")
            except ModuleNotFoundError as missing:
                if missing.name not in OPTIONAL:
                    raise
    return IDIOMS


def make_app(idiom: Idiom) -> t.Any:
    """Return the application of one row."""
    from flask import Flask

    app = Flask("idioms")
    app.secret_key = PUBLIC_KEY
    if idiom.build is None:
        raise ValueError(f"{idiom.name} has nothing that makes its application")
    idiom.build(app)
    return app
