"""A bookshop's API: ``costrel --app bookshop run``."""

import secrets

from costrel import Blueprint, Costrel


def create_app(**config):
    """Build the application; `config` is for tests."""
    app = Costrel(__name__, static_folder=None)
    app.config.from_mapping(
        DATABASE_URL="sqlite:///bookshop.sqlite",
        COURIER_KEY=None,  # what the courier sends with each request
        SHIPPED_URL=None,  # where to tell of orders that are on their way
        MAX_CONTENT_LENGTH=1_000_000,
        OPENAPI_TITLE="The bookshop",
    )
    app.config.from_prefixed_env()
    app.config.from_mapping(config)
    if not app.secret_key:
        # It signs the cursors of lists, which end with this process then.
        app.secret_key = secrets.token_urlsafe(48)

    from . import books, categories, database, errors, orders, people, v1

    database.init_app(app)
    errors.init_app(app)
    people.init_app(app)

    v2 = Blueprint("v2", __name__, url_prefix="/api/v2", version="v2")
    v2.register_blueprint(books.books)
    v2.register_blueprint(categories.categories)
    v2.register_blueprint(orders.orders)
    app.register_blueprint(v1.v1)
    app.register_blueprint(v2)
    app.webhook("orderShipped")(orders.order_shipped)
    return app
