"""Find peers and workloads. Each is one file, which describes itself."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pathlib
import typing as t

from exchange import Answer, Request

ROOT = pathlib.Path(__file__).parent

FIVE = ("hello", "json", "echo", "template", "query")
EVERYONES = (*FIVE, "page", "fortunes")
ALL = (*EVERYONES, "wait")
TYPED = ("typed_post", "typed_get", "typed_invalid")
SAFE = ("hello", "page", "page_redis")


@dataclasses.dataclass(frozen=True)
class Peer:
    """One application.

    `servers` are measured each; of `candidates`, for each workload, only the fastest is.
    `quick` are the servers of the quick run, which leaves out peers that name none;
    an empty list is a peer that is run in process only. `sockets` is the server on which
    its WebSockets are measured. `defaults` are servers that run it without options. A twin
    returns `jsonify(...)` where the peer that it is of returns a dictionary. `app` is where
    the application is, if not in the peer's `module`, and `as_flask` whether it runs under the
    alias.
    """

    name: str
    title: str
    package: str
    interface: str
    servers: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    quick: tuple[str, ...] | None = None
    workloads: tuple[str, ...] = EVERYONES
    in_process: tuple[str, ...] | None = None
    sockets: str | None = None
    defaults: tuple[str, ...] = ()
    twin_of: str = ""
    app: str = ""
    as_flask: bool | None = None
    module: str = ""

    def in_process_workloads(self) -> tuple[str, ...]:
        """Return the workloads to run without a server: by default all, if that is possible.

        Except `wait`: without a server there would be only the waiting to measure.
        """
        if self.in_process is None:
            names = () if self.interface == "own" else self.workloads
            return tuple(name for name in names if name != "wait")
        return self.in_process


@dataclasses.dataclass(frozen=True)
class Workload:
    """One request and the check of its response."""

    name: str
    title: str
    request: Request
    check: t.Callable[[Answer], None]
    connections: int
    login: Request | None = None
    probe: Request | None = None
    check_probe: t.Callable[[Answer], None] | None = None


def load_peers() -> dict[str, Peer]:
    """Read the header of every peer, without importing what it imports."""
    return _load("peers", {})


def load_typed_peers() -> dict[str, Peer]:
    """Read the same of the peers with typed views, each of which answers the typed workloads."""
    return _load("peers/typed", {"workloads": TYPED})


def load_safe_peers() -> dict[str, Peer]:
    """Read the same of the protected peers, and of what they are compared with."""
    return _load("peers/safe", {})


def _load(folder: str, answers: dict[str, t.Any]) -> dict[str, Peer]:
    paths = sorted((ROOT / folder).glob("*.py"))
    peers = [read_peer(path) for path in paths if path.stem != "__init__"]
    return {peer.name: dataclasses.replace(peer, **answers) for peer in peers}


def read_peer(path: pathlib.Path) -> Peer:
    """Return the dictionary that a peer's file calls PEER."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "PEER":
            fields = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in ast.literal_eval(statement.value).items()
            }
            return Peer(name=path.stem, module=module, **fields)
    raise SystemExit(f"{path} does not assign PEER = {{...}}; see the other peers")


def load_workload(name: str) -> Workload:
    """Import the file of one workload."""
    module = importlib.import_module(f"workloads.{name}")
    return Workload(
        name=name,
        title=module.TITLE,
        request=module.REQUEST,
        check=module.check,
        connections=getattr(module, "CONNECTIONS", 32),
        login=getattr(module, "LOGIN", None),
        probe=getattr(module, "PROBE", None),
        check_probe=getattr(module, "check_probe", None),
    )
