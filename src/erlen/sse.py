"""Server-sent events: a response that stays open and tells a browser's ``EventSource`` things.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import re
import threading
import typing as t
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import AsyncExitStack, suppress
from contextvars import ContextVar, copy_context

import msgspec

from ._background import run
from ._ending import Ending
from .globals import _cv_app, request
from .wrappers import Response

# A line ends where any of these stands (section 9.2.5), so none may stand in a name or an id. And
# an id with a NUL is ignored (section 9.2.6).
_LINE_END = re.compile(r"\r\n|\r|\n")
_FORBIDDEN = re.compile(r"[\r\n\0]")
_HEARTBEAT = b":\n\n"
_END: t.Any = object()
# How long a sync source has to close at the end of the server, which would cut its thread.
_CLOSE_SECONDS = 1.0


class Event:
    """What is sent to the browser at once.

    :param data: a text, which is sent as it is, or a value, which is sent as JSON; None for
        nothing, so that no listener is called.
    :param event: whose listeners are called, as in ``addEventListener(event, …)``. Default:
        those of ``message``.
    :param id: what the browser tells when it connects again, see :func:`last_event_id`.
    :param retry: how many milliseconds a browser is to wait before it connects again.
    :param comment: what nobody but a reader of the stream sees.
    :raises ValueError: nothing is to be sent, no data for listeners, or a character that would
        end the line.
    :raises TypeError: data that JSON cannot hold, bytes among it.
    """

    __slots__ = ("_encoded", "comment", "data", "event", "id", "retry")

    def __init__(
        self,
        data: t.Any = None,
        event: str | None = None,
        id: str | int | None = None,
        retry: int | None = None,
        comment: str | None = None,
    ) -> None:
        self.data = data
        self.event = event
        self.id = id
        self.retry = retry
        self.comment = comment
        self._encoded = self._encode()

    def __repr__(self) -> str:
        return f"<Event {self._encoded.decode().rstrip()!r}>"

    def encode(self) -> bytes:
        """Return it as it stands in the stream."""
        return self._encoded

    def _encode(self) -> bytes:
        lines: list[str] = []
        if self.comment is not None:
            lines += [f": {line}" for line in _LINE_END.split(self.comment)]
        if self.id is not None:
            lines.append(f"id: {_one_line('id', str(self.id))}")
        if self.event is not None:
            if self.data is None:
                raise ValueError(
                    f"The event {self.event!r} has no data, and browsers drop such an event."
                    " Send an empty text."
                )
            lines.append(f"event: {_one_line('name', self.event)}")
        if self.retry is not None:
            lines.append(_retry_line(self.retry))
        if self.data is not None:
            lines += [f"data: {line}" for line in _LINE_END.split(_text_of(self.data))]
        if not lines:
            raise ValueError("An event needs data, an id, a retry or a comment.")
        return ("\n".join(lines) + "\n\n").encode()


def _one_line(what: str, value: str) -> str:
    if _FORBIDDEN.search(value):
        raise ValueError(f"The {what} of an event holds no line end and no NUL, as {value!r} does.")
    return value


def _retry_line(retry: int) -> str:
    if type(retry) is not int or retry < 0:
        raise ValueError(f"'retry' is a number of milliseconds, an int, and was {retry!r}.")
    return f"retry: {retry}"


def _text_of(data: t.Any) -> str:
    if isinstance(data, str):
        return data
    if isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError("The data of an event is text, and was bytes: decode them.")
    return msgspec.json.encode(data).decode()


class EventStream(Response):
    """A response that sends events as they come, until there are no more or the client leaves.

    While there are none it sends comments, so that proxies do not take it for dead, and so that
    it is noticed when the client has gone. Then the generator is closed: an async one is
    cancelled where it waits; a sync one, which has a thread of its own, when it next yields, see
    :func:`on_close`. When the server is about to end it ends, and browsers connect again.

    :param events: an iterable or async iterable of :class:`Event`, of what has a method
        ``to_event``, or of data. One that is an async context manager is entered before anything
        is sent.
    :param heartbeat: after how many silent seconds a comment is sent; None for never.
    :param retry: how many milliseconds a browser is to wait before it connects again.
    :param status: of the response. Browsers take no other than 200.
    :param headers: further headers of the response.
    :raises TypeError: for what is not iterable, or is a text.
    """

    def __init__(
        self,
        events: Iterable[t.Any] | AsyncIterable[t.Any],
        *,
        heartbeat: float | None = 15.0,
        retry: int | None = None,
        status: int | None = None,
        headers: t.Any = None,
    ) -> None:
        if isinstance(events, (str, bytes, dict)) or not (
            hasattr(events, "__aiter__") or hasattr(events, "__iter__")
        ):
            raise TypeError(f"'events' is an iterable of events, and was {events!r}.")
        if heartbeat is not None and not heartbeat > 0:
            raise ValueError(
                f"'heartbeat' is a number of seconds above 0, or None, and was {heartbeat!r}."
            )
        head = _HEARTBEAT if retry is None else Event(retry=retry).encode()
        ctx = _cv_app.get(None)
        ending: Ending | None = None if ctx is None else ctx.app._ending
        body: t.Any = _Body(events, heartbeat, head, ending)
        super().__init__(body, status, headers, content_type="text/event-stream")
        self.headers.setdefault("Cache-Control", "no-cache")
        # nginx would gather the events otherwise.
        self.headers.setdefault("X-Accel-Buffering", "no")


def last_event_id() -> str | None:
    """Tell the id of the last event that the browser got, where it connects again; else None."""
    header = request.headers.get("Last-Event-ID")
    # Browsers send UTF-8, and WSGI has it as Latin-1 (PEP 3333).
    return header.encode("latin-1").decode(errors="replace") if header else None


def on_close(func: Callable[[], object]) -> None:
    """Have a function called when the client of the running sync generator has gone.

    It is to wake the generator where that waits, so that it ends. It is called in another thread.
    Outside a sync generator of an :class:`EventStream` this does nothing.
    """
    feed = _running.get()
    if feed is not None:
        feed.wakers.append(func)
        if feed.closed:
            func()


class _Body:
    """The stream, encoded. It is always an async one: the loop waits for many at once."""

    def __init__(
        self, source: t.Any, heartbeat: float | None, head: bytes, ending: Ending | None
    ) -> None:
        self._source = source
        self._ending = ending
        self._heartbeat = heartbeat
        self._head = head
        self._pieces: AsyncGenerator[bytes, None] | None = None

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        if self._pieces is None:
            self._pieces = self._make_pieces()
        return self._pieces

    async def _make_pieces(self) -> AsyncGenerator[bytes, None]:
        async with AsyncExitStack() as stack:
            if hasattr(self._source, "__aenter__"):
                await stack.enter_async_context(self._source)
            is_async = hasattr(self._source, "__aiter__")
            feed = _TaskFeed(self._source) if is_async else _ThreadFeed(self._source)
            stack.push_async_callback(feed.close)
            if self._ending is not None:
                self._ending.tell(feed.end)
                stack.callback(self._ending.forget, feed.end)
            # With it the headers leave the server.
            yield self._head
            while True:
                try:
                    async with asyncio.timeout(self._heartbeat):
                        item = await feed.next()
                except TimeoutError:
                    yield _HEARTBEAT
                    continue
                if item is _END:
                    return
                if isinstance(item, _Failure):
                    raise item.error
                yield _event_of(item).encode()

    def close(self) -> None:
        """Close the source of a stream that was never begun, as that of HEAD."""
        if self._pieces is not None:
            run(self._pieces.aclose())
        elif hasattr(self._source, "aclose"):
            run(self._source.aclose())
        else:
            getattr(self._source, "close", bool)()


def _event_of(item: t.Any) -> Event:
    if isinstance(item, Event):
        return item
    to_event: Callable[[], Event] | None = getattr(item, "to_event", None)
    return Event(item) if to_event is None else to_event()


class _Failure:
    """What a source raised."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Feed:
    """The items of a source, one ahead of who asks for them."""

    def __init__(self) -> None:
        #: Whether the client has gone.
        self.closed = False
        #: Whether the server is ending.
        self.ending = False
        self._items: asyncio.Queue[t.Any] = asyncio.Queue()
        self._wanted: asyncio.Semaphore | threading.Semaphore
        self._loop = asyncio.get_running_loop()

    def end(self) -> None:
        """Have no more items come, whatever the source does; called in any thread."""
        self.ending = True
        with suppress(RuntimeError):  # the loop is closed, and nobody waits
            self._loop.call_soon_threadsafe(self._items.put_nowait, _END)

    async def next(self) -> t.Any:
        """Wait for an item, the end, or what the source raised."""
        item = await self._items.get()
        self._wanted.release()
        return item


