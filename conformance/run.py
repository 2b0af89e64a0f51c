"""Run the test suites of Flask and of its extensions, unmodified, on Costrel.

    python conformance/run.py [--general | --asgi | --on costrel] [suite ...]

Each suite of ``suites.toml`` runs five times: on Flask; on Costrel, under the alias; on Costrel
with every request on the general path; on Costrel with every request of a test client sent
through ``app.asgi``; and the same with every plan on the event loop. Every test that passes on
Flask must pass in the other four. So must ``names``, which is not a test suite: it checks that
everything that can be imported from Flask's modules can be imported from Costrel's. Exits with 1
if tests fail, and lists them. Also lists the tests that still use WSGI in a run over ASGI.

With ``--on costrel``, the suites of the extensions run on the class `Costrel` in place of `Flask`,
over WSGI and ASGI. Exactly the tests of ``on_costrel.toml`` must fail, and must pass with the
settings that it names.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import typing as t

from comparison import Difference, Outcomes, compare, explain_broken_run
from environments import WORK, Environment, make_ours, make_reference
from expected import Group, load_groups, reasons
from namespaces import Namespaces
from suites import Suite, load_suites

ALIAS = ("-p", "costrel.compat.pytest")
SAFE_CLASS = (*ALIAS, "-p", "conformance_on_costrel")

# A way to run a suite on Costrel, and the environment variables that choose it.
WAYS: dict[str, dict[str, str]] = {
    "here": {},
    "general path": {"COSTREL_GENERAL_PATH": "1"},
    "over ASGI": {"COSTREL_TEST_INTERFACE": "asgi"},
    "on the loop": {"COSTREL_TEST_INTERFACE": "asgi", "COSTREL_LOOP_PATH": "1"},
}
WAYS_OF_SAFE_CLASS = {"on Costrel": WAYS["here"], "on Costrel, on the loop": WAYS["on the loop"]}


@dataclasses.dataclass
class Result:
    """The results of one suite.

    `passed` has the passed tests by way, `broken` the reason why a run is useless by way,
    `excepted` the reason why a test cannot apply over ASGI by test, and `by_wsgi` the tests
    that used WSGI in a run over ASGI.
    """

    suite: str
    passed_on_flask: set[str]
    passed: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    differences: list[Difference] = dataclasses.field(default_factory=list)
    broken: dict[str, str] = dataclasses.field(default_factory=dict)
    excepted: dict[str, str] = dataclasses.field(default_factory=dict)
    by_wsgi: set[str] = dataclasses.field(default_factory=set)

    def differing(self) -> set[str]:
        """Return the ids of the tests that differ in any way of running."""
        return {difference.test for difference in self.differences}

    def failures(self) -> int:
        """Return how many tests differ; a run that proves nothing counts as one more."""
        return len(self.differing()) + len(self.broken)


def run_suite(
    suite: Suite | Namespaces, reference: Environment, ours: Environment, ways: t.Iterable[str]
) -> Result:
    """Run a suite on Flask and then on Costrel in each way."""
    print(f"{suite.name}: on Flask ...", flush=True)
    expected = suite.run("flask", reference.python)
    result = Result(suite.name, expected.passed())
    note_broken(result, "flask", explain_broken_run(expected, "flask", suite.at_least))
    for way in ways:
        print(f"{suite.name}: {way} ...", flush=True)
        outcomes = suite.run(file_name(way), ours.python, ALIAS, WAYS[way])
        result.passed[way] = expected.passed() & outcomes.passed()
        excepted = suite.not_by_asgi if "COSTREL_TEST_INTERFACE" in WAYS[way] else {}
        result.excepted.update(excepted)
        result.by_wsgi.update(outcomes.by_wsgi)
        result.differences += compare(expected, outcomes, way, excepted)
        note_broken(result, way, explain_broken_run(outcomes, "costrel"))
    return result


def run_on_costrel(
    suite: Suite, reference: Environment, ours: Environment, groups: list[Group]
) -> Result:
    """Run a suite on Flask, then on the class `Costrel`, then what fails there with settings."""
    print(f"{suite.name}: on Flask ...", flush=True)
    expected = suite.run("flask", reference.python)
    result = Result(suite.name, expected.passed(), excepted=reasons(groups, suite.name))
    note_broken(result, "flask", explain_broken_run(expected, "flask", suite.at_least))
    for way, variables in WAYS_OF_SAFE_CLASS.items():
        print(f"{suite.name}: {way} ...", flush=True)
        outcomes = suite.run(file_name(way), ours.python, SAFE_CLASS, variables)
        result.passed[way] = expected.passed() & outcomes.passed()
        result.differences += compare(expected, outcomes, way, result.excepted)
        note_broken(result, way, explain_broken_run(outcomes, "costrel"))
    for group in groups:
        tests = group.tests.get(suite.name, ())
        if tests and group.settings:
            way = f"with {', '.join(group.settings)}"
            print(f"{suite.name}: {way} ...", flush=True)
            variables = {"CONFORMANCE_SETTINGS": json.dumps(group.configuration())}
            outcomes = suite.run(group.name, ours.python, (*SAFE_CLASS, *tests), variables)
            listed = {test: expected.by_test.get(test, ("missing", "")) for test in tests}
            result.differences += compare(Outcomes(None, listed), outcomes, way)
    return result


def file_name(way: str) -> str:
    """Return what a way of running is called in the names of files."""
    return way.replace(",", "").replace(" ", "-")


def note_broken(result: Result, way: str, reason: str | None) -> None:
    """Record in the result why a run proves nothing, if there is a reason."""
    if reason is not None:
        log = WORK / "reports" / f"{result.suite}-{file_name(way)}.txt"
        result.broken[way] = f"{reason}; see {log}"


def print_results(results: list[Result], ways: list[str]) -> None:
    """Print the differences by name, the table and a summary line."""
    for result in results:
        for difference in result.differences:
            if difference.way not in result.broken:  # there, all tests differ
                print(f"DIFFERS  {result.suite}  {difference}")
        for test, reason in result.excepted.items():
            print(f"EXCEPTED {result.suite}  {test}: {reason}")
        for test in sorted(result.by_wsgi):
            print(f"WSGI     {result.suite}  {test}: calls the application with an environ")
        for way, reason in result.broken.items():
            print(f"BROKEN   {result.suite}  {way}: {reason}")
    header = ["suite", "passed on Flask", *(f"passed {way}" for way in ways), "failures"]
    rows = [
        [
            result.suite,
            str(len(result.passed_on_flask)),
            *(str(len(result.passed[way])) for way in ways),
            str(result.failures()),
        ]
        for result in results
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print()
    for row in (header, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    print()
    if "over ASGI" in ways:
        by_wsgi = sum(len(result.by_wsgi) for result in results)
        print(f"{by_wsgi} tests called an application over WSGI in the runs over ASGI")
    as_listed = sum(len(result.excepted) for result in results)
    passed = sum(len(r.passed_on_flask - r.differing() - r.excepted.keys()) for r in results)
    listed = f", {as_listed} failed as listed" if as_listed else ""
    failed = sum(result.failures() for result in results)
    print(f"{passed} passed, {failed} failed{listed}", flush=True)


def main() -> int:
    """Run the suites given on the command line, by default all."""
    loaded, requirements = load_suites()
    suites = [Namespaces(), *loaded]
    names = [suite.name for suite in suites]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suite", nargs="*", help=f"one of {', '.join(names)}; all by default")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--general", action="store_true", help="run on the general path only")
    only.add_argument("--asgi", action="store_true", help="run over ASGI only")
    only.add_argument("--on", choices=["costrel"], help="run extensions on the class Costrel")
    options = parser.parse_args()
    unknown = sorted(set(options.suite) - set(names))
    if unknown:
        parser.error(f"there is no suite {unknown[0]!r}; choose from {', '.join(names)}")
    ways = list(WAYS)
    if options.general or options.asgi:
        ways = ["general path"] if options.general else ["over ASGI", "on the loop"]
    reference, frozen = make_reference(requirements)
    ours = make_ours(frozen)
    chosen = [suite for suite in suites if suite.name in (options.suite or names)]
    if options.on:
        ways, groups = list(WAYS_OF_SAFE_CLASS), load_groups()
        # Flask's own suite and its names are about what `Flask` is, which `Costrel` need not be.
        extensions = [s for s in chosen if isinstance(s, Suite) and s.name != "flask"]
        results = [run_on_costrel(suite, reference, ours, groups) for suite in extensions]
    else:
        results = [run_suite(suite, reference, ours, ways) for suite in chosen]
    print_results(results, ways)
    return 1 if any(result.failures() for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
