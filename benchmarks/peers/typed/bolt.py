"""Django-Bolt with msgspec's structs, on its own server, written in Rust."""

import sys

import django
from django.conf import settings
from django.core.management import call_command
from material import content
from material.shop import shelve
from material.structs import Category, Item, Limit, Offset, Order

PEER = {
    "title": "Django-Bolt",
    "package": "django-bolt",
    "interface": "own",
    "servers": ["own"],
}

if not settings.configured:  # its command imports this file once more
    settings.configure(
        ALLOWED_HOSTS=["*"],
        BOLT_API=["peers.typed.bolt:api"],
        INSTALLED_APPS=["django_bolt"],
        ROOT_URLCONF="peers.typed.bolt",
        SECRET_KEY=content.SECRET_KEY,
    )
    django.setup()

from django_bolt import BoltAPI  # noqa: E402 - it reads the settings

api = BoltAPI()
urlpatterns = []
shelves = shelve(Item)


@api.post("/orders")
async def add_order(order: Order) -> Order:
    """Answer with the order of the body."""
    return order


@api.get("/items")
async def list_items(
    category: Category, in_stock: bool = True, limit: Limit = 10, offset: Offset = 0
) -> list[Item]:
    """Answer with the items that the query chooses."""
    return shelves.get((category, in_stock), [])[offset : offset + limit]


if __name__ == "__main__":
    call_command("runbolt", host=sys.argv[1], port=int(sys.argv[2]), no_admin=True)
