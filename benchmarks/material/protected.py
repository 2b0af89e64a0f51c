"""The protected applications on Flask's interface: the lines of the unprotected ones, and more."""

from __future__ import annotations

import hashlib
import typing as t

from material import content, rediskept
from material.flask_interface import make_app

# Not the text in `content`: Costrel refuses a key that stands in the source.
SECRET_KEY = hashlib.sha256(content.SECRET_KEY.encode()).hexdigest()
HOSTS = ["127.0.0.1", "localhost"]
ORIGIN = "https://app.example"
LIMIT = "1000000000/hour"  # counted, and never reached


def make_costrel(*, limited: bool = False, redis: bool = False) -> t.Any:
    """Build a `Costrel` with everything that is on by default.

    `limited` adds what is not: a rate limit on all views, and a policy of CORS. With `redis`
    sessions are kept there.
    """
    # Imported here, so that Flask's applications do not load it.
    import costrel
    from costrel.security import cors

    app = make_app(costrel, kind="Costrel")
    app.config.update(SECRET_KEY=SECRET_KEY, TRUSTED_HOSTS=HOSTS)
    if limited:
        app.config["RATE_LIMIT_DEFAULT"] = LIMIT
        cors(app, [ORIGIN])
    if redis:
        app.config["SESSION_STORE"] = rediskept.URL
    return app


def make_flask(*, redis: bool = False) -> t.Any:
    """Build a `Flask` with five extensions, as their documentation shows.

    Sessions are kept in Redis, or in the memory of the process, which is what Flask-Session
    does fastest.
    """
    import flask
    from cachelib import SimpleCache
    from flask_cors import CORS
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address
    from flask_session import Session
    from flask_talisman import Talisman
    from flask_wtf import CSRFProtect

    app = make_app(flask)
    app.config.update(SECRET_KEY=SECRET_KEY, TRUSTED_HOSTS=HOSTS)
    if redis:
        from redis import Redis

        app.config.update(SESSION_TYPE="redis", SESSION_REDIS=Redis.from_url(rediskept.URL))
    else:
        app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=SimpleCache())
    Session(app)
    # The requests of the benchmark come over plain HTTP, and would be redirected; and what
    # Talisman sets replaces what the page has set.
    Talisman(app, force_https=False, referrer_policy=dict(content.AFTER)["Referrer-Policy"])
    CSRFProtect(app)
    Limiter(get_remote_address, app=app, default_limits=[LIMIT], storage_uri="memory://")
    CORS(app, origins=[ORIGIN])
    return app
