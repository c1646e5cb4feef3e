"""Hello-world on each framework: what ``benchmarks.http`` asks the servers for."""

# `make bench` alone installs the peers.
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

HELLO = "Hello, World!"


def bare() -> Any:
    """A WSGI function that does nothing else."""
    from .inproc import bare

    return bare


def erlen() -> Any:
    from erlen import Flask

    app = Flask(__name__)
    app.add_url_rule("/", "hello", lambda: HELLO)
    return app


def erlen_async() -> Any:
    from erlen import Flask

    app = Flask(__name__)

    @app.get("/")
    async def hello() -> str:
        return HELLO

    @app.websocket("/ws")
    async def echo() -> None:
        from erlen import websocket

        async for message in websocket:
            await websocket.send(message)

    return app


def bare_asgi() -> Any:
    """The least an ASGI application does."""
    body = HELLO.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": message["text"]})

    return app


def echoes() -> Any:
    """All that echo in one process, as it is: one can be a tenth faster than its own twin.

    The query string of a handshake tells which is meant.
    """
    apps = {"bare_asgi": bare_asgi(), "erlen_async": erlen_async()}
    if find_spec("starlette"):
        apps["starlette"] = starlette()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        name = scope["query_string"].decode() if scope["type"] == "websocket" else "bare_asgi"
        await apps[name](scope, receive, send)

    return app


def quart() -> Any:
    from quart import Quart

    app = Quart(__name__)

    @app.get("/")
    async def hello() -> str:
        return HELLO

    return app


def flask() -> Any:
    from flask import Flask

    app = Flask(__name__)
    app.add_url_rule("/", "hello", lambda: HELLO)
    return app


def falcon() -> Any:
    from .inproc import make_falcon

    return make_falcon()


def starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route, WebSocketRoute
    from starlette.websockets import WebSocket

    async def hello(request: Request) -> PlainTextResponse:
        return PlainTextResponse(HELLO)

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        async for message in websocket.iter_text():
            await websocket.send_text(message)

    return Starlette(routes=[Route("/", hello), WebSocketRoute("/ws", echo)])


def fastapi() -> Any:
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse

    async def hello() -> str:
        return HELLO

    app = FastAPI()
    app.get("/", response_class=PlainTextResponse)(hello)
    return app


def blacksheep() -> Any:
    from blacksheep import Application

    async def hello() -> str:
        return HELLO

    app = Application()
    app.router.add_get("/", hello)
    return app


def run_robyn(port: int) -> None:
    """Serve on Robyn, which brings its own server."""
    from robyn import Robyn

    async def hello() -> str:
        return HELLO

    app = Robyn(__file__)
    app.get("/")(hello)
    app.start(host="127.0.0.1", port=port)


if __name__ == "__main__":
    run_robyn(port=int(sys.argv.pop()))  # the options before it are Robyn's own to read
