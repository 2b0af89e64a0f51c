"""The tests about requests that are deselected when the client sends over ASGI."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

TESTS = Path(__file__).parents[1]

WSGI_ONLY = {
    "api/test_dependency_endings.py": {"test_wsgi_server_ends_them_by_closing_the_body"},
    "api/test_schemathesis.py": {"test_schemathesis_finds_nothing"},
    "dispatch/test_coerce.py": {"test_phrase_of_a_status_is_sent_as_it_is"},
    "ecosystem/test_tracers.py": {"test_opentelemetry_keeps_weak_references_and_removes_its_hooks"},
    "routing/test_table.py": {"test_converter_that_refuses_is_asked_once"},
    "security/test_form_advisories.py": {
        "test_file_is_not_held_to_the_memory_limit_and_not_held_in_memory"
    },
    "security/test_rate_limits.py": {"test_log_says_that_processes_count_apart"},
    "security/test_request_limits.py": {"test_chunked_form_is_not_read_beyond_its_limit"},
    "test_app.py": {"test_application_is_freed_with_its_last_user"},
    "testing/test_testing.py": {"test_context_is_kept_while_a_stream_is_read"},
    "wrappers/test_files.py": {"test_server_sends_it_in_its_own_way"},
}


def marked(tree: ast.Module) -> t.Iterator[tuple[str, list[ast.expr]]]:
    """Yield the names of marked tests and the arguments of the mark."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if ast.unparse(decorator).startswith("pytest.mark.wsgi_only"):
                    yield node.name, getattr(decorator, "args", [])


def test_tests_left_out_by_asgi_are_these_and_tell_why() -> None:
    """Only tests about WSGI itself are deselected; other differences must be fixed."""
    found: dict[str, set[str]] = {}
    for path in TESTS.rglob("test_*.py"):
        for name, reason in marked(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(path.relative_to(TESTS).as_posix(), set()).add(name)
            assert len(reason) == 1, f"{name} has no reason"

    assert found == WSGI_ONLY
