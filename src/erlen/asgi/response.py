"""From a WSGI response to ASGI's messages."""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextvars import copy_context

from .. import typing as ft
from .._response import _TYPE_HEADERS, _Body
from ..wrappers import Response
from .body import Body
from .environ import _BLOCK, FileBlocks
from .pool import Pool

RawHeaders: t.TypeAlias = list[tuple[bytes, bytes]]
#: Status, headers, and the body: bytes, or a :class:`Stream`.
Answer: t.TypeAlias = tuple[int, RawHeaders, t.Any]

_END: t.Any = object()
# After how many items of a stream others come to their turn, whether anything is waited for or not:
# what a server takes for a client that has gone is no reason for it to wait.
_TURN = 64
_RAW_TYPES = {name: (b"content-type", value.encode()) for name, (_, value) in _TYPE_HEADERS.items()}


class Stream:
    """A body that is sent piece by piece.

    :param body: what a WSGI application returned.
    :param first: what comes before its items.
    """

    def __init__(self, body: t.Any, first: bytes = b"") -> None:
        self._body = body
        self._first = first
        self._items: Iterator[bytes] | None = None
        # Whatever thread makes an item, it is the same context, as in one thread of WSGI.
        self._context = copy_context()
        self._awaited = body.awaited_items() if type(body) is _Body else None

    def _next(self) -> bytes:
        if self._items is None:
            self._items = iter(self._body)
        return next(self._items, _END)

    async def items(self, pool: Pool) -> AsyncGenerator[bytes, None]:
        """Make the items: async ones here, others in threads."""
        if self._first:
            yield self._first
        if self._awaited is not None:
            async for item in self._awaited:
                yield item
            return
        while (item := await pool.run_in(self._context, self._next)) is not _END:
            if item:
                yield item

    async def read(self, pool: Pool) -> bytes:
        """Make all items, and close."""
        items = self.items(pool)
        try:
            return b"".join([item async for item in items])
        finally:
            await items.aclose()
            await self.aclose(pool)

    async def aclose(self, pool: Pool) -> None:
        """Close what makes the items."""
        try:
            close = getattr(self._awaited, "aclose", None)
            if close is not None:
                await close()
        finally:
            close = getattr(self._body, "close", None)
            if close is not None:
                await pool.run_in(self._context, close)


def text_answer(
    mimetype: str | None, body: bytes | Generator[t.Any], environ: ft.WSGIEnvironment
) -> Answer:
    """Answer with a body as ``Response(body, mimetype=mimetype)`` would.

    PERF: without the response object, which nobody would see.
    """
    raw_type = _RAW_TYPES.get(mimetype or Response.default_mimetype)
    if raw_type is None or not isinstance(body, bytes):
        return answer_of(Response(body, mimetype=mimetype), environ)
    headers = [raw_type, (b"content-length", b"%d" % len(body))]
    return 200, headers, body if environ["REQUEST_METHOD"] != "HEAD" else b""


def answer_of(
    application: ft.WSGIApplication, environ: ft.WSGIEnvironment, may_block: bool = False
) -> Answer:
    """Call a WSGI application.

    :param may_block: whether a file may be read here and now, if a block holds it.
    """
    status = ""
    pairs: list[tuple[str, str]] = []
    written: list[bytes] = []

    def start_response(
        new_status: str, new_pairs: list[tuple[str, str]], exc_info: t.Any = None
    ) -> Callable[[bytes], object]:
        nonlocal status, pairs
        status, pairs = new_status, new_pairs
        return written.append

    body: t.Any = application(environ, start_response)
    try:
        kind = type(body)
        first = b""
        if kind is list or kind is tuple:
            body = b"".join(body)
        elif kind is _Body and body.is_at_hand():
            whole = b"".join(body)
            body.close()
            body = whole
        else:
            if may_block and kind is FileBlocks:
                first = next(body, b"")
                if len(first) < _BLOCK:
                    body.close()
                    body = first
            elif not status:
                # An application may tell its status with the first item (PEP 3333).
                body = _Started(body)
                first = next(body, b"")
            if type(body) is not bytes:
                body = Stream(body, b"".join(written) + first)
        if type(body) is bytes and written:
            body = b"".join(written) + body
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs
        ]
        return int(status[:3]), headers, body
    except BaseException:
        close = getattr(body, "close", None)
        if close is not None:
            close()
        raise


async def answer_in_thread(pool: Pool, make: Callable[..., Answer], *args: t.Any) -> Answer:
    """Have a thread make an answer; one that nobody waits for any more gives back what it holds.

    :param make: called with the further arguments.
    """
    job = pool.submit(make, *args)
    try:
        return t.cast(Answer, await job)
    except asyncio.CancelledError:
        if job.done() and job.exception() is None and isinstance(job.result()[2], Stream):
            await job.result()[2].aclose(pool)
        raise


class _Started:
    """An iterable that is iterated already."""

    def __init__(self, body: t.Any) -> None:
        self._items = iter(body)
        self.close = getattr(body, "close", bool)

    def __iter__(self) -> t.Self:
        return self

    def __next__(self) -> bytes:
        return t.cast(bytes, next(self._items))


class Watch:
    """Waits for the client to go away, and then cancels what works for it.

    :param receive: the server's.
    :param body: the request's, which is received first.
    :param cancel: cancels the work; default: that of the task that makes this.
    """

    def __init__(
        self, receive: ft.Receive, body: Body, cancel: Callable[[], object] | None = None
    ) -> None:
        #: Whether the client has gone.
        self.gone = False
        self._receive = receive
        self._body = body
        if cancel is None:
            task = asyncio.current_task()
            cancel = bool if task is None else task.cancel
        self._cancel = cancel
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to wait, once the body is there."""
        if not self._body.ended:
            self._body.on_end = self.start
        elif self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self._cancel()

    def stop(self) -> None:
        """Wait no longer."""
        self._body.on_end = None
        if self._task is not None:
            self._task.cancel()

    def excuses_cancellation(self) -> bool:
        """Tell whether the cancellation of the current task was this object's doing."""
        task = asyncio.current_task()
        if self.gone and task is not None and task.cancelling():
            task.uncancel()
        return self.gone


class _Gone(Exception):
    """The server says that nobody listens any more."""


async def deliver_stream(
    pool: Pool, send: ft.Send, answer: Answer, receive: ft.Receive, body: Body
) -> None:
    """Send a stream, and give back what it holds, also where the client goes away.

    :param answer: with a :class:`Stream`.
    :param body: the request's.
    """
    status, headers, stream = answer
    start = {"type": "http.response.start", "status": status, "headers": headers}
    watch = Watch(receive, body)
    watch.start()
    items = stream.items(pool)
    try:
        await _emit(send, start)
        count = 0
        async for item in items:
            await _emit(send, {"type": "http.response.body", "body": item, "more_body": True})
            count += 1
            if count % _TURN == 0:
                await asyncio.sleep(0)
        watch.stop()
        await _emit(send, {"type": "http.response.body", "body": b""})
    except _Gone:
        pass
    except asyncio.CancelledError:
        if not watch.excuses_cancellation():
            raise
    finally:
        watch.stop()
        await items.aclose()
        await stream.aclose(pool)


async def _emit(send: ft.Send, message: dict[str, t.Any]) -> None:
    try:
        await send(message)
    except OSError as e:
        raise _Gone from e
