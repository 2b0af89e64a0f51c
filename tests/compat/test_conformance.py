"""The conformance run counts the tests that pass on Flask but not on Costrel."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import sys

import pytest

from costrel import Costrel

CONFORMANCE = pathlib.Path(__file__).parents[2] / "conformance"


def load(name):
    """Load a module of conformance, which is a folder of scripts."""
    spec = importlib.util.spec_from_file_location(f"conformance_{name}", CONFORMANCE / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def comparison():
    """Return the module that compares outcomes."""
    yield from load("comparison")


@pytest.fixture(scope="module")
def expected():
    """Return the module that reads which tests a safe default makes fail."""
    yield from load("expected")


@pytest.mark.parametrize("outcome", ["failed", "error", "skipped", "xfailed", "deselected"])
def test_test_that_passes_on_flask_only_differs(comparison, outcome):
    """Any other outcome of a test that passes on Flask is listed with the reason."""
    reference = comparison.Outcomes("flask", {"t": ("passed", "")})
    ours = comparison.Outcomes("costrel", {"t": (outcome, "because")})
    (difference,) = comparison.compare(reference, ours, "here")
    assert str(difference) == f"t  {outcome} (here): because"


def test_test_that_did_not_run_differs(comparison):
    """A test that passes on Flask but is not collected here is listed."""
    reference = comparison.Outcomes("flask", {"t": ("passed", "")})
    (difference,) = comparison.compare(reference, comparison.Outcomes("costrel", {}), "here")
    assert difference.outcome == "missing"


def test_test_that_does_not_pass_on_flask_is_no_difference(comparison):
    """What fails on Flask may fail here; what passes on both does not differ."""
    reference = comparison.Outcomes("flask", {"f": ("failed", ""), "p": ("passed", "")})
    ours = comparison.Outcomes("costrel", {"f": ("failed", ""), "p": ("passed", "")})
    assert comparison.compare(reference, ours, "here") == []


@pytest.mark.parametrize("on_flask", ["passed", "failed"])
@pytest.mark.parametrize("here", ["passed", "failed"])
def test_listed_test_has_to_fail_here_and_pass_on_flask(comparison, on_flask, here):
    """Otherwise the list is not true any more, and the run is an error."""
    reference = comparison.Outcomes("flask", {"t": (on_flask, "")})
    ours = comparison.Outcomes("costrel", {"t": (here, "why")})
    found = comparison.compare(reference, ours, "here", {"t": "a reason"})
    assert bool(found) == ((on_flask, here) != ("passed", "failed"))


def test_run_of_the_wrong_flask_is_broken(comparison):
    """A run that tested something else proves nothing."""
    outcomes = comparison.Outcomes("flask", {"t": ("passed", "")})
    assert "instead of 'costrel'" in comparison.explain_broken_run(outcomes, "costrel")


def test_run_with_too_few_tests_is_broken(comparison):
    """A reference run with too few tests, or a crashed run, proves nothing."""
    outcomes = comparison.Outcomes("flask", {"t": ("passed", "")})
    assert "at least 2" in comparison.explain_broken_run(outcomes, "flask", at_least=2)
    died = comparison.Outcomes.read(pathlib.Path("no-such-file"))
    assert comparison.explain_broken_run(died, "flask") is not None


def test_outcomes_plugin_notes_every_kind(comparison, run_python, tmp_path):
    """The plugin writes each test's outcome, even if its set-up or teardown fails."""
    suite = tmp_path / "test_kinds.py"
    suite.write_text(
        "import pytest\n"
        "def test_passed(): pass\n"
        "def test_failed(): assert not 'why'\n"
        "def test_skipped(): pytest.skip('why')\n"
        "@pytest.mark.xfail\n"
        "def test_xfailed(): assert False\n"
        "@pytest.mark.xfail\n"
        "def test_xpassed(): pass\n"
        "@pytest.fixture\n"
        "def broken(): yield; raise OSError('why')\n"
        "def test_error(broken): pass\n"
        "def test_deselected(): pass\n"
    )
    written = tmp_path / "outcomes.json"
    run_python(
        *("-m", "pytest", suite, "--rootdir", tmp_path, "-p", "no:cacheprovider"),
        *("-p", "conformance_outcomes", "--deselect", "test_kinds.py::test_deselected"),
        check=False,
        PYTHONPATH=str(CONFORMANCE / "plugin"),
        CONFORMANCE_OUTCOMES=str(written),
    )
    outcomes = json.loads(written.read_text())["outcomes"]
    assert len(outcomes) == 7
    assert outcomes == {
        f"test_kinds.py::test_{outcome}": [outcome, why] for _, (outcome, why) in outcomes.items()
    }
    assert outcomes["test_kinds.py::test_skipped"] == ["skipped", "Skipped: why"]
    assert outcomes["test_kinds.py::test_error"] == ["error", "OSError: why"]


