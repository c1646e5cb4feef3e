from __future__ import annotations

import asyncio
import gc
import io
import os
import sys
import threading
from typing import Any

import pytest
from werkzeug.exceptions import RequestEntityTooLarge

from erlen import request
from erlen.asgi import stream_body
from erlen.asgi.body import NO_BODY, Body
from erlen.asgi.pool import Pool

from .driver import Exchange, ask, scope_of

FORM = (b"content-type", b"application/x-www-form-urlencoded")


def length(number: int) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % number


def both(app: Any, view: Any) -> None:
    """A view and its `async def` twin, at /sync and /async."""

    async def twin() -> Any:
        return view()

    app.add_url_rule("/sync", "sync", view, methods=["POST"])
    app.add_url_rule("/async", "async", twin, methods=["POST"])


@pytest.mark.parametrize("path", ["/sync", "/async"])
class TestReadAhead:
    @pytest.mark.parametrize("told", [True, False])
    @pytest.mark.parametrize("pieces", [(b"a=1&b=2",), (b"a=1", b"", b"&b=2", b"")])
    def test_forms(self, app: Any, path: str, told: bool, pieces: tuple[bytes, ...]) -> None:
        both(app, lambda: [request.form.to_dict(), request.content_length])
        headers = [FORM, length(7) if told else (b"transfer-encoding", b"chunked")]
        exchange = asyncio.run(ask(app, path, "POST", headers=headers, pieces=pieces))
        assert exchange.body == b'[{"a":"1","b":"2"},%s]\n' % (b"7" if told else b"null")

    def test_http_2_tells_no_length(self, app: Any, path: str) -> None:
        both(app, lambda: request.get_data())
        pieces = (b"one ", b"two")
        exchange = asyncio.run(ask(app, path, "POST", http_version="2", pieces=pieces))
        assert exchange.body == b"one two"

    def test_uploads_beyond_memory(self, app: Any, path: str) -> None:
        app.config["ASGI_BODY_MEMORY_SIZE"] = 1000
        both(app, lambda: str(len(request.files["f"].read())))
        data = os.urandom(300_000)
        body = (
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
            + data
            + b"\r\n--b--\r\n"
        )
        pieces = tuple(body[i : i + 7000] for i in range(0, len(body), 7000))
        headers = [(b"content-type", b"multipart/form-data; boundary=b"), length(len(body))]
        exchange = asyncio.run(ask(app, path, "POST", headers=headers, pieces=pieces))
        assert exchange.body == b"300000"

    @pytest.mark.parametrize("told", [True, False])
    def test_max_content_length(self, app: Any, path: str, told: bool) -> None:
        """A body that is too large is not read to its end, whatever its client says of it."""
        app.config["MAX_CONTENT_LENGTH"] = 10
        both(app, lambda: request.get_data())
        header = length(11) if told else (b"transfer-encoding", b"chunked")

        async def main() -> tuple[Exchange, Exchange]:
            right = await ask(app, path, "POST", headers=[length(10)], pieces=(b"x" * 10,))
            wrong = Exchange(
                app, scope_of(path, "POST", headers=[header]), (b"x" * 6,) * 50, hold=True
            )
            await asyncio.wait_for(wrong.task, 20)
            return right, wrong

        right, wrong = asyncio.run(main())
        assert (right.status, right.body) == (200, b"x" * 10)
        assert wrong.status == 413
        assert wrong.incoming.qsize() >= 48 - (not told)

    def test_files_are_given_back(self, app: Any, path: str) -> None:
        if not sys.platform.startswith("linux"):
            pytest.skip("counts files through /proc")
        app.config["ASGI_BODY_MEMORY_SIZE"] = 10
        both(app, lambda: str(len(request.get_data())))

        async def main() -> list[int]:
            found = []
            for _ in range(3):
                await ask(app, path, "POST", headers=[length(100)], pieces=(b"x" * 50,) * 2)
                gc.collect()
                found.append(len(os.listdir("/proc/self/fd")))
            return found

        found = asyncio.run(main())
        assert found[0] == found[-1]


