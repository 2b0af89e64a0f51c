"""Rendering Jinja templates with the application's and the request's names."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from jinja2 import BaseLoader, TemplateNotFound
from jinja2 import Environment as BaseEnvironment

from .current import context as current_context
from .current import current_app, request_view
from .debughints import explain_template_loading_attempts
from .helpers import stream_with_context
from .signals import before_render_template, template_rendered
from .wrappers import blueprint_path

if t.TYPE_CHECKING:
    from jinja2 import Template

    from .application import App
    from .scaffold import Scaffold


def _default_template_ctx_processor() -> dict[str, t.Any]:
    """Give templates ``g``, and inside a request ``request``.

    The session is not among them: the environment's global ``session`` is the
    proxy, which marks it accessed only in templates that use it.
    """
    names: dict[str, t.Any] = {}
    ctx = current_context.get(None)
    if ctx is None:
        return names
    names["g"] = ctx.app_context.g
    request_ctx = ctx.request_context
    if request_ctx is not None:
        names["request"] = request_ctx.request
    return names


class Environment(BaseEnvironment):
    """A Jinja environment that loads from the application and its blueprints."""

    def __init__(self, app: App, **options: t.Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        self.app = app


class DispatchingJinjaLoader(BaseLoader):
    """Look a template up in the application's folder, then in the blueprints'."""

    def __init__(self, app: App) -> None:
        self.app = app

    def get_source(
        self, environment: BaseEnvironment, template: str
    ) -> tuple[str, str | None, t.Callable[[], bool] | None]:
        """Return a template's source, file name and freshness check.

        Raises `jinja2.TemplateNotFound`. With ``EXPLAIN_TEMPLATE_LOADING`` every
        folder that was tried is logged.
        """
        if self.app.config["EXPLAIN_TEMPLATE_LOADING"]:
            return self._get_source_explained(environment, template)
        for _owner, loader in self._iter_loaders():
            try:
                return loader.get_source(environment, template)
            except TemplateNotFound:
                continue
        raise TemplateNotFound(template)

    def _get_source_explained(
        self, environment: BaseEnvironment, template: str
    ) -> tuple[str, str | None, t.Callable[[], bool] | None]:
        attempts = []
        found = None
        for owner, loader in self._iter_loaders():
            try:
                result = loader.get_source(environment, template)
            except TemplateNotFound:
                result = None
            attempts.append((loader, owner, result))
            found = found or result
        explain_template_loading_attempts(self.app, template, attempts)
        if found is None:
            raise TemplateNotFound(template)
        return found

    def _iter_loaders(self) -> Iterator[tuple[Scaffold, BaseLoader]]:
        for owner in (self.app, *self.app.iter_blueprints()):
            loader = owner.jinja_loader
            if loader is not None:
                yield owner, loader

    def list_templates(self) -> list[str]:
        """List the names of all templates, each once."""
        names: set[str] = set()
        for _owner, loader in self._iter_loaders():
            names.update(loader.list_templates())
        return list(names)


def update_template_context(app: App, context: dict[str, t.Any]) -> None:
    """Add what the context processors return; what was passed in wins."""
    names: tuple[str | None, ...] = (None,)
    ctx = request_view.get(None)
    if ctx is not None:
        blueprint = ctx.request.blueprint
        if blueprint is not None:
            names = (None, *reversed(blueprint_path(blueprint)))
    passed = context.copy()
    for name in names:
        for processor in app.template_context_processors.get(name, ()):
            context.update(app.ensure_sync(processor)())
    context.update(passed)


def _render(app: App, template: Template, context: dict[str, t.Any]) -> str:
    app.update_template_context(context)
    wrapper = app.ensure_sync
    before_render_template.send(app, _async_wrapper=wrapper, template=template, context=context)
    rendered = template.render(context)
    template_rendered.send(app, _async_wrapper=wrapper, template=template, context=context)
    return rendered


def _stream(app: App, template: Template, context: dict[str, t.Any]) -> Iterator[str]:
    app.update_template_context(context)
    wrapper = app.ensure_sync
    before_render_template.send(app, _async_wrapper=wrapper, template=template, context=context)

    def generate() -> Iterator[str]:
        yield from template.generate(context)
        template_rendered.send(app, _async_wrapper=wrapper, template=template, context=context)

    if request_view.get(None) is None:
        return generate()
    return t.cast("Iterator[str]", stream_with_context(generate()))


def render_template(
    template_name_or_list: str | Template | list[str | Template], **context: t.Any
) -> str:
    """Render a template, or the first of several that exists, to a string.

    Args:
        template_name_or_list: Name below a template folder, or a list of names.
        **context: The template's variables.

    Raises `jinja2.TemplateNotFound` (the client sees a 500).
    """
    app = current_app._get_current_object()
    template = app.jinja_env.get_or_select_template(template_name_or_list)
    return _render(app, template, context)


def render_template_string(source: str, **context: t.Any) -> str:
    """Render a template given as a string; HTML in variables is escaped.

    Never build `source` from what a client sent: it is code.
    """
    app = current_app._get_current_object()
    return _render(app, app.jinja_env.from_string(source), context)


def stream_template(
    template_name_or_list: str | Template | list[str | Template], **context: t.Any
) -> Iterator[str]:
    """Render a template piece by piece, to return as a streamed response."""
    app = current_app._get_current_object()
    template = app.jinja_env.get_or_select_template(template_name_or_list)
    return _stream(app, template, context)


def stream_template_string(source: str, **context: t.Any) -> Iterator[str]:
    """Render a template given as a string piece by piece: see `stream_template`."""
    app = current_app._get_current_object()
    return _stream(app, app.jinja_env.from_string(source), context)
