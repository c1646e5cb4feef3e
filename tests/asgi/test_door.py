from __future__ import annotations

import asyncio
import gc
import inspect
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

import erlen.views
from erlen import Flask, Response, current_app, g, request, session, stream_with_context
from erlen.asgi import run_sync

from .driver import Exchange, ask, scope_of

views: Any = erlen.views
note: ContextVar[str] = ContextVar("note", default="nothing")


def thread() -> str:
    return threading.current_thread().name


class TestProtocols:
    """The app is told apart by how it is called, and by what servers ask of it."""

    def test_servers_find_asgi_3(self, app: Any) -> None:
        # hypercorn and daphne ask inspect, uvicorn asks asyncio up to Python 3.13.
        assert inspect.iscoroutinefunction(app.__call__)
        assert not inspect.iscoroutinefunction(app)
        assert not inspect.isfunction(app) and not inspect.isclass(app)

    def test_a_subclass_too(self) -> None:
        class Mine(Flask):
            pass

        assert inspect.iscoroutinefunction(Mine("mine").__call__)

    def test_asgi_2(self, app: Any) -> None:
        app.add_url_rule("/", "index", lambda: "x")

        async def main() -> list[Any]:
            sent: list[Any] = []

            async def receive() -> Any:
                return {"type": "http.request"}

            async def send(message: Any) -> None:
                sent.append(message)

            await app(scope_of())(receive, send)
            return sent

        assert asyncio.run(main())[1]["body"] == b"x"

    def test_wsgi(self, app: Any) -> None:
        app.add_url_rule("/", "index", lambda: "x")
        with app.test_request_context() as ctx:
            environ = ctx.request.environ
        assert b"".join(app(environ, lambda status, headers, exc_info=None: None)) == b"x"
        # By name, too, also where the name is what servers ask for.
        assert b"".join(app.__call__(environ, lambda status, headers: None)) == b"x"

    def test_called_by_the_names_of_asgi(self, app: Any) -> None:
        """As Daphne does."""
        app.add_url_rule("/", "index", lambda: "x")

        async def by_names(scope: Any, receive: Any, send: Any) -> None:
            await app(scope=scope, receive=receive, send=send)

        assert asyncio.run(ask(by_names)).body == b"x"

    def test_called_with_nothing(self, app: Any) -> None:
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            app()

    def test_unknown_scope(self, app: Any) -> None:
        with pytest.raises(ValueError, match="scope of the type 'telegraph'"):
            asyncio.run(app.asgi_app({"type": "telegraph"}, None, None))

    def test_middleware_of_asgi(self, app: Any) -> None:
        app.add_url_rule("/", "index", lambda: request.environ["asgi.scope"]["state"])
        inner = app.asgi_app

        async def middleware(scope: Any, receive: Any, send: Any) -> None:
            await inner({**scope, "state": {"a": 1}}, receive, send)

        app.asgi_app = middleware
        assert asyncio.run(ask(app)).body == b'{"a":1}\n'

    def test_middleware_of_wsgi_sees_async_views_too(self, app: Any) -> None:
        @app.get("/")
        async def index() -> str:
            return f"{request.environ['seen']} {asyncio.get_running_loop() is loops[0]}"

        inner, loops = app.wsgi_app, []

        def middleware(environ: Any, start_response: Any) -> Any:
            return inner({**environ, "seen": "by middleware"}, start_response)

        app.wsgi_app = middleware

        async def main() -> Exchange:
            loops.append(asyncio.get_running_loop())
            return await ask(app)

        assert asyncio.run(main()).body == b"by middleware True"


