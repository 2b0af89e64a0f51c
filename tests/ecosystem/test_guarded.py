"""Decorators of extensions are for async views too."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

GUARDED = pathlib.Path(__file__).with_name("guarded.py")
NAMES = ("login", "jwt", "limit", "cached", "roles")
KINDS = ("function", "function", "class", "method", "hook/")


def test_decorated_async_views_are_awaited_on_the_loop() -> None:
    """Over both interfaces, as functions, classes, methods, hooks and WebSockets."""
    env = {**os.environ, "COSTREL_AS_FLASK": "1"}
    env.pop("COSTREL_TEST_INTERFACE", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(GUARDED)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
    )
    views = [(name, kind) for name in NAMES for kind in KINDS]
    assert done.stdout.splitlines() == [
        "asgi",
        *(f"asgi /{name}/{kind}?user=1 200 MainThread" for name, kind in views),
        *(f"asgi /{name}/function 401" for name in ("login", "jwt")),
        *(f"/{name}/chat?user=1 {{'hello MainThread'}}" for name in ("login", "jwt", "limit")),
        *(f"wsgi /{name}/{kind}?user=1 200 costrel-loop" for name, kind in views),
    ], done.stderr[-2000:]
