"""Markers as other frameworks spell them."""

import contextlib
import copy
import typing as t
from dataclasses import replace

import pytest

from costrel import Costrel
from costrel.api import Body, Depends, File, Header, Partial, Query
from costrel.dispatch.typed import check_views


@contextlib.contextmanager
def session() -> t.Iterator[int]:
    """Be a context manager."""
    yield 1


@contextlib.asynccontextmanager
async def async_session() -> t.AsyncIterator[int]:
    """Be an async one."""
    yield 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Query(5), r"Query\(\) takes no default.*: Annotated\[\.\.\., Query\(\)\] = 5\."),
        (lambda: Query(...), r"name: Annotated\[\.\.\., Query\(\)\]\. "),
        (lambda: Body(default=None), r"Annotated\[\.\.\., Body\(\)\] = None"),
        (lambda: Query(ge=1), r"Annotated\[\.\.\., Meta\(ge=1\), Query\(\)\] with msgspec's Meta"),
        (lambda: Query(regex="a+"), r"Meta\(pattern='a\+'\)"),
        (lambda: Header(convert_underscores=False), "takes no argument 'convert_underscores'"),
        (
            lambda: Query(alias=t.cast("str", 1)),
            r"Query\(alias=1\): write the name that clients send",
        ),
        (lambda: File(alias=""), r"File\(alias=''\): write the name that clients send"),
        (Depends, r"write Depends\(function\)"),
        (lambda: Depends(session), "session is a context manager.*Remove its @contextmanager"),
        (lambda: Depends(async_session), "session is a context manager.*Remove its @contextman"),
    ],
)
def test_foreign_spelling_is_refused(make: t.Callable[[], t.Any], said: str) -> None:
    """The error says what to write, and where it was written."""
    with pytest.raises(TypeError, match=rf"{said}.*test_foreign_spelling\.py:\d+\)"):
        make()


def test_bare_partial_is_refused() -> None:
    """It is a model of nothing."""
    app = Costrel(__name__)

    @app.patch("/")
    def change(book: Partial) -> None:
        """Take what no client could send."""

    with pytest.raises(TypeError, match=r"Write Partial\[\.\.\.\], as in book: Partial\[Book\]"):
        check_views(app)


def test_markers_can_be_copied() -> None:
    """As values of dataclasses can."""
    for marker in (Query(alias="q"), File(max_size=5, types=["image/*"]), Depends(copy.copy)):
        assert copy.copy(marker) == marker == copy.deepcopy(marker)
    assert replace(Query(alias="q"), deprecated=True) == Query(alias="q", deprecated=True)
