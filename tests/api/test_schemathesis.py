"""Schemathesis finds nothing: every check it has, over both interfaces.

It reads the OpenAPI document of an application, and sends requests that fit it and requests
that do not. It looks whether the answers are what the document says. Every failure counts: what it
would take for wrong by its own fault is not sent in the first place.
"""

from __future__ import annotations

import sys
import typing as t
from collections import Counter
from pathlib import Path

import pytest

from costrel import Costrel
from costrel.testing.schema import send_only_wrong_bodies_as_wrong

EXAMPLES = Path(__file__).parents[2] / "examples"
MAX_EXAMPLES = 10
"""So many requests of each kind for an operation, so that a run takes less than a minute."""

Auth = dict[str, dict[str, str]]
"""Credentials by the name of their security scheme."""


def make_twenty(_tmp_path: Path) -> tuple[Costrel, list[str], Auth]:
    """Return the application of twenty operations, its documents, and what opens all of it."""
    from twenty import KEY, PASSWORD, make_app

    auth = {"basicAuth": {"username": "ada", "password": PASSWORD}, "key": {"api_key": KEY}}
    return make_app(), ["/openapi.json"], auth


def make_bookshop(tmp_path: Path) -> tuple[Costrel, list[str], Auth]:
    """Return the example with a clerk, a customer and some books."""
    if str(EXAMPLES) not in sys.path:
        sys.path.append(str(EXAMPLES))
    from bookshop import create_app

    url = f"sqlite:///{tmp_path / 'bookshop.sqlite'}"
    app = t.cast("Costrel", create_app(DATABASE_URL=url, COURIER_KEY="key of the courier"))
    run = app.test_cli_runner().invoke
    run(args=["init-db"])
    client = app.test_client()
    client.post("/api/v2/customers", json={"name": "Grace"})
    cookie = t.cast("t.Any", client.get_cookie("customer")).value
    token = run(args=["add-clerk", "Ada"]).output.strip()
    clerk = {"Authorization": f"Bearer {token}"}
    book = {"title": "Emma", "author": "Jane Austen", "price": 999}
    for _ in range(3):
        assert client.post("/api/v1/books", json=book, headers=clerk).status_code == 201
    auth = {
        "clerk": {"bearer": token},
        "customer": {"api_key": cookie},
        "X-Courier-Key": {"api_key": "key of the courier"},
    }
    return app, ["/openapi.json"], auth


@pytest.mark.wsgi_only("it sends over both interfaces itself")
@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("make", [make_twenty, make_bookshop])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_schemathesis_finds_nothing(tmp_path: Path, make: t.Any, interface: str) -> None:
    """No request gets an answer that the document does not have, and none a 500."""
    app, documents, auth = make(tmp_path)
    ran: Counter[str] = Counter()
    failures = [
        failure for path in documents for failure in run_checks(app, path, interface, auth, ran)
    ]
    assert not failures, f"{len(failures)} failures:\n" + "\n\n".join(failures[:10])
    from schemathesis.checks import CHECKS

    assert ran.keys() >= set(CHECKS.get_all_names()) - {"max_response_time"}


def run_checks(
    app: Costrel, path: str, interface: str, auth: Auth, ran: Counter[str]
) -> t.Iterator[str]:
    """Yield what is wrong by one document of an application; count the checks that ran."""
    import schemathesis
    from schemathesis.engine import events, from_schema

    config = schemathesis.Config.from_dict(
        {
            "auth": {"openapi": auth},
            "seed": 1,
            "headers": {"Sec-Fetch-Site": "same-origin"},  # as a page of the application
            "output": {"sanitization": {"enabled": False}},
            "generation": {
                "deterministic": True, "max-examples": MAX_EXAMPLES, "database": "none",
            },
        }
    )  # fmt: skip
    app.config["TRUSTED_HOSTS"] = ["localhost", "testserver"]
    if interface == "wsgi":
        schema = schemathesis.openapi.from_wsgi(path, app, config=config)
    else:
        schema = schemathesis.openapi.from_asgi(path, app.asgi, config=config)
    send_only_wrong_bodies_as_wrong(schema)
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            yield f"{event.label}: {event.value!r}"
        elif isinstance(event, events.FatalError):
            yield repr(event.exception)
        elif isinstance(event, events.ScenarioFinished):
            for checks in event.recorder.checks.values():
                for check in checks:
                    ran[check.name] += 1
                    if check.failure_info is not None:
                        found = check.failure_info
                        yield f"{event.label}: {check.name}: {found.failure}\n{found.code_sample}"


@pytest.fixture(autouse=True)
def _wsgi_without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what Schemathesis 4.32 passes on to the WSGI client, where nothing is a socket."""
    from schemathesis.transport.wsgi import WSGI_TRANSPORT

    send = WSGI_TRANSPORT.send
    sockets = ("max_redirects", "verify", "cert", "proxies")

    def send_in_process(case: t.Any, **options: t.Any) -> t.Any:
        return send(case, **{name: options[name] for name in options if name not in sockets})

    monkeypatch.setattr(WSGI_TRANSPORT, "send", send_in_process)


def test_application_of_twenty_operations_has_as_many() -> None:
    """Its document has each."""
    from twenty import make_app

    from costrel.openapi import document_of

    paths = document_of(make_app())["paths"]
    assert sum(map(len, paths.values())) == 20
