"""The environment that the peers run in: their packages and environment variables."""

from __future__ import annotations

import hashlib
import json
import pathlib
import platform
import shutil
import subprocess
import sys

from registry import ROOT, Peer

PROJECT = ROOT.parent
WORK = ROOT / ".work"
VENV = WORK / "venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements.txt"
STAMP = VENV / "installed.json"


def variables(*, as_flask: bool | None = None) -> dict[str, str]:
    """Return the environment variables of everything measured.

    They are few and always the same, because Granian copies them into every request's environ.
    Bytecode is written, because import times are measured with it in place. `as_flask` says
    whether `import flask` imports Costrel, where it matters.
    """
    alias = {} if as_flask is None else {"COSTREL_AS_FLASK": str(int(as_flask))}
    return {
        "PATH": f"{VENV / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        **alias,
    }


def make() -> dict[str, str]:
    """Install what has changed; return the requirements that can't be installed, and why."""
    stamp = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    peers = digest(REQUIREMENTS.read_bytes() + sys.version.encode())
    if stamp.get("peers") != peers:
        print(f"installing the peers into {VENV.relative_to(PROJECT)} ...", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        WORK.mkdir(exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        whole = _install("-r", str(REQUIREMENTS))
        stamp = {"peers": peers, "missing": {} if whole is None else _install_one_by_one()}
    project = digest((PROJECT / "pyproject.toml").read_bytes())
    if stamp.get("project") != project:
        failure = _install("--editable", str(PROJECT))
        if failure is not None:
            raise SystemExit(f"Costrel itself can't be installed: {failure}")
        stamp["project"] = project
        STAMP.write_text(json.dumps(stamp))
    return stamp["missing"]


def digest(content: bytes) -> str:
    """Return the SHA-256 digest of some content."""
    return hashlib.sha256(content).hexdigest()


def _install_one_by_one() -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines()]
    failures = {line: _install(line) for line in lines if line}
    return {line: failure for line, failure in failures.items() if failure is not None}


def _install(*what: str) -> str | None:
    """Return pip's last error message, or None if it succeeded."""
    pip = [PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    done = subprocess.run([*pip, *what], check=False, capture_output=True, text=True)
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
    return (errors or done.stderr.splitlines() or ["pip printed no error"])[-1]


def pinned_to(core: int | None) -> list[str]:
    """Return the beginning of a command that stays on one core."""
    return [] if core is None else ["taskset", "--cpu-list", str(core)]


def run(*arguments: str, core: int | None = None, timeout_s: float = 300) -> str:
    """Run the environment's Python and return its output; `MeasureError` if it fails."""
    done = subprocess.run(
        [*pinned_to(core), PYTHON, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=WORK,
        env=variables(),
        timeout=timeout_s,
    )
    if done.returncode != 0:
        raise MeasureError(f"python {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done.stdout


class MeasureError(Exception):
    """One measurement failed; the run continues with the next and ends with an error."""


def split_missing(peers: dict[str, Peer]) -> tuple[dict[str, Peer], dict[str, str]]:
    """Return the peers whose package is installed, and why each of the others is missing."""
    versions = installed_versions()
    present, missing = {}, {}
    for name, peer in peers.items():
        if peer.package and peer.package not in versions:
            missing[name] = f"the package {peer.package} is not installed"
        else:
            present[name] = peer
    return present, missing


def installed_versions() -> dict[str, str]:
    """Return name and version of every installed package."""
    code = (
        "import importlib.metadata as m, json;"
        "print(json.dumps({d.metadata['Name'].lower(): d.version for d in m.distributions()}))"
    )
    return json.loads(run("-c", code))


def describe() -> dict[str, object]:
    """Return what the figures depend on: versions, Python, processor and system."""
    cpu = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT,
    ).stdout.strip()
    return {
        "python": run("-c", "import platform; print(platform.python_version())").strip(),
        "cpu": cpu,
        "system": f"{platform.system()} {platform.release()}",
        "commit": commit,
        "versions": dict(sorted(installed_versions().items())),
    }
