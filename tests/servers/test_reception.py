"""Bodies that Granian receives under WSGI, and whose turn it is to be answered then."""

from __future__ import annotations

import errno
import io
import logging
import threading

import pytest
from werkzeug.exceptions import ClientDisconnected, RequestTimeout

from costrel import Flask
from costrel.servers import reception
from costrel.servers.reception import Reception

PATIENCE_S = 10


class Protocol:
    """Keep what a request is answered with, as Granian's object sends it."""

    def __init__(self):
        self.answers = []
        self.answered = threading.Event()

    def response_bytes(self, status, headers, body):
        """Take a whole answer."""
        self.answers.append((status, dict(headers), body))
        self.answered.set()

    def response_iter(self, status, headers, pieces):
        """Take an answer piece by piece."""
        body = b""
        while True:
            try:
                body += pieces.__next__()
            except StopIteration:
                break
        self.response_bytes(status, headers, body)


class Source:
    """Be Granian's stream of a body: whole if it is complete, and nothing if it broke off."""

    def __init__(self, content, complete=True):
        self._content = io.BytesIO(content)
        self._complete = complete

    def read(self, size=None):
        """Read as Granian does."""
        if size is None:
            return self._content.read() if self._complete else b""
        return self._content.read(size)


class Stalled:
    """Be a stream whose client sends no more, until its connection is ended."""

    def __init__(self, protocol):
        self._protocol = protocol

    def read(self, size=None):
        """Wait until then."""
        assert self._protocol.answered.wait(PATIENCE_S)
        return b""


def environ(source, **variables):
    """Make Granian's part of an environ."""
    return {
        "REQUEST_METHOD": "POST",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": source,
        **variables,
    }


def announced(content, length=None):
    """Make the environ of a body whose length is announced."""
    length = len(content) if length is None else length
    return environ(Source(content), CONTENT_LENGTH=str(length))


def chunked(content, complete=True):
    """Make the environ of a body whose length is not announced."""
    return environ(Source(content, complete), HTTP_TRANSFER_ENCODING="chunked")


def make_reception(run, threads=1, **config):
    """Make what Granian calls, around a function that reads the body."""
    app = Flask(__name__)
    app.config.update(config)
    return Reception(run, app, threads)


def receive(given, **config):
    """Receive one body; returns what the application gets to read."""
    found = []

    def run(_protocol, environ):
        stream = environ["wsgi.input"]
        try:
            found.append(stream.read())
        except (OSError, ClientDisconnected) as error:
            found.append(error)

    protocol = Protocol()
    make_reception(run, **config)(protocol, given)
    return (found or protocol.answers)[0]


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 499_999, 500_001, 1_200_000])
def test_announced_body_is_whole_whatever_its_size(size):
    """In memory, in one piece or in several, or by way of a file."""
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    assert content == receive(announced(content))


def test_body_of_unknown_length_is_whole():
    """It is read at once, since only so Granian tells whether it broke off."""
    assert b"text" * 1000 == receive(chunked(b"text" * 1000))


@pytest.mark.parametrize(
    "given",
    [
        announced(b"", 10),
        announced(b"text", 10),
        announced(b"x" * 100_000, 1_000_000),
        chunked(b"text", complete=False),
    ],
    ids=["nothing", "beginning", "beginning-in-a-file", "unannounced"],
)
def test_body_that_broke_off_is_an_error_to_read(given):
    """However it is read: 400 where nobody handles it."""
    assert isinstance(receive(given), ClientDisconnected)


def test_request_without_a_body_reads_as_empty():
    """In every way, also in those that Granian's stream does not have."""
    found = []
    run = lambda _protocol, environ: found.append(environ["wsgi.input"].read(-1))  # noqa: E731
    make_reception(run)(Protocol(), environ(Source(b"")))

    assert found == [b""]


def test_request_without_a_body_over_http_2_reads_as_empty():
    """There it need not say whether it has one; a POST has."""
    empty = environ(Source(b""), SERVER_PROTOCOL="HTTP/2")

    assert receive(empty | {"REQUEST_METHOD": "GET"}) == b""
    assert isinstance(receive(empty), ClientDisconnected)
    assert receive(environ(Source(b"text"), SERVER_PROTOCOL="HTTP/2")) == b"text"


def test_body_over_the_limit_is_not_received():
    """Unless the application reads it, which may allow more to some requests."""
    read = []

    class Noting(Source):
        def read(self, size=None):
            read.append(size)
            return super().read(size)

    given = announced(b"x" * 100) | {"wsgi.input": Noting(b"x" * 100)}
    make_reception(lambda _protocol, _environ: None, MAX_CONTENT_LENGTH=10)(Protocol(), given)

    assert read == []
    assert receive(announced(b"x" * 100_000), MAX_CONTENT_LENGTH=10) == b"x" * 100_000
    assert isinstance(receive(announced(b"x", 100), MAX_CONTENT_LENGTH=10), ClientDisconnected)


def test_error_of_storing_a_body_is_the_readers(monkeypatch):
    """A full disk reaches the application's error handlers."""

    class Full(io.BytesIO):
        def write(self, _content):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(reception.tempfile, "TemporaryFile", Full)

    assert receive(announced(b"x" * 600_000)).errno == errno.ENOSPC