class TestWhereItRuns:
    def test_async_views_and_hooks_on_the_loop(self, app: Any) -> None:
        here: list[str] = []

        def note_thread(*args: Any) -> Any:
            here.append(thread())
            return args[0] if args and args[0] is not None else None

        async def note_async(*args: Any) -> Any:
            await asyncio.sleep(0)
            return note_thread(*args)

        for hook in (note_thread, note_async):
            app.before_request(hook)
            app.after_request(hook)
            app.teardown_request(hook)
            app.teardown_appcontext(hook)

        @app.get("/")
        async def index() -> str:
            return thread()

        assert asyncio.run(ask(app)).body.decode() == thread()
        assert here == [thread()] * 8

    def test_sync_views_and_hooks_in_one_thread(self, app: Any) -> None:
        here: list[str] = []
        app.before_request(lambda: here.append(thread()))
        app.teardown_request(lambda exc: here.append(thread()))
        app.add_url_rule("/", "index", thread)
        assert asyncio.run(ask(app)).body == b"erlen-sync"
        assert here == ["erlen-sync"] * 2

    def test_async_hooks_of_a_sync_view_on_the_server_s_loop(self, app: Any) -> None:
        loops: list[Any] = []

        @app.before_request
        async def before() -> None:
            loops.append(asyncio.get_running_loop())

        @app.errorhandler(ValueError)
        async def handle(error: ValueError) -> str:
            loops.append(asyncio.get_running_loop())
            return "handled"

        @app.context_processor
        async def processor() -> dict[str, str]:
            loops.append(asyncio.get_running_loop())
            return {"a": "1"}

        @app.get("/")
        def index() -> str:
            from erlen import render_template_string

            assert render_template_string("{{ a }}") == "1"
            raise ValueError

        async def main() -> Exchange:
            loops.append(asyncio.get_running_loop())
            return await ask(app)

        assert asyncio.run(main()).body == b"handled"
        assert len(loops) == 4
        assert len(set(map(id, loops))) == 1

    def test_a_sync_wrapper_of_an_async_view(self, app: Any) -> None:
        """Flask-Login's `login_required` is one."""
        from functools import wraps

        def decorate(f: Any) -> Any:
            @wraps(f)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return f"<{current_app.ensure_sync(f)(*args, **kwargs)}>"

            return wrapper

        @app.get("/")
        @decorate
        async def index() -> str:
            await asyncio.sleep(0)
            return thread()

        assert asyncio.run(ask(app)).body.decode() == f"<{thread()}>"

    def test_class_based_views_on_the_loop(self, app: Any) -> None:
        class ByMethod(views.MethodView):
            async def get(self) -> str:
                await asyncio.sleep(0)
                return f"get {thread()}"

            def post(self) -> str:
                return f"post {thread()}"

        class Plain(views.View):
            init_every_request = False

            async def dispatch_request(self, n: int) -> str:
                return f"{n} {thread()}"

        class Decorated(views.View):
            decorators = [lambda f: lambda **kwargs: f"<{f(**kwargs)}>"]

            async def dispatch_request(self) -> str:
                return thread()

        app.add_url_rule("/m", view_func=ByMethod.as_view("m"))
        app.add_url_rule("/p/<int:n>", view_func=Plain.as_view("p"))
        app.add_url_rule("/d", view_func=Decorated.as_view("d"))

        async def main() -> list[bytes]:
            asked = [("/m", "GET"), ("/m", "POST"), ("/m", "HEAD"), ("/p/7", "GET"), ("/d", "GET")]
            return [(await ask(app, path, method)).body for path, method in asked]

        here = thread()
        assert [body.decode() for body in asyncio.run(main())] == [
            f"get {here}",
            "post erlen-sync",
            "",
            f"7 {here}",
            f"<{here}>",
        ]

    def test_threads_see_the_server_s_context_variables(self, app: Any) -> None:
        app.add_url_rule("/", "index", lambda: note.get())

        async def main() -> Exchange:
            note.set("from the server")
            return await ask(app)

        assert asyncio.run(main()).body == b"from the server"

    def test_run_sync(self, app: Any) -> None:
        @run_sync
        def blocking(a: int, *, b: int) -> str:
            """Documented."""
            return f"{thread()} {request.path} {a + b}"

        @app.get("/")
        async def index() -> str:
            return await blocking(1, b=2)

        assert blocking.__doc__ == "Documented."
        assert asyncio.run(ask(app)).body == b"erlen-sync / 3"

    def test_requests_do_not_mix(self, app: Any) -> None:
        @app.get("/async/<int:n>")
        async def asynchronous(n: int) -> list[int]:
            g.n = n
            for _ in range(3):
                await asyncio.sleep(0)
                assert g.n == n == int(request.args["n"])
            return [n]

        @app.get("/sync/<int:n>")
        def synchronous(n: int) -> list[int]:
            g.n = n
            assert g.n == n == int(request.args["n"])
            return [n]

        async def main() -> list[bytes]:
            paths = [f"/{('sync', 'async')[n % 2]}/{n}?n={n}" for n in range(60)]
            return [e.body for e in await asyncio.gather(*(ask(app, path) for path in paths))]

        assert asyncio.run(main()) == [b"[%d]\n" % n for n in range(60)]


