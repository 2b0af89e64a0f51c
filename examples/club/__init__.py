"""A club of travellers: ``costrel --app club run``."""

from costrel import Flask, install_as_flask

install_as_flask()  # Extensions import flask. From here on, that is Costrel.


def create_app(environment="development", **options):
    """Build the application for an environment; `options` are those of `Flask`."""
    app = Flask(__name__, **options)
    app.config.from_object(f"{__name__}.config.{environment.capitalize()}")
    app.config.from_prefixed_env()
    if not app.secret_key:
        raise RuntimeError("Set the environment variable FLASK_SECRET_KEY.")

    from . import pages

    pages.init_app(app)

    from . import models

    models.init_app(app)

    from . import members

    members.init_app(app)

    from . import trips

    trips.init_app(app)

    from . import news

    news.init_app(app)

    from . import chat

    chat.init_app(app)

    from . import api

    api.init_app(app)

    return app
