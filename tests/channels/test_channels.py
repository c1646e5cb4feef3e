"""Publish and subscribe, in memory and by Redis alike."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Any

import pytest

from erlen import websocket
from erlen.channels import Channels, Message
from erlen.sse import Event, EventStream, last_event_id

from .conftest import PATIENCE, Setup


async def take(subscription: Any, number: int) -> list[Any]:
    """The data of the next messages."""
    taken = []
    async with asyncio.timeout(PATIENCE):
        async for message in subscription:
            taken.append(message.data)
            if len(taken) == number:
                break
    return taken


async def rest(subscription: Any) -> list[Any]:
    """The data of all messages up to the end."""
    async with asyncio.timeout(PATIENCE):
        return [message.data async for message in subscription]


def ran(coroutine: Any) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, PATIENCE))


class TestPublish:
    def test_everybody_gets_it(self, make: Any, url: str) -> None:
        channels = make(url).channels

        async def main() -> None:
            async with channels.subscribe("a") as one, channels.subscribe("a") as other:
                await channels.publish("a", {"n": 1})
                await channels.publish("a", "text")
                assert await take(one, 2) == await take(other, 2) == [{"n": 1}, "text"]

        ran(main())

    def test_by_topic(self, make: Any, url: str) -> None:
        channels = make(url).channels

        async def main() -> None:
            async with channels.subscribe("a") as a, channels.subscribe("a", "b:\n c") as both:
                for topic in ("b:\n c", "c", "a"):
                    await channels.publish(topic, topic)
                assert await take(a, 1) == ["a"]
                assert await take(both, 2) == ["b:\n c", "a"]

        ran(main())

    def test_from_thread_to_thread(self, make: Any, url: str) -> None:
        channels = make(url).channels
        with channels.subscribe("a") as subscription:
            thread = threading.Thread(target=channels.publish, args=("a", 1))
            thread.start()
            messages = iter(subscription)
            assert next(messages).data == 1
            thread.join()
            channels.publish("a", 2)
            assert next(messages).data == 2

    def test_from_thread_to_loop_and_back(self, make: Any, url: str) -> None:
        channels = make(url).channels
        begun = threading.Event()

        def double() -> None:
            with channels.subscribe("numbers") as numbers:
                begun.set()
                for message in numbers:
                    channels.publish("doubles", message.data * 2)
                    if message.data == 3:
                        return

        async def main() -> list[Any]:
            async with channels.subscribe("doubles") as doubles:
                thread = threading.Thread(target=double)
                thread.start()
                await asyncio.to_thread(begun.wait, PATIENCE)
                for n in (1, 2, 3):
                    channels.publish("numbers", n)  # none is awaited, and they keep their order
                taken = await take(doubles, 3)
                await asyncio.to_thread(thread.join)
                return taken

        assert ran(main()) == [2, 4, 6]

    def test_many_at_once(self, make: Any, url: str) -> None:
        """Each subscriber gets everything, in the order of each publisher."""
        channels = make(url, queue_size=1000).channels

        async def main() -> list[list[Any]]:
            async with asyncio.TaskGroup() as group:
                subscriptions = [channels.subscribe("a") for _ in range(10)]
                for each in subscriptions:
                    await each.__aenter__()
                tasks = [group.create_task(take(each, 200)) for each in subscriptions]
                for who in range(4):
                    group.create_task(asyncio.to_thread(publish, who))
            return [task.result() for task in tasks]

        def publish(who: int) -> None:
            for n in range(50):
                channels.publish("a", [who, n])

        for taken in ran(main()):
            for who in range(4):
                assert [n for by, n in taken if by == who] == list(range(50))

    def test_what_it_does_not_carry(self, make: Any, url: str) -> None:
        channels = make(url).channels
        with pytest.raises(TypeError, match="A message is a value that JSON can hold, and was byt"):
            channels.publish("a", b"x")
        with pytest.raises(TypeError, match="type object is unsupported"):
            channels.publish("a", object())
        for topic in ("", None):
            with pytest.raises(ValueError, match="A topic is a name, and was"):
                channels.publish(topic, 1)
            with pytest.raises(ValueError, match="A topic is a name, and was"):
                channels.subscribe(topic)

    def test_nobody_listens(self, make: Any, url: str) -> None:
        make(url).channels.publish("a", 1)

        async def main() -> None:
            assert await make(url).channels.publish("a", 1) is None

        ran(main())


class TestMessage:
    def test_each_reader_has_its_own_data(self) -> None:
        message = Message("a", '{"n": []}')
        message.data["n"].append(1)
        assert message.data == {"n": []}
        assert repr(message) == """<Message  to 'a': {"n": []}>"""

    @pytest.mark.parametrize(
        ("json", "data"), [('"text"', "text"), ('{"a":1}', '{"a":1}'), ("null", "null")]
    )
    def test_as_an_event(self, json: str, data: str) -> None:
        message = Message("a", json, "5-0")
        assert message.to_event().encode() == Event(data, id="5-0").encode()
        assert message.to_event() is message.to_event()


class TestSlowSubscribers:
    def test_the_oldest_is_dropped_and_counted(self, make: Any, url: str) -> None:
        channels = make(url, queue_size=3).channels

        async def main() -> None:
            async with (
                channels.subscribe("a") as slow,
                channels.subscribe("a", queue_size=9) as quick,
            ):
                for n in range(5):
                    await channels.publish("a", n)
                assert await take(quick, 5) == [0, 1, 2, 3, 4]
                assert (slow.dropped, slow.overflowed, quick.dropped) == (2, False, 0)
                assert await take(slow, 3) == [2, 3, 4]

        ran(main())

    def test_or_it_is_closed(self, make: Any, url: str) -> None:
        setup = make(url, queue_size=3, overflow="close")

        async def main() -> None:
            async with (
                setup.channels.subscribe("a") as slow,
                setup.channels.subscribe("a", overflow="drop", queue_size=9) as quick,
            ):
                for n in range(5):
                    await setup.channels.publish("a", n)
                assert await take(quick, 5) == [0, 1, 2, 3, 4]
                # Nothing is missing before its end, so it can go on from there.
                assert await rest(slow) == [0, 1, 2]
                assert (slow.dropped, slow.overflowed, slow.closed) == (0, True, True)

        ran(main())
        assert subscribers(setup) == 0


def subscribers(setup: Setup) -> int:
    fanout = getattr(setup.hub, "_fanout", setup.hub)
    return len(fanout.all())


class TestEnds:
    def test_close_lets_the_rest_be_read(self, make: Any, url: str) -> None:
        setup = make(url)
        with setup.channels.subscribe("a") as subscription:
            setup.channels.publish("a", 1)
            messages = iter(subscription)
            assert next(messages).data == 1
            threading.Thread(target=subscription.close).start()
            assert list(messages) == []
        assert subscription.closed
        assert subscribers(setup) == 0

    def test_leaving_the_loop_unsubscribes(self, make: Any, url: str) -> None:
        setup = make(url, history=1)
        setup.channels.publish("a", 1)

        async def main() -> None:
            assert await take(setup.channels.subscribe("a", after="0-0"), 1) == [1]
            # The generator that the loop left is closed by the event loop's own hook.
            while subscribers(setup):
                gc.collect()
                await asyncio.sleep(0)

        ran(main())
        for message in setup.channels.subscribe("a", after="0-0"):
            assert message.data == 1
            break
        gc.collect()
        assert subscribers(setup) == 0

    def test_a_cancelled_task_unsubscribes(self, make: Any, url: str) -> None:
        setup = make(url)

        async def main() -> None:
            async with setup.channels.subscribe("a") as subscription:
                task = asyncio.create_task(rest(subscription))
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert subscribers(setup) == 0

        ran(main())

    def test_the_end_of_the_lifespan(self, make: Any, url: str) -> None:
        setup = make(url)
        ends = []
        with setup.app.test_app():
            subscription = setup.channels.subscribe("a")
            subscription.__enter__()
            thread = threading.Thread(target=lambda: ends.append(list(subscription)))
            thread.start()
        thread.join(PATIENCE)
        assert ends == [[]]
        # And the next one begins anew.
        with setup.app.test_app(), setup.channels.subscribe("a") as again:
            setup.channels.publish("a", 1)
            assert next(iter(again)).data == 1

    def test_one_reader(self, make: Any, url: str) -> None:
        channels = make(url).channels

        async def main() -> None:
            async with channels.subscribe("a") as subscription:
                task = asyncio.create_task(take(subscription, 1))
                await asyncio.sleep(0)
                with pytest.raises(RuntimeError, match="Somebody else iterates this subscription"):
                    await anext(aiter(subscription))
                task.cancel()

        ran(main())

    def test_no_waiting_on_the_loop(self, make: Any, url: str) -> None:
        channels = make(url).channels

        async def main() -> None:
            with pytest.raises(RuntimeError, match="use 'async with' and 'async for'"):
                next(iter(channels.subscribe("a")))
            with pytest.raises(RuntimeError, match="use 'async with' and 'async for'"):
                channels.subscribe("a").__enter__()
            with pytest.raises(RuntimeError, match="the event loop: close in a thread"):
                channels.close()

        ran(main())


class TestHistory:
    def test_what_was_missed_comes_first(self, make: Any, url: str) -> None:
        channels = make(url, history=10).channels

        async def main() -> None:
            ids = [await channels.publish("a", n) for n in range(5)]
            assert len(set(ids)) == 5
            await channels.publish("b", "other")
            async with channels.subscribe("a", after=ids[2]) as subscription:
                await channels.publish("a", "live")
                assert await take(subscription, 3) == [3, 4, "live"]
                assert not subscription.missed
            async with channels.subscribe("a", after=ids[4]) as subscription:
                assert await take(subscription, 1) == ["live"]
            async with channels.subscribe("a") as subscription:
                await channels.publish("a", "new")
                assert await take(subscription, 1) == ["new"]

        ran(main())

    def test_further_back_than_it_goes(self, make: Any, url: str) -> None:
        channels = make(url, history=3).channels

        async def main() -> None:
            ids = [await channels.publish("a", n) for n in range(5)]
            for after in (ids[0], "0-0"):
                async with channels.subscribe("a", after=after) as subscription:
                    assert await take(subscription, 3) == [2, 3, 4]
                    assert subscription.missed

        ran(main())

    @pytest.mark.parametrize("after", ["", "x", "1", "-", "1-2-3", "١-٢", "9" * 30 + "-0", "1-\n"])
    def test_an_id_that_is_none(self, make: Any, url: str, after: str) -> None:
        """It comes from a stranger's header."""
        channels = make(url, history=3).channels
        channels.publish("a", 1)
        with channels.subscribe("a", after=after) as subscription:
            assert next(iter(subscription)).data == 1
            assert subscription.missed

    def test_none_is_kept_by_default(self, make: Any, url: str) -> None:
        channels = make(url).channels
        channels.publish("a", 1)
        with channels.subscribe("a", after="5-0") as subscription:
            channels.publish("a", 2)
            message = next(iter(subscription))
            assert (message.data, message.id) == (2, None)
            assert subscription.missed

    def test_within_one_topic(self, make: Any, url: str) -> None:
        with pytest.raises(ValueError, match="'after' is an id within one topic, and these are"):
            make(url).channels.subscribe("a", "b", after="1-0")


