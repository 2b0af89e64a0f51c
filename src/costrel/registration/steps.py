"""The names and signatures of the steps of an application.

`costrel.app.Flask` defines them. They are declared here so that the code that runs a
request can call them by name, overridden or not, without importing the class.
"""

from __future__ import annotations

import typing as t

from .. import typing as ft

if t.TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from jinja2 import BaseLoader
    from werkzeug.exceptions import HTTPException
    from werkzeug.routing import MapAdapter

    from ..wrappers import Request, Response


class Steps:
    """Declares the methods that are called by name while an application serves."""

    # ruff: noqa: D102  each is documented where it is defined

    asgi: t.Any

    def is_original(self, name: str) -> bool:
        """Return whether a step is the original one, not replaced anywhere."""
        raise NotImplementedError

    def class_step(self, name: str) -> t.Callable[..., t.Any] | None:
        """Return a step, bound to the application; None if a class has replaced it."""
        raise NotImplementedError

    def wsgi_app(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        raise NotImplementedError

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> t.Iterable[bytes]:
        raise NotImplementedError

    async def _run_in_thread(self, function: t.Callable[..., t.Any], *args: t.Any) -> t.Any:
        raise NotImplementedError

    def _stream_in_request(self, iterator: t.AsyncIterator[t.Any]) -> t.Any:
        raise NotImplementedError

    def _compile(self, callback: t.Callable[..., t.Any] | None = None) -> t.Any:
        raise NotImplementedError

    def app_context(self) -> t.Any:
        raise NotImplementedError

    def request_context(self, environ: WSGIEnvironment) -> t.Any:
        raise NotImplementedError

    def test_request_context(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        raise NotImplementedError

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        raise NotImplementedError

    def url_for(self, /, endpoint: str, **values: t.Any) -> str:
        raise NotImplementedError

    def full_dispatch_request(self) -> Response:
        raise NotImplementedError

    def preprocess_request(self) -> ft.ResponseReturnValue | None:
        raise NotImplementedError

    def dispatch_request(self) -> ft.ResponseReturnValue:
        raise NotImplementedError

    def raise_routing_exception(self, request: Request) -> t.NoReturn:
        raise NotImplementedError

    def make_default_options_response(self) -> Response:
        raise NotImplementedError

    def handle_http_exception(self, e: HTTPException) -> HTTPException | ft.ResponseReturnValue:
        raise NotImplementedError

    def handle_user_exception(self, e: Exception) -> HTTPException | ft.ResponseReturnValue:
        raise NotImplementedError

    def handle_exception(self, e: Exception) -> Response:
        raise NotImplementedError

    def log_exception(
        self, exc_info: tuple[type, BaseException, t.Any] | tuple[None, None, None]
    ) -> None:
        raise NotImplementedError

    def make_response(self, rv: ft.ResponseReturnValue) -> Response:
        raise NotImplementedError

    def finalize_request(
        self, rv: ft.ResponseReturnValue | HTTPException, from_error_handler: bool = False
    ) -> Response:
        raise NotImplementedError

    def process_response(self, response: Response) -> Response:
        raise NotImplementedError

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        raise NotImplementedError

    def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
        raise NotImplementedError

    def ensure_sync(self, func: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        raise NotImplementedError

    def async_to_sync(
        self, func: t.Callable[..., t.Coroutine[t.Any, t.Any, t.Any]]
    ) -> t.Callable[..., t.Any]:
        raise NotImplementedError

    def update_template_context(self, context: dict[str, t.Any]) -> None:
        raise NotImplementedError

    def create_global_jinja_loader(self) -> BaseLoader:
        raise NotImplementedError

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        raise NotImplementedError
