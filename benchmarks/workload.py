"""The application that is measured, and the requests it gets: the same for Flask and for erlen."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SECRET_KEY = "a secret key for measurements, longer than needed"
ROUTES = 1000


class OutOfStock(Exception):
    """What the handled error raises."""


def make_app(flask: Any) -> Any:
    """Build the application with a framework that has Flask's API.

    :param flask: the module: ``flask`` or ``erlen``.
    """
    app = flask.Flask("workload", root_path=str(HERE))
    app.secret_key = SECRET_KEY
    add_pages(flask, app)
    add_answers(flask, app)
    add_blueprint(flask, app)
    add_the_rest(app)
    return app


def add_pages(flask: Any, app: Any) -> None:
    """What reads the request: converters, query, session, forms, JSON, uploads, templates."""
    request, session = flask.request, flask.session

    @app.get("/users/<int:user_id>/posts/<slug>")
    def user_post(user_id: int, slug: str) -> str:
        return f"{user_id} {slug} {request.args['page']} {request.args.get('sort', 'old')}"

    @app.get("/session/read")
    def session_read() -> str:
        return f"Hello, {session['user']}!"

    @app.get("/session/write")
    def session_write() -> str:
        session["user"] = "alice"
        session["visits"] = 3
        return "written"

    @app.get("/template/small")
    def small() -> Any:
        user = {"name": "Alice & Bob"}
        return flask.render_template("small.html", user=user, entries=["a", "b", "<c>", "d", "e"])

    @app.get("/template/links")
    def links() -> Any:
        return flask.render_template("links.html")

    @app.get("/url-for")
    def ten_urls() -> str:
        return " ".join(
            flask.url_for("user_post", user_id=number, slug="a-post") for number in range(10)
        )

    @app.post("/form")
    def form() -> str:
        return f"{request.form['name']} {request.form['email']} {len(request.form)}"

    @app.post("/json")
    def json_post() -> dict[str, Any]:
        orders = request.get_json()["orders"]
        return {"count": len(orders), "total": sum(order["price"] for order in orders)}

    @app.post("/upload")
    def upload() -> str:
        file = request.files["file"]
        return f"{file.filename} {len(file.read())}"


def add_answers(flask: Any, app: Any) -> None:
    """What shapes the response: the kinds of return value, redirects, cookies, streams, errors."""

    @app.get("/")
    def hello() -> str:
        return "Hello, World!"

    @app.get("/json")
    def json_dict() -> dict[str, str]:
        return {"message": "Hello, World!"}

    @app.get("/redirect")
    def redirect() -> Any:
        return flask.redirect("/")

    @app.get("/cookie")
    def cookie() -> Any:
        response = flask.make_response("set")
        response.set_cookie("theme", "dark", max_age=3600, httponly=True, samesite="Lax")
        return response

    @app.get("/tuple")
    def tuple_answer() -> tuple[str, int, dict[str, str]]:
        return "created", 201, {"X-Kind": "tuple"}

    @app.get("/stream")
    def stream() -> Iterator[str]:
        return (f"chunk {number}\n" for number in range(100))

    @app.get("/error")
    def error() -> str:
        raise OutOfStock

    @app.errorhandler(OutOfStock)
    def out_of_stock(error: OutOfStock) -> tuple[str, int]:
        return "out of stock", 409


def add_blueprint(flask: Any, app: Any) -> None:
    """A blueprint with five hooks."""
    shop = flask.Blueprint("shop", "workload", url_prefix="/shop")
    g = flask.g

    @shop.before_request
    def load_user() -> None:
        g.user = "alice"

    @shop.before_request
    def load_basket() -> None:
        g.basket = [1, 2]

    @shop.after_request
    def add_header(response: Any) -> Any:
        response.headers["X-User"] = g.user
        return response

    @shop.after_request
    def keep(response: Any) -> Any:
        return response

    @shop.teardown_request
    def forget(error: BaseException | None) -> None:
        g.pop("basket", None)

    @shop.get("/basket")
    def basket() -> str:
        return f"{g.user} {len(g.basket)}"

    app.register_blueprint(shop)


def add_the_rest(app: Any) -> None:
    """Fill up with plain and dynamic rules; the last one is asked for by a row."""
    for number in range(len(list(app.url_map.iter_rules())), ROUTES - 1):
        path = f"/section{number % 20}/page{number}"
        add_filler(app, f"filler{number}", path if number % 2 else f"{path}/<int:item>")
    add_filler(app, "the_last", "/section20/the-last/<int:item>")


def add_filler(app: Any, endpoint: str, rule: str) -> None:
    """One view of its own for one rule."""

    def view(item: int = 0) -> str:
        return f"{endpoint} {item}"

    app.add_url_rule(rule, endpoint, view)


@dataclass
class Row:
    """One kind of request, and how many times cheaper than Flask's it has to be."""

    name: str
    floor: float
    path: str
    method: str = "GET"
    query: str = ""
    body: bytes = b""
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, Any]:
        """What a server passes for it, all but the body's stream."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path,
            "QUERY_STRING": self.query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101",
            "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.5",
            "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
            "HTTP_CONNECTION": "keep-alive",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if self.method == "POST":
            environ["CONTENT_LENGTH"] = str(len(self.body))
            environ["CONTENT_TYPE"] = self.content_type
        return environ | self.headers


def session_cookie() -> str:
    """A signed session, as Flask writes it."""
    import flask
    from flask.sessions import SecureCookieSessionInterface

    app = flask.Flask("workload")
    app.secret_key = SECRET_KEY
    serializer: Any = SecureCookieSessionInterface().get_signing_serializer(app)
    return f"session={serializer.dumps({'user': 'alice', 'visits': 2})}"


def multipart(size: int) -> bytes:
    """A form with one file of `size` bytes; its boundary is ``frontier``."""
    head = (
        "--frontier\r\n"
        'Content-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + bytes(range(256)) * (size // 256) + b"\r\n--frontier--\r\n"


def make_rows() -> list[Row]:
    """The kinds of request that are measured, with their floors."""
    cookie = {"HTTP_COOKIE": session_cookie()}
    orders = [{"id": n, "name": f"article {n}", "price": n * 1.5} for n in range(40)]
    fields = b"name=Alice+Liddell&email=alice%40example.org&city=Oxford&age=7&note=curiouser"
    return [
        Row("hello", 14, "/"),
        Row("JSON dict", 14, "/json"),
        Row("path converters with query", 9, "/users/42/posts/a-post", query="page=2&sort=new"),
        Row(f"last of {ROUTES:,} routes", 9, "/section20/the-last/7"),
        Row("session read", 6, "/session/read", headers=cookie),
        Row("session write", 5, "/session/write", headers=cookie),
        Row("small template", 5, "/template/small"),
        Row("template with 50 url_for", 3, "/template/links"),
        Row(
            "url-encoded form",
            3,
            "/form",
            "POST",
            body=fields,
            content_type="application/x-www-form-urlencoded",
        ),
        Row(
            "JSON post of 40 items",
            6,
            "/json",
            "POST",
            body=json.dumps({"orders": orders}).encode(),
            content_type="application/json",
        ),
        Row("ten url_for", 5, "/url-for"),
        Row("redirect", 7, "/redirect"),
        Row("set_cookie", 6, "/cookie"),
        Row("(body, status, headers)", 9, "/tuple"),
        Row("stream of 100 chunks", 4, "/stream"),
        Row("404", 5, "/nothing/here"),
        Row("405", 5, "/", "DELETE"),
        Row("handled error", 10, "/error"),
        Row("blueprint with five hooks", 9, "/shop/basket"),
        Row("static file", 3, "/static/style.css"),
        Row("HEAD", 12, "/", "HEAD"),
        Row("OPTIONS", 8, "/", "OPTIONS"),
        Row(
            "upload of 1 MiB",
            1,
            "/upload",
            "POST",
            body=multipart(1024 * 1024),
            content_type="multipart/form-data; boundary=frontier",
        ),
    ]