class TestStreams:
    @pytest.mark.parametrize("mark", [stream_body, lambda view: view])
    def test_async_for(self, app: Any, mark: Any) -> None:
        @app.post("/")
        @mark
        async def index() -> list[str]:
            return [chunk.decode() async for chunk in request.stream]

        pieces = (b"one", b"", b"two")
        exchange = asyncio.run(ask(app, "/", "POST", headers=[length(6)], pieces=pieces))
        expected = b'["one","two"]\n' if mark is stream_body else b'["onetwo"]\n'
        assert exchange.body == expected

    def test_without_a_body(self, app: Any) -> None:
        @app.get("/")
        async def index() -> list[str]:
            chunks = [chunk.decode() async for chunk in request.stream]
            return [*chunks, str(request.stream.read()), str(NO_BODY.readall())]

        assert asyncio.run(ask(app)).body == b"[\"b''\",\"b''\"]\n"

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_as_it_comes(self, app: Any, asynchronous: bool) -> None:
        """The view has the first piece before the client sends the second."""
        got: list[bytes] = []
        loops: list[Any] = []
        first = asyncio.Event()

        async def index() -> str:
            async for chunk in request.stream:
                got.append(chunk)
                first.set()
            return str(len(got))

        def index_sync() -> str:
            got.append(request.stream.read(3))
            loops[0].call_soon_threadsafe(first.set)
            got.append(request.stream.read())
            return str(len(got))

        view = stream_body(index if asynchronous else index_sync)
        app.add_url_rule("/", "index", view, methods=["POST"])

        async def main() -> Exchange:
            loops.append(asyncio.get_running_loop())
            exchange = Exchange(
                app, scope_of("/", "POST", headers=[length(6)]), (b"one",), hold=True
            )
            await asyncio.wait_for(first.wait(), 20)
            exchange.tell({"type": "http.request", "body": b"two"})
            await asyncio.wait_for(exchange.task, 20)
            return exchange

        assert asyncio.run(main()).body == b"2"
        assert got == [b"one", b"two"]

    @pytest.mark.parametrize("told", [True, False])
    def test_max_content_length(self, app: Any, told: bool) -> None:
        app.config["MAX_CONTENT_LENGTH"] = 10

        @app.post("/")
        @stream_body
        async def index() -> str:
            return str([chunk async for chunk in request.stream])

        header = length(12) if told else (b"transfer-encoding", b"chunked")
        exchange = asyncio.run(ask(app, "/", "POST", headers=[header], pieces=(b"x" * 4,) * 3))
        assert exchange.status == 413

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_a_limit_that_is_raised_for_one_request(self, app: Any, asynchronous: bool) -> None:
        app.config["MAX_CONTENT_LENGTH"] = 10

        @app.before_request
        def raise_limit() -> None:
            request.max_content_length = 100

        async def index() -> str:
            return "".join([chunk.decode() async for chunk in request.stream])

        view = index if asynchronous else lambda: request.get_data()
        app.add_url_rule("/", "index", view, methods=["POST"])
        exchange = asyncio.run(ask(app, "/", "POST", headers=[length(20)], pieces=(b"x" * 20,)))
        assert exchange.body == b"x" * 20

    def test_reading_would_stop_the_loop(self, app: Any) -> None:
        @app.post("/")
        @stream_body
        async def index() -> str:
            request.stream.read()
            return "never"

        with pytest.raises(RuntimeError, match="'async for chunk in request.stream'"):
            asyncio.run(ask(app, "/", "POST", headers=[length(3)], pieces=(b"one",)))

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_the_client_goes(self, app: Any, asynchronous: bool) -> None:
        statuses: list[int] = []

        async def index() -> str:
            return str([chunk async for chunk in request.stream])

        view = stream_body(index if asynchronous else lambda: request.stream.read())
        app.add_url_rule("/", "index", view, methods=["POST"])
        app.after_request(lambda response: statuses.append(response.status_code) or response)

        async def main() -> None:
            scope = scope_of("/", "POST", headers=[length(9)])
            exchange = Exchange(app, scope, (b"one",), hold=True)
            exchange.leave()
            await asyncio.wait_for(exchange.task, 20)

        asyncio.run(main())
        assert statuses == [400]


