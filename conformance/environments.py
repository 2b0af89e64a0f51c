"""Create the two virtual environments: one with Flask, one with Costrel instead."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t
import venv

if t.TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "conformance" / ".work"


class Environment:
    """A virtual environment that is recreated when its key changes."""

    def __init__(self, name: str) -> None:
        self.directory = WORK / name
        scripts = "Scripts" if os.name == "nt" else "bin"
        self.python = self.directory / scripts / "python"

    def is_made_for(self, stamp: str, key: str) -> bool:
        """Return whether the step `stamp` was finished with this key."""
        marker = self.directory / f".{stamp}"
        return marker.exists() and marker.read_text(encoding="utf-8") == key

    def mark(self, stamp: str, key: str) -> None:
        """Remember that the step `stamp` is finished."""
        (self.directory / f".{stamp}").write_text(key, encoding="utf-8")

    def create(self) -> None:
        """Create the environment, empty."""
        shutil.rmtree(self.directory, ignore_errors=True)
        venv.create(self.directory, with_pip=True, symlinks=os.name != "nt")

    def install(self, *arguments: str | os.PathLike[str]) -> None:
        """Run ``pip install`` in the environment."""
        run_pip(self.python, "install", "--quiet", *arguments)

    def freeze(self) -> str:
        """Return what is installed as requirements, without Flask."""
        return run_pip(self.python, "freeze", "--exclude", "flask")


def make_reference(requirements: Iterable[str]) -> tuple[Environment, str]:
    """Create the environment with Flask; return it and the pinned versions of the rest."""
    environment = Environment("reference")
    frozen = environment.directory / "frozen.txt"
    requirements = sorted(requirements)
    key = digest([sys.version.encode(), *(line.encode() for line in requirements)])
    if not environment.is_made_for("requirements", key):
        print("creating the environment with Flask ...", flush=True)
        environment.create()
        environment.install(*requirements)
        frozen.write_text(environment.freeze(), encoding="utf-8")
        environment.mark("requirements", key)
    return environment, frozen.read_text(encoding="utf-8")


def make_ours(frozen: str) -> Environment:
    """Create the environment with Costrel and otherwise the versions of the reference.

    Costrel is built from this checkout and installed as users install it. If only its sources
    changed, only Costrel is installed again.
    """
    environment = Environment("ours")
    constraints = environment.directory / "frozen.txt"
    key = digest([sys.version.encode(), frozen.encode(), read(ROOT / "pyproject.toml")])
    sources = digest_of_sources()
    if not environment.is_made_for("requirements", key):
        print("creating the environment with Costrel ...", flush=True)
        environment.create()
        constraints.write_text(frozen, encoding="utf-8")
        # The extensions depend on Flask: without --no-deps pip would install it.
        environment.install("--no-deps", "--requirement", constraints)
        environment.install("--constraint", constraints, ROOT)
        environment.mark("requirements", key)
    elif not environment.is_made_for("sources", sources):
        print("installing Costrel again ...", flush=True)
        environment.install("--no-deps", "--force-reinstall", ROOT)
    environment.mark("sources", sources)
    return environment


def run_pip(python: os.PathLike[str], *arguments: str | os.PathLike[str]) -> str:
    """Run pip and return its output; its errors go to the terminal."""
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def digest_of_sources() -> str:
    """Return a digest of everything that goes into the wheel."""
    source = ROOT / "src"
    files = [p for p in source.rglob("*") if p.is_file() and p.suffix != ".pyc"]
    files += [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    parts = [part for p in sorted(files) for part in (str(p).encode(), read(p))]
    return digest(parts)


def digest(parts: Iterable[bytes]) -> str:
    """Return a digest of parts that includes the boundaries between them."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


def read(path: pathlib.Path) -> bytes:
    """Return the content of a file; nothing if it does not exist."""
    return path.read_bytes() if path.exists() else b""
