"""Views as classes answer like functions, and only what they declare."""

from __future__ import annotations

import pytest

from costrel import Flask, request
from costrel.views import MethodView, View, http_method_funcs


def make_client(view, **options):
    """Serve one view at ``/`` and return a client of it."""
    app = Flask(__name__)
    app.testing = True
    app.add_url_rule("/", view_func=view, **options)
    return app.test_client()


def test_view_is_given_the_url_variables_and_its_arguments():
    """What as_view was given makes the instance, and the URL's variables reach the method."""

    class Greet(View):
        def __init__(self, word, *, mark):
            self.word = word
            self.mark = mark

        def dispatch_request(self, name):
            return f"{self.word} {name}{self.mark}"

    app = Flask(__name__)
    app.add_url_rule("/<name>", view_func=Greet.as_view("greet", "Hello", mark="!"))
    assert app.test_client().get("/you").text == "Hello you!"


def test_view_function_tells_what_it_is():
    """Extensions read name, module, class and methods from the view function."""

    class Index(View):
        """Show the index."""

        methods = ("POST",)
        provide_automatic_options = False

    view = Index.as_view("index")
    assert view.__name__ == "index"
    assert view.__module__ == __name__
    assert view.__doc__ == "Show the index."
    assert view.view_class is Index
    assert view.methods == ("POST",)
    assert view.provide_automatic_options is False


def test_view_class_replaced_on_the_function_is_used():
    """The class is looked up at each request."""

    class Old(View):
        def dispatch_request(self):
            return "old"

    class New(View):
        def dispatch_request(self):
            return "new"

    view = Old.as_view("index")
    view.view_class = New
    assert make_client(view).get("/").text == "new"


def test_decorators_are_applied_in_order_and_keep_the_name():
    """The last decorator is outermost, and the function keeps its name and attributes."""
    seen = []

    def mark(label):
        def decorate(function):
            seen.append((label, function.__name__, function.__module__))

            def wrapper(**kwargs):
                return label + function(**kwargs)

            return wrapper

        return decorate

    class Index(View):
        decorators = [mark("1"), mark("2")]  # noqa: RUF012

        def dispatch_request(self):
            return "x"

    view = Index.as_view("index")
    assert make_client(view).get("/").text == "21x"
    assert seen == [("1", "index", __name__), ("2", "index", __name__)]
    assert (view.__name__, view.__module__, view.view_class) == ("index", __name__, Index)


@pytest.mark.parametrize(("every", "expected"), [(True, ["1", "1"]), (False, ["1", "2"])])
def test_instance_is_made_for_each_request_unless_told(every, expected):
    """Data on self lasts for one request, or for all."""

    class Count(View):
        init_every_request = every

        def __init__(self):
            self.count = 0

        def dispatch_request(self):
            self.count += 1
            return str(self.count)

    client = make_client(Count.as_view("count"))
    assert expected == [client.get("/").text for _ in range(2)]


def test_async_methods_are_awaited():
    """Both kinds of views may be written with async def."""

    class Index(View):
        async def dispatch_request(self):
            return "view"

    class Methods(MethodView):
        async def get(self):
            return "method"

    assert make_client(Index.as_view("index")).get("/").text == "view"
    assert make_client(Methods.as_view("methods")).get("/").text == "method"


def test_view_without_dispatch_request_says_so():
    """The base class names what is missing."""
    with pytest.raises(NotImplementedError, match="dispatch_request"):
        View().dispatch_request()


@pytest.mark.parametrize("name", sorted(http_method_funcs - {"head", "options"}))
def test_method_view_answers_each_method_by_its_namesake(name):
    """Each method of HTTP has its method of the class, and others are a 405."""

    def answer(self):
        return request.method

    cls = type("Methods", (MethodView,), {name: answer})
    client = make_client(cls.as_view("index"))
    response = client.open("/", method=name.upper())
    assert (response.status_code, response.text) == (200, name.upper())
    other = "PUT" if name != "put" else "POST"
    assert client.open("/", method=other).status_code == 405
    assert name.upper() in client.open("/", method="OPTIONS").allow


