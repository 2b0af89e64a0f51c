"""A secret key that stands in the source stops the start."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from costrel import Flask
from costrel.sessions import literals
from costrel.sessions.keys import WeakSecretError, fresh_key, install

KEY = "vK3q9-ZtW_x81mPqLr5sYd2fGhJ7nB4c"


def make_app(root: Path, key: t.Any = KEY, **options: t.Any) -> Flask:
    """Make an application in a folder."""
    app = Flask("shop", root_path=str(root), **options)
    app.secret_key = key
    install(app)
    return app


def test_key_next_to_the_module_is_found(tmp_path: Path) -> None:
    """With its file and line."""
    (tmp_path / "config.py").write_text(f"import os\n\nSECRET_KEY = '{KEY}'\n")
    with pytest.raises(WeakSecretError, match=r"stands in the source, in .*config\.py:3\."):
        make_app(tmp_path)._check_start()


def test_key_of_the_environment_starts(tmp_path: Path) -> None:
    """A module that only reads it does not have it."""
    (tmp_path / "config.py").write_text("import os\nSECRET_KEY = os.environ['SECRET_KEY']\n")
    make_app(tmp_path)._check_start()


@pytest.mark.parametrize(
    "key", [b"\x01\xff" + KEY.encode(), "\n\t" + KEY, 'a"b' + KEY, "\u00e9" + KEY]
)
def test_key_is_found_as_python_writes_it(tmp_path: Path, key: t.Any) -> None:
    """Escapes in literals stand for what they mean."""
    (tmp_path / "config.py").write_text(f"SECRET_KEY = {key!r}\n", encoding="utf-8")
    with pytest.raises(WeakSecretError, match=r"config\.py:1\."):
        make_app(tmp_path, key)._check_start()


def test_fallback_key_in_the_source_is_found(tmp_path: Path) -> None:
    """It is believed too."""
    (tmp_path / "app.py").write_text(f"OLD = ['{KEY}']\n")
    app = make_app(tmp_path, fresh_key())
    app.config["SECRET_KEY_FALLBACKS"] = [KEY]
    with pytest.raises(WeakSecretError, match=r"^SECRET_KEY_FALLBACKS\[0\] stands in the source"):
        app._check_start()


def test_package_is_searched_below(tmp_path: Path) -> None:
    """But not what is kept apart from the code: the instance folder and environments."""
    (tmp_path / "__init__.py").touch()
    for folder in ("instance", ".venv", "venv", "node_modules"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.py").write_text(f"SECRET_KEY = '{KEY}'\n")
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    instance_path = str(tmp_path / "instance")
    make_app(tmp_path, instance_path=instance_path)._check_start()
    (tmp_path / "settings" / "more").mkdir(parents=True)
    (tmp_path / "settings" / "more" / "secrets.py").write_text(f"\nKEY = '{KEY}'\n")
    with pytest.raises(WeakSecretError, match=r"secrets\.py:2\."):
        make_app(tmp_path, instance_path=instance_path)._check_start()


def test_folders_next_to_a_module_are_not_searched(tmp_path: Path) -> None:
    """They may belong to somebody else."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.py").write_text(f"SECRET_KEY = '{KEY}'\n")
    make_app(tmp_path)._check_start()


def test_search_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In files and in their size; what can't be read is skipped."""
    monkeypatch.setattr(literals, "MAX_FILES", 2)
    monkeypatch.setattr(literals, "MAX_FILE_BYTES", 100)
    (tmp_path / "a.py").write_text(f"SECRET_KEY = '{KEY}'\n" + "#" * 100)
    (tmp_path / "b.py").mkdir()
    (tmp_path / "c.py").write_text(f"SECRET_KEY = '{KEY}'\n")
    make_app(tmp_path)._check_start()
    monkeypatch.setattr(literals, "MAX_FILES", 3)
    with pytest.raises(WeakSecretError, match=r"c\.py:1\."):
        make_app(tmp_path)._check_start()


def test_nothing_is_searched_in_debug_mode(tmp_path: Path) -> None:
    """Nor in tests."""
    (tmp_path / "config.py").write_text(f"SECRET_KEY = '{KEY}'\n")
    app = make_app(tmp_path)
    app.debug = True
    app._check_start()
    app = make_app(tmp_path)
    app.testing = True
    app._check_start()
