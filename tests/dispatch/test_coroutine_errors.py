"""What a coroutine raises reaches the request that waits for it, and nobody else."""

from __future__ import annotations

import pytest

from costrel import Flask


def test_async_view_that_does_not_take_the_variables_fails_at_once():
    """A call that can't be made is an error of its request, which must not wait forever."""
    app = Flask(__name__)

    @app.get("/<name>")
    async def view():
        return "never"

    app.testing = True
    with pytest.raises(TypeError, match="unexpected keyword argument 'name'"):
        app.test_client().get("/x")


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_exit_raised_in_a_coroutine_leaves_the_loop_running(error):
    """What would end a thread is raised in the waiting one; later coroutines still run."""
    app = Flask(__name__)

    @app.get("/exit")
    async def leave():
        raise error

    @app.get("/")
    async def index():
        return "still here"

    client = app.test_client()
    with pytest.raises(error):
        client.get("/exit")

    assert client.get("/").text == "still here"


def test_async_to_sync_of_any_awaitable_gives_its_result():
    """What is awaitable without being a coroutine can be waited for as well."""

    class Awaitable:
        def __await__(self):
            yield from ()
            return 42

    assert Flask(__name__).async_to_sync(Awaitable)() == 42
