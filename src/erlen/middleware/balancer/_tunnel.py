"""WebSockets: the bytes of both sides, passed on as they come.

It needs the client's socket, which gunicorn (workers sync and gthread) and Werkzeug's development
server put into the environ.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import typing as t
from http.client import parse_headers
from io import BytesIO

from ... import typing as ft
from ..._background import get_loop
from ._backends import Backend

T = t.TypeVar("T")

_CHUNK = 64 * 1024
_SOCKETS = ("gunicorn.socket", "werkzeug.socket")


def wants_websocket(environ: ft.WSGIEnvironment) -> bool:
    """Whether a request asks to become a WebSocket (RFC 6455, section 4.1)."""
    asked = environ.get("HTTP_CONNECTION", "").lower()
    upgrade = environ.get("HTTP_UPGRADE", "").lower()
    return upgrade == "websocket" and "upgrade" in (each.strip() for each in asked.split(","))


def client_socket(environ: ft.WSGIEnvironment) -> socket.socket | None:
    """The socket of the client, where the server gives a plain one."""
    for name in _SOCKETS:
        found = environ.get(name)
        if isinstance(found, socket.socket) and not isinstance(found, ssl.SSLSocket):
            return found
    return None


class Handshake(t.NamedTuple):
    """What a backend answered to the request for a WebSocket."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    raw: bytes  # the head as it came
    body: bytes  # of a refusal that says its length
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


def shake_hands(
    backend: Backend, head: bytes, tls: ssl.SSLContext | None, connect: float, read: float
) -> Handshake:
    """Ask a backend for a WebSocket.

    :param head: the request, ready to be sent.
    :param tls: for a backend over TLS.
    :param connect: seconds until it must be connected.
    :param read: seconds until it must have answered.
    :raises OSError: it cannot be reached, or does not answer in HTTP.
    """
    return _wait(_shake_hands(backend, head, tls, connect, read))


def splice(handshake: Handshake, client: socket.socket) -> None:
    """Pass the bytes of both sides on until one has ended, then close both."""
    _wait(_splice(handshake, client.dup()))


def refuse(handshake: Handshake) -> None:
    """Close the connection to a backend that made no WebSocket."""
    get_loop().call_soon_threadsafe(handshake.writer.close)


def _wait(coroutine: t.Coroutine[t.Any, t.Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(coroutine, get_loop()).result()


async def _shake_hands(
    backend: Backend, head: bytes, tls: ssl.SSLContext | None, connect: float, read: float
) -> Handshake:
    async with asyncio.timeout(connect):
        reader, writer = await asyncio.open_connection(backend.host, backend.port, ssl=tls)
    try:
        async with asyncio.timeout(read):
            writer.write(head)
            raw = await reader.readuntil(b"\r\n\r\n")
            line, _, rest = raw.partition(b"\r\n")
            version, _, words = line.decode("latin-1").partition(" ")
            status, _, reason = words.partition(" ")
            if not version.startswith("HTTP/1.") or not status.isdigit():
                raise ConnectionError(f"{backend.url} does not answer in HTTP/1.1.")
            headers = parse_headers(BytesIO(rest)).items()
            body = b"" if status == "101" else await _body(headers, reader)
    except asyncio.IncompleteReadError as error:
        writer.close()
        raise ConnectionError(f"{backend.url} closed the connection.") from error
    except asyncio.LimitOverrunError as error:
        writer.close()
        raise ConnectionError(f"{backend.url} answers with too many headers.") from error
    except BaseException:
        writer.close()
        raise
    return Handshake(int(status), reason, headers, raw, body, reader, writer)


async def _body(headers: list[tuple[str, str]], reader: asyncio.StreamReader) -> bytes:
    length = next((value for name, value in headers if name.lower() == "content-length"), "0")
    if not length.isdigit() or int(length) > _CHUNK:
        return b""
    return await reader.readexactly(int(length))


async def _splice(handshake: Handshake, client: socket.socket) -> None:
    client.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=client)
    writer.write(handshake.raw)
    copies = [
        asyncio.create_task(_copy(reader, handshake.writer)),
        asyncio.create_task(_copy(handshake.reader, writer)),
    ]
    try:
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for copy in copies:
            copy.cancel()
        await asyncio.gather(*copies, return_exceptions=True)
        for each in (writer, handshake.writer):
            each.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
