"""An application whose views depend on generators, and what these have noted, for the tests."""

import asyncio
import typing as t
from io import BytesIO
from itertools import repeat

from msgspec import Struct

from costrel import Costrel, EventStream, Response, send_file
from costrel.api import Depends
from costrel.helpers import stream_with_context


class Item(Struct):
    """A model."""

    id: int


class Recorder:
    """Makes generators that note when they begin and how they end."""

    def __init__(self) -> None:
        self.order: list[str] = []

    def generator(self, name: str, *, is_async: bool) -> t.Any:
        """Return a generator function."""

        def begin() -> None:
            self.order.append(f"{name} begins")

        def end(error: BaseException | None) -> None:
            what = "ends" if error is None else f"gets {type(error).__name__}"
            self.order.append(f"{name} {what}")

        def make() -> t.Iterator[str]:
            begin()
            try:
                yield name
            except BaseException as error:
                end(error)
                raise
            end(None)

        async def make_later() -> t.AsyncIterator[str]:
            begin()
            await asyncio.sleep(0)
            try:
                yield name
            except BaseException as error:
                end(error)
                raise
            await asyncio.sleep(0)
            end(None)

        return make_later if is_async else make


ASYNC = {"sync": (False, False, False), "mixed": (True, False, True), "async": (True, True, True)}
"""Whether the outer and the inner generator are async, and the view."""


def pieces(recorder: Recorder) -> t.Iterator[str]:
    """Yield two pieces of a body, and note each."""
    for piece in "ab":
        recorder.order.append(f"piece {piece}")
        yield piece


async def later(pieces: t.Iterable[str]) -> t.AsyncIterator[str]:
    """Yield the same pieces, with a pause before each."""
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


def failing() -> t.Iterator[str]:
    """Fail after the first piece of a body."""
    yield "a"
    raise LookupError("in the body")


def values(recorder: Recorder) -> dict[str, t.Callable[[], t.Any]]:
    """Return what the views return, by their rules."""
    return {
        "/": lambda: "text",
        "/json": lambda: {"id": 1},
        "/nothing": lambda: ("", 204),
        "/response": lambda: Response("text"),
        "/stream": lambda: pieces(recorder),
        "/stream-in-request": lambda: stream_with_context(pieces(recorder)),
        "/async-stream": lambda: later(pieces(recorder)),
        "/events": lambda: EventStream(pieces(recorder)),
        "/file": lambda: send_file(BytesIO(b"x" * 100_000), "text/plain"),
        "/endless": lambda: repeat("a"),
        "/endless-in-request": lambda: stream_with_context(repeat("a")),
        "/endless-async": lambda: later(repeat("a")),
        "/failing": failing,
        "/error": lambda: 1 / 0,
    }


def make_app(recorder: Recorder, kinds: str) -> Costrel:
    """Make an application whose views depend on two generators, an outer and an inner one."""
    outer_is_async, inner_is_async, view_is_async = ASYNC[kinds]
    outer = recorder.generator("outer", is_async=outer_is_async)
    inner = recorder.generator("inner", is_async=inner_is_async)
    app = Costrel(__name__, dependencies=[Depends(outer)])
    app.teardown_request(lambda _error: recorder.order.append("teardown"))
    Inner = t.Annotated[str, Depends(inner)]  # noqa: N806  a type

    def view(make: t.Callable[[], t.Any]) -> t.Any:
        """Return a view that notes when it runs, and returns what `make` does."""

        def show(inner: Inner) -> t.Any:
            recorder.order.append("view")
            return make()

        async def show_later(inner: Inner) -> t.Any:
            return show(inner)

        return show_later if view_is_async else show

    for rule, make in values(recorder).items():
        app.add_url_rule(rule, endpoint=rule[1:] or "index", view_func=view(make))

    @app.get("/misfit", endpoint="misfit")
    def misfit(inner: Inner) -> Item:
        return t.cast("Item", {"id": "x"})

    return app


BEGUN = ["outer begins", "inner begins", "view"]
ENDED = ["inner ends", "outer ends", "teardown"]
PIECES = ["piece a", "piece b"]
