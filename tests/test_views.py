from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def views(flask: Any) -> Any:
    return importlib.import_module(f"{flask.__name__}.views")


def allowed(client: Any, path: str) -> list[str]:
    return sorted(client.options(path).headers["Allow"].split(", "))


def test_view(flask: Any, app: Any, client: Any, views: Any) -> None:
    class Index(views.View):
        methods = ["GET", "POST"]

        def dispatch_request(self, name: str) -> str:
            return f"{flask.request.method} {name}"

    app.add_url_rule("/<name>", view_func=Index.as_view("index"))
    assert client.get("/a").data == b"GET a"
    assert client.post("/b").data == b"POST b"
    assert client.put("/a").status_code == 405
    assert allowed(client, "/a") == ["GET", "HEAD", "OPTIONS", "POST"]


def test_the_view_function(views: Any) -> None:
    class Index(views.View):
        """What it is for."""

        methods = ["PUT"]
        provide_automatic_options = False

    view = Index.as_view("named")
    assert view.view_class is Index
    assert view.__name__ == "named"
    assert view.__doc__ == "What it is for."
    assert view.__module__ == __name__
    assert view.methods == ["PUT"]
    assert view.provide_automatic_options is False


def test_defaults(views: Any) -> None:
    assert views.View.methods is None
    assert views.View.provide_automatic_options is None
    assert views.View.decorators == []
    assert views.View.init_every_request is True
    with pytest.raises(NotImplementedError):
        views.View().dispatch_request()
    assert views.http_method_funcs == {
        "get", "post", "head", "options", "delete", "put", "trace", "patch",
    }  # fmt: skip


@pytest.mark.parametrize("every", [True, False])
def test_init_every_request(app: Any, client: Any, views: Any, every: bool) -> None:
    class Counter(views.View):
        init_every_request = every
        made = 0

        def __init__(self, step: int, start: int = 0) -> None:
            type(self).made += 1
            self.step = step
            self.count = start

        def dispatch_request(self) -> str:
            self.count += self.step
            return str(self.count)

    app.add_url_rule("/", view_func=Counter.as_view("counter", 2, start=10))
    assert Counter.made == (0 if every else 1)
    assert client.get("/").data == b"12"
    assert client.get("/").data == (b"12" if every else b"14")
    assert Counter.made == (2 if every else 1)


def test_the_class_may_be_replaced_on_the_function(app: Any, client: Any, views: Any) -> None:
    class One(views.View):
        def dispatch_request(self) -> str:
            return type(self).__name__

    class Two(One):
        pass

    view = One.as_view("view")
    app.add_url_rule("/", view_func=view)
    assert client.get("/").data == b"One"
    view.view_class = Two
    assert client.get("/").data == b"Two"


def test_decorators(app: Any, client: Any, views: Any) -> None:
    seen: list[tuple[str, str]] = []

    def mark(text: str) -> Callable[[Any], Any]:
        def decorate(function: Any) -> Any:
            seen.append((function.__name__, function.__module__))

            def wrapper(**kwargs: Any) -> str:
                return f"{text}({function(**kwargs)})"

            return wrapper

        return decorate

    class Index(views.View):
        decorators = [mark("inner"), mark("outer")]

        def dispatch_request(self) -> str:
            return type(self).__name__

    view = Index.as_view("index")
    assert seen[0] == ("index", __name__)
    assert view.__name__ == "index" and view.__module__ == __name__ and view.view_class is Index
    app.add_url_rule("/", view_func=view)
    assert client.get("/").data == b"outer(inner(Index))"


def test_method_view(flask: Any, app: Any, client: Any, views: Any) -> None:
    class Index(views.MethodView):
        def get(self, number: int) -> str:
            return f"got {number} by {flask.request.method}"

        def post(self, number: int) -> tuple[str, int]:
            return "made", 201

    app.add_url_rule("/<int:number>", view_func=Index.as_view("index"))
    assert Index.methods == {"GET", "POST"}
    assert client.get("/1").data == b"got 1 by GET"
    head = client.head("/1")
    assert head.status_code == 200 and head.content_length == len(b"got 1 by HEAD")
    assert client.post("/1").status_code == 201
    assert client.delete("/1").status_code == 405
    assert allowed(client, "/1") == ["GET", "HEAD", "OPTIONS", "POST"]


def test_head_and_options_of_ones_own(app: Any, client: Any, views: Any) -> None:
    class Index(views.MethodView):
        def get(self) -> str:
            return "get"

        def head(self) -> Any:
            return "", {"X-Method": "HEAD"}

        def options(self) -> str:
            return "options"

    app.add_url_rule("/", view_func=Index.as_view("index"))
    assert client.head("/").headers["X-Method"] == "HEAD"
    assert client.options("/").data == b"options"


def test_methods_are_inherited(views: Any) -> None:
    class Get(views.MethodView):
        def get(self) -> str:
            return ""

    class Delete(views.MethodView):
        def delete(self) -> str:
            return ""

    class Propfind(views.View):
        methods = ["PROPFIND"]

    class Both(Get, Delete, Propfind):
        def patch(self) -> str:
            return ""

    class Told(Get):
        methods = ["POST"]

    class Nothing(views.MethodView):
        pass

    both: Any = Both
    assert both.methods == {"GET", "DELETE", "PROPFIND", "PATCH"}
    assert Told.methods == ["POST"]
    assert Nothing.methods is None


def test_a_method_that_is_declared_and_missing(app: Any, client: Any, views: Any) -> None:
    class Index(views.MethodView):
        methods = ["PROPFIND"]

    app.add_url_rule("/", view_func=Index.as_view("index"))
    with pytest.raises(AssertionError) as info:
        client.open("/", method="PROPFIND")
    assert str(info.value) == "Unimplemented method 'PROPFIND'"


def test_automatic_options_may_be_turned_off(app: Any, client: Any, views: Any) -> None:
    class Index(views.View):
        provide_automatic_options = False

        def dispatch_request(self) -> str:
            return ""

    app.add_url_rule("/", view_func=Index.as_view("index"))
    assert client.options("/").status_code == 405


def test_ensure_sync_is_asked(app: Any, client: Any, views: Any) -> None:
    def ensure_sync(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(**kwargs: Any) -> Any:
            result = function(**kwargs)
            return (
                f"ensured {result}" if function.__name__ in ("get", "dispatch_request") else result
            )

        return wrapper

    class Plain(views.View):
        def dispatch_request(self) -> str:
            return "plain"

    class Method(views.MethodView):
        def get(self) -> str:
            return "method"

    app.add_url_rule("/plain", view_func=Plain.as_view("plain"))
    app.add_url_rule("/method", view_func=Method.as_view("method"))
    app.ensure_sync = ensure_sync
    assert client.get("/plain").data == b"ensured plain"
    assert client.get("/method").data == b"ensured ensured method"


def test_async_views(app: Any, client: Any, views: Any) -> None:
    pytest.importorskip("asgiref")

    class Plain(views.View):
        async def dispatch_request(self) -> str:
            return "plain"

    class Method(views.MethodView):
        async def get(self) -> str:
            return "method"

    app.add_url_rule("/plain", view_func=Plain.as_view("plain"))
    app.add_url_rule("/method", view_func=Method.as_view("method"))
    assert client.get("/plain").data == b"plain"
    assert client.get("/method").data == b"method"
