"""Every function tuned for speed is listed and names its benchmark."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import costrel

ROOT = Path(__file__).parents[2]
PACKAGE = Path(costrel.__file__).parent
ROUTING_CASES = {"static", "dynamic", "worst", "404", "405"}
PARTS = {"sockets"}


def marked() -> t.Iterator[tuple[str, str, str]]:
    """Yield file, enclosing names (dotted) and benchmark id of each ``PERF(id)``."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        definitions = [
            node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        ]
        for number, line in enumerate(text.splitlines(), 1):
            for ids in re.findall(r"PERF\(([^)]+)\)", line):
                around = [d for d in definitions if d.lineno <= number <= (d.end_lineno or 0)]
                names = ".".join(d.name for d in sorted(around, key=lambda d: d.lineno))
                for name in ids.split(", "):
                    yield path.relative_to(PACKAGE).as_posix(), names, name


def idioms() -> set[str]:
    """Return the names of the functions that the benchmark measures as idioms."""
    return {
        function.name
        for path in (ROOT / "benchmarks" / "idioms").glob("*.py")
        for function in ast.parse(path.read_text()).body
        if isinstance(function, ast.FunctionDef) and function.decorator_list
    }


def test_marks_name_a_workload_an_idiom_a_case_of_routing_or_a_part() -> None:
    """`make bench` measures what each of them gains."""
    workloads = {path.stem for path in (ROOT / "benchmarks" / "workloads").glob("*.py")}
    marks = list(marked())
    assert len(marks) > 20
    assert "jsonify_keys" in idioms()
    assert {mark for *_, mark in marks} <= workloads | idioms() | ROUTING_CASES | PARTS


def test_marked_functions_are_listed() -> None:
    """ARCHITECTURE.md lists each, or the class or function that contains it."""
    section = (ROOT / "ARCHITECTURE.md").read_text().split("## Hot path\n")[1]
    listed = {
        (file, name.strip())
        for file, names in re.findall(r"`([\w/]+\.py): ([\w, ]+)`", section)
        for name in names.split(",")
    }
    unlisted = [
        f"{file}: {names}"
        for file, names, _mark in marked()
        if names and not any((file, name) in listed for name in names.split("."))
    ]
    assert not unlisted


def test_listed_functions_exist() -> None:
    """Everything in the list exists in the code."""
    section = (ROOT / "ARCHITECTURE.md").read_text().split("## Hot path\n")[1]
    for file, names in re.findall(r"`([\w/]+\.py): ([\w, ]+)`", section):
        text = (PACKAGE / file).read_text()
        for name in names.split(","):
            assert re.search(rf"(def|class) {name.strip()}\b", text), f"{file}: {name}"
