"""`costrel.install_as_flask()` makes `import flask` import Costrel."""

from __future__ import annotations

import importlib

import pytest

# Every public module of Flask 3.1.3.
MODULES = """
    app blueprints cli config ctx globals helpers json json.provider json.tag logging sessions
    signals templating testing typing views wrappers
""".split()

FACADES = ["sansio", "sansio.app", "sansio.blueprints", "sansio.scaffold", "debughelpers"]

# The attributes that `import flask` alone provides in Flask 3.1.3.
ATTRIBUTES = """
    app blueprints cli config ctx globals helpers json logging sansio sessions signals
    templating typing wrappers
""".split()


def test_import_after_install_gives_costrel_modules(run_python):
    """Every flask module is the same object as Costrel's, whichever is loaded first."""
    run_python(
        *MODULES,
        code="""
        import importlib, sys
        import costrel
        costrel.install_as_flask()
        import flask
        assert flask is costrel is sys.modules["flask"]
        for name in sys.argv[1:]:
            module = importlib.import_module("flask." + name)
            assert module is sys.modules["flask." + name], name
            assert module is importlib.import_module("costrel." + name), name
        """,
    )


def test_import_after_install_leaves_the_identity_of_modules(run_python):
    """A module of Costrel keeps its own name and spec when imported as flask's."""
    run_python(
        *["", *("." + name for name in MODULES)],
        code="""
        import importlib, sys
        import costrel
        costrel.install_as_flask()
        for name in sys.argv[1:]:
            module = importlib.import_module("flask" + name)
            assert module.__name__ == "costrel" + name, name
            assert module.__spec__.name == "costrel" + name, name
        """,
    )


def test_import_of_facades_reaches_them_as_attributes(run_python):
    """Modules that only Flask has are imported, and bound to their parents."""
    run_python(
        code="""
        import costrel
        costrel.install_as_flask()
        import flask.debughelpers, flask.sansio.app, flask.sansio.blueprints, flask.sansio.scaffold
        assert issubclass(flask.Flask, flask.sansio.app.App)
        assert issubclass(flask.Blueprint, flask.sansio.scaffold.Scaffold)
        assert issubclass(flask.debughelpers.DebugFilesKeyError, KeyError)
        """
    )


def test_import_flask_alone_makes_submodules_reachable(run_python):
    """The submodules that `import flask` imports in Flask are attributes here."""
    run_python(
        *ATTRIBUTES,
        code="""
        import sys
        import costrel
        costrel.install_as_flask()
        import flask
        for name in sys.argv[1:]:
            module = getattr(flask, name)
            __import__("flask." + name)
            assert module is sys.modules["flask." + name], name
        """,
    )


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("sansio.app", "App"),
        ("sansio.blueprints", "Blueprint BlueprintSetupState DeferredSetupFunction"),
        (
            "sansio.scaffold",
            "Scaffold _endpoint_from_view_func _find_package_path find_package setupmethod",
        ),
        (
            "debughelpers",
            """
            DebugFilesKeyError FormDataRoutingRedirect UnexpectedUnicodeError
            attach_enctype_error_multidict explain_template_loading_attempts
            """,
        ),
    ],
)
def test_facade_has_the_names_that_extensions_import(module, names):
    """Names that extensions import from modules only Flask has are there."""
    facade = importlib.import_module(f"costrel.compat.{module}")
    assert [] == [name for name in names.split() if not hasattr(facade, name)]


def test_install_twice_adds_one_finder(run_python):
    """Installing again changes nothing, before and after flask was imported."""
    run_python(
        code="""
        import sys
        import costrel
        costrel.install_as_flask()
        finders = list(sys.meta_path)
        costrel.install_as_flask()
        import flask
        costrel.install_as_flask()
        assert finders == sys.meta_path
        """
    )


@pytest.mark.parametrize("name", ["flask.only_there", "flask.sansio.only_there"])
def test_import_of_a_module_costrel_lacks_names_it(run_python, name):
    """A missing flask module is reported under its name, and not taken from the other Flask."""
    done = run_python(
        name,
        code="""
        import sys
        import costrel
        costrel.install_as_flask()
        try:
            __import__(sys.argv[1])
        except ModuleNotFoundError as error:
            assert error.name == sys.argv[1], error.name
            print(error)
        """,
    )
    assert f"No module named '{name}'" in done.stdout


def test_finder_behind_that_goes_by_name_is_not_asked(run_python):
    """A finder that knows a real Flask's modules by name is never asked for flask."""
    run_python(
        code="""
        import sys
        import costrel
        costrel.install_as_flask()

        class ByName:
            def find_spec(self, fullname, path=None, target=None):
                assert not fullname.startswith("flask"), fullname

        sys.meta_path.append(ByName())
        try:
            import flask.only_there
        except ModuleNotFoundError:
            pass
        """
    )


def test_install_after_the_real_flask_refuses(run_python, tmp_path):
    """If another Flask is loaded, the error says which, from where and what to do."""
    package = tmp_path / "loaded" / "flask"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    done = run_python(
        package.parent,
        code="""
        import sys
        sys.path.insert(0, sys.argv[1])
        import flask
        import costrel
        finders = list(sys.meta_path)
        try:
            costrel.install_as_flask()
        except RuntimeError as error:
            print(error)
        assert finders == sys.meta_path
        """,
    )
    assert "'flask' has already been imported from" in done.stdout
    assert str(package / "__init__.py") in done.stdout
    assert "COSTREL_AS_FLASK=1" in done.stdout


def test_import_without_install_gives_the_other_flask(run_python):
    """Importing Costrel alone does not affect the name flask."""
    done = run_python(code="import costrel; import flask", check=False)
    assert "the other Flask was loaded" in done.stderr


def test_stand_in_during_import_forwards_to_the_module(run_python):
    """A thread with the stand-in of an import in progress sees the module's names."""
    run_python(
        code="""
        import _costrel_alias, costrel
        spec = _costrel_alias.AliasFinder().find_spec("flask.config")
        assert spec.loader.create_module(spec).Config is costrel.Config
        """
    )


def test_version_of_flask_is_its_level(run_python):
    """`flask.__version__` is the release that Costrel implements, with Flask's warning."""
    run_python(
        code="""
        import warnings
        import costrel
        costrel.install_as_flask()
        import flask
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert flask.__version__ == "3.1.3", flask.__version__
        assert [DeprecationWarning] == [one.category for one in caught]
        """
    )


def test_version_of_costrel_is_its_own(run_python):
    """Without the alias, `costrel.__version__` is the release of Costrel."""
    run_python(
        code="""
        import importlib.metadata
        import costrel
        assert costrel.__version__ == importlib.metadata.version("costrel")
        """
    )