SUITE = """
import flask
from werkzeug.test import create_environ, run_wsgi_app

def make_app():
    app = flask.Flask(__name__)
    app.get("/")(lambda: "text")
    return app

def test_client():
    assert make_app().test_client().get("/").text == "text"

def test_environ():
    assert run_wsgi_app(make_app(), create_environ("/"))[1] == "200 OK"
"""


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
@pytest.mark.parametrize("general", ["0", "1"])
def test_tests_that_go_by_wsgi_in_a_run_by_asgi_are_named(
    comparison, run_python, tmp_path, interface, general
):
    """They pass, but the run over ASGI lists that they use WSGI."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").touch()
    options = ("conformance_outcomes", "costrel.compat.pytest", "no:cacheprovider")
    run_python(
        *("-m", "pytest", tmp_path, *(word for name in options for word in ("-p", name))),
        PYTHONPATH=str(CONFORMANCE / "plugin"),
        CONFORMANCE_OUTCOMES=str(tmp_path / "outcomes.json"),
        COSTREL_TEST_INTERFACE=interface,
        COSTREL_GENERAL_PATH=general,
    )
    outcomes = comparison.Outcomes.read(tmp_path / "outcomes.json")
    assert outcomes.passed() == {"test_suite.py::test_client", "test_suite.py::test_environ"}
    assert outcomes.by_wsgi == (["test_suite.py::test_environ"] if interface == "asgi" else [])


def test_listed_tests_have_a_reason_and_settings_of_the_class(expected):
    """Each group says why its tests fail on Costrel, and names settings that the class has."""
    groups = expected.load_groups()
    assert groups
    for group in groups:
        assert group.reason
        assert group.tests
        assert set(group.configuration()) <= set(Costrel.default_config)


def test_test_in_two_groups_is_refused(expected, tmp_path):
    """A test that is expected to fail has one reason."""
    path = tmp_path / "on_costrel.toml"
    table = '[{0}]\nreason = "why"\n[{0}.tests]\nsuite = ["t"]\n'
    path.write_text(table.format("a") + table.format("b"))
    with pytest.raises(ValueError, match="lists t of suite twice"):
        expected.load_groups(path)


SAFE_SUITE = """
import costrel, flask, pytest

def test_class():
    assert issubclass(flask.Flask, costrel.Costrel)
    assert isinstance(flask.Flask(__name__), costrel.app.Flask)

@pytest.mark.parametrize("name", ["localhost", "other.test"])
def test_host(name):
    client = flask.Flask(__name__).test_client()
    assert client.get("/", base_url=f"http://{name}").status_code == 404
"""


@pytest.mark.parametrize(
    ("settings", "failed"),
    [("", ["test_suite.py::test_host[other.test]"]), ('{"TRUSTED_HOSTS": null}', [])],
)
def test_suite_runs_on_the_safe_class(comparison, run_python, tmp_path, settings, failed):
    """`Flask` is `Costrel` with its defaults, or with the settings that are given instead."""
    (tmp_path / "test_suite.py").write_text(SAFE_SUITE)
    (tmp_path / "pytest.ini").touch()
    options = (
        "conformance_outcomes",
        "costrel.compat.pytest",
        "conformance_on_costrel",
        "no:cacheprovider",
    )
    run_python(
        *("-m", "pytest", tmp_path, *(word for name in options for word in ("-p", name))),
        check=False,
        PYTHONPATH=str(CONFORMANCE / "plugin"),
        CONFORMANCE_OUTCOMES=str(tmp_path / "outcomes.json"),
        CONFORMANCE_SETTINGS=settings,
    )
    outcomes = comparison.Outcomes.read(tmp_path / "outcomes.json")
    assert outcomes.flask == "costrel"
    assert len(outcomes.by_test) == 3
    assert set(outcomes.by_test) - outcomes.passed() == set(failed)
