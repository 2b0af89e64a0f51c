"""``costrel typings``."""

from __future__ import annotations

import importlib
import importlib.metadata
import pathlib

from click.testing import CliRunner

from costrel.cli.entry import cli


def test_there_is_a_stub_for_each_module_of_flask(tmp_path: pathlib.Path) -> None:
    """Only the module that runs Flask's command has none."""
    result = CliRunner().invoke(cli, ["typings", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert f"Wrote {tmp_path / 'flask'}." in result.output
    stubs = {str(path.relative_to(tmp_path).with_suffix("")) for path in tmp_path.rglob("*.pyi")}
    modules = {
        str(pathlib.Path(file).with_suffix(""))
        for file in importlib.metadata.files("flask") or ()
        if file.parts[0] == "flask" and file.suffix == ".py"
    }
    assert modules - stubs == {"flask/__main__"}
    assert stubs - modules == {"flask/sansio/__init__"}  # a folder without a module in Flask


def test_all_that_a_stub_imports_exists(tmp_path: pathlib.Path) -> None:
    """A type checker would take a name that does not exist for `Any`, without a word."""
    CliRunner().invoke(cli, ["typings", str(tmp_path)])
    imported = 0
    for path in tmp_path.rglob("*.pyi"):
        for line in path.read_text().splitlines():
            if line.startswith("from "):
                _, source, _, name, *_ = line.split()
                module = importlib.import_module(source)
                assert name == "*" or hasattr(module, name), line
                imported += 1
    assert imported > 100


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: pathlib.Path) -> None:
    """A sentence and a status, no traceback."""
    (tmp_path / "flask").write_text("a file")
    result = CliRunner().invoke(cli, ["typings", str(tmp_path)])
    assert result.exit_code == 1
    assert result.output.startswith("Error: The stubs cannot be written: ")
