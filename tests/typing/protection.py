# pyright: strict
"""Decorators and functions of `costrel.security`, as type checkers must accept them."""

from __future__ import annotations

import re
import typing as t

from costrel import Blueprint, Costrel, Flask
from costrel.security import (
    Check,
    Exemption,
    Finisher,
    Security,
    content_security_policy,
    cors,
    cors_route,
    csp_nonce,
    exemptions_of,
    headers,
    headers_for,
    protect,
    security_of,
)
from costrel.views import MethodView

app = Costrel(__name__)
old = Flask(__name__)
bp = Blueprint("bp", __name__)

state: Security = protect(old, csrf=False)
exemptions: list[Exemption] = exemptions_of(app)
nonce: str = csp_nonce()

headers_for(bp, {"X-Frame-Options": None}, policy={"img-src": ["'self'", "data:"]})
cors(app, "https://shop.example")
cors(bp, [re.compile(r"https://[a-z]+\.example"), "null"], methods=["GET"], credentials=False)


@app.get("/<int:number>")
@headers({"Referrer-Policy": "no-referrer"})
@content_security_policy("default-src 'none'", report_only=True)
@cors_route("*", expose=["ETag"])
async def view(number: int) -> str:
    """Keep the type of the view."""
    return str(number)


checked: t.Callable[[int], t.Awaitable[str]] = view


@headers({"X-Own": "1"})
class Page(MethodView):
    """Decorate a class."""

    def get(self) -> str:
        """Answer."""
        return "x"


page: type[Page] = Page
app.add_url_rule("/page", view_func=Page.as_view("page"))

security_of(app).checks.append(Check("own", lambda endpoint, rule: True, lambda request: None))
security_of(app).finishers.append(Finisher("own", lambda response: None, lambda environ: False))
