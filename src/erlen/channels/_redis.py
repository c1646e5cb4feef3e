"""The channels of many processes and machines, by Redis.

Messages go by publish/subscribe. With a history each is kept in a stream of its topic as well,
from which subscribers get what they missed.

Source: https://redis.io/docs/latest/develop/pubsub/ and
https://redis.io/docs/latest/develop/data-types/streams/
"""

from __future__ import annotations

import asyncio
import logging
import random
import typing as t
from concurrent.futures import Future

import msgspec

from .._background import background_loop
from .._extras import missing_extra
from ._memory import Fanout, History, since
from ._message import ChannelError, Message
from ._subscription import Subscription

try:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError
except ModuleNotFoundError as error:
    raise missing_extra("redis", error) from error

# Seconds: until an answer of Redis is given up; of silence before it is asked whether it is there;
# before it is tried again, at first and at most.
_PATIENCE = 5.0
_SILENCE = 15.0
_FIRST_DELAY = 0.1
_LONGEST_DELAY = 5.0
# How many messages go to Redis at once, and how many may wait for it.
_BATCH = 500
_MOST_WAITING = 10_000

# Both in one step, so that all see the messages in the order of their ids.
_PUBLISH_AND_KEEP = """
local id = redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[2], '*', 'json', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', KEYS[1], id .. ' ' .. ARGV[1])
return id
"""

_Command: t.TypeAlias = tuple[t.Any, ...]
_Errors = (RedisError, OSError)


class RedisHub:
    """Messages go to all processes that use the same Redis and prefix.

    :param url: of Redis: ``redis://``, ``rediss://`` or ``unix://``.
    :param prefix: begins the names of channels and keys.
    :param history: what is kept.
    :param logger: is told when the connection breaks, and when it is back.
    """

    def __init__(self, url: str, prefix: str, history: History, logger: logging.Logger) -> None:
        self._url = url
        self._prefix = prefix
        self._history = history
        self._logger = logger
        self._fanout = Fanout()
        self._link: _Link | None = None

    def _linked(self) -> _Link:
        """Return the connections; only called on the background loop."""
        link = self._link
        # After a fork there is another loop, and the connections are the parent's.
        if link is None or link.loop is not asyncio.get_running_loop():
            link = self._link = _Link(
                self._url, self._prefix, self._history, self._logger, self._fanout
            )
        return link

    def publish(self, topic: str, json: str) -> Future[str | None]:
        """Publish.

        :return: the id of the message, once Redis has it; or a ``ChannelError``.
        """
        done: Future[str | None] = Future()
        # Who awaits it may be cancelled; it has an outcome all the same.
        done.set_running_or_notify_cancel()

        def send() -> None:
            self._linked().publish(topic, json, done)

        background_loop().call_soon_threadsafe(send)
        return done

    def join(self, subscription: Subscription) -> None:
        """Begin to send it messages; waits for Redis.

        :raises ChannelError: Redis cannot be reached.
        """
        asyncio.run_coroutine_threadsafe(self._join(subscription), background_loop()).result()

    async def join_async(self, subscription: Subscription) -> None:
        """Begin to send it messages.

        :raises ChannelError: Redis cannot be reached.
        """
        joining = asyncio.run_coroutine_threadsafe(self._join(subscription), background_loop())
        await asyncio.wrap_future(joining)

    async def _join(self, subscription: Subscription) -> None:
        self._fanout.add(subscription)
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._linked().join(subscription)
        except _Errors as error:
            self.leave(subscription)
            reason = str(error) or f"It did not answer within {_PATIENCE:g} seconds."
            raise ChannelError(f"Redis cannot be reached to subscribe: {reason}") from error
        except BaseException:
            self.leave(subscription)
            raise

    def leave(self, subscription: Subscription) -> None:
        """Send it no more."""
        self._fanout.remove(subscription)
        link = self._link
        if link is not None:
            try:
                link.loop.call_soon_threadsafe(link.drop_unused, subscription.topics)
            except RuntimeError:  # the loop is closed
                pass

    def close(self) -> None:
        """End all subscriptions, and disconnect."""
        for subscription in self._fanout.all():
            subscription.close()
        asyncio.run_coroutine_threadsafe(self._disconnect(), background_loop()).result()

    async def close_async(self) -> None:
        """End all subscriptions, and disconnect."""
        for subscription in self._fanout.all():
            subscription.close()
        disconnecting = asyncio.run_coroutine_threadsafe(self._disconnect(), background_loop())
        await asyncio.wrap_future(disconnecting)

    async def _disconnect(self) -> None:
        link, self._link = self._link, None
        if link is not None and link.loop is asyncio.get_running_loop():
            await link.close()


