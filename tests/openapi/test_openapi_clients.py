"""Clients that are generated from the document."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import typing as t
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from openapi_library import make_app

from costrel.openapi import document_of

NAME = "generated_client"


class Generated:
    """A client in Python, which sends its requests to the application without a server."""

    def __init__(self) -> None:
        self.client = self._client(self.module("client").Client)
        self.authenticated = self._client(self.module("client").AuthenticatedClient, token="t")

    @staticmethod
    def module(name: str) -> ModuleType:
        """Return a module of the client."""
        return importlib.import_module(f"{NAME}.{name}")

    @staticmethod
    def _client(kind: t.Any, **options: t.Any) -> t.Any:
        headers = {"Authorization": f"Bearer {options['token']}"} if options else {}
        transport = httpx.WSGITransport(app=make_app())
        client = kind(base_url="http://localhost", **options)
        return client.set_httpx_client(
            httpx.Client(transport=transport, base_url="http://localhost", headers=headers)
        )


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Generated]:
    """Generate a client with openapi-python-client, which says what it can't do with a document."""
    folder: Path = tmp_path_factory.mktemp("clients")
    (folder / "document.json").write_text(json.dumps(document_of(make_app())))
    (folder / "config.yaml").write_text("post_hooks: []\n")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    command += ["--path", "document.json", "--output-path", NAME, "--config", "config.yaml"]
    done = subprocess.run(
        [*command, "--fail-on-warning"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    try:
        yield Generated()
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
            del sys.modules[name]


@pytest.mark.filterwarnings("ignore:Setting per-request cookies")  # what is generated does
def test_client_gets_models(generated: Generated) -> None:
    """As objects with the fields of the model."""
    models = generated.module("models")
    read = generated.module("api.books.books_read_book").sync
    assert read(7, client=generated.client) == models.Book(title="Emma", genre=None, id=7)
    list_books = generated.module("api.books.books_list_books").sync
    page = list_books(client=generated.client, limit=5, tag=["a", "b"], page=2)
    assert (page.items, page.page, page.size) == ([], 2, 5)


def test_client_sends_models_and_gets_problems(generated: Generated) -> None:
    """With a token where the operation requires one."""
    models = generated.module("models")
    add = generated.module("api.books.books_add_book").sync
    book = models.NewBook(title="Emma", genre=models.Genre.NOVEL)
    assert add(client=generated.authenticated, body=book).id == 1
    problem = add(client=generated.authenticated, body=models.NewBook(title=""))
    assert isinstance(problem, models.Problem)
    assert [error.pointer for error in problem.errors] == ["/title"]
    assert add(client=generated.client, body=book).status == 401


def test_client_knows_the_members_of_a_union(generated: Generated) -> None:
    """By their tags."""
    models = generated.module("models")
    add = generated.module("api.default.add_shape").sync
    square = models.Square(type_="square", side=2)
    assert isinstance(add(client=generated.client, body=square), models.Square)


def test_client_uploads_files(generated: Generated) -> None:
    """With a part that is JSON beside them."""
    models, types = generated.module("models"), generated.module("types")
    add = generated.module("api.books.books_add_cover").sync_detailed
    body = models.BooksAddCoverBody(
        cover=types.File(b"image", "cover.png", "image/png"), about=models.About(text="x")
    )
    assert add(1, client=generated.client, body=body).status_code == 204
