"""What a view may return, as a type checker must accept it."""

from __future__ import annotations

import http
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from typing import Any, TypedDict

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as WerkzeugResponse

from erlen import Flask, Response, jsonify, redirect, stream_template
from erlen.typing import ResponseReturnValue, ResponseValue, RouteCallable
from erlen.views import MethodView, View

app = Flask(__name__)


@app.route("/str")
def a_str() -> str:
    return "text"


@app.route("/bytes")
def a_bytes() -> bytes:
    return b"bytes"


@app.route("/dict")
def a_dict() -> dict[str, Any]:
    return {"a": 1}


class Point(TypedDict):
    x: int
    y: int


@app.get("/typed-dict")
def a_typed_dict() -> Point:
    return {"x": 1, "y": 2}


@app.get("/list")
def a_list() -> list[int]:
    return [1]


@app.get("/response")
def a_response() -> Response:
    return Response("x")


@app.get("/werkzeug")
def a_werkzeug_response() -> WerkzeugResponse:
    return redirect("/")


@app.get("/json")
def a_jsonified() -> Response:
    return jsonify(a=1)


@app.get("/iterator")
def an_iterator() -> Iterator[str]:
    return iter(["a"])


@app.get("/generator")
def a_generator() -> Generator[bytes, None, None]:
    yield b"a"


@app.get("/async-iterator")
async def an_async_iterator() -> AsyncIterator[str]:
    async def produce() -> AsyncIterator[str]:
        yield "a"

    return produce()


@app.get("/stream")
def a_stream() -> Iterator[str]:
    return stream_template("x.html")


@app.get("/status")
def with_status() -> tuple[str, int]:
    return "x", 201


@app.get("/enum")
def with_enum() -> tuple[str, http.HTTPStatus]:
    return "x", http.HTTPStatus.CREATED


@app.get("/headers")
def with_headers() -> tuple[str, dict[str, str]]:
    return "x", {"X-A": "1"}


@app.get("/both")
def with_both() -> tuple[dict[str, int], int, list[tuple[str, str]]]:
    return {"a": 1}, 200, [("X-A", "1")]


@app.get("/werkzeug-headers")
def with_werkzeug_headers() -> tuple[str, int, Headers]:
    return "x", 200, Headers()


def _wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    return []


@app.get("/wsgi")
def a_wsgi_application() -> ResponseReturnValue:
    return _wsgi


@app.get("/any/<int:n>")
def anything(n: int) -> ResponseReturnValue:
    if n:
        return "x", n
    return {"n": n}


@app.get("/async")
async def asynchronous() -> tuple[str, int]:
    return "x", 200


class Index(View):
    init_every_request = False

    def dispatch_request(self) -> ResponseReturnValue:
        return "x"


class Item(MethodView):
    def get(self, n: int) -> ResponseReturnValue:
        return {"n": n}

    async def post(self) -> Response:
        return Response(status=201)


app.add_url_rule("/view", view_func=Index.as_view("index"))
app.add_url_rule("/item/<int:n>", view_func=Item.as_view("item"), methods=["GET"])


def later() -> str:
    return "x"


route: RouteCallable = later
value: ResponseValue = "x"
app.add_url_rule("/later", "later", route, defaults={"n": 1}, strict_slashes=False)
decorated: str = app.get("/again")(later)()  # a decorated view keeps its type


# Must be refused, so that the promise has an edge: an unused ignore is an error.


@app.get("/wrong-int")  # type: ignore[type-var]  # an int is no response
def wrong_int() -> int:
    return 1


@app.get("/wrong-none")  # type: ignore[type-var]  # a view must return something
def wrong_none() -> None: ...


@app.get("/wrong-status")  # type: ignore[type-var]  # a status is a number
def wrong_status() -> tuple[str, float]:
    return "x", 1.5
