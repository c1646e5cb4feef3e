"""What Redis brings: other processes, and connections that break."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from erlen.channels import ChannelError

from .conftest import PATIENCE, OwnRedis, Setup, connect


def ran(coroutine: Any) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, PATIENCE))


class Log(logging.Handler):
    """What an app logs, and a way to wait for it."""

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.messages: list[str] = []
        self._changed = threading.Condition()
        setup.app.logger.addHandler(self)
        setup.app.logger.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        with self._changed:
            self.messages.append(record.getMessage())
            self._changed.notify_all()

    def wait_for(self, text: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(text in m for m in self.messages), PATIENCE)


@pytest.fixture(autouse=True)
def loggers_kept() -> Any:
    logger = logging.getLogger("tested")
    kept = (logger.handlers[:], logger.propagate)
    yield
    logger.handlers[:], logger.propagate = kept


class TestApart:
    def test_two_apps_with_one_prefix(self, make: Callable[..., Setup], redis_url: str) -> None:
        here, there = make(redis_url, history=5), make(redis_url, history=5)
        apart = make(redis_url, prefix="erlen-test-apart")
        with here.channels.subscribe("a") as one, apart.channels.subscribe("a") as other:
            there.channels.publish("a", 1)
            apart.channels.publish("a", 2)
            assert next(iter(one)).data == 1
            assert next(iter(other)).data == 2
            one.close()
            other.close()
            assert [*one, *other] == []

    def test_redis_sends_what_somebody_wants(
        self, make: Callable[..., Setup], redis_url: str
    ) -> None:
        setup = make(redis_url)
        name = f"{setup.app.config['CHANNELS_PREFIX']}:a"
        with connect(redis_url) as client:
            with setup.channels.subscribe("a"):
                assert client.pubsub_numsub(name) == [(name.encode(), 1)]
                with setup.channels.subscribe("a"):
                    assert client.pubsub_numsub(name) == [(name.encode(), 1)]
                assert client.pubsub_numsub(name) == [(name.encode(), 1)]
            # Commands keep their order: this one comes after the end of the other.
            with setup.channels.subscribe("b"):
                assert client.pubsub_numsub(name) == [(name.encode(), 0)]

    def test_what_is_kept_expires(self, make: Callable[..., Setup], redis_url: str) -> None:
        setup = make(redis_url, history=2, history_seconds=50)
        for n in range(5):
            setup.channels.publish("a", n)
        with connect(redis_url) as client:
            name = f"{setup.app.config['CHANNELS_PREFIX']}:a"
            assert 0 < client.ttl(name) <= 50
            assert client.xlen(name) == 2

    @pytest.mark.parametrize("data", [b"", b"x", b"- {", b"x {}", b'- "\xff"', b"\xff {}", b"5 1"])
    def test_what_others_publish(
        self, make: Callable[..., Setup], redis_url: str, data: bytes
    ) -> None:
        setup = make(redis_url)
        log = Log(setup)
        with setup.channels.subscribe("a") as subscription, connect(redis_url) as client:
            client.publish(f"{setup.app.config['CHANNELS_PREFIX']}:a", data)
            setup.channels.publish("a", "fine")
            assert next(iter(subscription)).data == "fine"
        (message,) = log.messages
        assert message.startswith("Channels: what came to 'a' is no message: ")


class TestBroken:
    def test_it_comes_back(self, make: Callable[..., Setup], own_redis: OwnRedis) -> None:
        setup = make(own_redis.url)
        log = Log(setup)
        with setup.channels.subscribe("a", "b") as subscription:
            messages = iter(subscription)
            own_redis.stop()
            log.wait_for("Channels: the connection to Redis is broken: ")
            assert subscription.interruptions == 1
            with pytest.raises(ChannelError, match="Redis did not take the message: "):
                setup.channels.publish("a", "lost")
            own_redis.start()
            log.wait_for("Channels: the connection to Redis is back.")
            # Whoever subscribes now waits until all is as it was.
            with setup.channels.subscribe("b"):
                setup.channels.publish("b", 1)
            assert next(messages).data == 1
            setup.channels.publish("a", 2)
            assert next(messages).data == 2
        assert len([message for message in log.messages if "broken" in message]) == 1

    def test_nothing_is_lost_with_a_history(
        self, make: Callable[..., Setup], own_redis: OwnRedis
    ) -> None:
        setup = make(own_redis.url, history=1000, queue_size=1000)
        with setup.channels.subscribe("a") as subscription:
            messages = iter(subscription)
            for n in range(100):
                setup.channels.publish("a", n)
                if n % 25 == 5:
                    own_redis.break_subscriptions()
            assert [next(messages).data for _ in range(100)] == list(range(100))
            assert (subscription.interruptions, subscription.dropped) == (0, 0)

    def test_a_history_that_is_too_short(
        self, make: Callable[..., Setup], own_redis: OwnRedis
    ) -> None:
        setup = make(own_redis.url, history=2)
        other = make(own_redis.url, history=2)
        log = Log(setup)
        with setup.channels.subscribe("a") as subscription:
            messages = iter(subscription)
            setup.channels.publish("a", 0)
            assert next(messages).data == 0
            own_redis.stop()
            log.wait_for("is broken")
            own_redis.start()  # which has forgotten all
            log.wait_for("is back")
            with setup.channels.subscribe("a"):
                other.channels.publish("a", 1)
            assert next(messages).data == 1
            assert subscription.interruptions == 1

    def test_without_redis(
        self, make: Callable[..., Setup], own_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("erlen.channels._redis._PATIENCE", 0.3)
        own_redis.stop()
        setup = make(own_redis.url)
        log = Log(setup)
        with pytest.raises(ChannelError, match="subscribe: It did not answer within 0.3 s"):
            setup.channels.subscribe("a").__enter__()
        with pytest.raises(ChannelError, match="Redis did not take the message: .*Connect"):
            setup.channels.publish("a", 1)

        async def main() -> None:
            with pytest.raises(ChannelError):
                await setup.channels.publish("a", 1)
            assert not any("was not published" in message for message in log.messages)
            # What nobody awaits is logged.
            setup.channels.publish("a", 1)
            await asyncio.to_thread(log.wait_for, "A message was not published: Redis did not")
            with pytest.raises(ChannelError):
                await setup.channels.subscribe("a").__aenter__()

        ran(main())
        assert setup.hub._fanout.all() == []

    def test_messages_that_wait_are_bounded(
        self, make: Callable[..., Setup], redis_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("erlen.channels._redis._MOST_WAITING", 0)
        setup = make(redis_url)
        with pytest.raises(ChannelError, match="0 messages wait for Redis already; this is not"):
            setup.channels.publish("a", 1)

    def test_silence_is_asked_about(
        self, make: Callable[..., Setup], redis_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A connection whose other end has vanished says nothing, and does not break."""
        setup = make(redis_url)
        pong = {"type": "pong", "channel": None, "data": b""}
        answers = iter([None, pong, None, None])
        asked = []

        class Pubsub:
            async def subscribe(self, *channels: str) -> None:
                asked.append("subscribe")

            async def get_message(self, timeout: float) -> Any:
                assert timeout > 0
                return next(answers)

            async def ping(self) -> None:
                asked.append("ping")

        async def main() -> None:
            link = setup.hub._linked()
            with pytest.raises(ConnectionError, match="Redis does not answer."):
                await link._follow(Pubsub())
            await link.close()
            setup.hub._link = None

        ran(main())
        assert asked == ["subscribe", "ping", "ping"]


