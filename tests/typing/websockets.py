# pyright: strict
"""WebSockets, as type checkers must accept them."""

from __future__ import annotations

import typing as t

import msgspec

from costrel import Blueprint, Flask, Response, WebSocketClosed, websocket

app = Flask(__name__)
bp = Blueprint("bp", __name__)


class Point(msgspec.Struct):
    """Be a message."""

    x: int


@app.websocket("/<int:room>")
@bp.websocket("/<int:room>", endpoint="room")
async def chat(room: int) -> None:
    """Use all there is."""
    subprotocols: list[str] = websocket.requested_subprotocols
    await websocket.accept(subprotocols[0], headers={"X-Room": str(room)})
    async for message in websocket:
        t.assert_type(message, str | bytes)
        await websocket.send(message)
    t.assert_type(await websocket.receive_json(Point), Point)
    await websocket.send_json({"room": room})
    try:
        await websocket.receive()
    except WebSocketClosed as closed:
        t.assert_type(closed.code, int)
    await websocket.close(4000, "enough")


@app.websocket("/no")
async def rejected() -> tuple[str, int]:
    """Reject the handshake."""
    return "no", 403


@app.before_websocket
@bp.before_websocket
@bp.before_app_websocket
async def before() -> None:
    """Return nothing."""


@app.after_websocket
@bp.after_websocket
@bp.after_app_websocket
def after(response: Response | None) -> Response | None:
    """Return what was given."""
    return response


@app.teardown_websocket
@bp.teardown_websocket
@bp.teardown_app_websocket
def teardown(error: BaseException | None) -> None:
    """Return nothing."""


@app.websocket("/sync")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
def sync() -> None:
    """Be refused: it cannot wait for messages."""
