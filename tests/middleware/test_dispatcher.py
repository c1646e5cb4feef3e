from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import BytesIO
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import create_environ

from erlen.middleware import Compress, Dispatcher

from .doors import Answer, asgi, ask, scope_for, wsgi

PLAIN = [(b"content-type", b"text/plain")]


def named(name: str) -> Any:
    """A WSGI application that tells its name and how the path was split."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{name}|{environ['SCRIPT_NAME']}|{environ['PATH_INFO']}".encode("latin-1")]

    return app


def named_asgi(name: str) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        text = f"{name}|{scope['root_path']}|{scope['path']}"
        await send({"type": "http.response.start", "status": 200, "headers": PLAIN})
        await send({"type": "http.response.body", "body": text.encode()})

    return app


def lone(app: Any) -> Any:
    return Dispatcher(None, {"/x": app})


@pytest.fixture
def application() -> Any:
    return Dispatcher(
        named("site"),
        {
            "/api": named("api"),
            "/api/v2/": named("v2"),
            "/café": named("cafe"),
            "shop.example.com": named("shop"),
            "shop.example.com/api": named("shop api"),
            "*.example.com": named("tenant"),
            "*.eu.example.com/": named("eu"),
            "backend/x": named("backend"),
            "[::1]": named("six"),
        },
    )


class TestWhere:
    @pytest.mark.parametrize(
        ("url", "answer"),
        [
            ("/", "site||/"),
            ("/apis", "site||/apis"),
            ("/api", "api|/api|"),
            ("/api/", "api|/api|/"),
            ("/api/users/1", "api|/api|/users/1"),
            ("/api/v2/users", "v2|/api/v2|/users"),
            ("/api/v22", "api|/api|/v22"),
            ("/caf%C3%A9/a", "cafe|/café|/a"),
            ("http://shop.example.com/", "shop||/"),
            ("http://SHOP.example.com.:8080/a", "shop||/a"),
            ("http://shop.example.com/api/1", "shop api|/api|/1"),
            ("http://a.example.com/api", "tenant||/api"),
            ("http://a.b.example.com/", "tenant||/"),
            ("http://a.eu.example.com/", "eu||/"),
            ("http://example.com/api/1", "api|/api|/1"),
            ("http://backend/x/y", "backend|/x|/y"),
            ("http://backend/y", "site||/y"),
            ("http://[::1]:8000/api", "six||/api"),
        ],
    )
    def test_the_most_exact_host_then_the_longest_prefix(
        self, application: Any, url: str, answer: str
    ) -> None:
        base, slash, path = url.removeprefix("http://").partition("/")
        found = wsgi(application, slash + path, base_url=f"http://{base or 'localhost'}")
        assert found.data.decode("utf-8") == answer
        unquoted = path.replace("%C3%A9", "é")
        found_asgi = asgi(application, slash + unquoted, headers={"Host": base or "localhost"})
        assert found_asgi.data.decode("utf-8") == answer

    def test_nothing_mounted(self) -> None:
        assert wsgi(lone(named("x")), "/y").status_code == 404
        assert asgi(lone(named("x")), "/y").status_code == 404

    def test_a_mount_within_a_mount(self) -> None:
        inner = Dispatcher(named("site"), {"/b": named("b")})
        outer = Dispatcher(None, {"/a": inner})
        assert wsgi(outer, "/a/b/c").text == "b|/a/b|/c"
        assert asgi(outer, "/a/b/c").text == "b|/a/b|/c"
        assert asgi(outer, "/a/c").text == "site|/a|/c"

    def test_an_http_1_0_request_has_no_host(self) -> None:
        seen: dict[str, Any] = {}

        def app(environ: Any, start_response: Any) -> list[bytes]:
            seen.update(environ)
            start_response("204 No Content", [])
            return []

        application = Dispatcher(None, {"named.example": app})
        environ = {"SERVER_NAME": "named.example", "PATH_INFO": "/", "REQUEST_METHOD": "GET"}
        assert list(application(environ, lambda status, headers, exc=None: print)) == []
        assert seen["PATH_INFO"] == "/"

    @given(
        mounts=st.sets(
            st.tuples(
                st.sampled_from(["", "a.test", "b.a.test", "*.test", "*.a.test"]),
                st.lists(st.sampled_from("xyz"), max_size=3).map(
                    lambda segments: "".join(f"/{each}" for each in segments)
                ),
            ).filter(any),
            max_size=8,
        ),
        host=st.sampled_from(["a.test", "b.a.test", "c.b.a.test", "test", "other"]),
        segments=st.lists(st.sampled_from(["x", "y", "z", "xy", ""]), max_size=4),
    )
    def test_it_answers_as_the_naive_search_does(
        self, mounts: set[tuple[str, str]], host: str, segments: list[str]
    ) -> None:
        path = "/" + "/".join(segments)

        def takes(mount: tuple[str, str]) -> bool:
            name, prefix = mount
            on_host = name in ("", host) or (name[:1] == "*" and host.endswith(name[1:]))
            return on_host and (path == prefix or path.startswith(prefix + "/"))

        def exactness(mount: tuple[str, str]) -> tuple[bool, int, int]:
            return (mount[0] == host, len(mount[0]), len(mount[1]))

        best = max(filter(takes, mounts), key=exactness, default=None)
        application = Dispatcher(
            named("site"),
            {f"{name}{prefix}" if prefix else f"{name}/": named(f"{name}{prefix}")
             for name, prefix in mounts},
        )  # fmt: skip
        expected = f"site||{path}"
        if best is not None:
            expected = f"{''.join(best)}|{best[1]}|{path[len(best[1]) :]}"
        asked = {"PATH_INFO": path, "HTTP_HOST": host}
        assert wsgi(application, environ_overrides=asked).text == expected


class TestSetUp:
    @pytest.mark.parametrize(
        ("key", "words"),
        [
            ("/", "every path of every host"),
            ("", "every path of every host"),
            ("api", "write '/api' for the path, 'api/' for the host"),
            ("http://example.com", "no scheme"),
            ("example.com:8080/x", "no port"),
            ("a.*.example.com", "neither a path"),
            ("bücher.example", "xn--"),
            ("/caf%C3%A9", "percent-encoded"),
        ],
    )
    def test_a_mount_that_is_none(self, key: str, words: str) -> None:
        with pytest.raises(ValueError, match=words.replace("*", r"\*")):
            Dispatcher(None, {key: named("x")})

    def test_a_mount_twice(self) -> None:
        with pytest.raises(ValueError, match="'/api/' is mounted twice"):
            Dispatcher(None, {"/api": named("a"), "/api/": named("b")})

    def test_no_application(self) -> None:
        with pytest.raises(TypeError, match="WSGI or ASGI callable, not 'api'"):
            Dispatcher("api")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"not the function that makes it"):
            Dispatcher(None, {"/x": lambda: named("x")})  # type: ignore[dict-item]

    def test_without_a2wsgi(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "a2wsgi", None)
        application = Dispatcher(None, {"/w": named("w"), "/a": named_asgi("a")})
        assert wsgi(application, "/w").text == "w|/w|"
        assert asgi(application, "/a").text == "a|/a|/a"
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'erlen\[middleware\]'"):
            wsgi(application, "/a")
        assert asgi(application, "/w").text == "w|/w|"


class TestAsgi:
    def test_the_path_keeps_the_prefix(self) -> None:
        assert asgi(lone(named_asgi("a")), "/x/y").text == "a|/x|/x/y"

    @pytest.mark.parametrize("path", ["/root/x/y", "/x/y"])
    def test_behind_a_root_path(self, path: str) -> None:
        """Servers put the root path before the path, as the specification has it, or do not."""
        assert asgi(lone(named_asgi("a")), path, root_path="/root").text == "a|/root/x|/root/x/y"
        assert asgi(lone(named("w")), path, root_path="/root").text == "w|/root/x|/y"

    def test_a_server_whose_messages_are_awaitable_and_no_coroutines(self) -> None:
        """As granian's are; a WSGI application reads them in a thread."""

        def read(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", [])
            return [environ["wsgi.input"].read()]

        async def main() -> Answer:
            async def call(scope: Any, receive: Any, send: Any) -> None:
                def soon(*args: Any) -> Any:
                    return asyncio.ensure_future((send if args else receive)(*args))

                await Dispatcher(None, {"/x": read})(scope, soon, soon)

            return await ask(call, scope_for("/x", "POST"), [b"so", b"me"])

        assert asyncio.run(main()).data == b"some"

    def test_an_asgi_2_server(self) -> None:
        async def main() -> Answer:
            async def call(scope: Any, receive: Any, send: Any) -> None:
                await lone(named_asgi("a"))(scope)(receive, send)

            return await ask(call, scope_for("/x"))

        assert asyncio.run(main()).text == "a|/x|/x"

    def test_a_server_without_host_header(self) -> None:
        application = Dispatcher(None, {"named.example": named_asgi("a")})
        assert asgi(application, headers={}, server=("named.example", 80)).status_code == 404
        scope = scope_for(server=("named.example", 80)) | {"headers": []}
        assert asyncio.run(ask(application, scope)).status_code == 200
        assert asyncio.run(ask(application, scope | {"server": None})).status_code == 404

    def test_a_websocket_finds_its_application(self) -> None:
        async def chat(scope: Any, receive: Any, send: Any) -> None:
            assert (await receive())["type"] == "websocket.connect"
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": scope["root_path"]})

        async def main(path: str) -> list[Any]:
            sent: list[Any] = []

            async def receive() -> Any:
                return {"type": "websocket.connect"}

            async def send(message: Any) -> None:
                sent.append(message)

            application = Dispatcher(named("site"), {"/chat": chat})
            await application(scope_for(path) | {"type": "websocket"}, receive, send)
            return sent

        assert asyncio.run(main("/chat"))[-1] == {"type": "websocket.send", "text": "/chat"}
        assert asyncio.run(main("/"))[-1]["type"] == "websocket.close"  # WSGI knows none

    def test_servers_find_asgi_3(self) -> None:
        """hypercorn looks whether the call is a coroutine function, and takes WSGI else."""
        application = Compress(lone(named("w")))
        assert inspect.iscoroutinefunction(application.__call__)
        assert wsgi(application, "/x").text == "w|/x|"
        assert not inspect.iscoroutinefunction(Compress(named("w")).__call__)


class TestBothProtocols:
    def test_asgi_on_a_wsgi_server(self) -> None:
        assert wsgi(lone(named_asgi("a")), "/x/y").text == "a|/x|/x/y"

    def test_wsgi_on_an_asgi_server(self) -> None:
        assert asgi(lone(named("w")), "/x/y").text == "w|/x|/y"

    def test_bodies_reach_both(self, flask: Any, app: Any) -> None:
        app.add_url_rule("/", "size", lambda: str(len(flask.request.data)), methods=["POST"])
        # No Content-Length: the server gives chunks until the body ends.
        chunks, sent = [b"a" * 40_000, b"b" * 40_000], {"Transfer-Encoding": "chunked"}
        for mounted in (app, app.wsgi_app):
            assert asgi(lone(mounted), "/x/", "POST", sent, chunks).text == "80000"

        async def size(scope: Any, receive: Any, send: Any) -> None:
            more, total = True, 0
            while more:
                message = await receive()
                more = message.get("more_body", False)
                total += len(message["body"])
            await send({"type": "http.response.start", "status": 200, "headers": PLAIN})
            await send({"type": "http.response.body", "body": str(total).encode()})

        assert wsgi(lone(size), "/x", "POST", data=b"a" * 100_000).text == "100000"

    def test_an_unmeasured_body_is_refused_where_it_would_be_lost(self) -> None:
        chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        answer = wsgi(lone(named_asgi("a")), "/x", "POST", environ_overrides=chunked)
        assert answer.status_code == 411

    def test_an_asgi_application_that_fails_is_logged(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def fails(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                raise LookupError("a secret")

        statuses: list[str] = []
        body = lone(fails)(create_environ("/x/y"), lambda status, *_: statuses.append(status))
        assert b"secret" not in b"".join(body)
        body.close()
        assert statuses == ["500 Internal Server Error"]
        assert [record.getMessage() for record in caplog.records] == [
            "An ASGI application failed on /x/y"
        ]

    def test_a_client_that_breaks_off_ends_the_asgi_application(self) -> None:
        ended = threading.Event()

        async def reading(scope: Any, receive: Any, send: Any) -> None:
            try:
                while scope["type"] == "http" and (await receive())["more_body"]:
                    pass
            finally:
                ended.set()

        environ = create_environ("/x", method="POST", input_stream=BytesIO(b"half"))
        environ["CONTENT_LENGTH"] = "10"
        body = lone(reading)(environ, lambda *args: None)
        ended.clear()  # of the lifespan
        with pytest.raises(ConnectionResetError, match="The client has gone."):
            list(body)
        body.close()
        assert ended.wait(10)

    def test_a_client_that_goes_away_ends_the_wsgi_application(self) -> None:
        """Else its stream would go on for ever, and its thread with it."""
        closed = threading.Event()

        def make() -> Iterator[bytes]:
            try:
                while True:
                    yield b"x"
            finally:
                closed.set()

        def endless(environ: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return make()

        async def main() -> None:
            incoming: asyncio.Queue[Any] = asyncio.Queue()
            incoming.put_nowait({"type": "http.request"})

            async def send(message: Any) -> None:
                if message.get("body"):
                    incoming.put_nowait({"type": "http.disconnect"})

            call = lone(endless)(scope_for("/x"), incoming.get, send)
            await asyncio.wait_for(call, 20)

        asyncio.run(main())
        assert closed.is_set()

    def test_a_body_that_breaks_off_is_not_taken_for_whole(self) -> None:
        read: list[bytes] = []

        def reading(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            read.append(environ["wsgi.input"].read())
            return []

        async def main(*messages: Any) -> None:
            incoming: asyncio.Queue[Any] = asyncio.Queue()
            for message in messages:
                incoming.put_nowait(message)

            async def send(message: Any) -> None:
                pytest.fail("nobody is there")

            scope = scope_for("/x", "POST", {"Transfer-Encoding": "chunked"})
            await lone(reading)(scope, incoming.get, send)

        half = {"type": "http.request", "body": b"half", "more_body": True}
        with pytest.raises(ConnectionResetError, match="The client has gone."):
            asyncio.run(main(half, {"type": "http.disconnect"}))
        assert read == []

    def test_a_client_that_goes_before_its_request_is_whole(self) -> None:
        async def main() -> list[Any]:
            sent: list[Any] = []

            async def receive() -> Any:
                return {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                sent.append(message)

            await lone(named("w"))(scope_for("/x"), receive, send)
            return sent

        assert asyncio.run(main()) == []

    def test_the_server_cancels_while_a_thread_works(self) -> None:
        started, go, closed = threading.Event(), threading.Event(), threading.Event()

        def make() -> Iterator[bytes]:
            try:
                yield b"x"
            finally:
                closed.set()

        def slow(environ: Any, start_response: Any) -> Iterator[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            body = make()
            next(body)
            started.set()
            assert go.wait(20)
            return body

        async def main() -> None:
            call = asyncio.create_task(ask(lone(slow), scope_for("/x")))
            await asyncio.to_thread(started.wait, 20)
            call.cancel()
            go.set()
            with pytest.raises(asyncio.CancelledError):
                await call

        asyncio.run(main())
        assert closed.is_set()

    def test_the_server_cancels_while_a_stream_is_sent(self) -> None:
        """What it holds is given back once: WSGI has no second close (PEP 3333)."""
        closed: list[int] = []

        class Body:
            def __iter__(self) -> Iterator[bytes]:
                return iter([b"x", b"y"])

            def close(self) -> None:
                closed.append(1)

        def streaming(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return Body()

        async def main() -> None:
            begun = asyncio.Event()
            incoming: asyncio.Queue[Any] = asyncio.Queue()
            incoming.put_nowait({"type": "http.request"})

            async def send(message: Any) -> None:
                begun.set()
                await asyncio.Event().wait()

            call = asyncio.create_task(lone(streaming)(scope_for("/x"), incoming.get, send))
            await begun.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

        asyncio.run(main())
        assert closed == [1]

    def test_a_client_that_has_gone_when_the_answer_is_there(self) -> None:
        tried: list[str] = []

        async def main() -> None:
            async def receive() -> Any:
                return {"type": "http.request"}

            async def send(message: Any) -> None:
                tried.append(message["type"])
                raise OSError("nobody is there")

            await lone(named("w"))(scope_for("/x"), receive, send)

        asyncio.run(main())  # no error is left for the server to log
        assert tried == ["http.response.start"]

    def test_a_client_that_goes_away_ends_the_asgi_application(self) -> None:
        ended = threading.Event()

        async def endless(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "lifespan":
                return
            try:
                await send({"type": "http.response.start", "status": 200, "headers": PLAIN})
                while True:
                    await send({"type": "http.response.body", "body": b"x", "more_body": True})
            finally:
                ended.set()

        answer = wsgi(lone(endless), "/x", buffered=False)
        assert next(answer.iter_encoded()) == b"x"
        answer.close()
        assert ended.wait(10)


class TestLifespan:
    @staticmethod
    def spanning(name: str, log: list[str], **failing: str) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "lifespan":
                log.append(f"{name} serves {scope['state']}")
                await named_asgi(name)(scope, receive, send)
                return
            for event in ("startup", "shutdown"):
                assert (await receive())["type"] == f"lifespan.{event}"
                log.append(f"{name} {event}")
                scope["state"][name] = event
                if event in failing:
                    why = failing[event]
                    await send({"type": f"lifespan.{event}.failed", "message": why})
                    return
                await send({"type": f"lifespan.{event}.complete"})

        return app

    @staticmethod
    def run(application: Any) -> list[Any]:
        sent: list[Any] = []
        state: dict[str, Any] = {}

        async def main() -> None:
            told = iter(["lifespan.startup", "lifespan.shutdown"])

            async def receive() -> Any:
                return {"type": next(told)}

            async def send(message: Any) -> None:
                sent.append(message)

            await application({"type": "lifespan", "state": state}, receive, send)

        asyncio.run(main())
        return sent

    def test_it_reaches_every_asgi_application_once(self) -> None:
        log: list[str] = []
        one, two = self.spanning("one", log), self.spanning("two", log)

        async def without(scope: Any, receive: Any, send: Any) -> None:
            assert scope["type"] == "http"

        mounts = {"/a": one, "/again": one, "/b": two, "/c": without, "/w": named("w")}
        sent = self.run(Dispatcher(None, mounts))
        assert log == ["one startup", "two startup", "two shutdown", "one shutdown"]
        assert [each["type"] for each in sent] == [
            "lifespan.startup.complete",
            "lifespan.shutdown.complete",
        ]

    def test_a_start_up_that_fails_stops_what_was_started(self) -> None:
        log: list[str] = []
        failing = self.spanning("two", log, startup="no database")
        mounts = {"/a": self.spanning("one", log), "/b": failing}
        sent = self.run(Dispatcher(None, mounts))
        assert log == ["one startup", "two startup", "one shutdown"]
        assert sent == [{"type": "lifespan.startup.failed", "message": "no database"}]

    def test_a_shutdown_that_fails(self) -> None:
        log: list[str] = []
        sent = self.run(Dispatcher(self.spanning("one", log, shutdown="it hung")))
        assert sent[-1] == {"type": "lifespan.shutdown.failed", "message": "it hung"}

    def test_on_a_wsgi_server(self) -> None:
        log: list[str] = []
        application = lone(self.spanning("one", log))
        assert wsgi(application, "/x").status_code == 200
        assert wsgi(application, "/x").status_code == 200
        application.close()
        application.close()
        assert wsgi(application, "/x").status_code == 200
        application.close()
        served = "one serves {'one': 'startup'}"
        assert log == ["one startup", served, served, "one shutdown",
                       "one startup", served, "one shutdown"]  # fmt: skip

    def test_on_a_wsgi_server_failing(self, caplog: pytest.LogCaptureFixture) -> None:
        application = lone(self.spanning("one", [], startup="no database"))
        with pytest.raises(RuntimeError, match="ASGI application did not start: no database"):
            wsgi(application, "/x")
        application = lone(self.spanning("one", [], shutdown="it hung"))
        wsgi(application, "/x")
        application.close()
        assert caplog.messages == ["A mounted ASGI application did not shut down: it hung"]


class TestFrameworks:
    @pytest.fixture
    def erlen_app(self, flask: Any) -> Any:
        app = flask.Flask("mounted")
        app.add_url_rule("/page/<int:n>", "page", lambda n: flask.url_for("page", n=n + 1))
        return app

    @pytest.fixture
    def django_urls(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        pytest.importorskip("django", reason="Django is not installed")
        from django.conf import settings
        from django.http import HttpResponse
        from django.urls import path, reverse

        if not settings.configured:
            settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, SECRET_KEY="s" * 50)
        urls = ModuleType("mounted_urls")
        urls.urlpatterns = [  # type: ignore[attr-defined]
            path(
                "page/<int:n>",
                lambda request, n: HttpResponse(reverse("page", kwargs={"n": n + 1})),
                name="page",
            )
        ]
        monkeypatch.setitem(sys.modules, "mounted_urls", urls)
        monkeypatch.setattr(settings, "ROOT_URLCONF", "mounted_urls", raising=False)
        yield

    @pytest.fixture
    def starlette_app(self) -> Any:
        pytest.importorskip("starlette", reason="Starlette is not installed")
        from starlette.applications import Starlette
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse
        from starlette.routing import Route

        started: list[str] = []

        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[None]:
            started.append("started")
            yield

        async def page(request: Request) -> PlainTextResponse:
            assert started == ["started"]
            url = request.url_for("page", n=request.path_params["n"] + 1)
            return PlainTextResponse(url.path)

        return Starlette(routes=[Route("/page/{n:int}", page, name="page")], lifespan=lifespan)

    @pytest.fixture
    def mounts(self, django_urls: None, erlen_app: Any, starlette_app: Any) -> dict[str, Any]:
        falcon = pytest.importorskip("falcon", reason="Falcon is not installed")
        from django.core.handlers.asgi import ASGIHandler
        from django.core.handlers.wsgi import WSGIHandler

        class Page:
            def on_get(self, request: Any, response: Any, n: int) -> None:
                response.text = f"{request.root_path}/page/{n + 1}"

        falcon_app = falcon.App()
        falcon_app.add_route("/page/{n:int}", Page())
        return {
            "/erlen": erlen_app,
            "/django": WSGIHandler(),
            "/django-asgi": ASGIHandler(),
            "/falcon": falcon_app,
            "/starlette": starlette_app,
        }

    def test_side_by_side_on_a_wsgi_server(self, mounts: dict[str, Any]) -> None:
        application = Dispatcher(None, mounts)
        for prefix in mounts:
            assert wsgi(application, f"{prefix}/page/1").text == f"{prefix}/page/2"
        application.close()

    def test_side_by_side_on_an_asgi_server(self, mounts: dict[str, Any]) -> None:
        application: Any = Dispatcher(None, mounts)

        async def main() -> None:
            told: asyncio.Queue[Any] = asyncio.Queue()
            answers: asyncio.Queue[Any] = asyncio.Queue()
            span = asyncio.create_task(
                application({"type": "lifespan", "state": {}}, told.get, answers.put)
            )
            await told.put({"type": "lifespan.startup"})
            assert (await answers.get())["type"] == "lifespan.startup.complete"
            for prefix in mounts:
                answer = await ask(application, scope_for(f"{prefix}/page/1"))
                assert answer.text == f"{prefix}/page/2"
            await told.put({"type": "lifespan.shutdown"})
            await span

        asyncio.run(main())

    def test_contexts_do_not_leak(self, flask: Any, erlen_app: Any) -> None:
        other = flask.Flask("other")
        seen: list[str] = []
        for each in (erlen_app, other):
            each.add_url_rule("/who", "who", lambda: flask.current_app.name)
            each.teardown_request(lambda exc: seen.append(flask.current_app.name))
        application = Dispatcher(other, {"/x": erlen_app})
        assert wsgi(application, "/x/who").text == "mounted"
        assert wsgi(application, "/who").text == "other"
        assert seen == ["mounted", "other"]
        assert not flask.has_app_context()
