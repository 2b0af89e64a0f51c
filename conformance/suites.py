"""Fetch the test suites and run them."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tomllib
import typing as t

from comparison import Outcomes
from environments import WORK, run_pip

HERE = pathlib.Path(__file__).resolve().parent
TIME_LIMIT_S = 900

# A suite must not see this machine's settings for Flask, Costrel, Python or pytest.
FOREIGN_VARIABLES = ("FLASK_", "COSTREL_", "PYTHON", "PYTEST_", "PY_COLORS", "FORCE_COLOR")


@dataclasses.dataclass(frozen=True)
class Suite:
    """One table of ``suites.toml``."""

    name: str
    distribution: str
    sha256: str
    at_least: int
    requirements: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("src",)
    not_by_asgi: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def fetch(self) -> pathlib.Path:
        """Return the directory of the unpacked source distribution; download it if needed."""
        target = WORK / "suites" / f"{self.name}-{self.sha256[:12]}"
        if not target.exists():
            print(f"fetching {self.distribution} ...", flush=True)
            unpacked = target.with_name(target.name + ".part")
            shutil.rmtree(unpacked, ignore_errors=True)
            with tarfile.open(self._download()) as archive:
                archive.extractall(unpacked, filter="data")
            (content,) = unpacked.iterdir()
            # INVARIANT: the suite tests what is installed, never the sources shipped with it.
            for name in self.sources:
                source = content / name
                shutil.rmtree(source) if source.is_dir() else source.unlink(missing_ok=True)
            content.rename(target)
            unpacked.rmdir()
        return target

    def _download(self) -> pathlib.Path:
        directory = WORK / "downloads" / self.name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        requirement = directory / "requirement.txt"
        line = f"{self.distribution} --hash=sha256:{self.sha256}\n"
        requirement.write_text(line, encoding="utf-8")
        only_source = ("--no-deps", "--no-binary", self.distribution.partition("==")[0])
        options = ("--quiet", "--require-hashes", *only_source, "--dest", directory)
        run_pip(pathlib.Path(sys.executable), "download", *options, "--requirement", requirement)
        (archive,) = directory.glob("*.tar.gz")
        return archive

    def run(
        self,
        way: str,
        python: pathlib.Path,
        options: t.Sequence[str] = (),
        variables: t.Mapping[str, str] | None = None,
    ) -> Outcomes:
        """Run the unmodified suite with an interpreter and return its outcomes.

        It runs on a copy, because some suites write into their own directory. The output of
        pytest goes to ``.work/reports``.
        """
        copy = WORK / "running" / f"{self.name}-{way}"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.fetch(), copy, symlinks=True)
        report = WORK / "reports" / f"{self.name}-{way}.json"
        report.parent.mkdir(exist_ok=True)
        report.unlink(missing_ok=True)
        own = {"PYTHONPATH": str(HERE / "plugin"), "CONFORMANCE_OUTCOMES": str(report)}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN_VARIABLES)}
        command = [python, "-m", "pytest", "-p", "conformance_outcomes", *self.options, *options]
        command += ["-p", "no:cacheprovider", "--rootdir", copy, "--tb=short", "-ra"]
        with report.with_suffix(".txt").open("w", encoding="utf-8") as log:
            subprocess.run(
                command,
                check=False,  # some tests may fail on Flask too
                cwd=copy,
                env=inherited | own | dict(variables or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=TIME_LIMIT_S,
            )
        return Outcomes.read(report)


def load_suites() -> tuple[list[Suite], list[str]]:
    """Return the suites and the requirements of both environments."""
    loaded = tomllib.loads((HERE / "suites.toml").read_text(encoding="utf-8"))
    suites = [
        Suite(name, **{k: tuple(v) if isinstance(v, list) else v for k, v in table.items()})
        for name, table in loaded["suites"].items()
    ]
    requirements = list(loaded["requirements"])
    for suite in suites:
        requirements += [suite.distribution, *suite.requirements]
    return suites, requirements
