"""Certificates and lists of paths as options."""

from __future__ import annotations

import os
import ssl
import sys
import types
import typing as t

import click
import pytest

from costrel.cli import run_command


def _parse(*args: str) -> dict[str, t.Any]:
    return run_command.make_context("run", list(args)).params


def test_certificate_and_key_become_a_pair_in_any_order() -> None:
    """Two files are one value, whichever is written first."""
    assert _parse("--cert", __file__, "--key", __file__)["cert"] == (__file__, __file__)
    assert _parse("--key", __file__, "--cert", __file__)["cert"] == (__file__, __file__)
    assert _parse()["cert"] is None


@pytest.mark.parametrize("option", ["--cert", "--key"])
def test_certificate_without_its_other_half_is_refused(option: str) -> None:
    """A certificate needs its key, and a key its certificate."""
    with pytest.raises(click.BadParameter):
        _parse(option, __file__)


def test_adhoc_certificate_needs_cryptography_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """``adhoc`` needs a package; the error names it if it is missing."""
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(click.BadParameter, match="pip install cryptography"):
        _parse("--cert", "adhoc")
    monkeypatch.setitem(sys.modules, "cryptography", types.ModuleType("cryptography"))

    assert _parse("--cert", "adhoc")["cert"] == "adhoc"
    with pytest.raises(click.BadParameter, match="'--key' is not used"):
        _parse("--cert", "adhoc", "--key", __file__)


def test_ssl_context_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The import path of an `SSLContext` is accepted; any other is a missing file."""
    module = types.ModuleType("tls_settings")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    monkeypatch.setattr(module, "context", context, raising=False)
    monkeypatch.setitem(sys.modules, "tls_settings", module)

    assert _parse("--cert", "tls_settings.context")["cert"] is context
    with pytest.raises(click.BadParameter, match="does not exist"):
        _parse("--cert", "tls_settings")


def test_lists_of_paths_are_split_like_path() -> None:
    """Extra files must exist if the `click.Path` says so; patterns stay text."""
    params = _parse("--extra-files", f"a{os.pathsep}b", "--exclude-patterns", "*.tmp")

    assert params["extra_files"] == ["a", "b"]
    assert params["exclude_patterns"] == ["*.tmp"]
    assert _parse()["extra_files"] is None
