"""Under mixed load each client is answered as itself, and every context is left."""

from __future__ import annotations

import pytest
from soak import PROGRAMS, soak


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_client_is_answered_as_itself(name, tmp_path):
    """Nobody gets what is another's, whatever clients do, and each request is torn down once."""
    wrong, sent, _held = soak(PROGRAMS[name], tmp_path, clients=4, actions=60)
    assert wrong == []
    assert sent > 100


def test_each_client_is_answered_as_itself_behind_middleware(tmp_path):
    """Also where something unknown puts every request into a thread."""
    wrong, sent, _held = soak(
        PROGRAMS["uvicorn-asyncio"], tmp_path, clients=4, actions=60, MIDDLEWARE="1"
    )
    assert wrong == []
    assert sent > 100
