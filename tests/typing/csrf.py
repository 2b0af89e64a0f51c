# pyright: strict
"""What checks who a request comes from, as type checkers must accept it."""

from __future__ import annotations

import typing as t

from markupsafe import Markup
from werkzeug.wrappers import Response

from costrel import Blueprint, Costrel, redirect
from costrel.security import (
    CSRFError,
    csrf_exempt,
    csrf_field,
    csrf_token,
    is_safe_redirect,
    redirect_back,
)
from costrel.views import MethodView

app = Costrel(__name__)
bp = csrf_exempt(Blueprint("bp", __name__))
t.assert_type(bp, Blueprint)


@app.post("/a")
@csrf_exempt
def plain(number: int = 1) -> str:
    """Stay what it was."""
    return str(number)


t.assert_type(plain(2), str)


@csrf_exempt(reason="signed")
@app.post("/b")
async def waiting() -> str:
    """Stay a coroutine function."""
    return ""


@csrf_exempt
class Hook(MethodView):
    """Stay a class."""

    @csrf_exempt(reason="signed")
    def post(self) -> str:
        """Stay a method."""
        return ""


t.assert_type(Hook().post(), str)


@app.errorhandler(CSRFError)
def refused(error: CSRFError) -> tuple[str, int]:
    """Read the reason."""
    return error.reason, 403


def uses() -> None:
    """Have the types that they say."""
    t.assert_type(csrf_token(), str)
    t.assert_type(csrf_field(), Markup)
    t.assert_type(is_safe_redirect(None), bool)
    t.assert_type(is_safe_redirect("/a", ["shop.example"]), bool)
    t.assert_type(redirect_back("/", allow="shop.example"), Response)
    t.assert_type(redirect("/", allow=["shop.example"]), Response)
