"""Serve extensions over ASGI that speak WebSocket on the server's own socket.

They are called as under WSGI, in a thread. In place of the server's socket they get one end of
a socket pair; at the other end, frames are translated to ASGI messages and back.
"""

from __future__ import annotations

import asyncio
import io
import socket
import threading
import typing as t
from contextlib import suppress
from contextvars import Context

from werkzeug.exceptions import HTTPException
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, ProtocolError

from ..ctx import RequestContext
from ..dispatch.proxies import believed_proxies, proxies_around
from ..dispatch.threads import WorkerThreads, hop_for
from ..registration.socketrules import takes_server_socket
from ..websockets import (
    GONE,
    NO_CODE,
    NORMAL,
    RESTART,
    SERVER_ERROR,
    TOO_LARGE,
    count_bytes,
    send_close,
)
from .checked import checked
from .inflight import in_flight
from .lifespan import start_on_loop
from .proxies import behind
from .scope import Receive, Scope, Send, make_environ
from .sending import Answer, ClientLeft, answer, as_denial, close_answer, rest_in, send_answer
from .sockets import converse

if t.TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from _typeshed.wsgi import WSGIEnvironment

    from ..registration.application import App

GOODBYE_S = 1.0
"""How long a view may take to end when the server stops (seconds)."""

_PIECE_BYTES = 65_536

# The close codes that may be sent in a frame.
_SENDABLE = frozenset(CloseReason) - {
    CloseReason.NO_STATUS_RCVD,
    CloseReason.ABNORMAL_CLOSURE,
    CloseReason.TLS_HANDSHAKE_FAILED,
}


