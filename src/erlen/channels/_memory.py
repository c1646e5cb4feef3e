"""The channels of one process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from concurrent.futures import Future
from typing import NamedTuple

from ._message import Message, Position, position_of
from ._subscription import Subscription, Waiter, wake


class History(NamedTuple):
    """What is kept of each topic for subscribers who come back."""

    #: How many messages; 0 for none.
    size: int
    #: For how many seconds after the last one.
    seconds: int


class Fanout:
    """Who has subscribed to what, in this process."""

    def __init__(self) -> None:
        # A subscription that nobody holds any more leaves wherever the garbage collector runs.
        self._lock = threading.RLock()
        self._topics: dict[str, dict[Subscription, None]] = {}

    def add(self, subscription: Subscription) -> None:
        """Let it have the messages of its topics."""
        with self._lock:
            for topic in subscription.topics:
                self._topics.setdefault(topic, {})[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """Let it have no more; twice does no harm."""
        with self._lock:
            for topic in subscription.topics:
                subscriptions = self._topics.get(topic, {})
                subscriptions.pop(subscription, None)
                if not subscriptions:
                    self._topics.pop(topic, None)

    def of(self, topic: str) -> list[Subscription]:
        """Return who has subscribed to a topic."""
        with self._lock:
            return list(self._topics.get(topic, ()))

    def all(self) -> list[Subscription]:
        """Return who has subscribed to anything."""
        with self._lock:
            return list({each: None for topic in self._topics.values() for each in topic})

    def deliver(self, message: Message) -> None:
        """Give a message to all who have subscribed to its topic, in the order of the calls."""
        with self._lock:
            waiters = self._offer(message)
        wake(waiters)

    def _offer(self, message: Message) -> list[Waiter]:
        waiters = [each.offer(message) for each in list(self._topics.get(message.topic, ()))]
        return [waiter for waiter in waiters if waiter is not None]


class MemoryHub(Fanout):
    """Messages go from thread to thread and from task to task, and no further.

    :param history: what is kept.
    """

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history
        # The topic that was published to last stands last.
        self._kept: OrderedDict[str, deque[Message]] = OrderedDict()
        self._position: Position = (0, 0)

    def publish(self, topic: str, json: str) -> Future[str | None]:
        """Publish, now.

        :return: the id of the message.
        """
        with self._lock:
            message = Message(topic, json, self._next_id() if self._history.size else None)
            if message.id is not None:
                self._keep(message)
            waiters = self._offer(message)
        wake(waiters)
        done: Future[str | None] = Future()
        done.set_result(message.id)
        return done

    def _next_id(self) -> str:
        now = time.time_ns() // 1_000_000
        last, count = self._position
        self._position = (now, 0) if now > last else (last, count + 1)
        return "{}-{}".format(*self._position)

    def _keep(self, message: Message) -> None:
        kept = self._kept.setdefault(message.topic, deque(maxlen=self._history.size))
        kept.append(message)
        self._kept.move_to_end(message.topic)
        oldest = self._position[0] - self._history.seconds * 1000
        while (position := next(iter(self._kept.values()))[-1].position) and position[0] < oldest:
            self._kept.popitem(last=False)

    def join(self, subscription: Subscription) -> None:
        """Begin to send it messages."""
        self.add(subscription)
        if subscription.after is not None:
            (topic,) = subscription.topics
            with self._lock:
                kept = list(self._kept.get(topic, ()))
            subscription.recall(*since(subscription.after, kept))

    async def join_async(self, subscription: Subscription) -> None:
        """Begin to send it messages."""
        self.join(subscription)

    def leave(self, subscription: Subscription) -> None:
        """Send it no more."""
        self.remove(subscription)

    def close(self) -> None:
        """End all subscriptions, and forget what was kept."""
        for subscription in self.all():
            subscription.close()
        with self._lock:
            self._kept.clear()

    async def close_async(self) -> None:
        """End all subscriptions, and forget what was kept."""
        self.close()


def since(after: str, kept: list[Message]) -> tuple[list[Message], bool]:
    """Choose what came after an id; all that is kept, where that says nothing.

    :return: the messages; whether there may have been more.
    """
    position = position_of(after)
    if position is None:
        return kept, True
    newer = [m for m in kept if m.position is not None and m.position > position]
    return newer, all(message.position != position for message in kept)
