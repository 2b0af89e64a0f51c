"""Under mixed load each client gets its own answers, and every context is left."""

from __future__ import annotations

import pytest
from soak import PROGRAMS, soak


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_client_is_answered_as_itself(name, tmp_path):
    """No client gets another's data, and each request is torn down once."""
    wrong, sent, _held = soak(PROGRAMS[name], tmp_path, clients=4, actions=60)
    assert wrong == []
    assert sent > 100


def test_each_client_is_answered_as_itself_behind_middleware(tmp_path):
    """Also if an unknown wrapper makes every request run in a thread."""
    wrong, sent, _held = soak(
        PROGRAMS["uvicorn-asyncio"], tmp_path, clients=4, actions=60, MIDDLEWARE="1"
    )
    assert wrong == []
    assert sent > 100
