"""Streamed responses: who closes them, and where their context goes."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app


def call(app: Any, path: str = "/", method: str = "GET") -> Any:
    """Answer one request and return the iterable that a server would iterate and close."""
    environ = EnvironBuilder(path, method=method).get_environ()
    return app(environ, lambda status, headers, exc_info=None: bytes)


def nothing_pushed(flask: Any) -> bool:
    return not flask.has_app_context() and not flask.has_request_context()


class TestStreamWithContext:
    def test_outside_a_request(self, flask: Any) -> None:
        with pytest.raises(RuntimeError) as info:
            flask.stream_with_context(iter("abc"))
        assert str(info.value) == (
            "'stream_with_context' can only be used when a request"
            " context is active, such as in a view function."
        )

    def test_of_a_generator(self, flask: Any, app: Any, client: Any) -> None:
        @app.get("/")
        def index() -> Any:
            def produce() -> Iterator[str]:
                yield "Hello "
                yield flask.request.args["name"]
                yield "!"

            return flask.Response(flask.stream_with_context(produce()))

        assert client.get("/?name=World").data == b"Hello World!"

    def test_as_a_decorator(self, flask: Any, app: Any, client: Any) -> None:
        @app.get("/")
        def index() -> Any:
            @flask.stream_with_context
            def produce(greeting: str) -> Iterator[str]:
                yield greeting
                yield flask.request.args["name"]

            assert produce.__name__ == "produce"
            return flask.Response(produce("Hello "))

        assert client.get("/?name=World").data == b"Hello World"

    def test_session_stays(self, flask: Any, app: Any, client: Any) -> None:
        @app.get("/")
        def index() -> Any:
            flask.session["test"] = "flask"

            @flask.stream_with_context
            def produce() -> Iterator[str]:
                yield flask.session["test"]

            return flask.Response(produce())

        assert client.get("/").data == b"flask"

    def test_is_closed_by_the_server(self, flask: Any, app: Any) -> None:
        log: list[str] = []

        class Source:
            def __init__(self) -> None:
                self.chunks = iter(["a", "b", "c"])

            def __iter__(self) -> Source:
                return self

            def __next__(self) -> str:
                return next(self.chunks)

            def close(self) -> None:
                log.append(f"closed {flask.request.path}")

        app.add_url_rule("/", "index", lambda: flask.Response(flask.stream_with_context(Source())))
        body, status, _ = run_wsgi_app(app, EnvironBuilder("/").get_environ())
        assert (next(iter(body)), status) == (b"a", "200 OK")
        body.close()  # type: ignore[attr-defined]  # an iterator with close, as PEP 3333 has it
        assert set(log) == {"closed /"}  # inside the context
        assert not flask.request

    def test_an_error_inside_gives_the_context_back(self, flask: Any, app: Any) -> None:
        @app.get("/")
        def index() -> Any:
            @flask.stream_with_context
            def produce() -> Iterator[str]:
                yield "one"
                raise ValueError("in the stream")

            return flask.Response(produce())

        body, _, _ = run_wsgi_app(app, EnvironBuilder("/").get_environ())
        chunks = iter(body)
        assert next(chunks) == b"one"
        with pytest.raises(ValueError, match="in the stream"):
            next(chunks)
        assert not flask.request
        assert not flask.current_app


@pytest.mark.erlen_only
class TestContextOfAStream:
    """A stream owns its context and gives it back, whoever stops it (pallets/flask#6123)."""

    @pytest.fixture
    def log(self) -> list[str]:
        return []

    @pytest.fixture
    def streaming(self, flask: Any, app: Any, log: list[str]) -> Any:
        app.teardown_request(lambda exc: log.append("teardown request"))
        app.teardown_appcontext(lambda exc: log.append("teardown app"))

        @app.get("/")
        def index() -> Any:
            @flask.stream_with_context
            def produce() -> Iterator[str]:
                try:
                    for n in range(3):
                        yield f"{flask.request.path}{n} "
                finally:
                    log.append(f"closed in {flask.request.path}")

            return flask.Response(produce())

        return app

    def test_read_to_the_end(self, flask: Any, streaming: Any, log: list[str]) -> None:
        body = call(streaming)
        assert nothing_pushed(flask)
        assert log == []
        assert b"".join(body) == b"/0 /1 /2 "
        body.close()
        assert nothing_pushed(flask)
        assert log == ["closed in /", "teardown request", "teardown app"]

    def test_nothing_is_pushed_between_chunks(self, flask: Any, streaming: Any) -> None:
        body = call(streaming)
        chunks = iter(body)
        for expected in (b"/0 ", b"/1 ", b"/2 "):
            assert next(chunks) == expected
            assert nothing_pushed(flask)
        body.close()
        assert nothing_pushed(flask)

    def test_client_goes_away(self, flask: Any, streaming: Any, log: list[str]) -> None:
        body = call(streaming)
        next(iter(body))
        body.close()
        assert nothing_pushed(flask)
        assert log == ["closed in /", "teardown request", "teardown app"]

    def test_never_started(self, flask: Any, streaming: Any, log: list[str]) -> None:
        call(streaming).close()
        assert nothing_pushed(flask)
        assert log == ["teardown request", "teardown app"]

    def test_abandoned(self, flask: Any, streaming: Any, log: list[str]) -> None:
        body = call(streaming)
        next(iter(body))
        del body
        gc.collect()
        assert nothing_pushed(flask)
        assert log == ["closed in /", "teardown request", "teardown app"]

    def test_closed_from_another_thread(self, flask: Any, streaming: Any, log: list[str]) -> None:
        body = call(streaming)
        next(iter(body))
        errors: list[BaseException] = []

        def close() -> None:
            try:
                body.close()
                assert nothing_pushed(flask)
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=close)
        thread.start()
        thread.join()
        assert errors == []
        assert nothing_pushed(flask)
        assert log == ["closed in /", "teardown request", "teardown app"]

    def test_each_chunk_from_another_thread(self, flask: Any, streaming: Any) -> None:
        body = call(streaming)
        chunks = iter(body)
        found: list[bytes] = []
        for _ in range(3):
            thread = threading.Thread(target=lambda: found.append(next(chunks)))
            thread.start()
            thread.join()
        assert b"".join(found) == b"/0 /1 /2 "
        body.close()
        assert nothing_pushed(flask)

    def test_two_streams_interleaved(self, flask: Any, app: Any) -> None:
        @app.get("/<name>")
        def index(name: str) -> Any:
            flask.g.name = name

            @flask.stream_with_context
            def produce() -> Iterator[str]:
                for n in range(2):
                    yield f"{flask.request.view_args['name']}{flask.g.name}{n}"

            return flask.Response(produce())

        one, two = call(app, "/a"), call(app, "/b")
        first, second = iter(one), iter(two)
        assert [next(first), next(second), next(first), next(second)] == [
            b"aa0",
            b"bb0",
            b"aa1",
            b"bb1",
        ]
        one.close()
        two.close()
        assert nothing_pushed(flask)

    def test_g_of_the_request_is_there(self, flask: Any, app: Any, client: Any) -> None:
        app.before_request(lambda: setattr(flask.g, "user", "ada"))

        @app.get("/")
        def index() -> Any:
            @flask.stream_with_context
            def produce() -> Iterator[str]:
                yield flask.g.user

            return flask.Response(produce())

        assert client.get("/").text == "ada"

    def test_error_reaches_the_teardown(self, flask: Any, app: Any) -> None:
        seen: list[Any] = []
        app.teardown_request(lambda exc: seen.append(exc))
        error = ValueError("in the stream")

        @app.get("/")
        def index() -> Any:
            @flask.stream_with_context
            def produce() -> Iterator[str]:
                yield "one"
                raise error

            return flask.Response(produce())

        body = call(app)
        with pytest.raises(ValueError, match="in the stream"):
            b"".join(body)
        body.close()
        assert seen == [error]


