"""What can be said of a typed view where it is registered: the arguments of decorators."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class GroupOptions(t.TypedDict, total=False):
    """What an application or a blueprint says of all its typed views."""

    #: Markers ``Depends(...)`` that run before each view; their values are not passed.
    dependencies: Sequence[t.Any]
    #: Other answers, by status code: the type of each one's JSON.
    responses: Mapping[int, t.Any]
    #: Headings that the operations stand under in the documentation.
    tags: Sequence[str]
    #: Security schemes; each is one that suffices.
    security: Sequence[t.Any]
    #: Whether clients should stop using it.
    deprecated: bool
    #: Whether it is in the OpenAPI document.
    include_in_schema: bool


class BlueprintOptions(GroupOptions, total=False):
    """What a blueprint says of all its typed views."""

    #: Whether its views are typed; None for the application's setting ``TYPED_VIEWS``.
    typed_views: bool | None
    #: The name of the API's version; each has an OpenAPI document of its own.
    version: str


class OperationOptions(GroupOptions, total=False):
    """What a decorator such as ``@app.get`` says of its typed view."""

    #: The status code of a value that comes without one.
    status: int
    #: One line on what it does; otherwise the first line of the docstring.
    summary: str
    #: More on what it does, in Markdown; otherwise the rest of the docstring.
    description: str
    #: Its name in the OpenAPI document; otherwise its endpoint.
    operation_id: str
    #: Whether answers to GET have an entity tag of their content, and are 304 if the client has it.
    etag: bool
    #: Requests that it makes later, by the expression that gives their URL, such as
    #: ``{$request.body#/callback_url}``: functions with the annotations of views.
    callbacks: Mapping[str, t.Any]


class MethodOptions(OperationOptions, total=False):
    """What a decorator such as ``@app.get`` takes, for its typed view and for its rule."""

    #: The name of the view for `url_for`; otherwise the function's.
    endpoint: str | None
    #: Whether OPTIONS is answered without the view.
    provide_automatic_options: bool | None
    #: Values of the view's arguments that the rule has no variables for.
    defaults: Mapping[str, t.Any] | None
    subdomain: str | None
    host: str | None
    strict_slashes: bool | None
    merge_slashes: bool | None
    build_only: bool
    alias: bool
    redirect_to: str | t.Callable[..., str] | None
    websocket: bool


class RouteOptions(MethodOptions, total=False):
    """What ``@app.route`` takes."""

    #: The HTTP methods; GET if there are none.
    methods: Iterable[str] | None