class TestReplaced:
    """What a subclass or an extension replaces is gone by: such requests take the sync road."""

    @pytest.mark.parametrize("name", ["dispatch_request", "preprocess_request", "make_response"])
    def test_a_method_of_the_road(self, app: Any, name: str) -> None:
        seen: list[str] = []
        original = getattr(app, name)

        def replacement(*args: Any) -> Any:
            seen.append(name)
            return original(*args)

        setattr(app, name, replacement)

        @app.get("/")
        async def index() -> str:
            await asyncio.sleep(0)
            return thread()

        assert asyncio.run(ask(app)).body.decode() == thread()
        assert seen == [name]

    @pytest.mark.parametrize("name", ["handle_user_exception", "handle_http_exception"])
    def test_a_method_for_errors(self, app: Any, name: str) -> None:
        original = getattr(app, name)
        setattr(app, name, lambda e: (f"replaced {original(e).code}", 404))

        @app.get("/")
        async def index() -> str:
            from erlen import abort

            abort(404)

        assert asyncio.run(ask(app)).body == b"replaced 404"

    def test_handle_exception(self, app: Any) -> None:
        app.handle_exception = lambda e: Response(f"replaced {e!r}", 500)

        @app.get("/")
        async def index() -> str:
            raise ValueError("v")

        assert asyncio.run(ask(app)).body == b"replaced ValueError('v')"


class TestErrors:
    def test_nobody_handles_it(self, app: Any, caplog: pytest.LogCaptureFixture) -> None:
        app.testing = False

        @app.get("/")
        async def index() -> str:
            raise ValueError("inside")

        exchange = asyncio.run(ask(app))
        assert exchange.status == 500
        assert b"inside" not in exchange.body
        assert "Exception on / [GET]" in caplog.text
        assert "ValueError: inside" in caplog.text

    def test_async_handler_of_500(self, app: Any) -> None:
        app.testing = False

        @app.errorhandler(500)
        async def handle(error: Any) -> Any:
            return f"internal {error.original_exception!r}", 500

        @app.get("/")
        async def index() -> str:
            raise KeyError("k")

        assert asyncio.run(ask(app)).body == b"internal KeyError('k')"

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_in_testing_it_goes_to_the_server(self, app: Any, asynchronous: bool) -> None:
        def fail() -> str:
            raise ValueError("inside")

        async def fail_async() -> str:
            raise ValueError("inside")

        app.add_url_rule("/", "index", fail_async if asynchronous else fail)
        with pytest.raises(ValueError, match="inside"):
            asyncio.run(ask(app))

    def test_teardown_hears_of_it(self, app: Any) -> None:
        app.testing = False
        heard: list[Any] = []
        app.teardown_request(heard.append)
        app.teardown_appcontext(heard.append)
        error = ValueError()

        @app.get("/")
        async def index() -> str:
            raise error

        asyncio.run(ask(app))
        assert heard == [error, error]


