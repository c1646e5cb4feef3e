"""`wsgiref.validate` between a server and the app, on the whole matrix of responses (PEP 3333)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.handlers import SimpleHandler
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"]


def build(flask: Any, folder: Path) -> Any:
    """An app with one URL for each kind of response."""
    app = flask.Flask("matrix", root_path=str(folder))
    app.config["SECRET_KEY"] = "a secret key of more than thirty-two bytes"
    (folder / "static").mkdir()
    (folder / "static" / "a.txt").write_text("0123456789")
    (folder / "templates").mkdir()
    (folder / "templates" / "t.html").write_text("{% for n in range(3) %}{{ n }}{% endfor %}")

    def chunks() -> Iterator[str]:
        yield "a"
        yield ""
        yield "b"

    class Source:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x", b"y"])

        def close(self) -> None: ...

    def set_session() -> str:
        flask.session["n"] = 1
        return "session"

    def cookies() -> Any:
        response = flask.make_response("cookies")
        response.set_cookie("a", "é")
        response.set_cookie("b", "2")
        response.delete_cookie("c")
        return response

    def fail() -> Any:
        raise ValueError("fail")

    async def asynchronous() -> str:
        return "async"

    def wsgi(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"wsgi"]

    def conditional() -> Any:
        response = flask.make_response("conditional")
        response.add_etag()
        return response.make_conditional(flask.request)

    views: dict[str, Any] = {
        "text": lambda: "text é",
        "empty": lambda: "",
        "bytes": lambda: b"bytes",
        "dict": lambda: {"a": 1},
        "list": lambda: [1],
        "status": lambda: ("x", 201),
        "status-line": lambda: ("x", "299 Own"),
        "headers": lambda: ("x", {"X-A": "1", "X-B": "é"}),
        "204": lambda: ("", 204),
        "204-body": lambda: ("ignored", 204),
        "304": lambda: ("", 304),
        "generator": chunks,
        "iterator": lambda: iter([b"a", b"b"]),
        "stream": lambda: flask.Response(flask.stream_with_context(chunks())),
        "source": lambda: flask.Response(Source()),
        "passthrough": lambda: flask.Response(Source(), direct_passthrough=True),
        "file": lambda: flask.send_file("static/a.txt"),
        "file-object": lambda: flask.send_file(io.BytesIO(b"memory"), "text/plain"),
        "download": lambda: flask.send_file(
            "static/a.txt", as_attachment=True, download_name="é.txt"
        ),
        "template": lambda: flask.render_template("t.html"),
        "stream-template": lambda: flask.stream_template("t.html"),
        "redirect": lambda: flask.redirect("/é"),
        "abort": lambda: flask.abort(418),
        "fail": fail,
        "none": lambda: None,
        "session": set_session,
        "cookies": cookies,
        "async": asynchronous,
        "wsgi": lambda: wsgi,
        "conditional": conditional,
        "body": lambda: {"length": len(flask.request.get_data())},
    }
    for name, view in views.items():
        app.add_url_rule(f"/{name}", name, view, methods=["GET", "POST", "PUT"])
    app.add_url_rule("/slash/", "slash", lambda: "slash")
    return app


PATHS = """
    text empty bytes dict list status status-line headers 204 204-body 304 generator iterator
    stream source passthrough file file-object download template stream-template redirect abort
    fail none session cookies async wsgi conditional body slash slash/ missing static/a.txt
    static/missing
""".split()


def without_type_of_nothing(app: Any) -> Any:
    """Flask sends Content-Type with 204: RFC 9110 lets it, the validator does not."""

    def application(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if status.startswith("204"):
                headers = [item for item in headers if item[0] != "Content-Type"]
            return start_response(status, headers)

        return app(environ, start)

    return application


def serve(
    app: Any, path: str, method: str = "GET", body: bytes = b"", **extra: Any
) -> tuple[str, list[tuple[str, str]], bytes]:
    """Answer one request as a strict server would: every rule of PEP 3333 is checked."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ.update(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": f"/{path}",
            "QUERY_STRING": "",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **extra,
        }
    )
    started: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        started[:] = [status, headers]
        return lambda data: None

    result = validator(without_type_of_nothing(app))(environ, start_response)
    try:
        parts = list(result)
    finally:
        result.close()  # type: ignore[attr-defined]  # the validator's iterator has it
    return started[0], started[1], b"".join(parts)


