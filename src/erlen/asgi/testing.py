"""Test an app through its ASGI door, without a server: requests, WebSockets, the lifespan."""

from __future__ import annotations

import asyncio
import threading
import typing as t
from collections.abc import Callable, Iterator
from contextvars import copy_context
from io import SEEK_CUR, BytesIO
from queue import SimpleQueue
from types import TracebackType
from urllib.parse import quote, urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse
from werkzeug.wsgi import get_current_url

from .. import json
from .. import typing as ft
from .._background import background_loop, is_free
from ..testing import FlaskClient
from .websocket import WebSocketClosed

# What a scope tells, and so is made anew from it; and what belongs to one call alone.
_TOLD = frozenset(
    "REQUEST_METHOD SCRIPT_NAME PATH_INFO QUERY_STRING SERVER_NAME SERVER_PORT SERVER_PROTOCOL"
    " CONTENT_TYPE CONTENT_LENGTH REMOTE_ADDR REMOTE_PORT REQUEST_URI wsgi.version wsgi.url_scheme"
    " wsgi.input wsgi.input_terminated wsgi.multithread wsgi.multiprocess wsgi.run_once"
    " werkzeug.request".split()
)
_CHUNK = 65_536
# ASGI has names of headers in lower case.
_NAMES = {"Etag": "ETag", "Www-Authenticate": "WWW-Authenticate"}


def make_scope(environ: ft.WSGIEnvironment, kind: str = "http") -> dict[str, t.Any]:
    """Make the ASGI scope that a server would make of a request.

    :param environ: the request as WSGI has it (PEP 3333). What no server tells an app, like an
        override of a test, goes along as it is.
    :param kind: ``"http"`` or ``"websocket"``.
    """
    path = environ.get("SCRIPT_NAME", "").rstrip("/") + environ.get("PATH_INFO", "")
    headers = [
        (key[5:].replace("_", "-").lower().encode("latin-1"), str(value).encode("latin-1"))
        for key, value in environ.items()
        if key.startswith("HTTP_")
    ]
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            headers.append((key.replace("_", "-").lower().encode(), environ[key].encode("latin-1")))
    if environ.get("wsgi.input_terminated") and not environ.get("CONTENT_LENGTH"):
        headers.append((b"transfer-encoding", b"chunked"))
    scope = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").removeprefix("HTTP/"),
        "method": environ.get("REQUEST_METHOD", "GET"),
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "path": path.encode("latin-1").decode(errors="replace"),
        "raw_path": quote(path.encode("latin-1")).encode(),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "root_path": environ.get("SCRIPT_NAME", "").encode("latin-1").decode(errors="replace"),
        "headers": headers,
        "server": (environ.get("SERVER_NAME", "localhost"), int(environ.get("SERVER_PORT") or 80)),
        "client": None,
        "extensions": {"websocket.http.response": {}},
        "erlen.environ": {
            key: value
            for key, value in environ.items()
            if key not in _TOLD and not key.startswith("HTTP_")
        },
    }
    if environ.get("REMOTE_ADDR"):
        scope["client"] = (environ["REMOTE_ADDR"], int(environ.get("REMOTE_PORT") or 0))
    if kind == "websocket":
        scope["scheme"] = "wss" if scope["scheme"] in ("https", "wss") else "ws"
        offered = environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "")
        scope["subprotocols"] = [name.strip() for name in offered.split(",") if name.strip()]
        del scope["method"]
    return scope


class _Connection:
    """The server's side of one call of an app, which runs on an event loop in another thread.

    :param app: an ASGI application.
    :param scope: what it is called with.
    """

    def __init__(self, app: t.Any, scope: ft.Scope) -> None:
        self._incoming: asyncio.Queue[dict[str, t.Any]] = asyncio.Queue()
        self._wanted = asyncio.Semaphore(1)
        #: What the app sent; at its end None, or what it raised.
        self.sent: SimpleQueue[t.Any] = SimpleQueue()
        self.ended = False
        self._gone = False
        self._app = app
        self._scope = scope
        self._loop, self._release = _loop_to_serve()
        self._context = copy_context()
        self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        # The loop itself holds a task weakly.
        self._task = self._loop.create_task(self._run(), context=self._context)

    async def _run(self) -> None:
        end: BaseException | None = None
        try:
            await self._app(self._scope, self._receive, self._send)
        except BaseException as e:
            end = e
        self.sent.put(end)

    async def _receive(self) -> dict[str, t.Any]:
        return await self._incoming.get()

    async def _send(self, message: ft.Scope) -> None:
        if self._gone:
            raise OSError("The client has gone.")
        self.sent.put(message)
        if message.get("more_body", False):
            # As from a server whose client is slow to read.
            await self._wanted.acquire()

    def tell(self, message: dict[str, t.Any]) -> None:
        """Let the app receive a message."""
        self._loop.call_soon_threadsafe(self._incoming.put_nowait, message)

    def next(self, timeout: float | None = None) -> t.Any:
        """Wait for what the app sends next; None at its end.

        :raises BaseException: what the app raised.
        :raises queue.Empty: after the timeout, in seconds.
        """
        if self.ended:
            return None
        message = self.sent.get(timeout=timeout)
        if isinstance(message, dict):
            if message.get("more_body", False):
                self._loop.call_soon_threadsafe(self._wanted.release)
            return message
        self.ended = True
        self._release()
        if message is not None:
            raise message
        return None

    def leave(self, message: dict[str, t.Any]) -> None:
        """Go away, as a client does, and wait for the app to end."""
        if not self.ended:
            self._gone = True
            self._loop.call_soon_threadsafe(self._wanted.release)
            self.tell(message)
            while self.next() is not None:
                pass