class TestAnswers:
    @pytest.mark.parametrize("asynchronous", [True, False])
    @pytest.mark.parametrize(
        ("value", "status", "body"),
        [
            ("text", 200, b"text"),
            ({"a": 1}, 200, b'{"a":1}\n'),
            (("gone", 410, {"X-A": "1"}), 410, b"gone"),
            (("", 204), 204, b""),
            (("", 304), 304, b""),
        ],
    )
    def test_values(
        self, app: Any, asynchronous: bool, value: Any, status: int, body: bytes
    ) -> None:
        async def index() -> Any:
            return value

        app.add_url_rule("/", "index", index if asynchronous else lambda: value)

        async def main() -> tuple[Exchange, Exchange]:
            return await ask(app), await ask(app, method="HEAD")

        get, head = asyncio.run(main())
        assert (get.status, get.body) == (status, body)
        assert (head.status, head.body) == (status, b"")
        assert head.headers == get.headers
        assert ("content-length" in get.headers) == (status not in (204, 304))

    def test_session_and_cookies(self, app: Any) -> None:
        @app.get("/")
        async def index() -> Any:
            session["n"] = session.get("n", 0) + 1
            return str(session["n"])

        async def main() -> bytes:
            first = await ask(app)
            cookie = first.headers["set-cookie"].partition(";")[0].encode()
            # HTTP/2 may send them in pieces.
            return (await ask(app, headers=[(b"cookie", b"a=1"), (b"cookie", cookie)])).body

        assert asyncio.run(main()) == b"2"

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_files(self, app: Any, tmp_path: Path, asynchronous: bool) -> None:
        from erlen import send_file

        small, large = b"s" * 1000, bytes(range(256)) * 3000
        (tmp_path / "small.bin").write_bytes(small)
        (tmp_path / "large.bin").write_bytes(large)

        async def file(name: str) -> Any:
            return send_file(tmp_path / name)

        app.add_url_rule(
            "/<name>", "f", file if asynchronous else lambda name: send_file(tmp_path / name)
        )

        async def main() -> list[Exchange]:
            part = [(b"range", b"bytes=10-19")]
            return [
                await ask(app, "/small.bin"),
                await ask(app, "/large.bin"),
                await ask(app, "/large.bin", "HEAD"),
                await ask(app, "/large.bin", headers=part),
            ]

        first, second, head, part = asyncio.run(main())
        assert (first.body, second.body, head.body) == (small, large, b"")
        assert head.headers["content-length"] == str(len(large))
        assert (part.status, part.body) == (206, large[10:20])

    def test_generators_see_one_context_and_no_loop(self, app: Any) -> None:
        @app.get("/")
        def index() -> Iterator[str]:
            token = note.set("of the stream")
            for _ in range(3):
                yield f"{thread()} {note.get()} "
            note.reset(token)

        assert asyncio.run(ask(app)).body == b"erlen-sync of the stream " * 3

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_async_generators(self, app: Any, asynchronous: bool) -> None:
        async def produce() -> AsyncIterator[Any]:
            for n in range(3):
                await asyncio.sleep(0)
                yield (f"{n} ", b"bytes ")[n % 2]
            yield thread()

        async def index() -> Any:
            return produce(), 201

        app.add_url_rule("/", "index", index if asynchronous else lambda: (produce(), 201))
        exchange = asyncio.run(ask(app))
        assert (exchange.status, exchange.body.decode()) == (201, f"0 bytes 2 {thread()}")

    def test_stream_with_context(self, app: Any) -> None:
        log: list[str] = []
        app.teardown_request(lambda exc: log.append("torn down"))

        @app.get("/")
        async def index() -> Any:
            def produce() -> Iterator[str]:
                yield request.path
                log.append("made")

            return stream_with_context(produce())

        assert asyncio.run(ask(app)).body == b"/"
        assert log == ["made", "torn down"]

    def test_status_told_with_the_first_item(self, app: Any) -> None:
        """PEP 3333 lets an application call `start_response` so late, and write to it."""

        def late(environ: Any, start_response: Any) -> Iterator[bytes]:
            write = start_response("202 Accepted", [("X-A", "1")])
            write(b"written ")
            yield b"yielded"

        app.wsgi_app = late
        exchange = asyncio.run(ask(app))
        assert (exchange.status, exchange.headers, exchange.body) == (
            202,
            {"x-a": "1"},
            b"written yielded",
        )


