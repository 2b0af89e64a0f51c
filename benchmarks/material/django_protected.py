"""Django with the middleware that its deployment checklist asks for."""

from __future__ import annotations

import typing as t

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from material import content, rediskept
from material.protected import HOSTS, SECRET_KEY

VIEWS = "material.django_views"
OUTER = ["django.middleware.security.SecurityMiddleware"]
INNER = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
HEADERS = [f"{VIEWS}.set_first", f"{VIEWS}.set_second", f"{VIEWS}.set_third"]


def make_app(*, redis: bool = False) -> t.Callable[..., t.Any]:
    """Configure Django, with sessions in signed cookies or in Redis; return the application."""
    engine = "cache" if redis else "signed_cookies"
    settings.configure(
        ALLOWED_HOSTS=HOSTS,
        CACHES={
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": rediskept.URL,
            }
        },
        CSRF_COOKIE_SECURE=True,
        LOGGING_CONFIG=None,
        MIDDLEWARE=[*OUTER, *INNER],
        ROOT_URLCONF=VIEWS,
        SECRET_KEY=SECRET_KEY,
        SECURE_HSTS_SECONDS=31_536_000,
        SESSION_COOKIE_SECURE=True,
        SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [content.TEMPLATES_DJANGO],
            }
        ],
    )
    plain = get_wsgi_application()
    # Middleware is a whole handler's: the page has one with its own besides.
    settings.MIDDLEWARE = [*HEADERS, *OUTER, *INNER, f"{VIEWS}.load_user"]
    site = get_wsgi_application()

    def app(environ: dict[str, t.Any], start_response: t.Callable[..., t.Any]) -> t.Any:
        handler = site if environ["PATH_INFO"] in {"/page", "/login"} else plain
        return handler(environ, start_response)

    return app
