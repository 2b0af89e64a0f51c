"""What clients and the log get while a session store fails."""

from __future__ import annotations

import threading
import time
import typing as t

from werkzeug.exceptions import ServiceUnavailable

from ..ground.current import request_view

RETRY_AFTER_S = 5
"""When clients are told to try again."""

LOG_EVERY_S = 30.0
"""How often an outage that goes on is logged, at most."""

_OF_BODY = (
    "Accept-Ranges", "Content-Disposition", "Content-Encoding", "Content-Range", "ETag", "Expires",
    "Last-Modified", "Location",
)  # fmt: skip


def unavailable() -> ServiceUnavailable:
    """Make the error that clients get."""
    return ServiceUnavailable(retry_after=RETRY_AFTER_S)


class Outages:
    """Logs that a store fails, and that it works again, each at most every half minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logged_at: float | None = None
        self._is_announced = False
        self._unlogged = 0

    def report(self, app: t.Any, error: Exception) -> ServiceUnavailable:
        """Log a failure, unless one was logged just now; return the error for the client."""
        with self._lock:
            now = time.monotonic()
            if self._logged_at is not None and now - self._logged_at < LOG_EVERY_S:
                self._unlogged += 1
                return unavailable()
            others, self._unlogged = self._unlogged, 0
            self._logged_at, self._is_announced = now, True
        app.logger.error(
            "Sessions are unavailable, so requests that use them get a 503%s. SESSION_STORE: %s",
            f" ({others} more since the last line like this)" if others else "",
            error,
        )
        return unavailable()

    def end(self, app: t.Any) -> None:
        """Log that the store works again, if the log says that it does not."""
        if not self._is_announced:
            return
        with self._lock:
            was_announced, self._is_announced = self._is_announced, False
        if was_announced:
            app.logger.info("Sessions are available again")


def replace_response(app: t.Any, response: t.Any, error: ServiceUnavailable) -> None:
    """Make a finished response the one to an error, which its handler may have made.

    Saving is the last step of a request. What it raised would be an unhandled error, a 500.
    """
    ctx = request_view.get(None)
    if ctx is not None:
        ctx.drop_streams(error)
    other = app.make_response(app.handle_user_exception(error))
    close = getattr(response.response, "close", None)
    if close is not None:
        close()
    for name in _OF_BODY:
        response.headers.pop(name, None)
    for name, value in other.headers.items():
        if name != "Set-Cookie":
            response.headers[name] = value
    response.headers["Cache-Control"] = "no-store"
    response.direct_passthrough = False
    response.status = other.status
    response.set_data(other.get_data())
