"""Rendering Jinja templates with the variables of the application and the request."""

from __future__ import annotations

import typing as t
from collections import ChainMap
from collections.abc import Iterator

from jinja2 import BaseLoader, TemplateNotFound
from jinja2 import Environment as BaseEnvironment
from jinja2 import Template as BaseTemplate
from jinja2.runtime import Context as BaseContext
from jinja2.runtime import new_context

from ..ground.current import context as current_context
from ..ground.current import current_app, request_view
from ..ground.current import g as current_g
from ..ground.current import request as current_request
from ..ground.debughints import explain_template_loading_attempts
from ..ground.shortways import is_open
from ..helpers import stream_in_context
from ..signals import before_render_template, template_rendered
from ..wrappers import blueprint_path
from .code import JoiningGenerator
from .context import Context as Context
from .strings import TrackingEnvironment, template_from_string

if t.TYPE_CHECKING:
    from ..registration.application import App
    from ..registration.scaffold import Scaffold


def _default_template_ctx_processor() -> dict[str, t.Any]:
    """Add ``g`` and, in a request, ``request`` to templates.

    The session is not added: the environment has the ``session`` proxy as a global, so
    only templates that use it mark the session as accessed.
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


class Template(BaseTemplate):
    """Jinja's template, rendered without copying its globals one by one.

    PERF(template): the globals are a ChainMap of the template's own names, usually none,
    and the environment's dict. Copying just the dict takes a tenth of the time.
    """

    def new_context(
        self,
        vars: dict[str, t.Any] | None = None,  # noqa: A002  Jinja's names
        shared: bool = False,
        locals: t.Mapping[str, t.Any] | None = None,  # noqa: A002
    ) -> BaseContext:
        """Create the context for rendering the template once."""
        if not is_open("_may_share_globals", BaseTemplate):
            return super().new_context(vars, shared, locals)
        names = self.globals
        if type(names) is ChainMap and not names.maps[0]:
            names = names.maps[1]
        return new_context(self.environment, self.name, self.blocks, vars, shared, names, locals)


class Environment(TrackingEnvironment):
    """A Jinja environment that loads from the application and its blueprints."""

    template_class = Template
    context_class = Context
    code_generator_class = JoiningGenerator

    def __init__(self, app: App, **options: t.Any) -> None:
        if "loader" not in options:
            options["loader"] = app.create_global_jinja_loader()
        super().__init__(**options)
        self.app = app


class DispatchingJinjaLoader(BaseLoader):
    """Loads templates from the application's folder, and then from the blueprints' folders."""

    def __init__(self, app: App) -> None:
        self.app = app

    def get_source(
        self, environment: BaseEnvironment, template: str
    ) -> tuple[str, str | None, t.Callable[[], bool] | None]:
        """Return a template's source, its file name, and a function that checks if it is current.

        Raises `jinja2.TemplateNotFound`. With ``EXPLAIN_TEMPLATE_LOADING``, every folder that
        was tried is logged.
        """
        if self.app.config["EXPLAIN_TEMPLATE_LOADING"]:
            return self._get_source_explained(environment, template)
        return self._get_source_fast(environment, template)

    def _get_source_fast(
        self, environment: BaseEnvironment, template: str
    ) -> tuple[str, str | None, t.Callable[[], bool] | None]:
        for _owner, loader in self._iter_loaders(template):
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
        for owner, loader in self._iter_loaders(template):
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

    def _iter_loaders(
        self,
        template: str,  # noqa: ARG002  for subclasses
    ) -> Iterator[tuple[Scaffold, BaseLoader]]:
        return self._iter_all_loaders()

    def _iter_all_loaders(self) -> Iterator[tuple[Scaffold, BaseLoader]]:
        for owner in (self.app, *self.app.iter_blueprints()):
            loader = owner.jinja_loader
            if loader is not None:
                yield owner, loader

    def list_templates(self) -> list[str]:
        """Return the names of all templates, without duplicates."""
        names: set[str] = set()
        for _owner, loader in self._iter_all_loaders():
            names.update(loader.list_templates())
        return list(names)


def _blueprint_names() -> tuple[str | None, ...]:
    """Return the keys of the processors that apply: None, then the blueprints, outermost first."""
    ctx = request_view.get(None)
    blueprint = None if ctx is None else ctx.blueprint
    return (None,) if blueprint is None else (None, *reversed(blueprint_path(blueprint)))


def processors_of(app: App) -> Iterator[t.Callable[[], t.Any]]:
    """Yield the context processors that apply to the current request, in order."""
    for name in _blueprint_names():
        yield from app.template_context_processors.get(name, ())


def update_template_context(app: App, context: dict[str, t.Any]) -> None:
    """Add the variables from the context processors; the ones passed in take precedence."""
    passed = context.copy()
    for processor in processors_of(app):
        context.update(app.ensure_sync(processor)())
    context.update(passed)


def adds_nothing(app: App, template: BaseTemplate) -> bool:
    """Return whether a template can be rendered with just the variables passed to it.

    PERF(template): if only the template sees them, ``g`` and ``request`` need not be
    added, because the environment has globals of the same names. Those are proxies, which
    create the objects only when the template uses them.
    """
    names = template.environment.globals
    return (
        names.get("request") is current_request
        and names.get("g") is current_g
        and not before_render_template.receivers
        and not template_rendered.receivers
        and app.is_original("update_template_context")
        and _has_default_processor_only(app)
    )


def _has_default_processor_only(app: App) -> bool:
    registered = app.template_context_processors
    if not any(map(_adds, list(registered.values()))):
        return True
    return not any(_adds(registered.get(name)) for name in _blueprint_names())


def _adds(processors: t.Any) -> bool:
    """Whether there are other context processors than the default one."""
    return bool(processors) and processors != [_default_template_ctx_processor]


def _render(app: App, template: BaseTemplate, context: dict[str, t.Any]) -> str:
    if not adds_nothing(app, template):
        app.update_template_context(context)
    if before_render_template.receivers:
        before_render_template.send(
            app, _async_wrapper=app.ensure_sync, template=template, context=context
        )
    rendered = template.render(context)
    if template_rendered.receivers:
        template_rendered.send(
            app, _async_wrapper=app.ensure_sync, template=template, context=context
        )
    return rendered


def _stream(app: App, template: BaseTemplate, context: dict[str, t.Any]) -> Iterator[str]:
    ctx = request_view.get(None)
    # Another context may be current here, but the stream runs in the request's.
    if ctx is None or current_context.get() is not ctx or not adds_nothing(app, template):
        app.update_template_context(context)
    if before_render_template.receivers:
        before_render_template.send(
            app, _async_wrapper=app.ensure_sync, template=template, context=context
        )

    def announce() -> None:
        if template_rendered.receivers:
            template_rendered.send(
                app, _async_wrapper=app.ensure_sync, template=template, context=context
            )

    pieces = template.generate(context)
    if ctx is not None:
        return stream_in_context(ctx, pieces, announce)

    def generate() -> Iterator[str]:
        yield from pieces
        announce()

    return generate()


def render_template(
    template_name_or_list: str | BaseTemplate | list[str | BaseTemplate], **context: t.Any
) -> str:
    """Render a template, or the first of several that exists, to a string.

    Args:
        template_name_or_list: A template's name (its path in the template folder), or several.
        **context: The template's variables.

    Raises `jinja2.TemplateNotFound` (the client gets a 500).
    """
    app = current_app._get_current_object()
    template = app.jinja_env.get_or_select_template(template_name_or_list)
    return _render(app, template, context)


def render_template_string(source: str, **context: t.Any) -> str:
    """Render a template from a string; HTML in variables is escaped.

    Never build `source` from client data: templates are code.
    """
    app = current_app._get_current_object()
    return _render(app, template_from_string(app.jinja_env, source), context)


def stream_template(
    template_name_or_list: str | BaseTemplate | list[str | BaseTemplate], **context: t.Any
) -> Iterator[str]:
    """Render a template in chunks, to return it as a streaming response."""
    app = current_app._get_current_object()
    template = app.jinja_env.get_or_select_template(template_name_or_list)
    return _stream(app, template, context)


def stream_template_string(source: str, **context: t.Any) -> Iterator[str]:
    """Render a template from a string in chunks: see `stream_template`."""
    app = current_app._get_current_object()
    return _stream(app, template_from_string(app.jinja_env, source), context)
