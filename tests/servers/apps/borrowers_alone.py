"""Applications with one extension each that uses the server's socket for WebSockets."""

from __future__ import annotations

import costrel

costrel.install_as_flask()

from flask import Flask  # noqa: E402
from flask_sock import Sock  # noqa: E402
from flask_socketio import SocketIO  # noqa: E402

io_only = Flask("io_only")
SocketIO(io_only, async_mode="threading")

sock_only = Flask("sock_only")
_sock = Sock(sock_only)


@_sock.route("/echo")
def echo(ws):
    """Send one message back."""
    ws.send(ws.receive())
