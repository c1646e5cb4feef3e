from __future__ import annotations

from typing import Any

import pytest

from erlen.middleware import CORS

from .doors import asgi, wsgi
from .test_compress import asgi_serving, serving

GOOD = "https://app.example.com"
LISTED = [GOOD, "http://localhost:3000", "https://*.tenants.example"]


def get(origin: str | None, app: Any = None, path: str = "/", **options: Any) -> Any:
    headers = {} if origin is None else {"Origin": origin}
    inner = app or serving(b"body")
    return wsgi(CORS(inner, options.pop("origins", LISTED), **options), path, headers=headers)


def preflight(origin: str, path: str = "/", **options: Any) -> Any:
    def never(environ: Any, start_response: Any) -> list[bytes]:
        raise AssertionError("a preflight does not reach the application")

    app = CORS(never, options.pop("origins", LISTED), **options)
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    return wsgi(app, path, "OPTIONS", headers=asked)


@pytest.mark.parametrize(
    "origin",
    [GOOD, "http://localhost:3000", "https://a.tenants.example", "https://a.b.tenants.example"],
)
def test_a_listed_origin_may_read(origin: str) -> None:
    answer = get(origin)
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert preflight(origin).status_code == 204


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com.evil.example",
        "https://evil-app.example.com",
        "https://app.example.com:8443",
        "HTTPS://app.example.com",
        "https://tenants.example",
        "https://eviltenants.example",
        "https://evil.example/.tenants.example",
        "https://evil.example#.tenants.example",
        "https://.tenants.example",
        "http://a.tenants.example",
        "null",
        "file://",
        "*",
    ],
)
def test_another_origin_may_not(origin: str) -> None:
    answer = get(origin, credentials=True)
    assert answer.data == b"body" and answer.headers["Vary"] == "Origin"
    assert not [name for name in answer.headers.keys() if name.startswith("Access-Control")]
    refused = preflight(origin, credentials=True)
    assert refused.status_code == 403 and refused.headers["Vary"] == "Origin"
    assert not [name for name in refused.headers.keys() if name.startswith("Access-Control")]


def test_no_origin() -> None:
    answer = get(None)
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Vary"] == "Origin"


def test_every_origin() -> None:
    for origin in ("https://anyone.example", "null"):
        answer = get(origin, origins=["*"])
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Vary" not in answer.headers
    assert preflight("null", origins=["*"]).status_code == 204


def test_the_answer_to_a_preflight() -> None:
    answer = preflight(GOOD)
    assert answer.headers.to_wsgi_list() == [
        ("Access-Control-Allow-Origin", GOOD),
        ("Vary", "Origin"),
        ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"),
        ("Access-Control-Allow-Headers", "Content-Type"),
        ("Access-Control-Max-Age", "600"),
    ]
    answer = preflight(GOOD, methods=[], headers=[], credentials=True, max_age=5)
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST"
    assert "Access-Control-Allow-Headers" not in answer.headers
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Max-Age"] == "5"


def test_what_may_be_read() -> None:
    answer = get(GOOD, expose=["X-Total", "ETag"], credentials=True)
    assert answer.headers["Access-Control-Expose-Headers"] == "X-Total, ETag"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_other_options_requests_reach_the_application() -> None:
    app = CORS(serving(b"body"), LISTED)
    assert wsgi(app, method="OPTIONS", headers={"Origin": GOOD}).data == b"body"
    asked = {"Access-Control-Request-Method": "PUT"}
    assert wsgi(app, method="OPTIONS", headers=asked).data == b"body"


def test_some_paths() -> None:
    for path, concerned in (("/api", True), ("/api/x", True), ("/apis", False), ("/", False)):
        answer = get(GOOD, path=path, paths=["/api"])
        assert ("Access-Control-Allow-Origin" in answer.headers) == concerned
        assert ("Vary" in answer.headers) == concerned


def test_what_the_application_says_stays() -> None:
    answer = get(GOOD, serving(b"x", Access_Control_Allow_Origin="https://other.example"))
    assert answer.headers.getlist("Access-Control-Allow-Origin") == ["https://other.example"]


def test_by_asgi() -> None:
    app = CORS(asgi_serving(b"body"), LISTED)
    assert asgi(app, headers={"Origin": GOOD}).headers["Access-Control-Allow-Origin"] == GOOD
    asked = {"Origin": GOOD, "Access-Control-Request-Method": "PUT"}
    answer = asgi(app, method="OPTIONS", headers=asked)
    assert (answer.status_code, answer.data) == (204, b"")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"origins": "*"}, r"origins is a list, not '\*'"),
        ({"methods": "PUT"}, "methods is a list, not 'PUT'"),
        ({"paths": "/"}, "paths is a list, not '/'"),
        ({"origins": ["*"], "credentials": True}, "every site is the user"),
        ({"origins": ["null"]}, "An origin is 'https://host' .*, not 'null'"),
        ({"origins": ["https://x/"]}, "not 'https://x/'"),
        ({"origins": ["https://X"]}, "in lower case, not 'https://X'"),
        ({"origins": ["https://a.*.x"]}, r"not 'https://a\.\*\.x'"),
        ({"headers": ["*"]}, r"A method or header has a name, not '\*'"),
        ({"expose": ["a b"]}, "has a name, not 'a b'"),
    ],
)
def test_set_up(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CORS(serving(b"x"), **{"origins": LISTED, **options})