class TestInViews:
    """An event stream and a WebSocket, whichever way the app is asked."""

    def events(self, response: Any, number: int) -> list[bytes]:
        pieces = list(islice(response.response, number))
        response.close()
        return pieces

    @pytest.mark.parametrize("kind", ["itself", "sync", "async"])
    def test_event_streams(self, make: Any, url: str, kind: str) -> None:
        setup = make(url, history=10)
        channels = setup.channels

        def sync() -> Iterator[Event]:
            for message in channels.subscribe("a", after="0-0"):
                yield message.to_event()

        async def asynchronous() -> AsyncIterator[Event]:
            async for message in channels.subscribe("a", after="0-0"):
                yield message.to_event()

        @setup.app.get("/")
        def view() -> EventStream:
            if kind == "itself":
                return EventStream(channels.subscribe("a", after=last_event_id() or "0-0"))
            return EventStream(sync() if kind == "sync" else asynchronous())

        channels.publish("a", {"n": 1})
        channels.publish("a", "two")
        response = setup.app.test_client().get("/")
        pieces = self.events(response, 3)
        assert pieces[0] == b":\n\n"
        assert pieces[1].endswith(b'\ndata: {"n":1}\n\n')
        assert pieces[2].endswith(b"\ndata: two\n\n")
        wait_until_left(setup)

    def test_a_browser_comes_back(self, make: Any, url: str) -> None:
        setup = make(url, history=10)
        channels = setup.channels

        @setup.app.get("/")
        async def view() -> EventStream:
            return EventStream(channels.subscribe("a", after=last_event_id()))

        with setup.app.app_context():
            setup.channels.publish("a", 1)
            message = next(iter(setup.channels.subscribe("a", after="0-0")))
            setup.channels.publish("a", 2)
        response = setup.app.test_client().get("/", headers={"Last-Event-ID": message.id})
        assert self.events(response, 2)[1].endswith(b"\ndata: 2\n\n")
        wait_until_left(setup)

    def test_websockets(self, make: Any, url: str) -> None:
        setup = make(url)

        @setup.app.websocket("/")
        async def view() -> None:
            async with setup.channels.subscribe("a") as messages:
                await websocket.send("begun")
                async for message in messages:
                    await websocket.send(message.json)

        client = setup.app.test_client()
        with client.websocket("/") as one, client.websocket("/") as other:
            assert one.receive() == other.receive() == "begun"
            setup.channels.publish("a", {"n": 1})
            assert one.receive() == other.receive() == '{"n":1}'
        wait_until_left(setup)


