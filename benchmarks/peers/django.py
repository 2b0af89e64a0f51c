"""Django as WSGI: its own templates, middleware, and sessions in signed cookies."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from material import content

PEER = {
    "title": "Django",
    "package": "django",
    "interface": "wsgi",
    "servers": ["granian"],
    "defaults": ["granian-defaults"],
}

VIEWS = "material.django_views"

settings.configure(
    ALLOWED_HOSTS=["*"],
    LOGGING_CONFIG=None,
    MIDDLEWARE=[],
    ROOT_URLCONF=VIEWS,
    SECRET_KEY=content.SECRET_KEY,
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [content.TEMPLATES_DJANGO],
        }
    ],
)

plain = get_wsgi_application()

# Middleware is a whole handler's: the page has one with, the other workloads one without.
settings.MIDDLEWARE = [
    f"{VIEWS}.set_first",
    f"{VIEWS}.set_second",
    f"{VIEWS}.set_third",
    "django.contrib.sessions.middleware.SessionMiddleware",
    f"{VIEWS}.load_user",
]
site = get_wsgi_application()


def app(environ, start_response):
    """Choose the handler."""
    handler = site if environ["PATH_INFO"] in {"/page", "/login"} else plain
    return handler(environ, start_response)
