"""URLs built in a planned request agree with Werkzeug's adapter."""

from __future__ import annotations

import typing as t

from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.routing import BuildError

import costrel
from costrel import Flask
from costrel.ground.current import request_ctx

RULES = (
    "/", "/a", "/a/", "/<name>", "/<int:n>", "/x/<path:rest>", "/<name>/<int:n>", "/é/<name>",
    "/d/<name>",
)  # fmt: skip
values = st.dictionaries(
    st.sampled_from(("name", "n", "rest", "q", "other", "é", "a-b", "x[]")),
    st.one_of(
        st.text(alphabet="ab/ é%?&#", min_size=1, max_size=5),
        st.text(alphabet="aZ09", max_size=3),
        st.integers(-5, 99),
        st.none(),
        st.booleans(),
        st.just(1.5),
        st.just(["a", "b"]),
    ),
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(RULES), st.booleans()), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 5), values), min_size=1, max_size=5),
    st.sampled_from(("", "/app", "/app/", "/é".encode().decode("latin-1"))),
    st.booleans(),
)
def test_url_for_in_a_planned_request_is_what_the_adapter_builds(
    rules: list[tuple[str, bool]],
    builds: list[tuple[int, dict[str, t.Any]]],
    root: str,
    sorts: bool,
) -> None:
    """Each URL or error is the same, also for endpoints that do not exist."""
    app = Flask("generated", static_folder=None)
    app.url_map.sort_parameters = sorts
    seen: list[tuple[t.Any, t.Any]] = []

    def outcome(build: t.Callable[[], str]) -> t.Any:
        try:
            return build()
        except (BuildError, TypeError, ValueError) as error:
            return type(error)

    @app.get("/probe/it")
    def probe() -> str:
        assert request_ctx.plan is not None
        for number, given_values in builds:
            endpoint = f"e{number}"
            seen.append(
                (
                    outcome(lambda e=endpoint, v=given_values: costrel.url_for(e, **v)),  # type: ignore[misc]
                    outcome(
                        lambda e=endpoint, v=given_values: request_ctx.url_adapter.build(  # type: ignore[misc]
                            e, dict(v)
                        )
                    ),
                )
            )
        return ""

    for number, (rule, defaults) in enumerate(rules):
        options = {"defaults": {"other": 1}} if defaults else {}
        app.add_url_rule(rule, f"e{number}", lambda **_: "", **options)
    app.test_client().get("/probe/it", environ_overrides={"SCRIPT_NAME": root})
    assert len(seen) == len(builds)
    for by_url_for, by_adapter in seen:
        assert by_url_for == by_adapter