@pytest.fixture(scope="module")
def matrix(flask: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return build(flask, tmp_path_factory.mktemp("matrix"))


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD:wsgiref.validate.WSGIWarning")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_validate(matrix: Any, path: str, method: str) -> None:
    body = b"a=1" if method in ("POST", "PUT", "PATCH") else b""
    status, headers, data = serve(matrix, path, method, body)
    code = int(status[:3])
    names = [name for name, _ in headers]
    assert 200 <= code < 600
    assert all(type(name) is str and type(value) is str for name, value in headers)
    lengths = [int(value) for name, value in headers if name == "Content-Length"]
    if method == "HEAD" or code in (204, 304):
        assert data == b""
    elif lengths:
        assert lengths == [len(data)]
    if code in (204, 304):
        assert lengths == []
    assert len(names) - names.count("Set-Cookie") == len(set(names) - {"Set-Cookie"})


@pytest.mark.parametrize(
    ("path", "extra", "status"),
    [
        ("static/a.txt", {"HTTP_RANGE": "bytes=2-4"}, "206 PARTIAL CONTENT"),
        ("static/a.txt", {"HTTP_RANGE": "bytes=99-"}, "416 REQUESTED RANGE NOT SATISFIABLE"),
        ("conditional", {"HTTP_IF_NONE_MATCH": '"x"'}, "200 OK"),
        ("text", {"SCRIPT_NAME": "/mounted"}, "200 OK"),
        ("text", {"HTTP_HOST": "h.example:8080"}, "200 OK"),
        ("text", {"SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "https"}, "200 OK"),
    ],
)
def test_validate_with_headers(matrix: Any, path: str, extra: dict[str, Any], status: str) -> None:
    found, _, _ = serve(matrix, path, **extra)
    assert found == status


@pytest.mark.parametrize("path", ["static/a.txt", "conditional"])
def test_validate_not_modified(matrix: Any, path: str) -> None:
    _, headers, _ = serve(matrix, path)
    status, headers, data = serve(matrix, path, HTTP_IF_NONE_MATCH=dict(headers)["ETag"])
    assert (status, data) == ("304 NOT MODIFIED", b"")


def test_head_says_what_get_would_send(matrix: Any) -> None:
    for path in PATHS:
        status, headers, _ = serve(matrix, path)
        head_status, head_headers, _ = serve(matrix, path, "HEAD")
        ignored = {"Date", "Set-Cookie"}
        assert status == head_status
        assert [h for h in headers if h[0] not in ignored] == [
            h for h in head_headers if h[0] not in ignored
        ]


@pytest.mark.parametrize("path", PATHS)
def test_under_the_reference_handler(matrix: Any, path: str) -> None:
    """`wsgiref.handlers` writes the answer, with a file wrapper of its own."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ["PATH_INFO"] = f"/{path}"
    stdout, stderr = io.BytesIO(), io.StringIO()
    SimpleHandler(io.BytesIO(), stdout, stderr, environ).run(matrix)
    expected, _, data = serve(matrix, path)
    head, _, body = stdout.getvalue().partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0].partition(b" ")[2].decode() == expected
    assert body == data
    assert stderr.getvalue() == ""


@pytest.mark.parametrize("path", PATHS)
def test_closed_without_being_read(matrix: Any, path: str) -> None:
    """A server may close a response that it has not read."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ["PATH_INFO"] = f"/{path}"
    started: list[str] = []
    result = matrix(environ, lambda status, headers, exc=None: started.append(status))
    getattr(result, "close", lambda: None)()
    assert len(started) == 1
