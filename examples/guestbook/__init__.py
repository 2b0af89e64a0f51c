"""A guestbook on `Costrel`, which is safe by default: ``costrel --app guestbook run``."""

from costrel import Costrel
from costrel.settings import load

from .settings import ENVIRONMENTS


def create_app(environment=None, **values):
    """Build the application for an environment; `values` are settings, for tests."""
    app = Costrel(__name__)
    settings = load(app, ENVIRONMENTS, environment, values=values)

    from . import account, book, database, errors, guests

    database.init_app(app, settings.database)
    errors.init_app(app)
    guests.init_app(app)
    app.register_blueprint(account.bp)
    app.register_blueprint(book.bp)
    return app
