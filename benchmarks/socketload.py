"""Open WebSockets and keep them busy, without a library that would be slower than the server.

    python socketload.py HOST PORT PATH CONNECTIONS SECONDS     (prints JSON)

Opens so many connections and prints ``{"open": N}``. If SECONDS is not 0, it then sends
messages on all of them, a batch on each as soon as it got the last batch back, and prints
how many came back per second. It closes when its standard input ends.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import socket
import sys
import time

BATCH = 16
TEXT = b"a message of thirty characters"


def open_socket(host: str, port: int, path: str) -> socket.socket:
    """Shake hands (RFC 6455 section 4.1)."""
    connection = socket.create_connection((host, port), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(4096)
        if not piece:
            break
        answer += piece
    if not answer.startswith(b"HTTP/1.1 101 "):
        raise SystemExit(f"the handshake was answered with {answer[:200]!r}")
    return connection


def make_frame() -> bytes:
    """Return one text message as a client sends it, masked."""
    mask = b"\x01\x02\x03\x04"
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(TEXT))
    return bytes([0x81, 0x80 | len(TEXT)]) + mask + masked


def keep_busy(connections: list[socket.socket], seconds: float) -> float:
    """Return how many messages came back per second."""
    batch = make_frame() * BATCH
    expected = bytes([0x81, len(TEXT)]) + TEXT
    size = len(expected) * BATCH
    missing = {}
    selector = selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection, selectors.EVENT_READ)
        connection.sendall(batch)
        missing[connection] = size
    batches, started = 0, time.perf_counter()
    while (took := time.perf_counter() - started) < seconds:
        for key, _events in selector.select(timeout=5):
            connection = key.fileobj
            data = connection.recv(65536)
            if not data:
                raise SystemExit("the server closed a connection")
            missing[connection] -= len(data)
            if missing[connection] < 0:
                raise SystemExit("the server sent more than it got")
            if not missing[connection]:
                if not data.endswith(expected[-8:]):
                    raise SystemExit(f"the server sent something else: {data[-40:]!r}")
                batches += 1
                connection.sendall(batch)
                missing[connection] = size
    return batches * BATCH / took


def main() -> None:
    """Do what the command line says."""
    host, port, path, number, seconds = sys.argv[1:]
    connections = [open_socket(host, int(port), path) for _ in range(int(number))]
    print(json.dumps({"open": len(connections)}), flush=True)
    if float(seconds):
        keep_busy(connections, min(float(seconds), 0.3))
        # What was still on its way belongs to neither.
        for connection in connections:
            connection.close()
        connections = [open_socket(host, int(port), path) for _ in range(int(number))]
        print(json.dumps({"per_second": keep_busy(connections, float(seconds))}), flush=True)
    else:
        sys.stdin.read()
    for connection in connections:
        connection.close()


if __name__ == "__main__":
    main()
