"""The body of a request, between a server that is awaited and code that reads."""

from __future__ import annotations

import asyncio
import io
import typing as t
from collections.abc import AsyncIterator, Callable
from tempfile import SpooledTemporaryFile

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from .. import typing as ft
from .pool import Pool

_CHUNK = 65_536

F = t.TypeVar("F", bound=Callable[..., t.Any])


def stream_body(view: F) -> F:
    """Mark a view that reads the body as it comes, by ``async for`` over ``request.stream``.

    Without the mark the body is there, in memory or on disk, before the view is called.
    """
    view.stream_body = True  # type: ignore[attr-defined]  # as Flask marks views
    return view


class Body(io.RawIOBase):
    """The stream of a request's body: ``wsgi.input``, and asynchronously iterable.

    :param receive: the server's.
    :param loop: the server's, where threads have the rest of the body awaited.
    :param memory: above how many bytes what was read ahead goes to disk.
    """

    def __init__(
        self, receive: ft.Receive, loop: asyncio.AbstractEventLoop, memory: int = 0
    ) -> None:
        self._receive = receive
        self._loop = loop
        self._memory = memory
        self._file: t.Any = io.BytesIO()
        self._count = 0
        self._limit: int | None = None
        #: Whether all of it has come.
        self.ended = False
        #: Called when all of it has come.
        self.on_end: Callable[[], object] | None = None

    async def fill(self, limit: int | None, pool: Pool) -> bool:
        """Read ahead, up to the end or beyond a limit.

        :param limit: how many bytes are enough to know that it is too much; None for no limit.
        :param pool: its threads write to the disk.
        :return: whether the client is still there.
        """
        try:
            chunk = await self._next()
            if self.ended:
                self._file = io.BytesIO(chunk)
                return True
            size = 0
            # Closed with the body.
            file = self._file = SpooledTemporaryFile(self._memory)
            while True:
                size += len(chunk)
                if size > self._memory:
                    await pool.run(file.write, chunk)
                else:
                    file.write(chunk)
                if self.ended or (limit is not None and size > limit):
                    file.seek(0)
                    return True
                chunk = await self._next()
        except ClientDisconnected:
            return False

    def limited(self, limit: int | None, length: int | None) -> t.Self:
        """Refuse to hand out more than a number of bytes.

        :param limit: the number; None for no limit.
        :param length: how many the client says that there are.
        :raises RequestEntityTooLarge: when that is too much already.
        """
        if limit is not None and length is not None and length > limit:
            raise RequestEntityTooLarge()
        self._limit = limit
        return self

    async def _next(self) -> bytes:
        """Receive the next piece, which may be empty."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected()
        if not message.get("more_body", False):
            self.ended = True
            if self.on_end is not None:
                self.on_end()
        chunk: bytes = message.get("body", b"")
        return chunk

    async def _renew(self) -> None:
        """Receive until there is something to read, or an end."""
        chunk = b""
        while not chunk and not self.ended:
            chunk = await self._next()
        self._file.close()
        self._file = io.BytesIO(chunk)

    def _counted(self, data: bytes) -> bytes:
        self._count += len(data)
        if self._limit is not None and self._count > self._limit:
            raise RequestEntityTooLarge()
        return data

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at most a number of bytes, all there are by default; none at the end.

        :raises RequestEntityTooLarge: beyond the limit.
        :raises RuntimeError: on the event loop, where the rest of the body has yet to come.
        """
        if size is None or size < 0:
            return self.readall()
        data: bytes = self._file.read(size)
        if not data and size and not self.ended:
            self._wait()
            data = self._file.read(size)
        return self._counted(data)

    def readinto(self, buffer: t.Any, /) -> int:
        """Read into a buffer; what ``readline`` and its kin go by."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Read all there is."""
        pieces = []
        while piece := self.read(_CHUNK):
            pieces.append(piece)
        return b"".join(pieces)

    def _wait(self) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run_coroutine_threadsafe(self._renew(), self._loop).result()
        else:
            raise RuntimeError(
                "The body is still on its way, and to wait for it here would stop the event loop."
                " Read it with 'async for chunk in request.stream'. It is there before the view"
                " is called where that is not marked with 'stream_body', and where it is not"
                " larger than MAX_CONTENT_LENGTH."
            )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            data: bytes = self._file.read(_CHUNK)
            if not data:
                if self.ended:
                    return
                await self._renew()
                continue
            yield self._counted(data)

    def close(self) -> None:
        """Give back what it holds, memory or a file."""
        if not self.closed:
            self._file.close()
        super().close()


class _NoBody(Body):
    """The body of a request that has none; one for all."""

    def __init__(self) -> None:
        self.ended = True
        self.on_end = None

    def limited(self, limit: int | None, length: int | None) -> t.Self:
        return self

    def read(self, size: int | None = -1, /) -> bytes:
        return b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        return
        yield b""

    def close(self) -> None:
        """Do nothing: it is everybody's."""


NO_BODY: Body = _NoBody()
