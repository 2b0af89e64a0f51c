"""`importlib.metadata` finds the distribution flask under the alias."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("name", ["flask", "Flask", "FLASK"])
def test_version_is_the_level_whatever_is_installed(run_python, name):
    """The version of flask, in any spelling, is 3.1.3 even if another one is installed."""
    done = run_python(
        name,
        code="""
        import sys
        from importlib.metadata import version
        assert version(sys.argv[1]) == "9.9"
        import costrel
        costrel.install_as_flask()
        print(version(sys.argv[1]))
        """,
    )
    assert done.stdout == "3.1.3\n"


def test_version_without_flask_installed_is_the_level(run_python):
    """The version is available without a real Flask."""
    done = run_python(
        code="""
        import sys
        del sys.path[1]
        sys.path_importer_cache.clear()
        import costrel
        costrel.install_as_flask()
        from importlib.metadata import version
        print(version("flask"))
        """
    )
    assert done.stdout == "3.1.3\n"


def test_distribution_describes_flask(run_python):
    """The distribution has a name, what it requires, and the package it provides."""
    run_python(
        code="""
        import costrel
        costrel.install_as_flask()
        from importlib.metadata import distribution, packages_distributions
        flask = distribution("flask")
        assert flask.name == flask.metadata["Name"] == "Flask"
        assert "werkzeug>=3.1.0" in flask.requires
        assert flask.files is None
        assert packages_distributions()["flask"][0] == "Flask"
        """
    )


def test_walk_over_all_distributions_does_not_import_costrel(run_python):
    """Entry points of others are found, but not the real Flask's; nothing is imported."""
    run_python(
        code="""
        import sys
        import _costrel_alias
        _costrel_alias.install()
        from importlib.metadata import entry_points
        found = {entry_point.name for entry_point in entry_points(group="console_scripts")}
        assert "pytest" in found
        assert "flask" not in found
        assert "costrel" not in sys.modules
        """
    )


def test_query_for_one_directory_sees_what_lies_there(run_python, other_flask):
    """A tool that lists the distributions of a directory sees what is really there."""
    run_python(
        other_flask,
        code="""
        import sys
        import costrel
        costrel.install_as_flask()
        from importlib.metadata import distributions
        assert ["9.9"] == [found.version for found in distributions(path=[sys.argv[1]])]
        """,
    )