def wait_until_left(setup: Setup) -> None:
    """Wait for the threads and tasks of streams whose client has gone."""
    for thread in threading.enumerate():
        if thread.name == "erlen-events":
            thread.join(PATIENCE)
    assert subscribers(setup) == 0


class TestSetUp:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"url": "http://x"}, "'CHANNELS_URL' is 'memory://' or the URL of a Redis, and begin"),
            ({"url": ""}, "and begins with ''"),
            ({"queue_size": 0}, "'CHANNELS_QUEUE_SIZE' is a number from 1 on, and was 0."),
            ({"queue_size": "9"}, "'CHANNELS_QUEUE_SIZE' is a number from 1 on, and was '9'."),
            ({"history": -1}, "'CHANNELS_HISTORY' is a number from 0 on, and was -1."),
            ({"history": True}, "'CHANNELS_HISTORY' is a number from 0 on, and was True."),
            ({"history_seconds": 0}, "'CHANNELS_HISTORY_SECONDS' is a number from 1 on"),
            ({"overflow": "wait"}, "On overflow, 'drop' or 'close'; it was 'wait'."),
        ],
    )
    def test_bad_settings(self, flask: Any, settings: Any, message: str) -> None:
        url = settings.pop("url", "memory://")
        with pytest.raises(ValueError, match=message):
            Setup(flask, url, "x", **settings)

    def test_a_password_is_not_told(self, flask: Any) -> None:
        with pytest.raises(ValueError) as caught:
            Setup(flask, "amqp://me:secret@host", "x")
        assert "secret" not in str(caught.value)

    def test_bad_parameters(self, make: Any) -> None:
        channels = make("memory://").channels
        with pytest.raises(ValueError, match="Subscribe to at least one topic."):
            channels.subscribe()
        with pytest.raises(ValueError, match="'queue_size' is a number from 1 on, and was 0."):
            channels.subscribe("a", queue_size=0)
        with pytest.raises(ValueError, match="On overflow, 'drop' or 'close'; it was 'stop'."):
            channels.subscribe("a", overflow="stop")

    def test_twice(self, make: Any) -> None:
        with pytest.raises(RuntimeError, match="This app has channels already."):
            Channels(make("memory://").app)

    def test_no_app(self, app: Any) -> None:
        with pytest.raises(RuntimeError, match="these are the channels of 0 apps"):
            Channels().publish("a", 1)
        with app.app_context(), pytest.raises(RuntimeError, match="call 'init_app' with it"):
            Channels().publish("a", 1)

    def test_two_apps(self, flask: Any) -> None:
        channels = Channels()
        apps = [flask.Flask("one"), flask.Flask("two")]
        for app in apps:
            channels.init_app(app)
        with pytest.raises(RuntimeError, match="these are the channels of 2 apps"):
            channels.subscribe("a")
        with apps[0].app_context():
            one = channels.subscribe("a").__enter__()
        with apps[1].app_context():
            other = channels.subscribe("a").__enter__()
            channels.publish("a", "to the second")
            channels.close()
        with apps[0].app_context():
            channels.publish("a", "to the first")
            channels.close()
        assert [message.data for message in one] == ["to the first"]
        assert [message.data for message in other] == ["to the second"]
