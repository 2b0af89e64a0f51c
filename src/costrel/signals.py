"""The Blinker signals that an application sends.

Connect with ``request_finished.connect(receiver, app)``. The sender is always
the application object, never a proxy. Receivers run in the sending thread or
task, in no guaranteed order, and their errors propagate to the sender. A signal
without receivers costs almost nothing.
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

# A separate namespace, because signals of other packages in Blinker's default
# namespace may have the same names.
_signals = Namespace()

template_rendered = _signals.signal("template-rendered")
"""Sent after a template is rendered, with ``template`` and ``context``."""

before_render_template = _signals.signal("before-render-template")
"""Sent before a template is rendered, with ``template`` and ``context``."""

request_started = _signals.signal("request-started")
"""Sent when the request context is active, before any hook runs."""

request_finished = _signals.signal("request-finished")
"""Sent when the response is final, with ``response``."""

request_tearing_down = _signals.signal("request-tearing-down")
"""Sent when the request context is torn down, also after an error, with ``exc``."""

got_request_exception = _signals.signal("got-request-exception")
"""Sent before an unhandled exception becomes a 500 response, with ``exception``."""

appcontext_tearing_down = _signals.signal("appcontext-tearing-down")
"""Sent when the application context is torn down, also after an error, with ``exc``."""

appcontext_pushed = _signals.signal("appcontext-pushed")
"""Sent after an application context is pushed."""

appcontext_popped = _signals.signal("appcontext-popped")
"""Sent after an application context is popped."""

message_flashed = _signals.signal("message-flashed")
"""Sent when a message is flashed, with ``message`` and ``category``."""
