"""Hello-world on each framework: what ``benchmarks.http`` asks the servers for."""

# `make bench` alone installs the peers.
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
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
    from starlette.routing import Route

    async def hello(request: Request) -> PlainTextResponse:
        return PlainTextResponse(HELLO)

    return Starlette(routes=[Route("/", hello)])


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
