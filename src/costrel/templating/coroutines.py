"""Render templates in coroutines, with sync or async context processors.

These are the functions of `costrel.templating` as coroutines. Sync context processors run
in worker threads. If the Jinja environment has ``enable_async`` (see ``app.jinja_options``),
templates may call coroutine functions and iterate over async generators.
"""

from __future__ import annotations

import typing as t
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from jinja2 import Template

from ..dispatch.calls import call
from ..dispatch.coroutines import send_signal
from ..dispatch.threads import hop_for
from ..ground.current import current_app
from ..signals import before_render_template, template_rendered
from . import _default_template_ctx_processor, adds_nothing, processors_of
from .strings import template_from_string

if t.TYPE_CHECKING:
    from ..registration.application import App


async def render_template_async(
    template_name_or_list: str | Template | list[str | Template], **context: t.Any
) -> str:
    """Render a template, or the first of several that exists, to a string.

    Args:
        template_name_or_list: A template's name (its path in the template folder), or several.
        **context: The template's variables.

    Raises `jinja2.TemplateNotFound` (the client gets a 500).
    """
    app = current_app._get_current_object()
    return await _render(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


async def render_template_string_async(source: str, **context: t.Any) -> str:
    """Render a template from a string; HTML in variables is escaped.

    Never build `source` from client data: templates are code.
    """
    app = current_app._get_current_object()
    return await _render(app, template_from_string(app.jinja_env, source), context)


async def stream_template_async(
    template_name_or_list: str | Template | list[str | Template], **context: t.Any
) -> AsyncIterator[str]:
    """Render a template in chunks, to return it as a streaming response.

    Awaiting it runs the context processors. If templates are not async, each chunk is
    rendered in a worker thread.
    """
    app = current_app._get_current_object()
    return await _stream(app, app.jinja_env.get_or_select_template(template_name_or_list), context)


async def stream_template_string_async(source: str, **context: t.Any) -> AsyncIterator[str]:
    """Render a template from a string in chunks: see `stream_template_async`."""
    app = current_app._get_current_object()
    return await _stream(app, template_from_string(app.jinja_env, source), context)


async def _render(app: App, template: Template, context: dict[str, t.Any]) -> str:
    await _begin(app, template, context)
    if template.environment.is_async:
        rendered = await template.render_async(context)
    else:
        rendered = template.render(context)
    await send_signal(app, template_rendered, template=template, context=context)
    return rendered


async def _stream(app: App, template: Template, context: dict[str, t.Any]) -> AsyncIterator[str]:
    await _begin(app, template, context)
    pieces: t.Any
    if template.environment.is_async:
        pieces = template.generate_async(context)
    else:
        pieces = _in_threads(app, template.generate(context))

    async def generate() -> AsyncIterator[str]:
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece
        await send_signal(app, template_rendered, template=template, context=context)

    return generate()


async def _in_threads(app: App, pieces: t.Any) -> AsyncGenerator[str, None]:
    # Iterating in a template may block, for example on a database.
    following: t.Callable[..., t.Any] = next
    try:
        while (piece := await hop_for(app, following, pieces, None)) is not None:
            yield piece
    finally:
        await hop_for(app, pieces.close)


async def _begin(app: App, template: Template, context: dict[str, t.Any]) -> None:
    """Add the variables from the context processors, in place; the ones passed in win."""
    if not adds_nothing(app, template):
        if app.is_original("update_template_context"):
            passed = context.copy()
            for processor in processors_of(app):
                if processor is _default_template_ctx_processor:
                    # It only reads the current context.
                    context.update(processor())
                else:
                    context.update(await call(app, processor))
            context.update(passed)
        else:
            await hop_for(app, app.update_template_context, context)
    await send_signal(app, before_render_template, template=template, context=context)
