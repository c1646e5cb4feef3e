"""The same application on Flask and on erlen answers random requests in the same way."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, note

from .application import VARIANTS, build
from .requests import environs, fresh

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
        started[:] = [status, [pair for pair in headers if pair[0] != "Date"]]
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
    return Answer(status, headers, body, error, list(app.trace))


def ask_both(flask_app: Any, erlen_app: Any, environ: dict[str, Any]) -> tuple[Answer, Answer]:
    """Ask within one second: signatures and expiry dates are told in seconds."""
    while True:
        second = int(time.time())
        answers = ask(flask_app, environ), ask(erlen_app, environ)
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
    if "/stream-" in environ["PATH_INFO"]:
        # Flask tears the context down before the stream and after it, erlen once.
        expected, got = expected._replace(trace=[]), got._replace(trace=[])
    assert got == expected
    assert got.error is None or "generator-raises" in environ["PATH_INFO"]