class TestClosing:
    def test_head_closes_the_iterator_and_sends_nothing(self, flask: Any, app: Any) -> None:
        log: list[str] = []

        class Source:
            def __iter__(self) -> Iterator[bytes]:
                log.append("iterated")
                return iter([b"one"])

            def close(self) -> None:
                log.append("closed")

        app.add_url_rule("/", "index", lambda: flask.Response(Source()))
        body = call(app, method="HEAD")
        assert b"".join(body) == b""
        body.close()
        assert log == ["closed"]

    @pytest.mark.parametrize("chunks", [0, 1, 3])
    def test_call_on_close_when_the_server_closes(self, flask: Any, app: Any, chunks: int) -> None:
        log: list[str] = []

        @app.get("/")
        def index() -> Any:
            response = flask.Response(iter(["a", "b", "c"]))
            response.call_on_close(lambda: log.append("on close"))
            return response

        body = call(app)
        taken = iter(body)
        assert b"".join(next(taken) for _ in range(chunks)) == b"abc"[:chunks]
        assert log == []
        body.close()
        assert log == ["on close"]

    def test_call_on_close_of_a_plain_body(self, flask: Any, app: Any) -> None:
        log: list[str] = []

        @app.get("/")
        def index() -> Any:
            response = flask.make_response("plain")
            response.call_on_close(lambda: log.append("on close"))
            return response

        body = call(app)
        assert b"".join(body) == b"plain"
        body.close()
        assert log == ["on close"]

    def test_generator_view_runs_outside_the_request(self, flask: Any, app: Any) -> None:
        @app.get("/")
        def index() -> Iterator[str]:
            yield str(bool(flask.request))

        assert b"".join(call(app)) == b"False"

    def test_teardown_comes_before_an_ordinary_stream(self, flask: Any, app: Any) -> None:
        log: list[str] = []
        app.teardown_request(lambda exc: log.append("teardown"))

        @app.get("/")
        def index() -> Iterator[str]:
            log.append("produced")
            yield "a"

        body = call(app)
        assert log == ["teardown"]
        assert b"".join(body) == b"a"
        assert log == ["teardown", "produced"]


