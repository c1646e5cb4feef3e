"""WebSockets on ASGI servers: the messages of both sides, passed on as they come.

The backend's side is the client of the library ``websockets``.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import typing as t
from collections.abc import Iterable
from contextlib import suppress
from functools import cache, partial
from urllib.parse import urlsplit

from werkzeug.exceptions import BadRequest, HTTPException

from ... import typing as ft
from ..._ending import Ending
from ..._extras import missing_extra
from ...asgi.environ import make_environ
from .._protocol import Message, Receive, Scope, Send
from ._backends import Backend
from ._forward import request_headers, response_headers, target_of

#: What may stand in a Host header: nothing that would be more of a URL.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
#: Of the handshake, not of what it is for; each side has its own.
_OWN = re.compile(r"sec-websocket-.*|host|date|server|content-length")
# How long the backend has to answer the closing frame, in seconds; and how long that to the client
# may take at the end of the server.
_CLOSE_SECONDS = 2.0
_END_SECONDS = 1.0
_GOING_AWAY = 1001
_ENDING = "The server is ending."
_TOO_BIG = 1009
_INTERNAL_ERROR = 1011
# What tells of an end without a code, or of none that was sent (RFC 6455, section 7.4.1).
_NO_CODE = 1005
_SENT = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})


class Refused(Exception):
    """A backend answered the handshake, and made no WebSocket.

    :param response: its answer.
    """

    def __init__(self, response: t.Any) -> None:
        super().__init__()
        self.response = response


@cache
def _client() -> t.Any:
    try:
        from websockets.asyncio.client import connect
    except ModuleNotFoundError as error:
        raise missing_extra("middleware", error) from error

    class Connect(connect):
        def process_redirect(self, exc: Exception) -> Exception:
            """Leave redirects to the client."""
            return exc

    return Connect


def environ_of(scope: Scope) -> ft.WSGIEnvironment:
    """The handshake, as WSGI has it."""
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    return make_environ({**scope, "scheme": scheme})


async def shake_hands(
    backend: Backend,
    environ: ft.WSGIEnvironment,
    *,
    subprotocols: Iterable[str],
    preserve_host: bool,
    tls: ssl.SSLContext | None,
    connect_timeout: float,
    read_timeout: float,
    max_size: int | None,
) -> t.Any:
    """Ask a backend for a WebSocket.

    :param subprotocols: those that the client offers.
    :return: the connection, of ``websockets``.
    :raises BadRequest: the client's Host is none.
    :raises Refused: the backend answered by something else.
    :raises OSError: it cannot be reached, or does not answer as a WebSocket does.
    """
    connect = _client()
    from websockets.exceptions import InvalidHandshake, InvalidStatus

    headers = {
        name: value
        for name, value in request_headers(environ).items()
        if _OWN.fullmatch(name.lower()) is None
    }
    security: dict[str, t.Any] = {}
    if backend.secure:
        security["ssl"] = tls or ssl.create_default_context()
        security["server_hostname"] = backend.host
    url = _url(backend, environ, preserve_host)
    dialled = await _dial(backend, connect_timeout)
    try:
        return await connect(
            url,
            sock=dialled,
            subprotocols=list(subprotocols) or None,
            additional_headers=headers,
            user_agent_header=None,
            # Each side compresses for itself.
            compression=None,
            open_timeout=read_timeout,
            close_timeout=_CLOSE_SECONDS,
            # Behind a client that does not read, the answer to a ping would not be seen.
            ping_interval=None,
            max_size=max_size,
            **security,
        )
    except InvalidStatus as error:
        raise Refused(error.response) from None
    except InvalidHandshake as error:
        raise ConnectionError(f"{backend.url} makes no WebSocket: {error}") from error


def _url(backend: Backend, environ: ft.WSGIEnvironment, preserve_host: bool) -> str:
    """What is asked for; of its host is made the Host header, and no connection."""
    own = f"[{backend.host}]" if ":" in backend.host else backend.host
    host = (preserve_host and environ.get("HTTP_HOST")) or f"{own}:{backend.port}"
    try:
        if _HOST.fullmatch(host) is None or urlsplit(f"//{host}").port == 0:
            raise ValueError
    except ValueError:
        raise BadRequest("The Host header names no host.") from None
    target = target_of(environ).replace("#", "%23")
    return f"ws{'s' if backend.secure else ''}://{host}{backend.path}{target}"


async def _dial(backend: Backend, seconds: float) -> socket.socket:
    """Connect to a backend, at the first of its addresses that answers."""
    loop = asyncio.get_running_loop()
    failure: OSError = ConnectionError(f"{backend.host} has no address.")
    async with asyncio.timeout(seconds):
        found = await loop.getaddrinfo(backend.host, backend.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in found:
            dialled = socket.socket(family, kind, protocol)
            dialled.setblocking(False)
            try:
                await loop.sock_connect(dialled, address)
                return dialled
            except BaseException as error:
                dialled.close()
                if not isinstance(error, OSError):
                    raise
                failure = error
    raise failure


class Tunnel:
    """The messages of both sides, passed on until one has ended.

    :param connection: to the backend.
    :param receive: the client's, as is ``send``.
    """

    def __init__(self, connection: t.Any, receive: Receive, send: Send) -> None:
        self._connection = connection
        self._receive = receive
        self._send = send
        self._client_gone = False
        self._server_ends = False
        self._ways: list[asyncio.Task[None]] = []

    async def run(self, headers: list[tuple[str, str]], ending: Ending | None = None) -> None:
        """Accept the client's WebSocket, and pass on.

        :param headers: for the client, beside those that the backend answered with.
        :param ending: the server's, at which both sides are closed; None where it has none.
        """
        loop = asyncio.get_running_loop()
        end = partial(loop.call_soon_threadsafe, self._end)
        self._ways.append(loop.create_task(self._pass_up()))
        try:
            await self._send(self._accepting(headers))
            down = loop.create_task(self._pass_down())
            self._ways.append(down)
            if ending is not None:
                ending.tell(end)
            await self._finish(down)
        except OSError:  # the client has gone
            pass
        finally:
            if ending is not None:
                ending.forget(end)
            self._stop()
            await asyncio.wait(self._ways)
            await self._connection.close(_GOING_AWAY)

    async def _finish(self, down: asyncio.Task[None]) -> None:
        """Wait until nothing more comes down, and tell the client how it ended."""
        await asyncio.wait([down])
        if not down.cancelled():
            down.result()
        if self._client_gone:
            return
        # At the end of the server, a client that does not read is not waited for.
        async with asyncio.timeout(_END_SECONDS if self._server_ends else None):
            await self._send(self._closing())

    def _end(self) -> None:
        self._server_ends = True
        # Both: that the client answers the closing frame is none of the backend's business.
        self._stop()

    def _stop(self) -> None:
        for way in self._ways:
            way.cancel()

    async def _pass_up(self) -> None:
        from websockets.exceptions import ConnectionClosed

        while (message := await self._receive())["type"] == "websocket.receive":
            text = message.get("text")
            # That the backend has gone, the other direction tells.
            with suppress(ConnectionClosed):
                await self._connection.send(message["bytes"] if text is None else text)
        self._client_gone = True
        code, reason = message.get("code") or _NO_CODE, message.get("reason") or ""
        if code == _NO_CODE:
            await self._connection.close()
        else:
            await self._connection.close(code if code in _SENT else _GOING_AWAY, reason)

    async def _pass_down(self) -> None:
        from websockets.exceptions import ConnectionClosed

        with suppress(ConnectionClosed):
            while True:
                data = await self._connection.recv()
                kind = "text" if isinstance(data, str) else "bytes"
                await self._send({"type": "websocket.send", kind: data})

    def _accepting(self, headers: list[tuple[str, str]]) -> Message:
        said = response_headers(self._connection.response.headers.raw_items(), chunked=True)
        kept = [(name, value) for name, value in said if _OWN.fullmatch(name.lower()) is None]
        return {
            "type": "websocket.accept",
            "subprotocol": self._connection.subprotocol,
            "headers": _raw([*kept, *headers]),
        }

    def _closing(self) -> Message:
        if self._server_ends:
            return {"type": "websocket.close", "code": _GOING_AWAY, "reason": _ENDING}
        code, reason = self._connection.close_code, self._connection.close_reason
        sent = self._connection.protocol.close_sent
        if code == _NO_CODE:
            code = 1000
        elif sent is not None and sent.code == _TOO_BIG:
            code, reason = _TOO_BIG, "The message is too big."
        elif code not in _SENT:
            code, reason = _INTERNAL_ERROR, "The backend has gone."
        return {"type": "websocket.close", "code": code, "reason": reason or ""}


async def refuse(scope: Scope, send: Send, answer: Refused | HTTPException) -> None:
    """Answer the handshake by HTTP, where the server can; else it answers 403."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1000, "reason": ""})
        return
    if isinstance(answer, Refused):
        response = answer.response
        status, body = response.status_code, bytes(response.body)
        headers = response_headers(response.headers.raw_items(), chunked=True)
    else:
        made: t.Any = answer.get_response()
        status, body, headers = made.status_code, made.get_data(), list(made.headers)
    headers = [pair for pair in headers if pair[0].lower() != "content-length"]
    headers.append(("Content-Length", str(len(body))))
    await send(
        {"type": "websocket.http.response.start", "status": status, "headers": _raw(headers)}
    )
    await send({"type": "websocket.http.response.body", "body": body})


def _raw(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
