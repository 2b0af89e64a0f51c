"""Where the Redis server of the benchmark listens: known without asking, since peers can't be told.

The environment of a peer is always the same: see `environment.variables`.
"""

from __future__ import annotations

from registry import ROOT

FOLDER = ROOT / ".work" / "redis"
SOCKET = FOLDER / "redis.sock"
URL = f"unix://{SOCKET}"