@pytest.mark.erlen_only
class TestAsyncIterators:
    """A view may return an async iterator, under WSGI too."""

    def test_items(self, app: Any, client: Any) -> None:
        @app.get("/")
        def index() -> Any:
            async def produce() -> AsyncIterator[str | bytes]:
                yield "text "
                yield b"bytes"

            return produce(), 201

        response = client.get("/")
        assert (response.status_code, response.text) == (201, "text bytes")
        assert client.head("/").data == b""

    @pytest.mark.wsgi
    @pytest.mark.parametrize("chunks", [0, 1])
    def test_closed_before_its_end(self, app: Any, chunks: int) -> None:
        log: list[str] = []

        @app.get("/")
        async def index() -> Any:
            async def produce() -> AsyncIterator[str]:
                try:
                    while True:
                        yield "x"
                finally:
                    log.append("closed")

            return produce()

        body = call(app)
        items = iter(body)
        for _ in range(chunks):
            assert next(items) == b"x"
        getattr(items, "close", body.close)()
        body.close()
        assert log == ["closed"] * chunks

    def test_left_open_at_the_end_of_the_process(self) -> None:
        """Nobody runs the loop any more then, and nobody may wait for it."""
        script = """
from erlen import Flask
app = Flask("left_open")

class Endless:
    def __aiter__(self):
        return self

    async def __anext__(self):
        return "x"

    async def aclose(self):
        pass

app.add_url_rule("/", "index", Endless)
items = iter(app.test_client().get("/").response)
print(next(items))
"""
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "b'x'\n", "")
