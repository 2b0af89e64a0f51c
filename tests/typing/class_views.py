# pyright: strict
"""Class views, as type checkers must accept them."""

from __future__ import annotations

import typing as t

from costrel import Blueprint, Flask, Response, request
from costrel.typing import ResponseReturnValue, RouteCallable
from costrel.views import MethodView, View

app = Flask(__name__)
bp = Blueprint("bp", __name__)


def login_required(view: RouteCallable) -> RouteCallable:
    """Be a decorator of views."""
    return view


class Index(View):
    """Answer in one method."""

    methods = ["GET", "POST"]  # noqa: RUF012  as Flask's users write it
    decorators = [login_required]  # noqa: RUF012  as above
    init_every_request = False

    def __init__(self, template: str) -> None:
        self.template = template

    def dispatch_request(self, page: int = 1) -> ResponseReturnValue:
        """Take a variable."""
        return f"{self.template} {page}", 200


class AsyncIndex(View):
    """Answer in a coroutine."""

    async def dispatch_request(self) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return text."""
        return "text"


class Pets(MethodView):
    """Answer by method."""

    def get(self, pet_id: int | None) -> ResponseReturnValue:
        """Return one or all."""
        return [] if pet_id is None else {"id": pet_id}

    def post(self) -> tuple[dict[str, t.Any], int]:
        """Add one."""
        return request.get_json(), 201

    async def delete(self, pet_id: int) -> Response:
        """Remove one, in a coroutine."""
        return Response(status=204)


app.add_url_rule("/", view_func=Index.as_view("index", template="a.html"))
app.add_url_rule("/async", view_func=AsyncIndex.as_view("async_index"))
pets = Pets.as_view("pets")
t.assert_type(pets, RouteCallable)
bp.add_url_rule("/pets/", defaults={"pet_id": None}, view_func=pets, methods=["GET"])
bp.add_url_rule("/pets/<int:pet_id>", view_func=pets, methods=["GET", "DELETE"])
app.register_blueprint(bp)
