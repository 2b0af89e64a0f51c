"""Property tests of a whole API, made from its OpenAPI document by Schemathesis."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ..registration.application import App

_MISSING = (
    "schema_test() sends what Schemathesis makes of the OpenAPI document, and Schemathesis is not"
    " installed: pip install 'schemathesis>=4.32'"
)


def schema_test(app: App, *, version: str | None = None, **options: t.Any) -> None:
    """Test that an application does what its OpenAPI document says.

    For each operation, Schemathesis sends requests that the document allows and requests
    that it forbids, follows from one operation to the next, and runs all its checks on the
    answers. One line is a whole test::

        def test_api():
            schema_test(create_app())

    The requests are sent in this process, over ASGI, and change what the application stores.

    Args:
        app: The application. In testing mode, the failure has the exception of an unhandled
            error; otherwise the log has it.
        version: The version of the API; None for all of it.
        **options: Settings of Schemathesis, as in its ``schemathesis.toml``:
            ``headers={"Authorization": "Bearer t"}``, ``generation={"max-examples": 20}``.
            Underscores in the first name stand for hyphens. Without any, that file is read.

    Raises `AssertionError` with every failure and how to repeat it, and `RuntimeError` if
    Schemathesis is not installed.
    """
    try:
        from schemathesis import openapi
        from schemathesis.config import SchemathesisConfig
        from schemathesis.engine import from_schema
    except ImportError as error:
        raise RuntimeError(_MISSING) from error
    from ..ground.protection import protection_of
    from ..openapi import document_of

    _teach_formats(openapi.format)
    settings = {name.replace("_", "-"): value for name, value in options.items()}
    config = SchemathesisConfig.from_dict(settings) if settings else None
    schema: t.Any = openapi.from_dict(document_of(app, version), config=config)
    send_only_wrong_bodies_as_wrong(schema)
    # Over WSGI, Schemathesis 4.32 fails on its own options when it checks credentials.
    schema.app = app.asgi
    if schema.config.base_url is None:
        # Its own name for such a server is a foreign host, which an application may refuse.
        schema.config.update(base_url="http://localhost")
    if getattr(protection_of(app), "csrf", None) is not None:
        # As the test clients: requests stand for those of a page of the application.
        headers = {"Sec-Fetch-Site": "same-origin", **(schema.config.headers or {})}
        schema.config.update(headers=headers)
    found: dict[str, str] = {}
    for event in from_schema(schema).execute():
        for failure, repeat in _failures(event):
            found.setdefault(failure, repeat)
    if found:
        raise AssertionError(
            f"The API does not do what its document says, in {len(found)} ways:\n\n"
            + "\n\n".join(f"{failure}\n{repeat}".strip() for failure, repeat in found.items())
        )


def send_only_wrong_bodies_as_wrong(schema: t.Any) -> None:
    """Have Schemathesis not send bodies that it takes for wrong, though the document allows them.

    Schemathesis 4.32 makes a wrong body from a right one, and checks that it is wrong, except if a
    file is in it. So it may be right: any text and any bytes are a file, ``format: binary``.

    Args:
        schema: What Schemathesis has loaded.
    """

    @schema.hook  # type: ignore[untyped-decorator]
    def filter_case(context: t.Any, case: t.Any) -> bool:  # noqa: ARG001  the hook's signature
        return not _is_right(case)


def _is_right(case: t.Any) -> bool:
    """Whether nothing but a body with files is to be wrong in a request, and that is right."""
    from schemathesis.core.parameters import ParameterLocation

    if case.meta is None or case.media_type is None:
        return False
    components = case.meta.components
    wrong = [place for place in components if components[place].mode.is_negative]
    if wrong != [ParameterLocation.BODY] or not _has_file(case.body):
        return False
    import jsonschema_rs

    declared = case.operation.get_body_for_media_type(case.media_type)
    return declared is not None and bool(
        jsonschema_rs.Draft202012Validator(
            declared.optimized_schema, validate_formats=True
        ).is_valid(_without_files(case.body))
    )


def _is_file(item: t.Any) -> bool:
    return isinstance(item, bytes) or type(item).__name__ == "Binary"


def _has_file(body: t.Any) -> bool:
    if isinstance(body, dict):
        body = list(body.values())
    return any(map(_has_file, body)) if isinstance(body, list) else _is_file(body)


def _without_files(body: t.Any) -> t.Any:
    """Return a body with text in the place of its files, of which a validator knows nothing."""
    if isinstance(body, dict):
        return {name: _without_files(item) for name, item in body.items()}
    if isinstance(body, list):
        return [_without_files(item) for item in body]
    return "" if _is_file(body) else body


def _teach_formats(teach: t.Callable[..., None]) -> None:
    """Let Schemathesis make times without an offset, whose patterns allow a 31st of February."""
    from hypothesis import strategies as st

    teach("date-time-local", st.datetimes().map(lambda value: value.isoformat()))
    teach("time-local", st.times().map(lambda value: value.isoformat()))


def _failures(event: t.Any) -> t.Iterator[tuple[str, str]]:
    """Yield what an event of the run says is wrong, each with the command that repeats it."""
    from schemathesis.engine import events

    if isinstance(event, events.NonFatalError):
        yield f"{event.label}: {event.value!r}", ""
    elif isinstance(event, events.FatalError):
        yield repr(event.exception), ""
    elif isinstance(event, events.ScenarioFinished):
        for checks in event.recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    said = f"{failure.operation}: {failure.title}\n{failure.message}".strip()
                    yield said, check.failure_info.code_sample