class TestCancelled:
    def test_who_awaits_a_publication(self, make: Callable[..., Setup], redis_url: str) -> None:
        setup = make(redis_url)

        async def publish(n: int) -> None:
            await setup.channels.publish("a", n)

        async def main() -> None:
            for n in range(10):
                publishing = asyncio.create_task(publish(n))
                await asyncio.sleep(0)
                publishing.cancel()
                await asyncio.wait([publishing])
            # It has gone out all the same, and so do those after it.
            await setup.channels.publish("a", 10)

        with setup.channels.subscribe("a") as subscription:
            ran(main())
            messages = iter(subscription)
            assert [next(messages).data for _ in range(11)] == [*range(11)]

    def test_the_first_of_two_who_subscribe(
        self, make: Callable[..., Setup], redis_url: str
    ) -> None:
        setup = make(redis_url)

        async def main() -> None:
            with setup.app.app_context():
                connected, *both = [setup.channels.subscribe(topic) for topic in "baa"]
            await setup.hub._join(connected)
            async with setup.hub._linked()._commands:
                joining = [asyncio.create_task(setup.hub._join(each)) for each in both]
                await asyncio.sleep(0)
                joining[0].cancel()
                await asyncio.wait(joining[:1])
            await joining[1]
            await setup.hub._disconnect()

        ran(main())


FORKING = """
import os, sys
from erlen import Flask
from erlen.channels import Channels

app = Flask("forking")
app.config.update(CHANNELS_URL=sys.argv[1], CHANNELS_PREFIX=sys.argv[2])
channels = Channels(app)
with channels.subscribe("a") as subscription:
    channels.publish("a", "parent")
    print(next(iter(subscription)).data, flush=True)
child = os.fork()
with channels.subscribe("a") as subscription:
    channels.publish("a", "again")
    print(next(iter(subscription)).data, flush=True)
if child:
    sys.exit(os.waitpid(child, 0)[1])
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_after_a_fork(redis_url: str, tmp_path: Any) -> None:
    """A server that loads the app first and forks then."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING, redis_url, f"erlen-test-{tmp_path.name}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["parent", "again", "again"]


def test_redis_py_is_missing(flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    monkeypatch.delitem(sys.modules, "erlen.channels._redis", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"Install it with: pip install 'erlen\[redis\]'"):
        Setup(flask, "redis://127.0.0.1", "x")
