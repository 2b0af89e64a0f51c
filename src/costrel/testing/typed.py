"""Typed answers for the test clients: ``client.get("/books/1", type=Book)``."""

# ruff: noqa: A002  `type` is what a reader of the call expects

from __future__ import annotations

import typing as t

from werkzeug.test import Client

if t.TYPE_CHECKING:
    from werkzeug.test import TestResponse

T = t.TypeVar("T")


class UnexpectedResponse(AssertionError):  # noqa: N818  an answer, not a fault of the client
    """Raised if a response is not the typed answer that the test asked for.

    It is an `AssertionError`, so that the test fails with the status and with what the
    problem in the response says.

    Attributes:
        response: The response.
    """

    def __init__(self, response: TestResponse, reason: str) -> None:
        request = response.request
        super().__init__(f"{request.method} {request.path}: {reason}")
        self.response = response


class TypedClient(Client):
    """Adds ``type=`` to the methods of Werkzeug's client whose answers have a body.

    With it, a method returns the answer decoded as that type instead of the response, and
    raises `UnexpectedResponse` if its status is not a 2xx or its body does not fit.
    """

    @t.overload
    def get(self, *args: t.Any, type: type[T], **kw: t.Any) -> T: ...
    @t.overload
    def get(self, *args: t.Any, type: None = None, **kw: t.Any) -> TestResponse: ...
    def get(self, *args: t.Any, type: t.Any = None, **kw: t.Any) -> t.Any:
        """Send a GET request: see `FlaskClient.open`; `type` is that of the answer."""
        return _as_typed(super().get(*args, **kw), type)

    @t.overload
    def post(self, *args: t.Any, type: type[T], **kw: t.Any) -> T: ...
    @t.overload
    def post(self, *args: t.Any, type: None = None, **kw: t.Any) -> TestResponse: ...
    def post(self, *args: t.Any, type: t.Any = None, **kw: t.Any) -> t.Any:
        """Send a POST request: see `FlaskClient.open`; `type` is that of the answer."""
        return _as_typed(super().post(*args, **kw), type)

    @t.overload
    def put(self, *args: t.Any, type: type[T], **kw: t.Any) -> T: ...
    @t.overload
    def put(self, *args: t.Any, type: None = None, **kw: t.Any) -> TestResponse: ...
    def put(self, *args: t.Any, type: t.Any = None, **kw: t.Any) -> t.Any:
        """Send a PUT request: see `FlaskClient.open`; `type` is that of the answer."""
        return _as_typed(super().put(*args, **kw), type)

    @t.overload
    def patch(self, *args: t.Any, type: type[T], **kw: t.Any) -> T: ...
    @t.overload
    def patch(self, *args: t.Any, type: None = None, **kw: t.Any) -> TestResponse: ...
    def patch(self, *args: t.Any, type: t.Any = None, **kw: t.Any) -> t.Any:
        """Send a PATCH request: see `FlaskClient.open`; `type` is that of the answer."""
        return _as_typed(super().patch(*args, **kw), type)

    @t.overload
    def delete(self, *args: t.Any, type: type[T], **kw: t.Any) -> T: ...
    @t.overload
    def delete(self, *args: t.Any, type: None = None, **kw: t.Any) -> TestResponse: ...
    def delete(self, *args: t.Any, type: t.Any = None, **kw: t.Any) -> t.Any:
        """Send a DELETE request: see `FlaskClient.open`; `type` is that of the answer."""
        return _as_typed(super().delete(*args, **kw), type)