class TestClientGoesAway:
    def test_an_async_view_is_cancelled(self, app: Any) -> None:
        log: list[str] = []
        app.teardown_request(lambda exc: log.append(type(exc).__name__))
        waiting = asyncio.Event()

        @app.get("/")
        async def index() -> str:
            try:
                waiting.set()
                await asyncio.Event().wait()
            finally:
                log.append("cleaned up")
            return "never"

        async def main() -> Exchange:
            exchange = Exchange(app, scope_of())
            await waiting.wait()
            exchange.leave()
            await exchange.task
            return exchange

        assert asyncio.run(main()).sent == []
        assert log == ["cleaned up", "CancelledError"]

    def test_a_stream_that_never_waits_lets_others_have_their_turn(self, app: Any) -> None:
        """Where the server takes what is sent to nobody, and does not wait for it: hypercorn."""
        closed: list[bool] = []

        @app.get("/")
        async def index() -> Any:
            async def endless() -> Any:
                try:
                    for _ in range(100_000):
                        yield b"x"
                    pytest.fail("nobody else had a turn")
                finally:
                    closed.append(True)

            return endless()

        async def main() -> None:
            incoming: asyncio.Queue[Any] = asyncio.Queue()
            incoming.put_nowait({"type": "http.request"})

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    incoming.put_nowait({"type": "http.disconnect"})

            await app(scope_of(), incoming.get, send)

        asyncio.run(main())
        assert closed == [True]

    def test_a_cancellation_of_the_server_goes_on(self, app: Any) -> None:
        waiting = asyncio.Event()

        @app.get("/")
        async def index() -> str:
            waiting.set()
            await asyncio.Event().wait()
            return "never"

        async def main() -> None:
            exchange = Exchange(app, scope_of())
            await waiting.wait()
            exchange.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await exchange.task

        asyncio.run(main())

    def test_the_server_cancels_while_a_thread_works(self, app: Any) -> None:
        """The thread ends its work, and what it answers is closed."""
        log: list[str] = []
        started, go = threading.Event(), threading.Event()

        @app.get("/")
        def index() -> Any:
            started.set()
            go.wait(20)
            response = Response(iter(["a", "b"]))
            response.call_on_close(lambda: log.append("closed"))
            return response

        async def main() -> None:
            exchange = Exchange(app, scope_of())
            await asyncio.to_thread(started.wait)
            exchange.task.cancel()
            go.set()
            with pytest.raises(asyncio.CancelledError):
                await exchange.task

        asyncio.run(main())
        assert log == ["closed"]

    def test_an_async_view_behind_a_sync_wrapper(self, app: Any) -> None:
        waiting = asyncio.Event()
        log: list[str] = []

        async def index() -> str:
            waiting.set()
            try:
                await asyncio.Event().wait()
            finally:
                log.append("cleaned up")
            return "never"

        app.add_url_rule("/", "index", lambda: index())

        async def main() -> None:
            exchange = Exchange(app, scope_of())
            await waiting.wait()
            exchange.leave()
            await asyncio.wait_for(exchange.task, 20)

        asyncio.run(main())
        assert log == ["cleaned up"]

    @pytest.mark.parametrize("asynchronous", [True, False])
    @pytest.mark.parametrize("notices", ["by receiving", "by sending"])
    def test_a_stream_is_closed(self, app: Any, asynchronous: bool, notices: str) -> None:
        log: list[str] = []

        def produce() -> Iterator[str]:
            try:
                while True:
                    yield "x"
            finally:
                log.append("closed")

        async def produce_async() -> AsyncIterator[str]:
            try:
                while True:
                    yield "x"
            finally:
                log.append("closed")

        app.add_url_rule("/", "index", produce_async if asynchronous else produce)
        if asynchronous:
            app.view_functions["index"] = lambda: produce_async()

        async def main() -> None:
            exchange = Exchange(app, scope_of())
            await exchange.until_sent(3)
            if notices == "by receiving":
                exchange.tell({"type": "http.disconnect"})
            else:
                exchange.gone = True
            await asyncio.wait_for(exchange.task, 20)

        asyncio.run(main())
        assert log == ["closed"]

    def test_before_the_body_is_there(self, app: Any) -> None:
        called: list[str] = []
        app.add_url_rule("/", "index", lambda: called.append("view") or "x", methods=["POST"])

        async def main() -> Exchange:
            headers = [(b"content-length", b"100")]
            exchange = Exchange(app, scope_of("/", "POST", headers=headers), (b"a",), hold=True)
            exchange.leave()
            await exchange.task
            return exchange

        assert (asyncio.run(main()).sent, called) == ([], [])

    def test_a_client_that_sent_a_broken_body_and_waits(self, app: Any) -> None:
        """Granian tells of a bad chunk as of a client that has gone."""
        called: list[str] = []
        app.add_url_rule("/", "index", lambda: called.append("view") or "x", methods=["POST"])

        async def main() -> Exchange:
            headers = [(b"transfer-encoding", b"chunked")]
            exchange = Exchange(app, scope_of("/", "POST", headers=headers), (b"a",), hold=True)
            exchange.tell({"type": "http.disconnect"})
            await exchange.task
            return exchange

        answered = asyncio.run(main())
        assert (answered.status, answered.body, called) == (400, b"", [])

    def test_nothing_leaks_after_10_000_aborted_requests(self, app: Any) -> None:
        contexts: weakref.WeakSet[Any] = weakref.WeakSet()
        opened: list[int] = [0]
        app.testing = False

        @app.before_request
        def count() -> None:
            from erlen.globals import request_ctx

            contexts.add(request_ctx._get_current_object())

        class Source:
            def __init__(self) -> None:
                opened[0] += 1

            def __iter__(self) -> Source:
                return self

            def __next__(self) -> str:
                return "x"

            def close(self) -> None:
                opened[0] -= 1

        @app.get("/wait")
        async def wait() -> str:
            opened[0] += 1
            try:
                await asyncio.Event().wait()
            finally:
                opened[0] -= 1
            return "never"

        @app.get("/stream")
        async def stream() -> Any:
            async def produce() -> AsyncIterator[str]:
                opened[0] += 1
                try:
                    while True:
                        yield "x"
                finally:
                    opened[0] -= 1

            return produce()

        @app.get("/threads")
        def threads() -> Any:
            return Response(stream_with_context(iter(Source())))

        async def abort(path: str, after: int) -> None:
            exchange = Exchange(app, scope_of(path))
            if after:
                await exchange.until_sent(after)
            else:
                await asyncio.sleep(0)
            exchange.leave()
            await exchange.task

        async def main() -> int:
            # A stream in threads costs hops: fewer of them, many at a time.
            work = [("/wait", 0)] * 60 + [("/stream", 2)] * 35 + [("/threads", 2)] * 5
            for _ in range(100):
                await asyncio.gather(*(abort(path, after) for path, after in work))
            return len(asyncio.all_tasks())

        assert asyncio.run(main()) == 1
        gc.collect()
        assert opened == [0]
        assert len(contexts) == 0
