"""Ten thousand mixed requests, half of them failing: all that was opened is closed."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

REQUESTS = 10_000


class Resource:
    """Counts what is open, as a database connection would be."""

    open = 0

    def __init__(self) -> None:
        type(self).open += 1
        self.closed = False

    def close(self) -> None:
        assert not self.closed
        self.closed = True
        type(self).open -= 1


@pytest.fixture
def counted(flask: Any, tmp_path: Path) -> Any:
    """An app that opens something for each request, and URLs that succeed or fail."""
    Resource.open = 0
    app = flask.Flask("counted", root_path=str(tmp_path))
    app.config.update(
        SECRET_KEY="a secret key of more than thirty-two bytes", MAX_CONTENT_LENGTH=2_000_000
    )
    app.logger.disabled = True
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.txt").write_text("x" * 10_000)
    app.contexts = weakref.WeakSet()
    app.generators = 0

    @app.before_request
    def connect() -> None:
        flask.g.connection = Resource()
        app.contexts.add(flask.globals.request_ctx._get_current_object())

    @app.teardown_appcontext
    def disconnect(exc: BaseException | None) -> None:
        connection = flask.g.pop("connection", None)
        if connection is not None:
            connection.close()

    def generate() -> Iterator[str]:
        app.generators += 1
        try:
            for n in range(100):
                yield str(n)
        finally:
            app.generators -= 1

    def failing_generator() -> Iterator[str]:
        app.generators += 1
        try:
            yield "one"
            raise ValueError("in the stream")
        finally:
            app.generators -= 1

    def fail() -> str:
        raise ValueError("fail")

    def session() -> str:
        flask.session["n"] = flask.session.get("n", 0) + 1
        return "x"

    async def asynchronous() -> str:
        return "x"

    views: dict[str, Any] = {
        "text": lambda: "x",
        "json": lambda: {"a": 1},
        "session": session,
        "stream": lambda: flask.Response(flask.stream_with_context(generate())),
        "generator": generate,
        "file": lambda: flask.send_file("static/a.txt"),
        "async": asynchronous,
        "upload": lambda: flask.request.files["f"].filename,
        "template": lambda: flask.render_template_string("{{ 1 + 1 }}"),
        "fail": fail,
        "none": lambda: None,
        "abort": lambda: flask.abort(403),
        "key": lambda: flask.request.form["missing"],
        "bad-stream": lambda: flask.Response(flask.stream_with_context(failing_generator())),
        "bad-upload": lambda: flask.request.files["missing"],
    }
    for name, view in views.items():
        app.add_url_rule(f"/{name}", name, view, methods=["GET", "POST"])
    return app


def upload() -> dict[str, Any]:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n'
        + b"x" * 600_000
        + b"\r\n--b--\r\n"
    )
    return {"data": body, "content_type": "multipart/form-data; boundary=b", "method": "POST"}


GOOD = "text json session stream generator file async template static/a.txt".split()
BAD = "fail none abort key bad-stream missing static/missing fail none".split()


def call(app: Any, path: str, read: int | None, **options: Any) -> str:
    """Answer one request; read so many chunks of the answer (None: all), and close it."""
    environ = EnvironBuilder(f"/{path}", **options).get_environ()
    started: list[str] = []
    body = app(environ, lambda status, headers, exc_info=None: started.append(status))
    try:
        chunks = iter(body)
        if read is None:
            for _ in chunks:
                pass
        else:
            for _ in range(read):
                next(chunks, None)
    except ValueError as error:
        assert str(error) == "in the stream"
    finally:
        getattr(body, "close", lambda: None)()
    return started[0]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts files through /proc")
def test_everything_is_closed(flask: Any, counted: Any) -> None:
    for path in GOOD + BAD:  # what is made once is made now
        call(counted, path, None)
    gc.collect()
    files = open_files()
    failed = 0
    for n in range(REQUESTS):
        path = (GOOD if n % 2 else BAD)[n // 2 % 9]
        read = (None, None, 1, 0)[n % 4]
        status = call(counted, path, read)
        failed += status[:1] in "45" or path == "bad-stream"
        if n % 500 == 0:
            call(counted, "upload", None, **upload())
            call(counted, "bad-upload", None, **upload())
            assert Resource.open == 0
            assert not flask.has_app_context()
            assert not flask.has_request_context()
    assert failed == REQUESTS // 2
    assert open_files() == files
    gc.collect()
    assert Resource.open == 0
    assert counted.generators == 0
    assert len(counted.contexts) == 0


def test_nothing_waits_for_the_cycle_collector(flask: Any, counted: Any) -> None:
    """A request that succeeds frees its context by reference counts alone."""
    if not hasattr(sys, "getrefcount") or not getattr(sys, "_is_gil_enabled", lambda: True)():
        pytest.skip("reference counts are deferred on this Python")
    paths = ["text", "json", "template", "static/a.txt"]
    for path in paths:
        call(counted, path, None)
    gc.collect()
    gc.disable()
    try:
        for path in paths:
            for _ in range(20):
                call(counted, path, None)
        assert len(counted.contexts) == 0
    finally:
        gc.enable()


@pytest.mark.erlen_only
def test_the_background_loop_does_not_keep_the_first_request(app: Any) -> None:
    from erlen._background import _Loop

    ctx = app.test_request_context()
    with ctx:
        loop = _Loop().get()
    kept = weakref.ref(ctx)
    del ctx
    gc.collect()
    alive = kept()
    stopped = threading.Event()
    loop.call_soon_threadsafe(lambda: (loop.stop(), stopped.set()))
    assert stopped.wait(10)
    while loop.is_running():
        time.sleep(0.001)
    loop.close()
    assert alive is None


def test_objects_do_not_pile_up(counted: Any) -> None:
    paths = GOOD + BAD

    def objects() -> int:
        for path in paths:
            for _ in range(20):
                call(counted, path, None)
        gc.collect()
        return len(gc.get_objects())

    objects()
    first = objects()
    last = [objects() for _ in range(3)][-1]
    assert last - first < 20 * len(paths)  # less than one object for each request


def test_the_brief_keeps_no_connection(flask: Any, app: Any) -> None:
    """The `get_db` of Flask's tutorial: none is left after 1,000 requests."""
    Resource.open = 0

    def get_db() -> Any:
        if "db" not in flask.g:
            flask.g.db = Resource()
        return flask.g.db

    @app.teardown_appcontext
    def close_db(exc: BaseException | None) -> None:
        db = flask.g.pop("db", None)
        if db is not None:
            db.close()

    @app.get("/<int:n>")
    def index(n: int) -> str:
        get_db()
        if n % 2:
            raise ValueError("odd")
        return "even"

    client = app.test_client()
    for n in range(1_000):
        if n % 2:
            with pytest.raises(ValueError, match="odd"):
                client.get(f"/{n}")
        else:
            assert client.get(f"/{n}").text == "even"
    assert Resource.open == 0
