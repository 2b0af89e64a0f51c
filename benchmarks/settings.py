"""How long and how often to measure, and on which cores."""

from __future__ import annotations

import dataclasses
import os
import pathlib


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of a run. Seconds are per cell and round."""

    quick: bool
    rounds: int
    seconds: float
    warm_up_s: float
    in_process_s: float
    idiom_s: float
    imports: int
    requests: int
    server_core: int
    load_core: int


def full(rounds: int | None, seconds: float | None) -> Settings:
    """Return the settings of a full run, whose figures are published."""
    server_core, load_core = choose_cores()
    return Settings(
        quick=False,
        rounds=rounds or 3,
        seconds=seconds or 1.2,
        warm_up_s=min(seconds or 0.5, 0.5),
        in_process_s=min(seconds or 0.6, 0.6),
        idiom_s=min(seconds or 0.4, 0.4),
        imports=10,
        requests=100_000 if seconds is None else 5_000,
        server_core=server_core,
        load_core=load_core,
    )


def quick(rounds: int | None, seconds: float | None) -> Settings:
    """Return the settings of a quick run, which takes under two minutes."""
    server_core, load_core = choose_cores()
    return Settings(
        quick=True,
        rounds=rounds or 1,
        seconds=seconds or 0.5,
        warm_up_s=min(seconds or 0.2, 0.2),
        in_process_s=min(seconds or 0.1, 0.1),
        idiom_s=min(seconds or 0.06, 0.06),
        imports=3,
        requests=0,
        server_core=server_core,
        load_core=load_core,
    )


def choose_cores() -> tuple[int, int]:
    """Return one core for the server and another for the load.

    If possible, these are not two threads of one physical core.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("the benchmark needs two cores: one for the server, one for the load")
    first = cores[0]
    strangers = [core for core in cores[1:] if core not in find_siblings(first)]
    return first, (strangers or cores[1:])[0]


def find_siblings(core: int) -> set[int]:
    """Return the threads of the same physical core, itself included; empty if unknown."""
    path = pathlib.Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    siblings: set[int] = set()
    if path.exists():
        for part in path.read_text().strip().split(","):
            first, _, last = part.partition("-")
            siblings.update(range(int(first), int(last or first) + 1))
    return siblings


def say(text: str) -> None:
    """Print a line without buffering, so that a long run shows progress."""
    print(text, flush=True)
