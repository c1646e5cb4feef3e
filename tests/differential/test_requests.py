"""The same application on Flask and on erlen answers random requests in the same way."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from .application import VARIANTS, build
from .requests import environs, fresh, latin1

pytestmark = [
    pytest.mark.peer,
    # Werkzeug leaves the temporary file of a malformed upload to the garbage collector.
    pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.Spooled:ResourceWarning"),
    # It warns of a host outside of the configured one, which is what clients may send.
    pytest.mark.filterwarnings("ignore:Current server name:UserWarning"),
]


class Answer(NamedTuple):
    """All that a client, and the application's own hooks, saw of a request."""

    status: str | None
    headers: list[tuple[str, str]]
    body: bytes
    error: str | None
    trace: list[str]


def ask(app: Any, environ: dict[str, Any]) -> Answer:
    """Send one request as a WSGI server does."""
    app.trace.clear()
    started: list[Any] = []
    error: str | None = None
    body = b""

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started[:] = [status, [comparable(*pair) for pair in headers if pair[0] != "Date"]]
        return body.__add__

    try:
        parts = app(fresh(environ, StringIO()), start_response)
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    status, headers = started or (None, [])
    trace = list(app.trace)
    if "/stream-" in environ["PATH_INFO"]:
        # Flask tears the context down before the stream and after it, erlen once.
        trace = []
    # Flask makes a URL adapter for each of its two contexts, and asks ensure_sync for its own
    # context processor too.
    once = ("create_url_adapter", "ensure_sync")
    calls = [name for n, name in enumerate(trace) if name not in once or trace[n - 1] != name]
    return Answer(status, headers, body, error, calls)


def comparable(name: str, value: str) -> tuple[str, str]:
    """A header; where its value comes from a set, in a settled order."""
    return name, ", ".join(sorted(value.split(", "))) if name == "Allow" else value


def ask_both(
    flask_app: Any, erlen_app: Any, environ: dict[str, Any], cookies: tuple[str, str] | None = None
) -> tuple[Answer, Answer]:
    """Ask within one second: signatures and expiry dates are told in seconds.

    :param cookies: what each application is sent as cookies; None leaves the environ as it is.
    """
    to_flask, to_erlen = ({"HTTP_COOKIE": cookie} for cookie in cookies) if cookies else ({}, {})
    while True:
        second = int(time.time())
        answers = ask(flask_app, environ | to_flask), ask(erlen_app, environ | to_erlen)
        if int(time.time()) == second:
            return answers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("differential")
    (home / "static" / "sub").mkdir(parents=True)
    (home / "static" / "a.txt").write_bytes(b"0123456789" * 10)
    (home / "static" / "sub" / "b.css").write_bytes(b"a { }")
    (home / "static" / "empty").write_bytes(b"")
    (home / "templates").mkdir()
    (home / "templates" / "page.html").write_text(
        "{% extends 'base.html' %}{% block body %}{{ name }} {{ note }} {{ session.a }}"
        "{{ url_for('integer', n=3) }} {{ get_flashed_messages() }}{% endblock %}"
    )
    (home / "templates" / "base.html").write_text(
        "<title>{{ request.endpoint }}</title>{% block body %}{% endblock %}{{ g.x }}\n"
    )
    return home


@pytest.fixture(scope="module", params=VARIANTS)
def pair(request: pytest.FixtureRequest, folder: Path, flask: Any) -> Iterator[tuple[Any, Any]]:
    peer = importlib.import_module("flask")
    yield build(peer, folder, request.param), build(flask, folder, request.param)


@given(environ=environs())
def test_same_answer(pair: tuple[Any, Any], environ: dict[str, Any]) -> None:
    expected, got = ask_both(*pair, environ)
    note(f"on Flask: {expected}\non erlen: {got}")
    assert got == expected
    assert got.error is None or "generator-raises" in environ["PATH_INFO"]


SESSION_STEPS = (
    *("/session", "/session/untouched", "/session/set/a/1", "/session/set/a/2", "/session/set/é/ü"),
    *("/session/permanent", "/session/rich", "/session/pop/a", "/session/clear", "/session/bad"),
    *("/flash/a", "/flash/c", "/flashed", "/answer/template", "/answer/redirect", "/no/such/url"),
    *("/raise/oops", "/parent/de/child/5", "/static/a.txt", "/answer/stream-context"),
)


# Each example is several requests.
@settings(max_examples=settings().max_examples // 6)
@given(steps=st.lists(st.sampled_from(SESSION_STEPS), min_size=2, max_size=8))
def test_sessions_cross(pair: tuple[Any, Any], steps: list[str]) -> None:
    """Each application goes on with the session that the other one signed."""
    flask_cookie = erlen_cookie = ""
    for step in steps:
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": latin1(step),
            "HTTP_HOST": "example.org:8080",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8080",
            "wsgi.url_scheme": "http",
            "body": b"",
        }
        expected, got = ask_both(*pair, environ, (erlen_cookie, flask_cookie))
        note(f"{step}\non Flask: {expected}\non erlen: {got}")
        assert got == expected
        flask_cookie, erlen_cookie = kept(flask_cookie, expected), kept(erlen_cookie, got)


def kept(cookie: str, answer: Answer) -> str:
    """What a browser sends with its next request."""
    for name, value in answer.headers:
        if name == "Set-Cookie":
            pair = value.partition(";")[0]
            cookie = pair if pair.partition("=")[2] else ""
    return cookie
