"""What one subscriber waits for: a queue that is bounded."""

from __future__ import annotations

import asyncio
import threading
import typing as t
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from types import TracebackType

from ..sse import on_close
from ._message import Message, Position

#: Somebody who waits for a message: a thread, or a task.
Waiter: t.TypeAlias = threading.Event | asyncio.Future[None]


class Hub(t.Protocol):
    """Where subscriptions come from."""

    def join(self, subscription: Subscription) -> None:
        """Begin to send it messages; waits."""
        ...

    async def join_async(self, subscription: Subscription) -> None:
        """Begin to send it messages."""
        ...

    def leave(self, subscription: Subscription) -> None:
        """Send it no more."""
        ...


class Subscription:
    """The messages of some topics, for one subscriber; ``channels.subscribe`` makes it.

    Iterate it, by ``for`` or ``async for``. It begins there, or with ``with`` or ``async with``:
    what is published after that is received. The loop ends when it is closed.

    :param hub: where the messages come from.
    :param topics: whose messages.
    :param after: the id of the last message that the subscriber got, for those since then.
    :param size: how many messages wait at most for a subscriber that is slow.
    :param closes: whether one more ends it; else the oldest is dropped for it.
    """

    def __init__(
        self, hub: Hub, topics: tuple[str, ...], after: str | None, size: int, closes: bool
    ) -> None:
        self.topics = topics
        self.after = after
        #: How many messages were dropped because the subscriber was slow.
        self.dropped = 0
        #: Whether it was closed because the subscriber was slow.
        self.overflowed = False
        #: Whether messages since ``after`` may be missing: the history does not reach back so far.
        self.missed = False
        #: How often the connection to Redis broke and messages may have been lost.
        self.interruptions = 0
        self.closed = False
        self._hub = hub
        self._size = size
        self._closes = closes
        self._begun = False
        self._queue: deque[Message] = deque()
        self._last: dict[str, Position] = {}
        self._waiter: Waiter | None = None
        # A loop that was left is closed by the garbage collector, wherever it happens to run.
        self._lock = threading.RLock()

    # The hub's side.

    def offer(self, message: Message) -> Waiter | None:
        """Put a message into the queue.

        :return: who waits for it, to be woken with :func:`wake`.
        """
        with self._lock:
            if self.closed or not self._is_new(message):
                return None
            if len(self._queue) >= self._size:
                if self._closes:
                    self.closed = self.overflowed = True
                    return None
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(message)
            waiter, self._waiter = self._waiter, None
            return waiter

    def _is_new(self, message: Message) -> bool:
        position = message.position
        if position is None:
            return True
        if position <= self._last.get(message.topic, (-1, 0)):
            return False
        self._last[message.topic] = position
        return True

    def recall(self, messages: Iterable[Message], missed: bool) -> None:
        """Put the messages since ``after`` before those that have come meanwhile.

        :param missed: whether there may have been more.
        """
        with self._lock:
            come, self._queue, self._last = self._queue, deque(), {}
            self._queue.extend(m for part in (messages, come) for m in part if self._is_new(m))
            self.missed = missed

    # The subscriber's side.

    def close(self) -> None:
        """End it, from any thread: what waits in the queue is still received."""
        self._hub.leave(self)
        with self._lock:
            self.closed = True
            waiter, self._waiter = self._waiter, None
        if waiter is not None:
            wake([waiter])

    def _take(self, make_waiter: Callable[[], Waiter]) -> Message | Waiter | None:
        """Return a message, what is to be awaited for one, or None at the end."""
        with self._lock:
            if self._queue:
                return self._queue.popleft()
            if self.closed:
                return None
            if self._waiter is not None:
                raise RuntimeError("Somebody else iterates this subscription already.")
            self._waiter = make_waiter()
            return self._waiter

    def _forget(self, waiter: Waiter) -> None:
        with self._lock:
            if self._waiter is waiter:
                self._waiter = None

    def __enter__(self) -> t.Self:
        if _has_loop():
            raise RuntimeError(
                "To wait here would stop the event loop: use 'async with' and 'async for'."
            )
        if not self._begun:
            self._begun = True
            self._hub.join(self)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Generator[Message, None, None]:
        # In a generator of an event stream, this is what waits when the client goes.
        on_close(self.close)
        with self:
            while (taken := self._take(threading.Event)) is not None:
                if isinstance(taken, Message):
                    yield taken
                    continue
                try:
                    t.cast(threading.Event, taken).wait()
                finally:
                    self._forget(taken)

    async def __aenter__(self) -> t.Self:
        if not self._begun:
            self._begun = True
            await self._hub.join_async(self)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    async def __aiter__(self) -> AsyncGenerator[Message, None]:
        make_future = asyncio.get_running_loop().create_future
        async with self:
            while (taken := self._take(make_future)) is not None:
                if isinstance(taken, Message):
                    yield taken
                    continue
                try:
                    await t.cast("asyncio.Future[None]", taken)
                finally:
                    self._forget(taken)


def wake(waiters: Iterable[Waiter]) -> None:
    """Wake those who wait; those of one event loop all at once.

    PERF: a call into another thread's loop writes to its pipe, which costs more than all else.
    """
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = defaultdict(list)
    for waiter in waiters:
        if isinstance(waiter, threading.Event):
            waiter.set()
        else:
            by_loop[waiter.get_loop()].append(waiter)
    for loop, futures in by_loop.items():
        try:
            loop.call_soon_threadsafe(_wake_all, futures)
        except RuntimeError:  # the loop is closed, and nobody waits
            pass


def _wake_all(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