def _loop_to_serve() -> tuple[asyncio.AbstractEventLoop, Callable[[], object]]:
    """Return a loop that runs, and what is to be called when it is not needed any more."""
    if is_free():
        return background_loop(), bool
    # A view that uses a test client stops the loop that it runs on.
    runner = asyncio.Runner()
    loop = runner.get_loop()

    def work() -> None:
        with runner:
            loop.run_forever()

    threading.Thread(target=work, name="erlen-test", daemon=True).start()
    return loop, lambda: loop.call_soon_threadsafe(loop.stop)


def _decoded(headers: t.Iterable[tuple[bytes, bytes]]) -> Headers:
    pairs = [(name.decode("latin-1").title(), value.decode("latin-1")) for name, value in headers]
    return Headers([(_NAMES.get(name, name), value) for name, value in pairs])


class _Chunks:
    """The body of a response whose app goes on making it."""

    def __init__(self, connection: _Connection, first: bytes) -> None:
        self._connection = connection
        self._first: bytes | None = first

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        message = self._connection.next()
        if message is None:
            raise StopIteration
        return t.cast(bytes, message.get("body", b""))

    def close(self) -> None:
        """Go away before the end."""
        self._connection.leave({"type": "http.disconnect"})


def run_asgi_app(
    app: t.Any, environ: ft.WSGIEnvironment, buffered: bool = False
) -> tuple[t.Iterable[bytes], str, Headers]:
    """Have an ASGI application answer a request; ``werkzeug.test.run_wsgi_app`` for ASGI.

    :param app: the application.
    :param environ: the request, as WSGI has it.
    :param buffered: wait for the whole body.
    :return: body, status line and headers.
    """
    body: t.IO[bytes] = environ.get("wsgi.input") or BytesIO()
    length = environ.get("CONTENT_LENGTH")
    data = body.read(int(length)) if length and length.isdigit() else body.read()
    if data and body.seekable():
        # A redirect may ask for it once more.
        body.seek(-len(data), SEEK_CUR)
    connection = _Connection(app, make_scope(environ))
    chunks = [data[i : i + _CHUNK] for i in range(0, len(data), _CHUNK)] or [b""]
    for i, chunk in enumerate(chunks, 1):
        more = i < len(chunks)
        connection.tell({"type": "http.request", "body": chunk, "more_body": more})
    start = connection.next()
    if start is None:
        raise RuntimeError("The application ended without an answer.")
    headers = _decoded(start["headers"])
    status = f"{start['status']} "
    message = connection.next()
    first: bytes = message.get("body", b"")
    chunked = _Chunks(connection, first)
    if not message.get("more_body", False):
        # What the app does after the response is over when it is there.
        return [first, *_rest(connection)], status, headers
    if buffered:
        return [b"".join(chunked)], status, headers
    return chunked, status, headers


def _rest(connection: _Connection) -> list[bytes]:
    while (message := connection.next()) is not None:
        raise RuntimeError(f"The application sent {message!r} after the end of its response.")
    return []


class ASGIClient(FlaskClient):
    """The test client, which asks the app as an ASGI server does."""

    def run_wsgi_app(
        self, environ: ft.WSGIEnvironment, buffered: bool = False
    ) -> tuple[t.Iterable[bytes], str, Headers]:
        """Run the app."""
        self._add_cookies_to_wsgi(environ)
        answer = run_asgi_app(self.application, environ, buffered)
        url = urlsplit(get_current_url(environ))
        self._update_cookies_from_response(
            url.hostname or "localhost", url.path, answer[2].getlist("Set-Cookie")
        )
        return answer


