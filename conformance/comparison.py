"""Decide whether a test suite that passes on Flask also passes on Costrel."""

from __future__ import annotations

import dataclasses
import json
import typing as t

if t.TYPE_CHECKING:
    import pathlib


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """The outcomes of one run of a suite.

    `flask` is the name of the module that ``import flask`` returned in that run, ``None`` if
    nothing imported it. `by_test` maps a test id to an outcome and the reason for it.
    `by_wsgi` has the tests that called an application over WSGI although their clients send
    over ASGI.
    """

    flask: str | None
    by_test: dict[str, tuple[str, str]]
    by_wsgi: t.Sequence[str] = ()

    @classmethod
    def read(cls, path: pathlib.Path) -> Outcomes:
        """Read what the outcomes plugin wrote; a run that crashed wrote nothing."""
        if not path.exists():
            return cls(None, {})
        loaded = json.loads(path.read_text(encoding="utf-8"))
        by_test = {test: (outcome, why) for test, (outcome, why) in loaded["outcomes"].items()}
        return cls(loaded["flask"], by_test, loaded["by_wsgi"])

    def passed(self) -> set[str]:
        """Return the ids of the tests that passed."""
        return {test for test, (outcome, _) in self.by_test.items() if outcome == "passed"}


@dataclasses.dataclass(frozen=True)
class Difference:
    """A test that passes on Flask but not on Costrel."""

    test: str
    way: str
    outcome: str
    reason: str

    def __str__(self) -> str:
        """Return one line with the test, its outcome and the reason."""
        return f"{self.test}  {self.outcome} ({self.way}): {self.reason}"


def compare(
    reference: Outcomes, ours: Outcomes, way: str, excepted: t.Collection[str] = ()
) -> list[Difference]:
    """Return the tests that pass on Flask but not in our run, by id.

    A test that is skipped, expected to fail, deselected or missing in our run did not pass. An
    `excepted` test that passes, or does not pass on Flask, differs too: remove it from the
    list.
    """
    return [
        Difference(test, way, *ours.by_test.get(test, ("missing", "the test did not run")))
        for test in sorted(reference.passed() - ours.passed())
        if test not in excepted
    ] + [
        Difference(test, way, *ours.by_test.get(test, ("missing", "")))
        for test in sorted(excepted)
        if test in ours.passed() or test not in reference.passed()
    ]


def explain_broken_run(outcomes: Outcomes, expected_flask: str, at_least: int = 0) -> str | None:
    """Return why a run proves nothing; ``None`` if it can be compared.

    `expected_flask` is the module that ``import flask`` must have returned, and `at_least` the
    number of tests that must have passed.
    """
    if not outcomes.by_test:
        return "pytest ended without any outcome"
    if outcomes.flask != expected_flask:
        return f"import flask returned {outcomes.flask!r} instead of {expected_flask!r}"
    if len(outcomes.passed()) < at_least:
        return f"only {len(outcomes.passed())} tests passed, expected at least {at_least}"
    return None
