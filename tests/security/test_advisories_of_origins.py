"""Advisories about other origins (CORS), forged requests and redirects.

On `Flask`, with what it has to call for that, and on `Costrel` with everything on.
"""

from __future__ import annotations

import logging
import re

import pytest
from werkzeug.exceptions import BadRequest

from costrel import Blueprint, Costrel, redirect, render_template_string, request
from costrel.security import cors, is_safe_redirect, redirect_back

SHOP = "https://shop.example"
EVIL = "https://evil.example"


def allowed(app, path, origin=SHOP, **options):
    """Return the origin that may read what a path answers with."""
    response = app.test_client().get(path, headers={"Origin": origin}, **options)
    if response.headers.get("Access-Control-Allow-Credentials"):
        assert response.headers["Access-Control-Allow-Origin"] != "*"
    return response.headers.get("Access-Control-Allow-Origin")


def make_shop(make_app):
    """Make an application that lets another origin read the paths below ``/api`` only."""
    app = make_app()
    api = Blueprint("api", __name__, url_prefix="/api")
    cors(api, SHOP)
    api.add_url_rule("/<path:name>", "show", lambda name: name)
    app.register_blueprint(api)
    app.add_url_rule("/API/<path:name>", "other", lambda name: name)
    app.add_url_rule("/api-private/x", "private", lambda: "private")
    app.add_url_rule("/private/<path:name>", "below", lambda name: name)
    return app


def test_cve_2024_6221_a_private_network_is_not_opened(make_app):
    """A page of the web may not ask a server behind the firewall."""
    app = make_shop(make_app)
    response = app.test_client().options(
        "/api/x",
        headers={
            "Origin": SHOP,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Private-Network": "true",
        },
    )
    assert response.headers["Access-Control-Allow-Origin"] == SHOP
    assert not [name for name, _ in response.headers if "private-network" in name.lower()]


def test_cve_2024_1681_no_line_break_of_a_path_is_logged(make_app, caplog):
    """Neither of the path, nor of the origin."""
    app = make_shop(make_app)
    app.logger.propagate = True
    with caplog.at_level(logging.DEBUG):
        allowed(app, "/api/%0d%0aforged%1b%5b31m")
        allowed(app, "/nowhere/%0aforged", "https://evil.example/\x1bforged")
    assert not any({"\n", "\r", "\x1b"} & {*record.getMessage()} for record in caplog.records)


def test_cve_2024_6839_the_rule_that_matches_decides(make_app):
    """No longer pattern of a path counts in place of it, and none that begins alike."""
    app = make_shop(make_app)
    assert allowed(app, "/api/private/x") == SHOP
    for path in ("/api-private/x", "/private/api/x", "/private/x", "/apix"):
        assert allowed(app, path) != SHOP


def test_cve_2024_6844_a_plus_is_no_space(make_app):
    """A path is decoded as routing decodes it, so what is allowed is what answers."""
    app = make_app()
    view = Blueprint("plus", __name__)
    cors(view, SHOP)
    view.add_url_rule("/a b", "space", lambda: "space")
    app.register_blueprint(view)
    app.add_url_rule("/a+b", "plus", lambda: "plus")
    assert allowed(app, "/a%20b") == SHOP
    assert allowed(app, "/a+b") != SHOP
    assert allowed(app, "/a%2bb") != SHOP


def test_cve_2024_6866_upper_case_is_another_path(make_app):
    """Rules know upper case from lower, and so does what is allowed."""
    app = make_shop(make_app)
    assert allowed(app, "/api/x") == SHOP
    assert allowed(app, "/API/x") != SHOP
    assert allowed(app, "/Api/x") != SHOP


OTHERS = [
    "https://a.shop.example.evil.example", "https://evilshop.example", "https://a.shop.examplex",
    "https://evil.example/.shop.example", "https://a.shop.example:8443", "http://a.shop.example",
    "https://a.shop.example@evil.example", "https://a.shop.example\\.evil.example", "null", "",
]  # fmt: skip


def test_cve_2020_25032_a_part_of_an_origin_is_not_enough(make_app):
    """A pattern matches the whole origin; no prefix and no suffix of one is enough."""
    app = make_app()
    cors(app, re.compile(r"https://[a-z]+\.shop\.example"), credentials=True)
    app.add_url_rule("/", "index", lambda: "")
    assert allowed(app, "/", "https://a.shop.example") == "https://a.shop.example"
    assert [origin for origin in OTHERS if allowed(app, "/", origin) is not None] == []


def test_cve_2021_21241_a_token_is_not_given_to_other_origins(make_app):
    """What has a token in it can't be read by them, and is no JSON that a script could load."""
    app = make_app()

    @app.get("/form")
    def form():
        return render_template_string(
            "{{ csrf_field() if csrf_field is defined else 'no tokens here' }}"
        )

    response = app.test_client().get(
        "/form", headers={"Origin": EVIL, "Accept": "application/json"}
    )
    assert response.mimetype == "text/html"
    assert "Access-Control-Allow-Origin" not in response.headers
    if isinstance(app, Costrel):
        assert 'name="csrf_token"' in response.text
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "no-store" in response.headers["Cache-Control"]


TRICKS = [
    "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example",
    "\\\\\\evil.example", "/\t/evil.example", "\t//evil.example", "/\n/evil.example",
    " //evil.example", "https:evil.example", "https:/evil.example", "https:///evil.example", "HTTPS://evil.example",
    "http://localhost@evil.example", "http://localhost:x@evil.example", "http://localhost\\@evil.example",
    "//localhost.evil.example", "javascript:alert(1)", "data:text/html,x", "http://evil.example#@localhost",
    "http://[::1", "http://\u2025evil.example", "/%5cevil.example\x00", "/\x7f/evil.example",
]  # fmt: skip


def test_cve_2021_32618_a_target_that_browsers_misread_is_refused(make_app):
    r"""``\`` is ``/`` for browsers, and tabs are nothing: none of these is of this site."""
    app = make_app()
    with app.test_request_context("/"):
        assert [target for target in TRICKS if is_safe_redirect(target)] == []
        for target in TRICKS:
            with pytest.raises(BadRequest):
                redirect(target, allow="same-origin")


def test_cve_2023_49438_a_parameter_leads_to_no_other_site(make_app):
    """``redirect_back`` goes to its default; ``redirect(allow=...)`` answers with a 400."""
    app = make_app()
    app.add_url_rule("/back", "back", lambda: redirect_back("/account"))
    app.add_url_rule("/go", "go", lambda: redirect(request.args["next"], allow="same-origin"))
    client = app.test_client()
    for target in TRICKS:
        asked = {"query_string": {"next": target}}
        assert (client.get("/back", **asked).location, target) == ("/account", target)
        assert (client.get("/go", **asked).status_code, target) == (400, target)