class WebSocketRefused(Exception):
    """Raised where an app refuses a WebSocket.

    :param response: what it answered the handshake with.
    """

    def __init__(self, response: TestResponse) -> None:
        super().__init__(f"The handshake was answered with {response.status}.")
        self.response = response


class WebSocketConnection:
    """The client's side of a WebSocket, for tests: ``with client.websocket("/chat") as ws: …``.

    :param client: gives and keeps the cookies.
    :param environ: the handshake, as WSGI has it.
    :param timeout: how many seconds to wait for a message.
    """

    def __init__(
        self, client: FlaskClient, environ: ft.WSGIEnvironment, timeout: float = 10
    ) -> None:
        self._client = client
        self._environ = environ
        self._timeout = timeout
        #: The headers that the app accepted with.
        self.headers = Headers()
        #: The subprotocol that it chose.
        self.subprotocol: str | None = None
        #: With which code and reason it closed; None where it has not.
        self.close_code: int | None = None
        self.close_reason = ""

    def __enter__(self) -> t.Self:
        environ = self._environ
        if self._client._cookies is not None:
            self._client._add_cookies_to_wsgi(environ)
        scope = make_scope(environ, "websocket")
        self._connection = _Connection(self._client.application, scope)
        self._connection.tell({"type": "websocket.connect"})
        message = self._connection.next(self._timeout)
        if message is None or message["type"] != "websocket.accept":
            raise WebSocketRefused(self._refusal(message))
        self.subprotocol = message.get("subprotocol")
        self._keep(message.get("headers") or ())
        return self

    def _keep(self, headers: t.Iterable[tuple[bytes, bytes]]) -> None:
        self.headers.extend(_decoded(headers))
        if self._client._cookies is not None:
            self._client._update_cookies_from_response(
                self._environ["SERVER_NAME"],
                self._environ["PATH_INFO"],
                self.headers.getlist("Set-Cookie"),
            )

    def _refusal(self, message: dict[str, t.Any] | None) -> TestResponse:
        status, body = 403, b""
        if message is not None and message["type"] == "websocket.http.response.start":
            status = message["status"]
            self._keep(message["headers"])
            while (message := self._connection.next(self._timeout)) is not None:
                body += message.get("body", b"")
        while self._connection.next(self._timeout) is not None:
            pass
        request = self._client._request_from_args((dict(self._environ),), {})
        return TestResponse([body], f"{status} ", self.headers, request)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def receive(self) -> str | bytes:
        """Wait for a message.

        :raises WebSocketClosed: when the app closed it.
        :raises queue.Empty: after the timeout.
        """
        message = None if self.close_code is not None else self._connection.next(self._timeout)
        if message is not None and message["type"] == "websocket.close":
            self.close_code = message.get("code", 1000)
            self.close_reason = message.get("reason") or ""
        if message is None or self.close_code is not None:
            raise WebSocketClosed(self.close_code or 1006, self.close_reason)
        text: str | None = message.get("text")
        return message["bytes"] if text is None else text

    def receive_json(self) -> t.Any:
        """Wait for a message, and return what it holds as JSON."""
        return json.loads(self.receive())

    def send(self, data: str | bytes) -> None:
        """Send a message."""
        kind = "text" if isinstance(data, str) else "bytes"
        self._connection.tell({"type": "websocket.receive", kind: data})

    def send_json(self, value: t.Any) -> None:
        """Send a value as JSON."""
        self.send(json.dumps(value))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it, and wait for the app to be done with it.

        :raises BaseException: what the app raised.
        """
        self._connection.leave({"type": "websocket.disconnect", "code": code, "reason": reason})


class TestApp:
    """Runs an app's lifespan around tests: ``with app.test_app() as test_app: …``."""

    __test__ = False  # no test of pytest's

    def __init__(self, app: ft.App) -> None:
        self.app = app

    def test_client(self, **kwargs: t.Any) -> ASGIClient:
        """Make a client that asks the app as an ASGI server does.

        :param kwargs: passed to :class:`ASGIClient`.
        """
        return ASGIClient(self.app, self.app.response_class, **kwargs)

    def __enter__(self) -> t.Self:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
        self._connection = _Connection(self.app, scope)
        self._pass("startup")
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._pass("shutdown")
        self._connection.next()

    def _pass(self, what: str) -> None:
        self._connection.tell({"type": f"lifespan.{what}"})
        message = self._connection.next()
        if message["type"] != f"lifespan.{what}.complete":
            raise RuntimeError(f"The app failed at {what}: {message['message']}")