def test_middleware_that_reads_what_broke_off_answers_400():
    """Without an error in the log: it is the client's."""

    def run(_protocol, environ):
        environ["wsgi.input"].read()

    protocol = Protocol()
    make_reception(run)(protocol, announced(b"text", 10))

    ((status, headers, body),) = protocol.answers
    assert (status, headers["Connection"]) == (400, "close")
    assert b"Bad Request" in body


def test_error_of_the_application_is_logged_and_the_next_request_answered(caplog):
    """As Granian does it by itself."""

    def run(_protocol, _environ):
        raise SystemExit

    called = make_reception(run)
    protocols = [Protocol(), Protocol()]
    logging.getLogger("_granian").propagate = True
    for protocol in protocols:
        called(protocol, announced(b"text"))

    assert [500, 500] == [answers[0][0] for answers in (p.answers for p in protocols)]
    assert [record.exc_info[0] for record in caplog.records] == [SystemExit, SystemExit]


@pytest.mark.parametrize(
    "headers", [{"CONTENT_LENGTH": "9"}, {"HTTP_TRANSFER_ENCODING": "chunked"}]
)
def test_client_that_is_too_slow_is_answered_408(headers):
    """The answer promises more than it has, which makes Granian end the connection."""
    protocol = Protocol()
    called = make_reception(lambda _protocol, _environ: None, BODY_TIMEOUT_S=0.1)
    called(protocol, environ(Stalled(protocol), **headers))

    ((status, fields, body),) = protocol.answers
    assert (status, fields["connection"]) == (408, "close")
    assert len(body) + 1 == int(fields["content-length"])


def test_view_that_reads_too_slow_a_body_is_freed():
    """Also where it reads more than the application's limit allows at first."""
    protocol = Protocol()
    found = []

    def run(_protocol, environ):
        try:
            environ["wsgi.input"].read()
        except RequestTimeout as error:
            found.append(error.code)

    called = make_reception(run, BODY_TIMEOUT_S=0.1, MAX_CONTENT_LENGTH=1)
    called(protocol, environ(Stalled(protocol), CONTENT_LENGTH="9"))

    assert found == [408]


def test_body_of_unknown_length_that_fills_memory_is_refused(monkeypatch):
    """Granian can't be told a limit, so its connection is ended."""
    reading = threading.Event()

    class Filling(Stalled):
        def read(self, size=None):
            reading.set()
            return super().read(size)

    monkeypatch.setattr(reception, "HELD_BYTES", 1000)
    monkeypatch.setattr(reception, "resident_bytes", lambda: 2000 if reading.is_set() else 0)
    protocol = Protocol()
    called = make_reception(lambda _protocol, _environ: None)
    called(protocol, environ(Filling(protocol), HTTP_TRANSFER_ENCODING="chunked"))

    assert protocol.answers[0][0] == 413


def test_memory_of_the_process_is_known_on_linux():
    """Which is where servers are."""
    assert reception.resident_bytes() > 1_000_000


def test_more_bodies_than_threads_to_receive_them_are_refused(monkeypatch):
    """With 503; requests without a body, or with an empty one, are answered nevertheless."""
    monkeypatch.setattr(reception, "RECEIVING_THREADS", 1)
    ran = []
    called = make_reception(lambda protocol, _environ: ran.append(protocol))
    slow, refused, other, empty = Protocol(), Protocol(), Protocol(), Protocol()
    reading = threading.Event()

    class Noting(Stalled):
        def read(self, size=None):
            reading.set()
            return super().read(size)

    given = environ(Noting(slow), CONTENT_LENGTH="4")
    thread = threading.Thread(target=called, args=(slow, given))
    thread.start()
    assert reading.wait(PATIENCE_S)
    called(refused, announced(b"text"))
    called(other, environ(Source(b"")))
    called(empty, announced(b""))
    slow.answered.set()
    thread.join(PATIENCE_S)

    assert [refused.answers[0][0]] == [503]
    assert ran == [other, empty, slow]


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_requests_run_than_there_are_threads(threads):
    """The others wait for their turn, and are answered in their order."""
    running, most, order = [], [], []
    go_on = threading.Event()
    full = threading.Event()

    def run(protocol, _environ):
        running.append(protocol)
        most.append(len(running))
        if len(running) == threads:
            full.set()
        assert go_on.wait(PATIENCE_S)
        order.append(protocol)
        running.remove(protocol)

    called = make_reception(run, threads)
    first = [
        threading.Thread(target=called, args=(Protocol(), announced(b"text")))
        for _ in range(threads)
    ]
    for thread in first:
        thread.start()
    assert full.wait(PATIENCE_S)
    later = [Protocol() for _ in range(5)]
    for protocol in later:
        # Does not wait: it is left to one of the threads that run already.
        called(protocol, announced(b"text"))
    go_on.set()
    for thread in first:
        thread.join(PATIENCE_S)

    assert max(most) == threads
    assert sorted(map(id, later)) == sorted(id(p) for p in order if p in later)
    assert threads > 1 or order[1:] == later