class TypedAsyncClient:
    """The same methods as coroutines, for `AsyncClient`."""

    async def open(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """Send a request and return the response."""
        raise NotImplementedError

    @t.overload
    async def get(self, *args: t.Any, type: type[T], **kwargs: t.Any) -> T: ...
    @t.overload
    async def get(self, *args: t.Any, type: None = None, **kwargs: t.Any) -> TestResponse: ...
    async def get(self, *args: t.Any, type: t.Any = None, **kwargs: t.Any) -> t.Any:
        """Send a GET request: see `open`; `type` is that of the answer."""
        return _as_typed(await self.open(*args, **{**kwargs, "method": "GET"}), type)

    @t.overload
    async def post(self, *args: t.Any, type: type[T], **kwargs: t.Any) -> T: ...
    @t.overload
    async def post(self, *args: t.Any, type: None = None, **kwargs: t.Any) -> TestResponse: ...
    async def post(self, *args: t.Any, type: t.Any = None, **kwargs: t.Any) -> t.Any:
        """Send a POST request: see `open`; `type` is that of the answer."""
        return _as_typed(await self.open(*args, **{**kwargs, "method": "POST"}), type)

    @t.overload
    async def put(self, *args: t.Any, type: type[T], **kwargs: t.Any) -> T: ...
    @t.overload
    async def put(self, *args: t.Any, type: None = None, **kwargs: t.Any) -> TestResponse: ...
    async def put(self, *args: t.Any, type: t.Any = None, **kwargs: t.Any) -> t.Any:
        """Send a PUT request: see `open`; `type` is that of the answer."""
        return _as_typed(await self.open(*args, **{**kwargs, "method": "PUT"}), type)

    @t.overload
    async def patch(self, *args: t.Any, type: type[T], **kwargs: t.Any) -> T: ...
    @t.overload
    async def patch(self, *args: t.Any, type: None = None, **kwargs: t.Any) -> TestResponse: ...
    async def patch(self, *args: t.Any, type: t.Any = None, **kwargs: t.Any) -> t.Any:
        """Send a PATCH request: see `open`; `type` is that of the answer."""
        return _as_typed(await self.open(*args, **{**kwargs, "method": "PATCH"}), type)

    @t.overload
    async def delete(self, *args: t.Any, type: type[T], **kwargs: t.Any) -> T: ...
    @t.overload
    async def delete(self, *args: t.Any, type: None = None, **kwargs: t.Any) -> TestResponse: ...
    async def delete(self, *args: t.Any, type: t.Any = None, **kwargs: t.Any) -> t.Any:
        """Send a DELETE request: see `open`; `type` is that of the answer."""
        return _as_typed(await self.open(*args, **{**kwargs, "method": "DELETE"}), type)


def dump(document: t.Any) -> str:
    """Return the JSON of structs, attrs objects and models, alone or in other values.

    Raises `TypeError` for an object that has no JSON.
    """
    import msgspec

    return msgspec.json.encode(document, enc_hook=_from_model).decode()


def _as_typed(response: TestResponse, kind: t.Any) -> t.Any:
    """Return the response, or with a type what it has of that type."""
    if kind is None:
        return response
    import msgspec

    name = kind.__name__ if isinstance(kind, type) else kind
    if not 200 <= response.status_code < 300:
        raise UnexpectedResponse(response, f"{response.status} instead of {name}{_why(response)}")
    if not response.get_data():
        reason = f"{response.status} without a body, which is no {name}. Leave out type=."
        raise UnexpectedResponse(response, reason)
    packed = "msgpack" in (response.mimetype or "")
    decode: t.Any = msgspec.msgpack.decode if packed else msgspec.json.decode
    try:
        return decode(response.get_data(), type=kind, dec_hook=_to_model)
    except msgspec.DecodeError as error:
        raise UnexpectedResponse(
            response, f"{response.status}, but its {response.mimetype} is no {name}: {error}"
        ) from error


def _why(response: TestResponse) -> str:
    """Return what a problem (RFC 9457) says, one error a line; nothing for another document."""
    problem = response.get_json(silent=True)
    if not isinstance(problem, dict):
        return ""
    errors = problem.get("errors")
    lines = [
        f"\n  {error.get('in')} {error.get('pointer') or 'as a whole'}: {error.get('detail')}"
        for error in (errors if isinstance(errors, list) else ())
        if isinstance(error, dict)
    ]
    said = problem.get("detail") or problem.get("title")
    return "".join((f": {said}" if said else "", *lines))


def _to_model(kind: t.Any, value: t.Any) -> t.Any:
    """Make a Pydantic model, which msgspec does not know."""
    validate = getattr(kind, "model_validate", None)
    if validate is None:
        raise NotImplementedError(f"{kind!r} can't be made from JSON.")
    return validate(value)


def _from_model(value: t.Any) -> t.Any:
    """Return what a Pydantic model has, which msgspec does not know, by the names of clients."""
    dump_model = getattr(value, "model_dump", None)
    if dump_model is None:
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
    is_model = hasattr(type(value), "model_config")
    return _as_taken(value, dump_model(mode="json", **({"by_alias": False} if is_model else {})))


def _as_taken(value: t.Any, dumped: t.Any) -> t.Any:
    """Return what was dumped of a value with the names that its models take from clients.

    What models compute is left out: they do not take it.
    """
    cls = type(value)
    fields = getattr(cls, "model_fields", None)
    if fields is not None and isinstance(dumped, dict) and hasattr(cls, "model_config"):
        from ..api.models import keys_of_model_field

        computed = getattr(cls, "model_computed_fields", {})
        return {
            (keys_of_model_field(cls, name) or [name])[0] if name in fields else name: _as_taken(
                getattr(value, name, None), item
            )
            for name, item in dumped.items()
            if name not in computed
        }
    if fields is not None and hasattr(value, "root"):
        return _as_taken(value.root, dumped)
    if isinstance(value, dict) and isinstance(dumped, dict) and len(value) == len(dumped):
        items = zip(dumped.items(), value.values(), strict=True)
        return {name: _as_taken(one, item) for (name, item), one in items}
    if isinstance(value, (list, tuple)) and isinstance(dumped, list) and len(value) == len(dumped):
        return [_as_taken(*pair) for pair in zip(value, dumped, strict=True)]
    return dumped
