"""The base class of settings."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import re
import typing as t
from functools import partial

from ..ground.redaction import shown


@t.dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field,)
)
class Settings:
    """Base class of the settings of an application: a frozen dataclass, by keyword only.

    Each annotated name is a setting: ``api_url: str`` is the configuration key ``API_URL``, and
    ``session_cookie_secure: bool`` sets the one of that name. A setting without a default must be
    set. Subclasses inherit settings and defaults, so there is one class for each environment. One
    that annotates an inherited setting again, without a default, requires it. Lists and dicts may
    be defaults: each instance has a copy.

    `repr` shows no secrets.
    """

    __test__ = False
    """COMPAT(pytest): a class called Testing is no test."""

    def __init_subclass__(cls, **options: t.Any) -> None:
        super().__init_subclass__(**options)
        for name, annotation in inspect.get_annotations(cls).items():
            if name in cls.__dict__:
                default = cls.__dict__[name]
                if type(default).__hash__ is None and not _is_class_variable(annotation):
                    # Each instance gets its own, so that no two share what one of them changes.
                    factory = partial(copy.deepcopy, default)
                    setattr(cls, name, dataclasses.field(default_factory=factory))
            else:
                # SECURITY(inherited-secret): a dataclass would keep the default of its base, such
                # as a key for development.
                required: t.Any = dataclasses.field()
                setattr(cls, name, required)
        dataclasses.dataclass(kw_only=True, frozen=True, repr=False)(cls)

    def __repr__(self) -> str:
        """Show every setting, with secrets hidden."""
        fields: tuple[dataclasses.Field[t.Any], ...] = ()
        if dataclasses.is_dataclass(self):
            fields = dataclasses.fields(self)
        pairs = (f"{field.name}={shown(field.name, getattr(self, field.name))}" for field in fields)
        return f"{type(self).__name__}({', '.join(pairs)})"


_CLASS_VARIABLE = re.compile(r"(?:\w+\.)*ClassVar\b")


def _is_class_variable(annotation: t.Any) -> bool:
    """Whether an annotation, which may be text, makes a name no setting."""
    if isinstance(annotation, str):
        return _CLASS_VARIABLE.match(annotation) is not None
    return (t.get_origin(annotation) or annotation) is t.ClassVar