async def converse_or_lend(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a WebSocket, with an extension or with a view of the application."""
    if app._has_life():
        await start_on_loop(app)
    proxies = believed_proxies(app)
    # Match as seen behind the proxy; the extension itself is called through ProxyFix anyway.
    matched = behind(proxies, scope) if proxies else scope
    is_lent = await hop_for(app, _is_lent, app, make_environ(matched, io.BytesIO()))
    await (_lend if is_lent else converse)(app, scope, receive, send)


def _is_lent(app: App, environ: WSGIEnvironment) -> bool:
    """Whether a handshake is for an extension, not for one of the application's WebSockets."""
    ctx = RequestContext(app, environ)
    try:
        with ctx.activate():
            adapter = ctx.url_adapter
            if adapter is not None:
                rule, _values = adapter.match(return_rule=True, websocket=True)
                return takes_server_socket(rule)
    except HTTPException:
        pass
    except Exception:  # noqa: BLE001  from a converter; raised again when it is answered
        return False
    # COMPAT(Flask-SocketIO): it is middleware that answers first, and has no rule.
    return proxies_around(app) is None


class LentSocket(socket.socket):
    """A socket on which several threads can send whole frames, one after the other.

    COMPAT(simple-websocket): it sends pings from a separate thread, with `send`. While a long
    message waits for a slow client, a ping would land in the middle of its frame.
    """

    def __init__(self, other: socket.socket) -> None:
        super().__init__(other.family, other.type, other.proto, fileno=other.detach())
        self._sending = threading.Lock()

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        """Send all of the data, and return its length in bytes."""
        with self._sending:
            self.sendall(data, flags)
        return memoryview(data).nbytes


def _socket_pair() -> tuple[socket.socket, LentSocket]:
    ours, theirs = socket.socketpair()
    return ours, LentSocket(theirs)


async def _lend(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Call the WSGI application for a handshake, in its own thread for as long as it is open."""
    if (await receive())["type"] != "websocket.connect":
        return
    task = t.cast("asyncio.Task[t.Any]", asyncio.current_task())
    in_flight.add(task)
    ours, theirs = _socket_pair()
    threads = WorkerThreads(1, "costrel-socket")
    try:
        loan = Loan(*await asyncio.open_connection(sock=ours), receive, send)
        loan.limit_bytes = app.config["WEBSOCKET_MAX_MESSAGE_SIZE"]
        environ = make_environ(scope, io.BytesIO())
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        environ |= loan.shake_hands(scope.get("subprotocols") or ())
        environ["werkzeug.socket"] = theirs
        context = Context()  # with nothing current in it
        calling = asyncio.create_task(
            threads.run_loosely(_call, app, environ, theirs, context=context)
        )
        try:
            await loan.relay()
            outcome = await calling
            if isinstance(outcome, Answer):
                outcome = rest_in(app, outcome, context)
            await _conclude(app, scope, loan, outcome)
        except asyncio.CancelledError:
            # The server stops: give the view a moment to notice.
            await loan.stop()
            await asyncio.wait({calling}, timeout=GOODBYE_S)
            raise
        finally:
            calling.cancel()
            loan.close()
            if not loan.accepted:
                # Otherwise the extension owns it, and a thread of its own may be closing it.
                theirs.close()
    finally:
        ours.close()
        threads.close()
        in_flight.discard(task)


def _call(app: App, environ: WSGIEnvironment, theirs: socket.socket) -> Answer | BaseException:
    """Call the application, in a thread; an error is returned, for `_conclude` to handle."""
    try:
        return answer(checked(app), environ)
    except BaseException as error:  # noqa: BLE001  as above
        return error
    finally:
        # Readers at either end see the end of the stream, after all that was written before.
        with suppress(OSError):
            theirs.shutdown(socket.SHUT_RDWR)


async def _conclude(app: App, scope: Scope, loan: Loan, outcome: Answer | BaseException) -> None:
    """Close a WebSocket that the extension left open, or reject one that it did not accept."""
    error = outcome if isinstance(outcome, BaseException) else None
    try:
        if not loan.accepted:
            if isinstance(outcome, Answer):
                await _reject(app, scope, loan, outcome)
            return
        if isinstance(outcome, Answer):
            await close_answer(app, outcome)
            failed = outcome.status >= 500
        else:
            # COMPAT(flask-sock, python-engineio): they raise these so that a server does nothing.
            failed = not isinstance(outcome, (ConnectionError, StopIteration))
            error = outcome if failed else None
        await loan.close_client(SERVER_ERROR if failed else NORMAL)
    finally:
        if error is not None:
            raise error


async def _reject(app: App, scope: Scope, loan: Loan, outcome: Answer) -> None:
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await close_answer(app, outcome)
        await loan.close_client(NORMAL)
        return
    with suppress(ClientLeft):
        await send_answer(app, outcome, as_denial(loan.send))


class Loan:
    """Our end of a socket pair, connected to a client over ASGI.

    Attributes:
        accepted: Whether the extension has accepted the handshake.
        limit_bytes: The greatest length of a message from the client; None for no limit.
    """

    limit_bytes: int | None = None

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        receive: Receive,
        send: Send,
    ) -> None:
        self.accepted = False
        self.send = send
        self._receive = receive
        self._reader = reader
        self._writer = writer
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._parts: list[t.Any] = []
        self._client_closed = False
        self._listening: asyncio.Task[None] | None = None

    def shake_hands(self, subprotocols: t.Iterable[str]) -> WSGIEnvironment:
        """Start a handshake with the extension, and return the environ variables for it.

        The client's own handshake is not used: it may ask for compression, and over HTTP/2 it
        has no key.
        """
        offered = list(subprotocols)
        request = Request(host="localhost", target="/", subprotocols=t.cast("list[t.Any]", offered))
        sent = self._protocol.send(request).decode("ascii")
        lines = (line.partition(": ") for line in sent.splitlines())
        fields = {name.lower(): value for name, _colon, value in lines}
        environ = {
            "HTTP_SEC_WEBSOCKET_KEY": fields["sec-websocket-key"],
            "HTTP_SEC_WEBSOCKET_VERSION": fields["sec-websocket-version"],
        }
        if offered:
            environ["HTTP_SEC_WEBSOCKET_PROTOCOL"] = ", ".join(offered)
        return environ

    async def relay(self) -> None:
        """Pass on to the client what the extension sends, until the extension ends."""
        try:
            while piece := await self._reader.read(_PIECE_BYTES):
                self._protocol.receive_data(piece)
                for event in self._protocol.events():
                    await self._pass_on(event)
        except (ConnectionError, ProtocolError):
            # Reading ends here: the extension must not wait until its data is read.
            self._writer.close()

    async def _pass_on(self, event: Event) -> None:
        """Send the client what the extension sent."""
        if isinstance(event, AcceptConnection):
            self.accepted = True
            await self._tell(
                {
                    "type": "websocket.accept",
                    "subprotocol": event.subprotocol,
                    "headers": list(event.extra_headers),
                }
            )
            self._listening = asyncio.create_task(self._listen())
        elif isinstance(event, (TextMessage, BytesMessage)):
            self._parts.append(event.data)
            if event.message_finished:
                parts, self._parts = self._parts, []
                if isinstance(event, TextMessage):
                    await self._tell({"type": "websocket.send", "text": "".join(parts)})
                else:
                    await self._tell({"type": "websocket.send", "bytes": b"".join(parts)})
        elif isinstance(event, Ping):
            # Answer at once: the server itself checks whether the client is there.
            self._write(event.response())
        elif isinstance(event, CloseConnection):
            code = NORMAL if event.code == NO_CODE else int(event.code)
            await self.close_client(code, event.reason or "")
            self._write(event.response())

    async def _tell(self, message: t.MutableMapping[str, t.Any]) -> None:
        if not self._client_closed:
            try:
                await self.send(message)
            except OSError:
                # The client has disconnected; `receive` will say so too.
                self._client_closed = True

    async def close_client(self, code: int, reason: str = "") -> None:
        """Close the client's connection, unless it is closed already."""
        if not self._client_closed:
            self._client_closed = True
            await send_close(self.send, code, reason)

    async def _listen(self) -> None:
        """Pass on to the extension what the client sends, and when it disconnects."""
        code, reason = GONE, ""
        try:
            while (message := await self._receive())["type"] == "websocket.receive":
                data: str | bytes = (
                    message["bytes"] if (text := message.get("text")) is None else text
                )
                if self.limit_bytes is not None and count_bytes(data) > self.limit_bytes:
                    code, reason = TOO_LARGE, f"message of more than {self.limit_bytes} bytes"
                    await self.close_client(code, reason)
                    return
                self._write(TextMessage(data) if isinstance(data, str) else BytesMessage(data))
                # If the extension is slow, slow down the client too.
                await self._writer.drain()
            self._client_closed = True
            code, reason = message.get("code") or NO_CODE, message.get("reason") or ""
        except OSError:
            # The client or the extension has disconnected.
            return
        finally:
            self._leave(code, reason)

    def _leave(self, code: int, reason: str) -> None:
        """Tell the extension that the client has left; without a code if it just vanished."""
        if code == NO_CODE or code >= 3000 or code in _SENDABLE:
            self._write(CloseConnection(CloseReason(code) if code < 3000 else code, reason))
        if not self._writer.is_closing():
            self._writer.write_eof()

    def _write(self, event: Event) -> None:
        # After a close, nothing more may be sent.
        with suppress(LocalProtocolError):
            self._writer.write(self._protocol.send(event))

    async def stop(self) -> None:
        """Close both sides, because the server stops."""
        with suppress(asyncio.CancelledError, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self.close_client(RESTART, "the server stops")
        self._leave(RESTART, "the server stops")
        self._writer.close()

    def close(self) -> None:
        """Close our end, which wakes whoever waits at the other end."""
        if self._listening is not None:
            self._listening.cancel()
        self._writer.close()
