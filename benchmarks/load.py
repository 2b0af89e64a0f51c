"""Put a server under load with wrk, from another core."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import time

from environment import WORK, MeasureError, pinned_to
from exchange import Request

TOO_LONG_S = 120

SCRIPT = """
wrk.method = {method}
wrk.body = {body}
{headers}
function done(summary, latency, requests)
  local e = summary.errors
  print(string.format(
    '{{"requests":%d,"duration_us":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,' ..
    '"status":%d,"p50_us":%d,"p99_us":%d}}',
    summary.requests, summary.duration, e.connect, e.read, e.write, e.timeout,
    e.status, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclasses.dataclass(frozen=True)
class Load:
    """The figures that wrk reports."""

    requests: int
    per_second: float
    p50_us: int
    p99_us: int


def find_wrk() -> str:
    """Return the path of wrk, or say how to get it."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit(
            "wrk is not installed: use apt-get install wrk (Debian) or brew install wrk"
        )
    return wrk


def put_under_load(
    url: str, request: Request, seconds: float, core: int, connections: int = 32
) -> Load:
    """Send a request repeatedly for some seconds; `MeasureError` if a response was an error.

    Of a request that is to be refused, every response has to be one.

    wrk only accepts whole seconds. It is interrupted to allow fractions, and reports itself
    how long it ran.
    """
    script = WORK / "load.lua"
    script.write_text(make_script(request))
    command = [*pinned_to(core), find_wrk(), "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{TOO_LONG_S}s", "--script", str(script), url + request.target]
    wrk = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        time.sleep(seconds)
        wrk.send_signal(signal.SIGINT)
        output, _ = wrk.communicate(timeout=10)
    finally:
        wrk.kill()
    return read_output(output, url, request)


def make_script(request: Request) -> str:
    """Return the Lua that makes wrk send the request and print its figures as JSON."""
    headers = "\n".join(
        f"wrk.headers[{quote(name)}] = {quote(value)}" for name, value in request.headers.items()
    )
    body = quote(request.body.decode()) if request.body else "nil"
    return SCRIPT.format(method=quote(request.method), body=body, headers=headers)


def quote(text: str) -> str:
    """Return a Lua string; JSON's escapes are Lua's as long as the text is plain ASCII."""
    if not text.isascii() or not text.replace("\r\n", "").isprintable():
        raise ValueError(f"{text!r} is not printable ASCII, in lines")
    return json.dumps(text)


def read_output(output: str, url: str, request: Request) -> Load:
    """Return the figures; `MeasureError` if they include errors that are not the answer."""
    figures = next((json.loads(line) for line in output.splitlines() if line[:1] == "{"), None)
    if figures is None:
        raise MeasureError(f"wrk printed no figures for {url}:\n{output}")
    expected = {"status": figures["requests"] if request.refused else 0}
    errors = {
        kind: figures[kind]
        for kind in ("connect", "read", "write", "timeout", "status")
        if figures[kind] != expected.get(kind, 0)
    }
    if errors or not figures["requests"]:
        raise MeasureError(
            f"wrk on {url}: {figures['requests']} answers, errors: {errors or 'none'}"
        )
    return Load(
        requests=figures["requests"],
        per_second=figures["requests"] / figures["duration_us"] * 1e6,
        p50_us=figures["p50_us"],
        p99_us=figures["p99_us"],
    )
