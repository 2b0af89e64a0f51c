"""Handshakes of WebSockets are refused to pages of other sites, on a protected application too."""

from __future__ import annotations

import asyncio

import pytest
from protected import make_app

from costrel import websocket
from costrel.testing.asgi import WebSocketRejected


def open_socket(app, headers, base_url="http://localhost", cookie=None):
    """Return the status of a handshake: 101 if it was accepted."""

    @app.websocket("/")
    async def socket():
        await websocket.send("")

    fields = {**headers, **({"Cookie": cookie} if cookie else {})}

    async def main():
        client = app.async_test_client()
        async with client.websocket("/", base_url=base_url, headers=fields) as talk:
            await talk.receive()

    try:
        asyncio.run(main())
    except WebSocketRejected as rejected:
        return rejected.status_code
    return 101


@pytest.mark.parametrize(
    ("settings", "origin", "status"),
    [
        ({}, "http://localhost", 101),
        ({}, "https://localhost", 101),
        ({}, "http://localhost:3000", 403),
        ({}, "https://evil.example", 403),
        ({}, "null", 403),
        ({"CSRF_TRUSTED_ORIGINS": ["https://shop.example"]}, "https://shop.example", 101),
        ({"CSRF_TRUSTED_ORIGINS": ["https://shop.example"]}, "http://shop.example", 403),
        ({"TRUSTED_HOSTS": ["localhost", "shop.example"]}, "https://shop.example", 101),
        ({"TRUSTED_HOSTS": ["localhost", ".shop.example"]}, "https://a.shop.example", 403),
        ({"WEBSOCKET_ORIGINS": ["https://a.example"],
          "CSRF_TRUSTED_ORIGINS": ["https://shop.example"]}, "https://shop.example", 403),
    ],
)  # fmt: skip
def test_origin_of_a_handshake_is_trusted_as_that_of_a_form(settings, origin, status):
    """Unless the setting for WebSockets lists others. With a cookie, as browsers send it."""
    assert open_socket(make_app(**settings), {"Origin": origin}, cookie="a=b") == status


def test_client_without_an_origin_is_no_browser():
    """So nobody can have it act in another's name."""
    assert open_socket(make_app(), {}) == 101


def test_handshake_behind_a_proxy_is_for_the_forwarded_host():
    """Its page may open it; with the proxy not believed, the host does not agree."""
    headers = {"Origin": "https://shop.example", "X-Forwarded-Host": "shop.example",
               "X-Forwarded-Proto": "https"}  # fmt: skip
    hosts = {"TRUSTED_HOSTS": ["shop.example", "localhost"], "WEBSOCKET_ORIGINS": None}
    proxies = {"networks": ["127.0.0.1"], "x_host": 1}
    assert open_socket(make_app(TRUSTED_PROXIES=proxies, **hosts), headers) == 101
    evil = headers | {"Origin": "https://evil.example"}
    assert open_socket(make_app(TRUSTED_PROXIES=proxies, **hosts), evil) == 403
    clear = headers | {"Origin": "http://shop.example"}
    assert open_socket(make_app(TRUSTED_PROXIES=proxies, **hosts), clear) == 403
    elsewhere = {"networks": ["10.0.0.0/8"], "x_host": 1}
    app = make_app(TRUSTED_PROXIES=elsewhere, TRUSTED_HOSTS=["localhost"])
    assert open_socket(app, headers) == 403
