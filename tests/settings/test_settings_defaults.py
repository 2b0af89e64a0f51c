"""Defaults of settings that can be changed in place."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from costrel import Flask
from costrel.settings import Settings, load


@dataclass
class Mail:
    """A part, whose instances can be changed."""

    host: str = "localhost"


class Shop(Settings):
    """Settings with all such defaults."""

    hosts: list[str] = ["localhost"]  # noqa: RUF012
    policy: dict[str, list[str]] = {"img-src": ["'self'"]}  # noqa: RUF012
    ports: set[int] = {80}  # noqa: RUF012
    mail: Mail = Mail()
    tags: list[str] = field(default_factory=lambda: ["new"])
    shared: t.ClassVar[list[str]] = ["of the class"]


class Larger(Shop):
    """Inherits them, and changes one."""

    hosts: list[str] = ["shop.example"]  # noqa: RUF012


def test_defaults_are_copied_for_each_instance():
    """What one changes, also deep inside, another does not see."""
    one, other = Shop(), Shop()
    one.hosts.append("x")
    one.policy["img-src"].append("x")
    one.mail.host = "x"
    one.tags.append("x")
    assert other == Shop()
    assert other.hosts == ["localhost"]
    assert other.policy == {"img-src": ["'self'"]}
    assert other.mail.host == "localhost"
    assert Shop.shared == ["of the class"]


def test_defaults_are_loaded_and_overridden(monkeypatch):
    """As other defaults are."""
    monkeypatch.setenv("APP_PORTS", "81,82")
    app = Flask("x")
    settings = load(app, Larger, "testing")
    assert settings.hosts == app.config["HOSTS"] == ["shop.example"]
    assert settings.ports == {81, 82}
    assert settings.policy == {"img-src": ["'self'"]}


def test_class_variables_are_no_settings_however_they_are_annotated():
    """As text, as modules with the future import have them, and as objects."""
    for annotation in ("t.ClassVar[list[str]]", "ClassVar", ClassVar[list[str]], t.ClassVar):
        made: t.Any = type("Made", (Settings,), {"__annotations__": {"x": annotation}, "x": []})
        assert made.x == []
    with pytest.raises(TypeError, match="x"):
        made(x=[])
