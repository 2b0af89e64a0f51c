"""The signals an application sends, as Blinker signals.

Connect with ``request_finished.connect(receiver, app)``. The sender is always
the real application object, never a proxy. Receivers run in the thread or task
that sends, in no promised order, and what one raises reaches the sender. A
signal nobody is connected to costs one truth test.
"""

from __future__ import annotations

from blinker import Namespace

__all__ = [
    "Namespace",
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "got_request_exception",
    "message_flashed",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "template_rendered",
]

# A namespace of our own: signals of other packages, which live in Blinker's
# default namespace, may have the same names.
_signals = Namespace()

template_rendered = _signals.signal("template-rendered")
"""Sent after a template rendered; carries ``template`` and ``context``."""

before_render_template = _signals.signal("before-render-template")
"""Sent before a template renders; carries ``template`` and ``context``."""

request_started = _signals.signal("request-started")
"""Sent when the request context is up and no hook has run yet."""

request_finished = _signals.signal("request-finished")
"""Sent when the response is final; carries ``response``."""

request_tearing_down = _signals.signal("request-tearing-down")
"""Sent when the request context is torn down, also after an error; carries ``exc``."""

got_request_exception = _signals.signal("got-request-exception")
"""Sent when an unhandled exception is about to become a 500; carries ``exception``."""

appcontext_tearing_down = _signals.signal("appcontext-tearing-down")
"""Sent when the application context is torn down, also after an error; carries ``exc``."""

appcontext_pushed = _signals.signal("appcontext-pushed")
"""Sent when an application context has become the current one."""

appcontext_popped = _signals.signal("appcontext-popped")
"""Sent when an application context is no longer the current one."""

message_flashed = _signals.signal("message-flashed")
"""Sent when a message is flashed; carries ``message`` and ``category``."""
