"""Responses in pieces that wait for their clients, and what runs in their place."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass, field

import pytest
from exchange import eventually

from costrel import Flask
from costrel.servers import responses as module
from costrel.servers.connections import Connection
from costrel.servers.reception import Reception
from costrel.servers.responses import Responses
from costrel.servers.slots import Slots

PATIENCE_S = 10
TIMEOUT_S = 60


@dataclass
class Network:
    """Be the system: some connections, and which of them were ended."""

    found: list[Connection] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)


@pytest.fixture
def network(monkeypatch):
    """Replace what the system knows of connections."""
    network = Network()
    monkeypatch.setattr(module, "connections", lambda _port: network.found)
    monkeypatch.setattr(Connection, "end", lambda one: network.ended.append(one.key))
    return network


def connection(key, address="10.0.0.1", queued=1000, acked=0):
    """Make a connection."""
    return Connection(key, key, address, queued, acked)


def environ(address="10.0.0.1", protocol="HTTP/1.1"):
    """Make the environ of a request."""
    return {"REMOTE_ADDR": address, "SERVER_PORT": "80", "SERVER_PROTOCOL": protocol}


def waiting(responses, **variables):
    """Make a response that waits for its client from now on, and has lent its slot."""
    pieces = responses.watch([b"one", b"two"], environ(**variables))
    next(pieces)
    responses.look(0)
    responses.look(0)
    return pieces


@pytest.fixture
def responses(network):
    """Make responses that need no slots."""
    made = Responses(Slots(1000, lambda *_job: None), TIMEOUT_S)
    # No thread: the tests look themselves.
    made._start.acquire()
    return made


def test_environ_is_that_of_granians_function(responses):
    """What it calls gets the pieces only; the name is Granian's."""

    def runner(scope):
        assert scope
        return responses.watch_for_caller([b"one"])

    assert runner(environ("10.0.0.9"))._address == "10.0.0.9"


def test_response_that_waits_lends_its_slot(network):
    """Another request runs meanwhile; the response goes on when there is a slot for it again."""
    ran, may_end, gone_on = threading.Event(), threading.Event(), threading.Event()

    def run(protocol, _environ):
        if protocol == "other":
            ran.set()
            may_end.wait(PATIENCE_S)
            return
        pieces = reception.responses.watch([b"one", b"two"], environ())
        next(pieces)
        # While Granian waits for the client, and another request comes.
        other.start()
        reception.responses.look(0)
        reception.responses.look(0)
        assert ran.wait(PATIENCE_S)
        next(pieces)
        gone_on.set()

    reception = Reception(run, Flask(__name__), 1)
    reception.responses._start.acquire()
    request = {"SERVER_PROTOCOL": "HTTP/1.1", "wsgi.input": None}
    first, other = (
        threading.Thread(target=reception, args=(name, request)) for name in ("first", "other")
    )
    first.start()

    assert ran.wait(PATIENCE_S)
    assert not gone_on.wait(0.05)
    may_end.set()
    assert gone_on.wait(PATIENCE_S)
    first.join(PATIENCE_S)
    assert reception._slots.free == 1


def test_waiting_request_runs_in_a_lent_slot():
    """Unless its body is still to come, which only Granian's threads may receive."""
    ran = []
    slots = Slots(0, lambda protocol, _environ: ran.append(protocol))
    slots.waiting.append(("large", {"wsgi.input": io.BufferedReader(io.BytesIO())}))
    slots.waiting.append(("other", {"wsgi.input": None}))
    slots.lend()

    eventually(["other"], lambda: ran)
    slots.lend()
    assert slots.free == 1
    assert slots.give()[0] == "large"


def test_response_that_is_late_is_ended(responses, network):
    """If on no connection of its client more than a little has arrived."""
    network.found = [connection(1, queued=0), connection(2), connection(3, "10.0.0.2")]
    waiting(responses)
    responses.look(TIMEOUT_S - 1)
    assert network.ended == []
    responses.look(TIMEOUT_S)

    assert network.ended == [2]


def test_response_that_arrives_slowly_is_not_ended(responses, network):
    """Systems tell a server late that a client reads, but know it."""
    network.found = [connection(1)]
    waiting(responses)
    network.found = [connection(1, acked=65_536)]
    responses.look(TIMEOUT_S)
    assert network.ended == []
    responses.look(2 * TIMEOUT_S)

    assert network.ended == [1]


def test_client_of_http_2_that_allows_nothing_to_be_sent_is_ended(responses, network):
    """Nothing is queued then; what is late on the same connection ends no further one."""
    network.found = [connection(1, queued=0, acked=9), connection(2, queued=0)]
    for _ in range(3):
        waiting(responses, protocol="HTTP/2")
    network.found = [connection(1, queued=0, acked=5000), connection(2, queued=0, acked=17)]
    responses.look(TIMEOUT_S)

    assert network.ended == [2]


def test_too_many_responses_that_wait_are_ended_early(responses, network, monkeypatch):
    """The one that has waited longest, even if it arrives slowly."""
    monkeypatch.setattr(module, "SENDING_THREADS", 1)
    network.found = [connection(1, "a"), connection(2, "b")]
    waiting(responses, address="a")
    network.found = [connection(1, "a", acked=1_000_000), connection(2, "b")]
    other = responses.watch([b"one"], environ("b"))
    next(other)
    responses.look(1)
    responses.look(1)

    assert network.ended == [1]


def test_response_that_has_ended_is_forgotten(responses, network):
    """Whether its client has taken all of it or not."""
    for take in (list, lambda pieces: None):
        pieces = waiting(responses)
        take(pieces)
        pieces.close()

    assert not responses.waiting
    assert not responses._lent
