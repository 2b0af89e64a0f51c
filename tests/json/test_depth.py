"""No JSON ends the process, however it is nested and whatever hides that."""

from __future__ import annotations

import glob
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costrel.json.depth
from costrel import Flask
from costrel.json.depth import MAX_DEPTH, check_depth, check_written_depth, read_plainly

HOSTILE = Path(__file__).with_name("hostile.py")
PACKAGE = Path(costrel.json.depth.__file__).parents[1]
INTERPRETERS = sorted(
    {
        sys.executable,
        *glob.glob(os.path.expanduser("~/.pyenv/versions/3.1[1-9]*/bin/python")),
    }
)

# What the module does by itself, for interpreters that have none of our requirements.
ALONE = """
import importlib, sys, threading, types
for name in ("costrel", "costrel.json"):
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = [sys.argv[1] + name.removeprefix("costrel").replace(".", "/")]
depth = importlib.import_module("costrel.json.depth")
def main():
    for opening, closing in (("[", "]"), ('{"a":', "}"), ('["]",', ',"["]')):
        for levels in (501, 3_000, 100_000):
            for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32-le"):
                try:
                    depth.read_plainly((opening * levels + "1" + closing * levels).encode(encoding))
                except ValueError:
                    print("refused", end=" ")
    value = []
    for _ in range(100_000):
        value = [value]
    try:
        depth.check_written_depth(value)
    except RecursionError:
        print("too deep")
    sys.stdout.flush()
threading.stack_size(512 * 1024)
thread = threading.Thread(target=main)
thread.start()
thread.join()
import os
os._exit(0)  # the value above would take the stack of the interpreter's end
"""

strings = st.text('[]{}"\\,:a1 é\u0122\u5b5b\u7b7b', max_size=6)
documents = st.recursive(
    st.none() | st.integers() | strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=12,
)


def depth_of(value):
    """Count the levels of a value that was read."""
    if not isinstance(value, (dict, list)):
        return 0
    parts = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth_of, parts), default=0)


@settings(deadline=None)
@given(
    documents,
    st.integers(MAX_DEPTH - 8, MAX_DEPTH + 8),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be")),
    st.booleans(),
)
def test_depth_is_that_of_the_document(document, levels, encoding, ensure_ascii):
    """Exactly: whatever stands in strings, before and beside it, and in any encoding."""
    text = json.dumps(document, ensure_ascii=ensure_ascii)
    text = f"[{text}, {'[' * levels + text + ']' * levels}, {text}]"
    exceeds = 1 + levels + depth_of(document) > MAX_DEPTH
    for data in (text.encode(encoding), bytearray(text.encode(encoding)), text):
        try:
            check_depth(data)
        except ValueError:
            assert exceeds
        else:
            assert not exceeds


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-be"])
def test_deepest_document_that_is_accepted_is_read(encoding):
    """The limit is below what every interpreter reads."""
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert text == json.dumps(read_plainly(text.encode(encoding)))


def test_deep_document_is_written_or_refused_as_the_standard_library_would():
    """What is circular is named so, also where it is checked before."""
    circle = {}
    circle["a"] = [circle]
    with pytest.raises(ValueError, match="Circular"):
        check_written_depth(circle)
    value = []
    for _ in range(10_000):
        value = [value]
    with pytest.raises(RecursionError):
        check_written_depth(value)
    with pytest.raises(RecursionError):
        Flask("deep").json.dumps(value)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_nesting_is_refused_by_every_interpreter_with_little_stack(interpreter):
    """In a thread with half a megabyte; CPython 3.13 would end with its stack."""
    command = [interpreter, "-c", ALONE, str(PACKAGE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (0, "refused " * 45 + "too deep\n") == (done.returncode, done.stdout)


def test_no_way_to_read_json_ends_the_process():
    """Requests, sockets, sessions, responses, files, and providers that read it themselves."""
    done = subprocess.run(
        [sys.executable, HOSTILE], capture_output=True, text=True, timeout=600, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
    # 200 is that of the session, which is empty.
    assert "200 400 JSONDecodeError ValueError answered written 500" == done.stdout
