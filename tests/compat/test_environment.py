"""`COSTREL_AS_FLASK=1` installs the alias as the interpreter starts."""

from __future__ import annotations

import pathlib
import sys
import zipfile

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = pathlib.Path(__file__).parents[2]

# A new interpreter without site directories gets those of this one, without their .pth
# files, and then the one with Costrel, with its .pth files.
PROLOGUE = """
import site, sys
here = sys.argv.pop(1)
sys.path += sys.argv.pop(1).split(":")
site.addsitedir(here)
"""


@pytest.fixture(scope="session", params=["standard", "editable"])
def site_directory(request, tmp_path_factory):
    """Return a site directory with Costrel installed in it, from a wheel or editable."""
    built = tmp_path_factory.mktemp("built")
    unpacked = tmp_path_factory.mktemp("site")
    builder = WheelBuilder(str(ROOT))
    (wheel,) = builder.build(directory=str(built), versions=[request.param])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    return unpacked


@pytest.fixture
def run_installed(run_python, site_directory):
    """Return a function that runs code which sees only that installation of Costrel."""
    others = ":".join(path for path in sys.path if path.endswith("site-packages"))

    def run(code, **options):
        arguments = ("-S", "-c", PROLOGUE + code, site_directory, others)
        return run_python(*arguments, PYTHONPATH="", **options)

    return run


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_variable_set_makes_flask_costrel(run_installed, value):
    """With the variable, flask is Costrel, which is loaded only when it is used."""
    run_installed(
        "assert 'costrel' not in sys.modules\n"
        "import flask, costrel\n"
        "assert flask is costrel\n"
        "import importlib.metadata\n"
        "assert importlib.metadata.version('flask') == '3.1.3'\n",
        COSTREL_AS_FLASK=value,
    )


@pytest.mark.parametrize("variables", [{}, {"COSTREL_AS_FLASK": ""}])
def test_variable_unset_loads_nothing(run_installed, variables):
    """Without the variable, the interpreter starts without a module of ours."""
    run_installed(
        "assert not [name for name in sys.modules if 'costrel' in name]\n"
        "assert not [found for found in sys.meta_path if 'costrel' in repr(found)]\n",
        **variables,
    )


@pytest.mark.parametrize("value", ["0", "false", "No"])
def test_variable_off_installs_nothing(run_installed, value):
    """The values that switch off Flask's variables switch off this one too."""
    run_installed(
        "assert not [found for found in sys.meta_path if 'costrel' in repr(found)]\n",
        COSTREL_AS_FLASK=value,
    )


def test_variable_set_runs_the_flask_command(run_python):
    """`python -m flask` runs Costrel's command line under the alias."""
    done = run_python("-m", "flask", "--version", COSTREL_AS_FLASK="1")
    assert "Flask 3.1.3" in done.stdout
