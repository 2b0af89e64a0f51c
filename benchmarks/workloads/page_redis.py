"""The page, whose session is in Redis: for the peers that keep sessions on the server."""

from workloads.page import LOGIN as LOGIN
from workloads.page import REQUEST as REQUEST
from workloads.page import check as check

TITLE = "page_redis (the page, with its session in Redis)"
