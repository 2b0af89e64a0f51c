"""Costrel: Flask's programming interface on its own engine."""

from __future__ import annotations

import importlib
import sys
import types
import typing as t
import warnings

from . import json as json
from .app import Costrel as Costrel
from .app import Flask as Flask
from .blueprints import Blueprint as Blueprint
from .config import Config as Config
from .ctx import after_this_request as after_this_request
from .ctx import copy_current_request_context as copy_current_request_context
from .ctx import has_app_context as has_app_context
from .ctx import has_request_context as has_request_context
from .globals import current_app as current_app
from .globals import g as g
from .globals import request as request
from .globals import session as session
from .globals import websocket as websocket
from .ground.environment import FLASK_LEVEL
from .helpers import abort as abort
from .helpers import flash as flash
from .helpers import get_flashed_messages as get_flashed_messages
from .helpers import get_template_attribute as get_template_attribute
from .helpers import make_response as make_response
from .helpers import redirect as redirect
from .helpers import send_file as send_file
from .helpers import send_from_directory as send_from_directory
from .helpers import stream_with_context as stream_with_context
from .helpers import url_for as url_for
from .json import jsonify as jsonify
from .registration.streaming import stream_body as stream_body
from .signals import appcontext_popped as appcontext_popped
from .signals import appcontext_pushed as appcontext_pushed
from .signals import appcontext_tearing_down as appcontext_tearing_down
from .signals import before_render_template as before_render_template
from .signals import got_request_exception as got_request_exception
from .signals import message_flashed as message_flashed
from .signals import request_finished as request_finished
from .signals import request_started as request_started
from .signals import request_tearing_down as request_tearing_down
from .signals import template_rendered as template_rendered
from .templating import render_template as render_template
from .templating import render_template_string as render_template_string
from .templating import stream_template as stream_template
from .templating import stream_template_string as stream_template_string
from .wrappers import Request as Request
from .wrappers import Response as Response

if t.TYPE_CHECKING:
    from .compat import install_as_flask as install_as_flask
    from .registration.realflask import MixedFlaskWarning as MixedFlaskWarning
    from .sse import Event as Event
    from .sse import EventStream as EventStream
    from .templating.coroutines import render_template_async as render_template_async
    from .templating.coroutines import render_template_string_async as render_template_string_async
    from .templating.coroutines import stream_template_async as stream_template_async
    from .templating.coroutines import stream_template_string_async as stream_template_string_async
    from .websockets import WebSocketClosed as WebSocketClosed
    from .websockets import WebSocketDataError as WebSocketDataError

# Loaded on first use, because requests don't need them.
_LAZY_MODULES = frozenset({"cli", "compat", "testing", "views"})
_LAZY_NAMES = {
    "Event": ".sse",
    "EventStream": ".sse",
    "MixedFlaskWarning": ".registration.realflask",
    "render_template_async": ".templating.coroutines",
    "render_template_string_async": ".templating.coroutines",
    "stream_template_async": ".templating.coroutines",
    "stream_template_string_async": ".templating.coroutines",
    "WebSocketClosed": ".websockets",
    "WebSocketDataError": ".websockets",
}
_COMPAT_MODULES = frozenset({"debughelpers", "sansio"})


def __getattr__(name: str) -> t.Any:
    if name == "install_as_flask":
        from .compat import install_as_flask

        return install_as_flask
    if name in _LAZY_NAMES:
        return getattr(importlib.import_module(_LAZY_NAMES[name], __name__), name)
    if name in _LAZY_MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _COMPAT_MODULES:
        return importlib.import_module(f".compat.{name}", __name__)
    if name == "__version__":
        if sys.modules.get("flask") is sys.modules[__name__]:
            # One module under two names: code that asks `flask` expects Flask's version.
            warnings.warn(
                "flask.__version__ is deprecated. Use importlib.metadata.version('flask').",
                DeprecationWarning,
                stacklevel=2,
            )
            return FLASK_LEVEL
        from importlib.metadata import version

        return version("costrel")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names; under the alias all, for code that looks through Flask."""
    names = vars(sys.modules[__name__])
    if sys.modules.get("flask") is sys.modules[__name__]:
        return sorted(names)
    left_over = {"FLASK_LEVEL", "annotations"}
    public = {
        name
        for name, value in names.items()
        if name not in left_over
        and (name.startswith("__") or not name.startswith("_"))
        and not isinstance(value, types.ModuleType)
    }
    return sorted(public | {*_LAZY_NAMES, "__version__", "install_as_flask", "json"})