class TestBody:
    """As a file: what an `io.BytesIO` of the same bytes answers."""

    @pytest.mark.parametrize("ahead", [True, False])
    def test_like_a_file(self, ahead: bool) -> None:
        data = b"one\ntwo\n\nthree"
        pieces = [data[i : i + 4] for i in range(0, len(data), 4)]

        async def make() -> Body:
            queue = list(pieces)

            async def receive() -> dict[str, Any]:
                piece = queue.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(queue)}

            body = Body(receive, asyncio.get_running_loop(), memory=5)
            if ahead:
                assert await body.fill(None, Pool(1))
            return body

        def use(file: Any) -> list[Any]:
            target = bytearray(2)
            return [
                file.read(0),
                file.read(2),
                file.readline(),
                file.readinto(target),
                bytes(target),
                next(iter(file)),
                file.readlines(),
                file.read(),
                file.read(5),
                file.readable(),
            ]

        async def main() -> list[Any]:
            body = await make()
            found: list[Any] = await asyncio.to_thread(use, body)
            body.close()
            body.close()
            return found

        assert asyncio.run(main()) == use(io.BytesIO(data))

    def test_a_limit(self) -> None:
        async def main() -> None:
            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": b"12345"}

            body = Body(receive, asyncio.get_running_loop())
            await body.fill(None, Pool(1))
            with pytest.raises(RequestEntityTooLarge):
                body.limited(4, 5)
            assert body.limited(4, None).read(4) == b"1234"
            with pytest.raises(RequestEntityTooLarge):
                body.read(1)

        asyncio.run(main())


class TestPool:
    def test_size(self, app: Any) -> None:
        app.config["ASGI_THREADS"] = 3
        waiting = threading.Barrier(3)
        names: set[int] = set()

        @app.get("/")
        def index() -> str:
            names.add(threading.get_ident())
            waiting.wait(20)
            return "x"

        async def main() -> None:
            await asyncio.gather(*(ask(app) for _ in range(12)))

        asyncio.run(main())
        assert len(names) == 3

    def test_none(self, app: Any) -> None:
        app.config["ASGI_THREADS"] = 0
        app.add_url_rule("/", "index", lambda: "x")
        with pytest.raises(ValueError, match="'ASGI_THREADS' must be at least 1, and was 0"):
            asyncio.run(ask(app))

    def test_threads_end_when_idle(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("erlen.asgi.pool._IDLE_SECONDS", 0.001)
        pool = Pool(2)

        async def main() -> threading.Thread:
            return await pool.run(threading.current_thread)

        thread = asyncio.run(main())
        thread.join(20)
        assert not thread.is_alive()
        assert asyncio.run(main()) is not thread

    def test_stop_iteration(self) -> None:
        async def main() -> None:
            with pytest.raises(RuntimeError, match="raised StopIteration"):
                await Pool(1).run(next, iter(()))

        asyncio.run(main())

    def test_what_nobody_waits_for_is_closed(self) -> None:
        started, go, file = threading.Event(), threading.Event(), io.BytesIO()

        def work() -> io.BytesIO:
            started.set()
            go.wait(20)
            return file

        async def main() -> None:
            task = asyncio.create_task(Pool(1).run(work))
            await asyncio.to_thread(started.wait)
            task.cancel()
            go.set()
            await asyncio.wait([task])
            assert task.cancelled()

        asyncio.run(main())
        assert file.closed
