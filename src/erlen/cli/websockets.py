"""WebSockets in development: served as ASGI, over the socket that Werkzeug's server hands over."""

from __future__ import annotations

import asyncio
import socket
import threading
import typing as t
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from http import HTTPStatus
from inspect import iscoroutinefunction

from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler

from .. import typing as ft
from .._background import get_loop
from .._extras import missing_extra

_READ = 65536
_MAX_SIZE = 100 * 1024 * 1024
_BROKEN = 1006
_LOG_REQUEST = "erlen.log_request"


def logging_handler(handler: type[WSGIRequestHandler]) -> type[WSGIRequestHandler]:
    """Have a handler of requests lend its access log: what is accepted here, it does not see."""

    class Handler(handler):  # type: ignore[misc,valid-type]  # a class that is given
        def make_environ(self) -> ft.WSGIEnvironment:
            environ: ft.WSGIEnvironment = super().make_environ()
            environ[_LOG_REQUEST] = self.log_request
            return environ

    return Handler


class WebSockets:
    """A WSGI application whose views of ``app.websocket`` are served by the development server.

    Any other handshake goes on to the application, where an extension may know what to do.

    :param app: what is served.
    :param owner: the app that has the views, below whatever is around it.
    """

    def __init__(self, app: t.Any, owner: ft.App) -> None:
        self.app = app
        self.owner = owner

    def __call__(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        is_handshake = environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        if is_handshake and "werkzeug.socket" in environ and self._has_view(environ):
            return _Connection(self.owner, environ).serve(start_response)
        return self.app(environ, start_response)  # type: ignore[no-any-return]  # as it answers

    def _has_view(self, environ: ft.WSGIEnvironment) -> bool:
        owner = self.owner
        try:
            adapter = owner.create_url_adapter(owner.request_class(environ))
            endpoint = None if adapter is None else adapter.match()[0]
        except HTTPException:
            return False
        return iscoroutinefunction(owner.view_functions.get(endpoint))


class _Connection:
    """One WebSocket: its thread reads, and the application runs on the background loop."""

    def __init__(self, app: ft.App, environ: ft.WSGIEnvironment) -> None:
        try:
            from websockets.frames import Opcode
            from websockets.protocol import Protocol, Side, State
        except ModuleNotFoundError as error:
            raise missing_extra("dev", error) from error
        self.app = app
        self.environ = environ
        self.headers = list(EnvironHeaders(environ))
        self.socket: socket.socket = environ["werkzeug.socket"]
        # The application has a limit of its own, below this.
        self.protocol = Protocol(Side.SERVER, state=State.OPEN, max_size=_MAX_SIZE)
        self.lock = threading.Lock()
        self.opcode = Opcode
        self.inbox: asyncio.Queue[ft.Message] = asyncio.Queue(1)
        # Whether the handshake is accepted; until then the answer is put together here.
        self.accepted: Future[bool] = Future()
        self.status, self.answer_headers, self.body = 403, list[tuple[str, str]](), b""

    def serve(self, start_response: ft.StartResponse) -> Iterable[bytes]:
        from websockets.datastructures import Headers
        from websockets.http11 import Request
        from websockets.server import ServerProtocol

        request = Request(self.environ.get("PATH_INFO", "/"), Headers(self.headers))
        self.response = ServerProtocol().accept(request)
        if self.response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._refuse(self.response.status_code, [*self.response.headers.raw_items()])
            start_response(_line(self.status), self.answer_headers)
            return [bytes(self.response.body or b"")]
        ended = asyncio.run_coroutine_threadsafe(self._run(), get_loop())
        if not self.accepted.result():
            ended.result()
            start_response(_line(self.status), self.answer_headers)
            return [self.body]
        self._read()
        with suppress(CancelledError):
            error = ended.exception()
            if error is not None:  # in debug mode, where whoever is outside is to show it
                self.app.logger.error("Exception in a WebSocket", exc_info=error)
        # So that the server drops the connection: it would read another request from it, and miss
        # an answer to this one.
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError

    def _refuse(self, status: int, headers: list[tuple[str, str]]) -> None:
        # PEP 3333 leaves these to the server.
        skipped = ("connection", "date", "server")
        self.status = status
        self.answer_headers = [pair for pair in headers if pair[0].lower() not in skipped]

    # On the loop.

    async def _run(self) -> None:
        try:
            await self.app(self._scope(), self._receive, self._send)
        finally:
            if not self.accepted.done():
                self.accepted.set_result(False)

    def _scope(self) -> ft.Scope:
        environ = self.environ
        offered = environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "")
        self.inbox.put_nowait({"type": "websocket.connect"})
        return {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if environ["wsgi.url_scheme"] == "https" else "ws",
            "path": environ.get("PATH_INFO", "/").encode("latin-1").decode(errors="replace"),
            "raw_path": environ.get("RAW_URI", "/").partition("?")[0].encode("latin-1"),
            "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
            "root_path": environ.get("SCRIPT_NAME", ""),
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in self.headers
            ],
            "client": (environ.get("REMOTE_ADDR", ""), int(environ.get("REMOTE_PORT") or 0)),
            "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
            "subprotocols": [each.strip() for each in offered.split(",") if each.strip()],
            "extensions": {"websocket.http.response": {}},
        }

    async def _receive(self) -> ft.Message:
        return await self.inbox.get()

    async def _send(self, message: ft.Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            await asyncio.to_thread(self._accept, message)
            self.accepted.set_result(True)
        elif kind == "websocket.http.response.start":
            headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in message["headers"]]
            self._refuse(message["status"], headers)
        elif kind == "websocket.http.response.body":
            self.body += message.get("body", b"")
        elif self.accepted.done():
            await asyncio.to_thread(self._write, message)

    # In threads: the socket may be one of TLS, which no event loop waits for.

    def _accept(self, message: ft.Message) -> None:
        lines = ["HTTP/1.1 101 Switching Protocols"]
        lines += [f"{name}: {value}" for name, value in self.response.headers.raw_items()]
        if message.get("subprotocol"):
            lines.append(f"Sec-WebSocket-Protocol: {message['subprotocol']}")
        for name, value in message.get("headers", ()):
            lines.append(f"{name.decode('latin-1')}: {value.decode('latin-1')}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        # A refusal goes by the server, which writes its line.
        self.environ[_LOG_REQUEST](HTTPStatus.SWITCHING_PROTOCOLS.value)

    def _write(self, message: ft.Message) -> None:
        with self.lock:
            if message["type"] == "websocket.close":
                self.protocol.send_close(message.get("code", 1000), message.get("reason") or "")
            elif message.get("text") is not None:
                self.protocol.send_text(message["text"].encode())
            else:
                self.protocol.send_binary(message["bytes"])
            self._flush()

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.socket.sendall(data)

    def _read(self) -> None:
        """Hand over messages until the connection ends, and then how it did."""
        whole, is_text, is_open = bytearray(), False, True
        while is_open:
            data = b""
            with suppress(OSError):
                data = self.socket.recv(_READ)
            with self.lock, suppress(OSError):
                if data:
                    self.protocol.receive_data(data)
                else:
                    self.protocol.receive_eof()
                self._flush()
            is_open = bool(data) and not self.protocol.close_expected()
            for frame in self.protocol.events_received():
                # websockets tells of HTTP too, which is over here.
                opcode = getattr(frame, "opcode", None)
                if opcode not in (self.opcode.TEXT, self.opcode.BINARY, self.opcode.CONT):
                    continue
                if opcode is not self.opcode.CONT:
                    whole, is_text = bytearray(), opcode is self.opcode.TEXT
                whole += frame.data  # type: ignore[union-attr]  # a frame, by its opcode
                if frame.fin:  # type: ignore[union-attr]  # the same
                    kind: ft.Message = {"type": "websocket.receive"}
                    kind["text" if is_text else "bytes"] = (
                        whole.decode(errors="replace") if is_text else bytes(whole)
                    )
                    self._hand_over(kind)
        code = self.protocol.close_code
        end = {"type": "websocket.disconnect", "code": code or _BROKEN}
        self._hand_over({**end, "reason": self.protocol.close_reason or ""})

    def _hand_over(self, message: ft.Message) -> None:
        """Wait until the application has room: a client that sends more has to wait too."""
        asyncio.run_coroutine_threadsafe(self.inbox.put(message), get_loop()).result()


def _line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
