"""The configuration of each environment. ``FLASK_...`` variables take precedence."""


class Config:
    """What all environments share."""

    SECRET_KEY = None
    SESSION_COOKIE_SAMESITE = "Lax"
    MAX_CONTENT_LENGTH = 2_000_000
    SQLALCHEMY_DATABASE_URI = "sqlite:///club.sqlite"  # in the instance folder


class Development(Config):
    """On your own computer."""

    SECRET_KEY = "not a secret"


class Testing(Config):
    """In tests, whose fixture sets the database."""

    TESTING = True
    SECRET_KEY = "not a secret"
    WTF_CSRF_ENABLED = False


class Production(Config):
    """On a server, over HTTPS."""

    SESSION_COOKIE_SECURE = True
