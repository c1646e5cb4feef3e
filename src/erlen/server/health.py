"""Liveness and readiness, and what a server that is about to end says to each client."""

from __future__ import annotations

import typing as t
from collections.abc import Coroutine, Iterable

from .. import typing as ft


class Flag(t.Protocol):
    """What the server raises for all its workers to see when it is about to end."""

    value: bool


Answer: t.TypeAlias = tuple[int, bytes]


class Health:
    """What is answered at the paths of liveness and readiness.

    A worker that answers at all is alive, and it is ready until the server is about to end.

    :param paths: those of liveness and readiness; None for none.
    :param ending: raised when the server is about to end.
    """

    def __init__(self, paths: tuple[str, str] | None, ending: Flag) -> None:
        self.paths: tuple[str, ...] = paths or ()
        self.ending = ending

    def answer(self, path: str) -> Answer:
        """Answer a request for one of the paths: the status and the body."""
        if self.ending.value and path != self.paths[0]:
            return 503, b"ending\n"
        return 200, b"ok\n"


def _headers(body: bytes) -> list[tuple[str, str]]:
    return [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]


class HealthWSGI:
    """A WSGI application with liveness and readiness before it.

    While the server is about to end, each answer closes its connection: a client on another one
    would have its next request cut off.

    :param app: the application inside.
    :param health: what is answered.
    """

    def __init__(self, app: t.Any, health: Health) -> None:
        self.app = app
        self.health = health

    def __call__(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        health = self.health
        if health.ending.value and environ["SERVER_PROTOCOL"].startswith("HTTP/1"):
            start_response = _closing(start_response)
        if environ["PATH_INFO"] not in health.paths:
            return self.app(environ, start_response)  # type: ignore[no-any-return]  # as it answers
        status, body = health.answer(environ["PATH_INFO"])
        start_response("200 OK" if status == 200 else "503 Service Unavailable", _headers(body))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]


def _closing(start_response: ft.StartResponse) -> t.Any:
    def start(status: str, headers: list[tuple[str, str]], exc_info: t.Any = None) -> t.Any:
        return start_response(status, [*headers, ("Connection", "close")], exc_info)

    return start


class HealthASGI:
    """An ASGI application with liveness and readiness before it, as :class:`HealthWSGI`.

    :param app: the application inside.
    :param health: what is answered.
    """

    def __init__(self, app: t.Any, health: Health) -> None:
        self.app = app
        self.health = health

    def __call__(
        self, scope: ft.Scope, receive: ft.Receive, send: ft.Send
    ) -> Coroutine[t.Any, t.Any, None]:
        if scope["type"] == "http":
            health = self.health
            if health.ending.value and scope["http_version"].startswith("1"):
                send = _closing_send(send)
            if scope["path"] in health.paths:
                return self._answer(scope, send)
        return self.app(scope, receive, send)  # type: ignore[no-any-return]  # as it answers

    async def _answer(self, scope: ft.Scope, send: ft.Send) -> None:
        status, body = self.health.answer(scope["path"])
        headers = [(name.lower().encode(), value.encode()) for name, value in _headers(body)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        content = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": content})


def _closing_send(send: ft.Send) -> ft.Send:
    async def closing(message: ft.Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"connection", b"close")]
            message = {**message, "headers": headers}
        await send(message)

    return closing
