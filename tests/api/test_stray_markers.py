"""Credentials and functions in annotations that nothing would call.

Annotations are evaluated where they are written, since many name functions of their test.
"""

import functools
import typing as t

import pytest
from msgspec import Meta

from costrel import Costrel
from costrel.api import APIKey, BearerAuth, Depends, Query
from costrel.dispatch.typed import check_views

pytestmark = pytest.mark.usefixtures("path")


def user() -> str:
    """Return who sends the request."""
    return "Ada"


def guarded(token: t.Annotated[str, BearerAuth()]) -> str:
    """Have a stray marker itself."""
    return token


class Checker:
    """An object that is called."""

    def __call__(self) -> str:
        """Return who sends the request."""
        return "Ada"


def app_of(annotation: t.Any, rule: str = "/") -> Costrel:
    """Return an application with a view whose parameter has an annotation."""
    app = Costrel(__name__)
    app.testing = True

    def show(token: t.Any = None) -> dict[str, str]:
        return {"token": token}

    show.__annotations__["token"] = annotation
    app.add_url_rule(rule, view_func=show)
    return app


STRAYS: dict[str, t.Any] = {
    "credentials": t.Annotated[str, BearerAuth()],
    "key": t.Annotated[str, APIKey("key")],
    "class of credentials": t.Annotated[str, BearerAuth],
    "function": t.Annotated[str, user],
    "object": t.Annotated[str, Checker()],
    "beside a place": t.Annotated[str, Query(), user],
    "beside a dependency": t.Annotated[str, Depends(user), BearerAuth()],
    "in a union": t.Annotated[str, BearerAuth()] | None,
    "in a list": list[t.Annotated[str, user]],
    "dependency in a union": t.Annotated[str, Depends(user)] | None,
    "of a dependency": t.Annotated[str, Depends(guarded)],
}


@pytest.mark.parametrize("name", STRAYS)
def test_stray_marker_is_refused(name: str) -> None:
    """SECURITY: the parameter would be what the client writes into the query."""
    with pytest.raises(TypeError, match=r"Write token: Annotated\[\.\.\., Depends\(") as caught:
        app_of(STRAYS[name]).test_client().get("/?token=anything")
    assert "test_stray_markers.py:" in str(caught.value)


def test_stray_marker_of_a_variable_is_refused() -> None:
    """SECURITY: it would be what the client writes into the path."""
    with pytest.raises(TypeError, match=r"Depends\(user\)"):
        check_views(app_of(t.Annotated[str, user], "/<token>"))


def test_credentials_as_default_are_refused() -> None:
    """With or without an annotation: nobody would be asked for them."""
    app = Costrel(__name__)

    def typed(token: str = BearerAuth()) -> str:  # type: ignore[assignment]
        return token

    def untyped(token=BearerAuth()):  # noqa: B008
        return str(token)

    app.add_url_rule("/typed", view_func=typed)
    app.add_url_rule("/untyped", view_func=untyped)
    with pytest.raises(TypeError, match=r"has BearerAuth.* as its default") as caught:
        check_views(app)
    assert len(str(caught.value).splitlines()) == 2


def test_class_of_credentials_is_no_dependency() -> None:
    """SECURITY: it would be made, and let everybody pass."""
    with pytest.raises(TypeError, match=r"write Depends\(BearerAuth\(\)\)\. \(.*\.py:\d+\)"):
        Depends(BearerAuth)


def test_other_metadata_is_left_alone() -> None:
    """Constraints, text and numbers are not called."""
    app = app_of(t.Annotated[str, Meta(max_length=5), Query(), "a token", 3])
    assert app.test_client().get("/?token=a").json == {"token": "a"}


def test_what_a_decorator_fills_is_left_alone() -> None:
    """It may know the marker; no request could fill the parameter."""
    app = Costrel(__name__)

    def filled(view: t.Any) -> t.Any:
        @functools.wraps(view)
        def call() -> t.Any:
            return view(checker=Checker())

        return call

    @app.get("/")
    @filled
    def show(checker: t.Annotated[Checker, user]) -> dict[str, str]:
        return {"user": checker()}

    assert app.test_client().get("/").json == {"user": "Ada"}
