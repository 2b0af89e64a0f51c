"""The OpenAPI document of an application, made when it is first asked for, and kept."""

from __future__ import annotations

import typing as t
from weakref import WeakKeyDictionary

import msgspec

from ..registration.origin import definition
from .operations import Describer
from .outgoing import operation_for
from .schema import Schemas
from .selection import Selected, select, versions_in

if t.TYPE_CHECKING:
    from ..registration.application import App

OPENAPI = "3.1.1"
"""The version of the OpenAPI Specification."""


class Kept(t.NamedTuple):
    """A document as JSON, and the application's epoch for which it holds."""

    epoch: int
    encoded: bytes


# INVARIANT: bounded, since an application keeps one document, and one for each of its versions.
_kept: WeakKeyDictionary[App, dict[str | None, Kept]] = WeakKeyDictionary()


def document_of(app: App, version: str | None = None) -> dict[str, t.Any]:
    """Return the OpenAPI document of an application, a new dict each time.

    Args:
        app: The application.
        version: The version of blueprints, as in ``Blueprint(..., version="v2")``; their
            operations are in the document. None for all operations of the application.

    Raises `TypeError`, with the view's file and line, for annotations that can't be used or
    described, and for two operations with one id; `LookupError` for an unknown version.
    """
    document: dict[str, t.Any] = msgspec.json.decode(encoded_document(app, version))
    return document


def versions_of(app: App) -> list[str]:
    """Return the versions of an application's blueprints; each has a document of its own."""
    return versions_in(app)


def encoded_document(app: App, version: str | None = None) -> bytes:
    """Return the document of `document_of` as JSON. It is kept until the application changes."""
    epoch = app._epoch.value
    documents = _kept.setdefault(app, {})
    kept = documents.get(version)
    if kept is None or kept.epoch != epoch:
        kept = documents[version] = Kept(epoch, _encode(app, version))
    return kept.encoded


def _encode(app: App, version: str | None) -> bytes:
    if version is not None and version not in versions_in(app):
        known = ", ".join(map(repr, versions_in(app))) or "no blueprint has one"
        raise LookupError(f"There is no version {version!r} of this application: {known}.")
    schemas = Schemas()
    describer = Describer(schemas, app)
    selected = select(app, version)
    document: dict[str, t.Any] = {"openapi": OPENAPI, "info": _info(app, version)}
    document["paths"] = _paths(describer, selected)
    webhooks = _webhooks(app, describer) if version is None else {}
    if webhooks:
        document["webhooks"] = webhooks
    components = describer.components()
    if components:
        document["components"] = components
    tags = _tags(document["paths"])
    if tags:
        document["tags"] = tags
    return schemas.encoded(document)


def _info(app: App, version: str | None) -> dict[str, str]:
    """Return what the settings say of the API."""
    config = app.config
    info = {
        "title": config.get("OPENAPI_TITLE") or app.name,
        "version": version or config.get("OPENAPI_INFO_VERSION") or "1.0.0",
        "description": config.get("OPENAPI_DESCRIPTION") or "",
    }
    return {name: str(text) for name, text in info.items() if text}


def _paths(describer: Describer, selected: t.Sequence[Selected]) -> dict[str, t.Any]:
    paths: dict[str, t.Any] = {}
    for one in selected:
        tags = (one.blueprint,) if one.blueprint is not None else ()
        try:
            described = describer.describe(
                one.operation, one.id, one.variables, tags=tags, method=one.method
            )
        except TypeError as error:
            raise TypeError(f"{error} ({one})") from error
        paths.setdefault(one.path, {})[one.method.lower()] = described
    return paths


def _webhooks(app: App, describer: Describer) -> dict[str, t.Any]:
    webhooks: dict[str, t.Any] = {}
    for name, method, function, options in getattr(app, "_webhooks", ()):
        operation = operation_for(function, method, options)
        id_ = str(options.get("operation_id", name))
        try:
            described = describer.describe(operation, id_, is_sent=True)
        except TypeError as error:
            raise TypeError(f"{error} (The webhook {definition(function)}.)") from error
        webhooks.setdefault(name, {})[method.lower()] = described
    return webhooks


def _tags(paths: dict[str, t.Any]) -> list[dict[str, str]]:
    """Return the headings that operations stand under, in their order."""
    operations = (operation for item in paths.values() for operation in item.values())
    names = dict.fromkeys(tag for operation in operations for tag in operation.get("tags", ()))
    return [{"name": name} for name in names]
