from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from queue import Empty
from typing import Any

import pytest

from erlen import g, request, session, websocket
from erlen.asgi import WebSocketClosed
from erlen.asgi.testing import ASGIClient, WebSocketRefused


@pytest.fixture
def client(app: Any) -> Any:
    return app.test_app().test_client()


class TestClient:
    def test_asks_by_asgi(self, app: Any, client: Any) -> None:
        assert type(client) is ASGIClient
        app.add_url_rule("/", "index", lambda: request.environ["asgi.scope"]["type"])
        assert client.get("/").text == "http"

    def test_context_is_kept(self, app: Any, client: Any) -> None:
        @app.get("/")
        async def index() -> str:
            g.a = session["b"] = 1
            return "x"

        with client:
            client.get("/?c=2")
            assert (g.a, session["b"], request.args["c"]) == (1, 1, "2")

    def test_a_stream_that_nobody_reads_to_its_end(self, app: Any, client: Any) -> None:
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

        response = client.get("/")
        assert [next(response.response) for _ in range(3)] == [b"x"] * 3
        response.close()
        assert log == ["closed"]

    def test_a_whole_stream(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: (f"{n} " for n in range(4)))
        assert client.get("/").text == client.get("/", buffered=True).text == "0 1 2 3 "

    def test_an_error_in_a_stream(self, app: Any, client: Any) -> None:
        @app.get("/")
        def index() -> Any:
            yield "x"
            raise ValueError("in the stream")

        with pytest.raises(ValueError, match="in the stream"):
            client.get("/").data  # noqa: B018  # read here

    def test_inside_an_async_view(self, app: Any, client: Any) -> None:
        app.add_url_rule("/inner", "inner", lambda: "inner")

        @app.get("/")
        async def outer() -> str:
            await asyncio.sleep(0)
            return f"outer {client.get('/inner').text}"

        assert client.get("/").text == "outer inner"

    @pytest.mark.parametrize("messages", [0, 3])
    def test_applications_that_answer_wrongly(self, app: Any, client: Any, messages: int) -> None:
        async def wrong(scope: Any, receive: Any, send: Any) -> None:
            for n in range(messages):
                if n:
                    await send({"type": "http.response.body", "body": b""})
                else:
                    await send({"type": "http.response.start", "status": 200, "headers": []})

        app.asgi_app = wrong
        said = "without an answer" if not messages else "after the end of its response"
        with pytest.raises(RuntimeError, match=said):
            client.get("/")


class TestWebSockets:
    def test_cookies(self, app: Any, client: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept(headers={"Set-Cookie": "a=1"})
            await websocket.send(websocket.cookies.get("a", "none"))

        for expected in ("none", "1"):
            with client.websocket("/ws") as ws:
                assert ws.receive() == expected
        with app.test_client(use_cookies=False).websocket("/ws") as ws:
            assert ws.receive() == "none"

    def test_nothing_comes(self, app: Any, client: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.receive()

        with client.websocket("/ws") as ws:
            ws._timeout = 0.01
            with pytest.raises(Empty):
                ws.receive()

    def test_the_app_ends(self, app: Any, client: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()

        with client.websocket("/ws") as ws:
            for _ in range(2):
                with pytest.raises(WebSocketClosed, match="1000"):
                    ws.receive()

    def test_the_response_of_a_refusal(self, app: Any, client: Any) -> None:
        with pytest.raises(WebSocketRefused, match="404 NOT FOUND") as info:
            with client.websocket("/nowhere?a=1"):
                pass
        assert info.value.response.request.path == "/nowhere"
        assert "text/html" in info.value.response.headers["Content-Type"]
