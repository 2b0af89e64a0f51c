"""Responses in pieces under WSGI on Granian, and clients that do not take the pieces.

Granian fetches the pieces of a response in one of its threads and waits there for the client.
None of the application's code runs meanwhile. So after a moment another request may run in its
place, and few clients can wait for long: see `Responses`.
"""

from __future__ import annotations

import math
import sys
import threading
import time
import typing as t

from .connections import PIECE_BYTES, Connection, connections

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from .slots import Slots

SENDING_THREADS = 64
"""How many responses may wait for their clients outside of the application's threads.

Beyond that, the clients that have waited longest are disconnected.
"""

LOOK_S = 0.25
"""How often the responses are looked at: one that waits for longer than that lends its slot."""


class Responses:
    """The responses that wait for their clients, and a thread that looks after them.

    Args:
        slots: What a response that waits lends its slot to.
        timeout_s: How long a client may take for `PIECE_BYTES`; None for any time.
    """

    def __init__(self, slots: Slots, timeout_s: float | None) -> None:
        self._slots = slots
        self._timeout_s = math.inf if timeout_s is None else timeout_s
        self._start = threading.Lock()
        self._lock = threading.Lock()
        self.waiting: dict[int, Pieces] = {}
        self._lent: dict[int, Pieces] = {}

    def watch_for_caller(self, pieces: t.Iterable[bytes]) -> Pieces:
        """Look after a response in pieces, in place of a class that Granian calls.

        Whole bodies don't come here. So the function that calls this is asked for the environ, for
        which otherwise every request would have to pass through one more function.
        """
        return self.watch(pieces, sys._getframe(1).f_locals["scope"])

    def watch(self, pieces: t.Iterable[bytes], environ: WSGIEnvironment) -> Pieces:
        """Look after a response in pieces; of the environ, what Granian says is enough."""
        if self._start.acquire(blocking=False):
            # Started here, because the process may have been forked after the import.
            threading.Thread(target=self._look_after, daemon=True, name="costrel-sends").start()
        return Pieces(self, pieces, environ)

    def _look_after(self) -> None:
        while True:
            time.sleep(LOOK_S)
            if self.waiting or self._lent:
                self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Lend the slots of responses that wait, and end what is late; `now` is in seconds."""
        found: list[Connection] | None = None
        for key, response in list(self.waiting.items()):
            if not response.is_seen:
                response.is_seen = True
                continue
            found = connections(response.port) if found is None else found
            response.note(now, found)
            with self._lock:
                # Whoever removes the entry decides whether it waits.
                if self.waiting.pop(key, None) is not None:
                    self._lent[key] = response
                    self._slots.lend()
        lent = sorted(self._lent.values(), key=lambda response: response.since)
        too_many = len(lent) - SENDING_THREADS
        ended: set[int | str] = set()
        for index, response in enumerate(lent):
            is_late = now - response.since >= self._timeout_s * response.pieces
            if is_late or index < too_many:
                found = connections(response.port) if found is None else found
                response.end(found, ended, at_any_rate=index < too_many)
                if is_late:
                    response.note(now, found)

    def go_on(self, key: int) -> None:
        """Note that the client has taken a piece; waits for a slot if its own was lent."""
        if self.waiting.pop(key, None) is None:
            with self._lock:
                del self._lent[key]
            self._slots.take_back()


class Pieces:
    """The pieces of a response, between the application and Granian.

    A response waits for its client from where a piece is returned until the next is asked for.
    """

    def __init__(
        self, responses: Responses, pieces: t.Iterable[bytes], environ: WSGIEnvironment
    ) -> None:
        self._responses = responses
        self._inner = pieces
        self._next = iter(pieces).__next__
        self._address: str = environ["REMOTE_ADDR"]
        self._is_http2 = environ["SERVER_PROTOCOL"] == "HTTP/2"
        self._waits = False
        self._before: dict[int, int] = {}
        self.port = int(environ["SERVER_PORT"])
        self.is_seen = False
        self.since = 0.0
        self.pieces = 1

    def __iter__(self) -> t.Self:
        return self

    def __next__(self) -> bytes:
        self._go_on()
        piece = self._next()
        self.pieces = -(-len(piece) // PIECE_BYTES) or 1
        self.is_seen = False
        self._waits = True
        self._responses.waiting[id(self)] = self
        return piece

    def close(self) -> None:
        """Close the application's response, which Granian does at the end."""
        self._go_on()
        close = getattr(self._inner, "close", None)
        if close is not None:
            close()

    def _go_on(self) -> None:
        if self._waits:
            self._waits = False
            self._responses.go_on(id(self))

    def note(self, now: float, found: list[Connection]) -> None:
        """Note what has arrived on the connections until now."""
        self.since = now
        self._before = {one.key: one.acked_bytes for one in found if one.address == self._address}

    def end(
        self, found: list[Connection], ended: set[int | str], *, at_any_rate: bool = False
    ) -> None:
        """End the connection of the client if too little has arrived on it since then.

        Granian tells no more of it than the client's address. So it is the one from there on
        which something is queued and least has arrived; over HTTP/2, where a client may allow
        nothing to be sent, the one on which least has. `ended` is what was ended before. With
        `at_any_rate`, it is ended even if enough has arrived.
        """
        if self._address in ended:
            return
        candidates = [one for one in found if one.key in self._before and one.key not in ended]
        queued = [one for one in candidates if one.queued_bytes]
        one = min(
            queued or (candidates if self._is_http2 else []),
            key=lambda one: one.acked_bytes - self._before[one.key],
            default=None,
        )
        if one is not None and (
            at_any_rate or one.acked_bytes - self._before[one.key] < PIECE_BYTES
        ):
            one.end()
            # It may have carried all that is late of this client.
            ended.add(self._address if self._is_http2 else one.key)
