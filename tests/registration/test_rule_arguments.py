"""Arguments of `@app.get` and rules as other frameworks write them."""

import pytest

from costrel import Blueprint, Costrel, Flask


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("status_code", r"takes no argument 'status_code'\. Write status="),
        ("response_model", r"'response_model'\. The return annotation says what is sent"),
        ("sumary", r"'sumary'\. Did you mean 'summary'\?"),
        ("default", r"'default'\. Did you mean 'defaults'\?"),
        ("colour", r"'colour'\. It takes endpoint, methods, .*dependencies.*strict_slashes.*tags"),
    ],
)
def test_unknown_argument_is_named(name: str, said: str) -> None:
    """With what to write instead, what there is, and the file and line; of a blueprint, too."""
    for cls in (Flask, Costrel):
        with pytest.raises(TypeError, match=rf"{said}.*test_rule_arguments\.py:\d+"):
            cls(__name__).get("/x", **{name: 201})(lambda: "text")
    blueprint = Blueprint("books", __name__)
    blueprint.get("/x", **{name: 201})(lambda: "text")
    with pytest.raises(TypeError, match=rf"{said}.*test_rule_arguments\.py:\d+"):
        Costrel(__name__).register_blueprint(blueprint)


@pytest.mark.parametrize("rule", ["/x/{id}", "/x/{id:int}"])
def test_variable_in_braces_is_refused_for_typed_views(rule: str) -> None:
    """It would be text, and the parameter one of the query."""

    def show(id: int) -> int:  # noqa: A002
        return id

    with pytest.raises(TypeError, match=r"Write <id>, or .*<int:id>.*test_rule_arguments\.py"):
        Costrel(__name__).get(rule)(show)
    Flask(__name__).get(rule)(show)


def test_braces_of_no_parameter_are_text() -> None:
    """A path may have them."""
    app = Costrel(__name__)

    @app.get("/{id}")
    def show() -> str:
        return "text"

    assert app.test_client().get("/{id}").text == "text"
