"""Property tests of a whole API, made from its OpenAPI document by Schemathesis."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ..registration.application import App

_MISSING = (
    "schema_test() sends what Schemathesis makes of the OpenAPI document, and Schemathesis 4 is not"
    " installed: pip install 'schemathesis>=4'"
)


def schema_test(app: App, *, version: str | None = None, **options: t.Any) -> None:
    """Test that an application does what its OpenAPI document says, with all checks.

    For each operation, Schemathesis sends requests that the document allows and requests
    that it forbids, and follows links between operations. One line is a whole test::

        def test_api():
            schema_test(create_app())

    The requests are sent in this process, over WSGI. They change the application's data.

    Args:
        app: The application, with debug and testing mode as they should be tested: in testing
            mode, an unhandled error ends the test with its traceback.
        version: The version of the API, if it has several.
        **options: Settings of Schemathesis, named as in its ``schemathesis.toml``, with
            underscores for hyphens: ``generation={"max_examples": 20}``,
            ``headers={"Authorization": "Bearer t"}``. Without any, that file is read.

    Raises `AssertionError` with every failure and how to repeat it, and `RuntimeError` if
    Schemathesis is not installed.
    """
    try:
        from schemathesis import openapi
        from schemathesis.config import SchemathesisConfig
        from schemathesis.engine import from_schema
    except ImportError as error:
        raise RuntimeError(_MISSING) from error
    from ..openapi import document_of

    config = SchemathesisConfig.from_dict(_hyphenated(options)) if options else None
    schema = openapi.from_dict(document_of(app, version), config=config)
    schema.app = app
    found: dict[str, None] = {}
    for event in from_schema(schema).execute():
        found.update(dict.fromkeys(_failures(event)))
    if found:
        raise AssertionError(
            f"The API does not do what its document says, in {len(found)} ways:\n\n"
            + "\n\n".join(found)
        )


def _hyphenated(value: t.Any) -> t.Any:
    """Return settings with the names that they have in a file, at any depth."""
    if not isinstance(value, dict):
        return value
    return {
        # The names of header fields and the like are the user's own.
        key.replace("_", "-"): content if key in _OWN_NAMES else _hyphenated(content)
        for key, content in value.items()
    }


_OWN_NAMES = frozenset({"headers", "parameters"})


def _failures(event: t.Any) -> t.Iterator[str]:
    """Yield what an event of the run says went wrong."""
    recorder = getattr(event, "recorder", None)
    if recorder is not None:
        for checks in recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    failure, repeat = check.failure_info.failure, check.failure_info.code_sample
                    yield f"{failure.operation}: {failure.title}\n{failure.message}\n{repeat}"
    error = getattr(event, "value", None) or getattr(event, "exception", None)
    if isinstance(error, Exception):
        label = getattr(event, "label", None)
        yield f"{label}: {error!r}" if label else repr(error)