class _TaskFeed(_Feed):
    """Takes the items of an async source, in one task."""

    def __init__(self, source: AsyncIterable[t.Any]) -> None:
        super().__init__()
        self._source = source
        self._wanted = self._is_wanted = asyncio.Semaphore(0)
        self._task = self._loop.create_task(self._work())

    async def _work(self) -> None:
        end = _END
        items = aiter(self._source)
        try:
            try:
                async for item in items:
                    self._items.put_nowait(item)
                    await self._is_wanted.acquire()
                    if self.closed:
                        break
            finally:
                close = getattr(items, "aclose", None)
                if close is not None:
                    await close()
        except Exception as e:
            end = _Failure(e)
        self._items.put_nowait(end)

    async def close(self) -> None:
        """End the source.

        :raises Exception: what it raises at its end.
        """
        self.closed = True
        self._task.cancel()
        # For a source that goes on where it was cancelled.
        self._is_wanted.release()
        await asyncio.wait([self._task])
        while not self._items.empty():
            item = self._items.get_nowait()
            if isinstance(item, _Failure):
                raise item.error


class _ThreadFeed(_Feed):
    """Takes the items of a sync source, in a thread."""

    def __init__(self, source: Iterable[t.Any]) -> None:
        super().__init__()
        #: What wakes the source where it waits.
        self.wakers: list[Callable[[], object]] = []
        self._source = source
        self._wanted = self._is_wanted = threading.Semaphore(0)
        self._is_done = asyncio.Event()
        threading.Thread(
            target=copy_context().run, args=(self._work,), name="erlen-events", daemon=True
        ).start()

    def _work(self) -> None:
        _running.set(self)
        end = _END
        try:
            try:
                for item in self._source:
                    self._tell(item)
                    self._is_wanted.acquire()
                    if self.closed:
                        break
            finally:
                getattr(self._source, "close", bool)()
        except Exception as e:
            if self.closed:  # nobody else would tell
                raise
            end = _Failure(e)
        finally:
            with suppress(RuntimeError):  # the loop is closed, and nobody waits
                self._loop.call_soon_threadsafe(self._is_done.set)
        self._tell(end)

    def _tell(self, item: t.Any) -> None:
        try:
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)
        except RuntimeError:  # the loop is closed, and nobody waits
            self.closed = True
            self._is_wanted.release()

    async def close(self) -> None:
        """Have the source end when it next yields; the end of the server waits a little for it."""
        self.closed = True
        self._is_wanted.release()
        for func in self.wakers:
            func()
        if self.ending:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._is_done.wait()


#: What runs the sync generator that asks.
_running: ContextVar[_ThreadFeed | None] = ContextVar("erlen.sse.feed", default=None)