def test_head_is_answered_by_get_unless_written():
    """HEAD gives the headers of GET, or its own."""

    class Methods(MethodView):
        def get(self):
            return "", {"X-By": "get"}

    class Own(Methods):
        def head(self):
            return "", {"X-By": "head"}

    assert make_client(Methods.as_view("index")).head("/").headers["X-By"] == "get"
    assert make_client(Own.as_view("index")).head("/").headers["X-By"] == "head"


def test_methods_are_collected_from_all_bases_unless_set():
    """A class that sets its methods decides, others add to what they inherit."""

    class Get(MethodView):
        methods = ["GET", "PROPFIND"]  # noqa: RUF012

        def get(self):
            return "get"

        def propfind(self):
            return "propfind"

    class Delete(MethodView):
        def delete(self):
            return "delete"

    class Both(Get, Delete):
        def post(self):
            return "post"

    class OnlyGet(Both):
        methods = ["GET"]  # noqa: RUF012

    class Nothing(MethodView):
        pass

    assert Both.methods == {"GET", "PROPFIND", "DELETE", "POST"}
    assert Get.methods == ["GET", "PROPFIND"]
    assert OnlyGet.methods == ["GET"]
    assert Nothing.methods is None
    client = make_client(Both.as_view("index"))
    assert client.open("/", method="PROPFIND").text == "propfind"
    assert make_client(OnlyGet.as_view("index")).post("/").status_code == 405


def test_method_named_by_the_rule_only_is_found():
    """A method beyond the usual ones may be declared where the view is registered."""

    class Methods(MethodView):
        def report(self):
            return "report"

    client = make_client(Methods.as_view("index"), methods=["REPORT"])
    assert client.open("/", method="REPORT").text == "report"


@pytest.mark.parametrize(
    "method", ["DISPATCH_REQUEST", "AS_VIEW", "__INIT__", "_SECRET", "HELPER", "METHODS"]
)
def test_method_that_names_an_attribute_is_never_called(method):
    """What the client sends as method never reaches an attribute nobody declared."""
    called = []

    class Methods(MethodView):
        def get(self):
            return ""

        def helper(self):
            called.append("helper")
            return ""

        def _secret(self):
            called.append("secret")
            return ""

    app = Flask(__name__)
    app.testing = True
    app.add_url_rule("/", view_func=Methods.as_view("index"))
    assert app.test_client().open("/", method=method).status_code == 405
    # Nor where routing lets every method through.
    rule = app.url_map._rules_by_endpoint["index"][0]
    with app.test_request_context("/", method=method) as ctx:
        ctx.request.url_rule = rule
        assert app.handle_user_exception(_raised_by(Methods().dispatch_request)).code == 405
    assert called == []


def _raised_by(function):
    try:
        function()
    except Exception as error:  # noqa: BLE001  # the test looks at what it is
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("method", ["__INIT__", "AS_VIEW", "DISPATCH_REQUEST"])
def test_attribute_of_the_base_is_never_called_even_if_declared(method):
    """A declared name must be the view's own method."""

    class Methods(MethodView):
        methods = [method]  # noqa: RUF012

    client = make_client(Methods.as_view("index"))
    assert client.open("/", method=method).status_code == 405


def test_method_declared_but_not_written_is_an_error_of_the_server():
    """The mistake is the view's, and the error says which method it lacks."""

    class Methods(MethodView):
        methods = ["GET"]  # noqa: RUF012

    with pytest.raises(AssertionError, match=r"GET.*no method get\(\)"):
        make_client(Methods.as_view("index")).get("/")


def test_view_closes_over_what_makes_its_instances():
    """COMPAT(Flask-Injector): it reads the arguments of the class in the view's closure."""

    class Page(View):
        def __init__(self, word, *, mark):
            pass

    view = Page.as_view("page", "word", mark="!")
    cells = {
        name: cell.cell_contents
        for name, cell in zip(view.__code__.co_freevars, view.__closure__, strict=True)
    }
    assert cells == {"class_args": ("word",), "class_kwargs": {"mark": "!"}, "view": view}
