# pyright: strict
"""Limits of views, as type checkers must accept them."""

from __future__ import annotations

from typing import assert_type

from costrel import Blueprint, Costrel, request
from costrel.security import (
    RateStatus,
    body_limit,
    limit,
    limit_blueprint,
    limiter_of,
    rate_limit_exempt,
    time_limit,
)

app = Costrel(__name__)
bp = Blueprint("bp", __name__)
limit_blueprint(bp, "100/hour", key=lambda: request.headers["X-Key"], cost=2)
rate_limit_exempt(bp)


@app.post("/upload")
@body_limit(1_000_000)
@limit("10/minute", key=lambda: request.remote_addr, cost=lambda: 1, methods=["POST"])
def upload() -> str:
    """Keep its type."""
    return "uploaded"


@app.limit("10/minute")
@app.get("/report")
@time_limit(2.5)
async def report() -> dict[str, int]:
    """Keep its type."""
    return {"pages": 1}


@rate_limit_exempt
@body_limit(None)
def health() -> str:
    """Keep its type."""
    return "healthy"


assert_type(upload(), str)
assert_type(health(), str)
assert_type(limiter_of(app).hit("login", "5/minute", "ada"), RateStatus)
allowed: bool = limiter_of().hit("login", "5/minute", "ada", 2).allowed
limiter_of(app).reset("login", "ada")