class _Link:
    """The connections to Redis; they live on the loop they are made on."""

    def __init__(
        self, url: str, prefix: str, history: History, logger: logging.Logger, fanout: Fanout
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._prefix = f"{prefix}:"
        self._history = history
        self._logger = logger
        self._fanout = fanout
        self._client: Redis = Redis.from_url(
            url,
            socket_connect_timeout=_PATIENCE,
            socket_timeout=_PATIENCE,
            socket_keepalive=True,
            # A message that was sent again could come twice.
            retry=Retry(NoBackoff(), 0),
        )
        self._outbox: list[tuple[_Command, Future[str | None]]] = []
        self._sender: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._pubsub: PubSub | None = None
        self._delay = _FIRST_DELAY
        # The topics that somebody wants, each done when Redis has confirmed it; how many
        # confirmations of each are on their way; and the id of its last message.
        self._wanted: dict[str, asyncio.Future[None]] = {}
        self._unconfirmed: dict[str, int] = {}
        self._seen: dict[str, str] = {}
        # One command after the other, in the order of the decisions; and who is at it.
        self._commands = asyncio.Lock()
        self._telling: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Disconnect, once what was published is sent."""
        if self._sender is not None:
            await asyncio.wait([self._sender])
        if self._telling:
            await asyncio.wait(self._telling)
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
        await self._client.aclose()

    # Publishing.

    def publish(self, topic: str, json: str, done: Future[str | None]) -> None:
        """Have a message sent, after those before it."""
        if len(self._outbox) >= _MOST_WAITING:
            done.set_exception(
                ChannelError(f"{_MOST_WAITING} messages wait for Redis already; this is not sent.")
            )
            return
        name = self._prefix + topic
        command: _Command = ("PUBLISH", name, f"- {json}")
        if self._history.size:
            command = ("EVAL", _PUBLISH_AND_KEEP, 1, name, json, *self._history)
        self._outbox.append((command, done))
        if self._sender is None:
            self._sender = self.loop.create_task(self._send())

    async def _send(self) -> None:
        while self._outbox:
            batch = self._outbox[:_BATCH]
            del self._outbox[:_BATCH]
            try:
                async with self._client.pipeline(transaction=False) as pipeline:
                    for command, _ in batch:
                        pipeline.execute_command(*command)
                    results = await pipeline.execute(raise_on_error=False)
            except _Errors as broken:
                results = [broken] * len(batch)
            for (command, done), result in zip(batch, results, strict=True):
                if isinstance(result, Exception):
                    error = ChannelError(f"Redis did not take the message: {result}")
                    error.__cause__ = result
                    done.set_exception(error)
                else:
                    done.set_result(result.decode() if command[0] == "EVAL" else None)
        self._sender = None

    # Subscribing.

    async def join(self, subscription: Subscription) -> None:
        """Wait until Redis sends what the subscription is for, and get what it missed."""
        if self._listener is None:
            self._listener = self.loop.create_task(self._listen())
        for topic in subscription.topics:
            if topic not in self._wanted:
                self._wanted[topic] = self.loop.create_future()
                self._start_telling(topic)
            await asyncio.shield(self._wanted[topic])
        if subscription.after is not None:
            (topic,) = subscription.topics
            subscription.recall(*since(subscription.after, await self._kept(topic)))

    def drop_unused(self, topics: tuple[str, ...]) -> None:
        """Have Redis send no more of what nobody wants."""
        for topic in topics:
            if topic in self._wanted and not self._fanout.of(topic):
                del self._wanted[topic]
                self._seen.pop(topic, None)
                self._start_telling(topic)

    def _start_telling(self, topic: str) -> None:
        # In a task of its own: a subscriber that leaves midway would cut a command short for which
        # others wait.
        task = self.loop.create_task(self._tell(topic))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, topic: str) -> None:
        """Tell Redis whether a topic is wanted, if it can be told; it is told anew otherwise."""
        async with self._commands:
            pubsub = self._pubsub
            if pubsub is None:
                return
            try:
                if topic not in self._wanted:
                    await pubsub.unsubscribe(self._prefix + topic)
                else:
                    self._unconfirmed[topic] = self._unconfirmed.get(topic, 0) + 1
                    await pubsub.subscribe(self._prefix + topic)
            except _Errors:  # which the listener meets as well
                pass

    async def _listen(self) -> None:
        while True:
            pubsub = self._client.pubsub()
            try:
                await self._follow(pubsub)
            except Exception as error:  # whatever it is, the subscribers are waiting
                self._interrupt(error)
            finally:
                self._pubsub = None
                await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis has it so
            # Not all processes at once.
            await asyncio.sleep(self._delay * random.uniform(0.5, 1))
            self._delay = min(self._delay * 2, _LONGEST_DELAY)

    def _interrupt(self, error: Exception) -> None:
        if self._delay == _FIRST_DELAY:
            self._logger.warning("Channels: the connection to Redis is broken: %s", error)
        for topic, confirmed in self._wanted.items():
            if confirmed.done():
                self._wanted[topic] = self.loop.create_future()
        if not self._history.size:
            for subscription in self._fanout.all():
                subscription.interruptions += 1

    async def _follow(self, pubsub: PubSub) -> None:
        """Subscribe to all that is wanted, and deliver what comes."""
        async with self._commands:
            # The first is nobody's: so that there is always one.
            await pubsub.subscribe(self._prefix, *(self._prefix + each for each in self._wanted))
            self._unconfirmed = dict.fromkeys(self._wanted, 1)
            self._pubsub = pubsub
        is_asked = False
        while True:
            received = await pubsub.get_message(timeout=_SILENCE)
            if received is not None:
                is_asked = False
                await self._receive(received)
            elif is_asked:
                raise ConnectionError("Redis does not answer.")
            else:
                is_asked = True
                await pubsub.ping()

    async def _receive(self, received: dict[str, t.Any]) -> None:
        kind = received["type"]
        topic = (received["channel"] or b"").decode().removeprefix(self._prefix)
        if kind == "message":
            self._read(topic, received["data"])
        elif kind == "subscribe" and not topic:
            if self._delay != _FIRST_DELAY:
                self._logger.warning("Channels: the connection to Redis is back.")
            self._delay = _FIRST_DELAY
        elif kind == "subscribe":
            left = self._unconfirmed.pop(topic) - 1
            if left:
                self._unconfirmed[topic] = left
            elif topic in self._wanted:
                if self._history.size:
                    await self._catch_up(topic)
                confirmed = self._wanted.get(topic)
                if confirmed is not None and not confirmed.done():
                    confirmed.set_result(None)

    def _read(self, topic: str, data: bytes) -> None:
        """Deliver a message, unless somebody else has published what is none."""
        id, _, json = data.partition(b" ")
        try:
            message = Message(topic, json.decode(), None if id == b"-" else id.decode())
            msgspec.json.decode(json)
            if id != b"-" and message.position is None:
                raise ValueError("The id is none.")
        except ValueError as error:
            self._logger.warning("Channels: what came to %r is no message: %s", topic, error)
            return
        self._deliver(message)

    def _deliver(self, message: Message) -> None:
        if message.id is not None:
            self._seen[message.topic] = message.id
        self._fanout.deliver(message)

    async def _catch_up(self, topic: str) -> None:
        """Deliver what was published while there was no connection."""
        kept = await self._kept(topic)
        seen = self._seen.get(topic)
        if seen is not None:
            messages, missed = since(seen, kept)
            # From the very beginning on, all is there unless it is full.
            if missed and (seen != "0-0" or len(kept) >= self._history.size):
                for subscription in self._fanout.of(topic):
                    subscription.interruptions += 1
            for message in messages:
                self._deliver(message)
        self._seen[topic] = (kept[-1].id if kept else seen) or "0-0"

    async def _kept(self, topic: str) -> list[Message]:
        entries: t.Any = await self._client.xrange(self._prefix + topic)
        return [Message(topic, fields[b"json"].decode(), id.decode()) for id, fields in entries]
