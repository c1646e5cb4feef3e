"""WSGI applications on ASGI servers and the reverse, by a2wsgi."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import typing as t
from collections.abc import Coroutine, Iterable

from werkzeug.exceptions import LengthRequired
from werkzeug.wsgi import ClosingIterator

from .. import typing as ft
from .._background import get_loop
from .._extras import missing_extra
from ._lifespan import Lifespan
from ._protocol import ASGIApplication, Message, Receive, Scope, Send

T = t.TypeVar("T")

logger = logging.getLogger("erlen.middleware")


def _a2wsgi() -> t.Any:
    try:
        import a2wsgi
    except ModuleNotFoundError as error:
        raise missing_extra("middleware", error) from error
    return a2wsgi


def wsgi_as_asgi(app: ft.WSGIApplication, threads: int) -> ASGIApplication:
    """Make an ASGI application of a WSGI one, which runs in threads."""

    def ending(environ: ft.WSGIEnvironment, start_response: ft.StartResponse) -> Iterable[bytes]:
        # The body ends by itself, so that one without Content-Length is read too.
        environ["wsgi.input_terminated"] = True
        return app(environ, start_response)

    inner: ASGIApplication = _a2wsgi().WSGIMiddleware(ending, workers=threads)

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        # A server may hand over what is awaitable and no coroutine, as granian does.
        async def receive_here() -> Message:
            return await receive()

        async def send_here(message: Message) -> None:
            await send(message)

        if scope["type"] == "http":
            scope = {**scope, "headers": _for_environ(scope["headers"])}
        await inner(scope, receive_here, send_here)

    return call


def _for_environ(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers that an environ can hold one of each.

    Those with an underscore are left out: the environ would not tell them from those with a
    hyphen, which a proxy may have set. Cookies, of which HTTP/2 has several, become one.
    """
    kept = [(name, value) for name, value in headers if b"_" not in name]
    cookies = [value for name, value in kept if name == b"cookie"]
    rest = [(name, value) for name, value in kept if name != b"cookie"]
    return [*rest, (b"cookie", b"; ".join(cookies))] if cookies else rest


def _wait(coroutine: Coroutine[t.Any, t.Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(coroutine, get_loop()).result()


class AsgiAsWsgi:
    """An ASGI application for WSGI servers: it runs on one event loop for the whole process.

    Its start-up runs before the first request, its shutdown when the process ends or
    :meth:`close` is called.
    """

    def __init__(self, app: ASGIApplication) -> None:
        self._app = app
        self._middleware = _a2wsgi().ASGIMiddleware
        self._lock = threading.Lock()
        self._pid = 0
        self._span: Lifespan | None = None
        self._state: dict[str, t.Any] = {}

    def __call__(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
            if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
                # a2wsgi would drop the body without a word.
                return LengthRequired()(environ, start_response)
        self._start()
        loop = get_loop()
        tasks: list[asyncio.Task[t.Any] | None] = []

        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            tasks.append(asyncio.current_task())
            scope["state"] = self._state.copy()
            try:
                await self._app(scope, receive, send)
            except Exception:
                logger.exception("An ASGI application failed on %s", scope["path"])
                raise

        def cancel() -> None:
            # A client that goes away leaves the application waiting to send.
            for task in tasks:
                if task is not None:
                    loop.call_soon_threadsafe(task.cancel)

        body = self._middleware(run, loop=loop)(environ, start_response)
        return ClosingIterator(body, [cancel])

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._span = Lifespan(self._app, self._state)
            failure = _wait(self._span.start_up())
            if failure is not None:
                raise RuntimeError(f"The mounted ASGI application did not start: {failure}")
            self._pid = os.getpid()
            atexit.register(self.close)

    def close(self) -> None:
        """Run the application's shutdown; a later request starts it anew."""
        with self._lock:
            if self._pid != os.getpid() or self._span is None:
                return
            self._pid = 0
            failure = _wait(self._span.shut_down())
            atexit.unregister(self.close)
        if failure is not None:
            logger.error("A mounted ASGI application did not shut down: %s", failure)
