"""WSGI applications on ASGI servers, and the reverse by a2wsgi."""

from __future__ import annotations

import asyncio
import atexit
import io
import logging
import os
import threading
import typing as t
from collections.abc import Coroutine, Iterable
from contextlib import suppress

from werkzeug.exceptions import ClientDisconnected, LengthRequired
from werkzeug.wsgi import ClosingIterator

from .. import typing as ft
from .._background import get_loop
from .._extras import missing_extra
from ..asgi.body import Body
from ..asgi.environ import make_environ
from ..asgi.pool import Pool
from ..asgi.response import Stream, answer_in_thread, answer_of, deliver_stream
from ._lifespan import Lifespan, serve_lifespan
from ._protocol import ASGIApplication, Receive, Scope, Send

T = t.TypeVar("T")

logger = logging.getLogger("erlen.middleware")


def _a2wsgi() -> t.Any:
    try:
        import a2wsgi
    except ModuleNotFoundError as error:
        raise missing_extra("middleware", error) from error
    return a2wsgi


def wsgi_as_asgi(app: ft.WSGIApplication, threads: int) -> ASGIApplication:
    """Make an ASGI application of a WSGI one, which runs in threads.

    Where the client goes away, its stream is closed.
    """
    pool = Pool(threads)

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await _answer(app, pool, scope, receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        elif kind == "lifespan":
            await serve_lifespan([], {}, receive, send)

    return call


async def _answer(
    app: ft.WSGIApplication, pool: Pool, scope: Scope, receive: Receive, send: Send
) -> None:
    environ = make_environ(scope)
    body = _Body(receive, asyncio.get_running_loop())
    if "CONTENT_LENGTH" not in environ and "HTTP_TRANSFER_ENCODING" not in environ:
        # Mostly there is none, and this says so: then it is seen that the client goes.
        if not await body.fill(0, pool):
            return
    # The PEP has a read that gives as much as is asked for.
    file = environ["wsgi.input"] = io.BufferedReader(body)
    # The body ends by itself, so that one without Content-Length is read too.
    environ["wsgi.input_terminated"] = True
    try:
        answer = await answer_in_thread(pool, answer_of, app, environ)
        if isinstance(answer[2], Stream):
            await deliver_stream(pool, send, answer, receive, body)
            return
        status, headers, content = answer
        # A client that has gone needs no answer.
        with suppress(OSError):
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})
    finally:
        file.close()


class _Body(Body):
    """A body whose readers are told of a client that has gone as servers of WSGI tell it."""

    def _wait(self) -> None:
        try:
            super()._wait()
        except ClientDisconnected as error:
            raise ConnectionResetError("The client has gone.") from error


def _wait(coroutine: Coroutine[t.Any, t.Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(coroutine, get_loop()).result()


class _Whole:
    """A body that is known to have more: its early end is the client's going away.

    a2wsgi would go on to read it for ever.
    """

    def __init__(self, stream: t.Any) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        if not data:
            raise ConnectionResetError("The client has gone.")
        return data


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
        environ["wsgi.input"] = _Whole(environ["wsgi.input"])
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
