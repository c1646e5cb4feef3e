"""Event streams, read back by the rules that browsers follow."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlen import request, stream_with_context
from erlen.sse import Event, EventStream, last_event_id, on_close

PATIENCE = 20  # seconds until something that does not happen is given up


class Got(NamedTuple):
    """An event as a listener gets it."""

    type: str
    data: str
    last_event_id: str


class Reader:
    """What a browser makes of a stream.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """

    def __init__(self, stream: bytes) -> None:
        self.events: list[Got] = []
        self.comments: list[str] = []
        self.last_event_id = ""
        self.retry: int | None = None
        self._id = self._type = self._data = ""
        text = stream.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        # What stands behind the last line end is an incomplete line.
        for line in text.split("\n")[:-1]:
            self._read(line)

    def _read(self, line: str) -> None:
        if not line:
            self._dispatch()
            return
        if line.startswith(":"):
            self.comments.append(line[1:])
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._type = value
        elif name == "data":
            self._data += value + "\n"
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value)

    def _dispatch(self) -> None:
        self.last_event_id = self._id
        if self._data:
            data = self._data.removesuffix("\n")
            self.events.append(Got(self._type or "message", data, self.last_event_id))
        self._data = self._type = ""


def read(stream: bytes) -> list[Got]:
    return Reader(stream).events


texts = st.text(st.characters(exclude_categories=["Cs"]))
one_line = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))


class TestEvent:
    @given(texts, st.none() | one_line.filter(bool), st.none() | one_line, st.none() | texts)
    def test_a_browser_reads_what_was_meant(
        self, data: str, name: str | None, id: str | None, comment: str | None
    ) -> None:
        before = Event("x", id="before").encode()
        reader = Reader(before + Event(data, name, id, comment=comment).encode())
        meant = data.replace("\r\n", "\n").replace("\r", "\n")
        expected = Got(name or "message", meant, "before" if id is None else id)
        assert reader.events == [Got("message", "x", "before"), expected]
        assert len(reader.comments) == 0 if comment is None else len(reader.comments) >= 1

    @given(st.lists(st.tuples(texts, one_line), max_size=5))
    def test_one_after_the_other(self, pairs: list[tuple[str, str]]) -> None:
        stream = b"".join(Event(data, id=id).encode() for data, id in pairs)
        assert [got.last_event_id for got in read(stream)] == [id for _, id in pairs]

    def test_how_it_is_written(self) -> None:
        event = Event("a\nb", event="add", id=7, retry=1500, comment="note\nmore")
        assert event.encode() == (
            b": note\n: more\nid: 7\nevent: add\nretry: 1500\ndata: a\ndata: b\n\n"
        )
        assert repr(Event("a\n")) == r"<Event 'data: a\ndata:'>"

    @pytest.mark.parametrize(
        ("data", "text"),
        [({"a": [1, None]}, '{"a":[1,null]}'), (1.5, "1.5"), (True, "true"), ("", ""), ("1", "1")],
    )
    def test_values_are_json_and_texts_are_texts(self, data: Any, text: str) -> None:
        assert read(Event(data).encode()) == [Got("message", text, "")]

    def test_no_listener_without_data(self) -> None:
        reader = Reader(Event(id="5").encode() + Event(retry=10).encode())
        assert (reader.events, reader.last_event_id, reader.retry) == ([], "5", 10)
        assert Reader(Event(comment="x").encode()).comments == [" x"]

    @pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\0"])
    def test_nobody_adds_lines_by_name_or_id(self, end: str) -> None:
        forged = f"1{end}{end}data: forged"
        with pytest.raises(ValueError, match="The id of an event holds no line end and no NUL"):
            Event("x", id=forged)
        with pytest.raises(ValueError, match="The name of an event holds no line end and no NUL"):
            Event("x", event=forged)

    def test_nor_by_data_or_comment(self) -> None:
        forged = "\r\revent: admin\n\ndata: forged"
        (got,) = read(Event(forged, comment=forged).encode())
        assert got == Got("message", "\n\nevent: admin\n\ndata: forged", "")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({}, "An event needs data, an id, a retry or a comment."),
            ({"event": "a"}, "The event 'a' has no data, and browsers drop such an event."),
            ({"retry": 1.5}, "'retry' is a number of milliseconds, an int, and was 1.5."),
            ({"retry": -1}, "'retry' is a number of milliseconds, an int, and was -1."),
            ({"retry": True}, "'retry' is a number of milliseconds, an int, and was True."),
            ({"data": "\ud800"}, "surrogates not allowed"),
        ],
    )
    def test_what_cannot_be_sent(self, arguments: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Event(**arguments)

    def test_what_json_cannot_hold(self) -> None:
        with pytest.raises(TypeError, match="was bytes: decode them"):
            Event(b"x")
        with pytest.raises(TypeError, match="type object is unsupported"):
            Event(object())


def serve(app: Any, make: Any, **options: Any) -> Any:
    """The response to a request whose view returns a stream of what is made, as yet unread."""
    app.add_url_rule("/", "events", lambda: EventStream(make(), **options))
    return app.test_client().get("/")


class Source:
    """Both kinds of generator: they say ``one``, wait to be told, and say ``two``.

    :param kind: ``"sync"`` or ``"async"``.
    """

    def __init__(self, kind: str) -> None:
        self.make: Any = getattr(self, kind)
        self.told = threading.Event()
        self.closed = threading.Event()

    def sync(self) -> Iterator[str]:
        try:
            yield "one"
            on_close(self.told.set)
            assert self.told.wait(PATIENCE)
            yield "two"
        finally:
            self.closed.set()

    async def async_(self) -> AsyncIterator[str]:
        try:
            yield "one"
            while not self.told.is_set():
                await asyncio.sleep(0.001)
            yield "two"
        finally:
            self.closed.set()


@pytest.fixture(params=["sync", "async_"])
def source(request: Any) -> Source:
    return Source(request.param)


class TestEventStream:
    def test_events_as_they_come(self, app: Any, source: Source) -> None:
        response = serve(app, source.make)
        pieces = iter(response.response)
        assert read(next(pieces)) == []  # the headers are out, before there is an event
        assert read(next(pieces)) == [Got("message", "one", "")]
        source.told.set()
        assert read(b"".join(pieces)) == [Got("message", "two", "")]
        assert source.closed.wait(PATIENCE)
        response.close()

    def test_heartbeats_while_it_is_silent(self, app: Any, source: Source) -> None:
        response = serve(app, source.make, heartbeat=0.001)
        pieces = iter(response.response)
        got: list[bytes] = []
        # One comes with the headers.
        while got.count(b":\n\n") < 4 or b"data: one\n\n" not in got:
            got.append(next(pieces))
        source.told.set()
        events = read(b"".join([*got, *pieces]))
        assert [event.data for event in events] == ["one", "two"]
        response.close()

    def test_no_heartbeat(self, app: Any, source: Source) -> None:
        source.told.set()
        stream = serve(app, source.make, heartbeat=None, retry=20).data
        assert stream == b"retry: 20\n\ndata: one\n\ndata: two\n\n"

    def test_the_generator_ends_when_the_client_goes(self, app: Any, source: Source) -> None:
        response = serve(app, source.make)
        pieces = iter(response.response)
        assert [next(pieces), next(pieces)][1] == b"data: one\n\n"
        response.close()
        assert source.closed.wait(PATIENCE)

    def test_it_ends_when_the_server_does(
        self, app: Any, source: Source, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The source does not close before it is told.
        monkeypatch.setattr("erlen.sse._CLOSE_SECONDS", 0.01)
        response = serve(app, source.make)
        pieces = iter(response.response)
        assert [next(pieces), next(pieces)][1] == b"data: one\n\n"
        app._ending.begin()
        assert set(b"".join(pieces)) <= set(b":\n")
        response.close()
        source.told.set()
        assert source.closed.wait(PATIENCE)
        assert not app._ending._funcs

    def test_the_end_of_the_server_waits_for_a_source_to_close(self, app: Any) -> None:
        """Else a thread that cleans up would be cut."""
        closed = threading.Event()

        def make() -> Iterator[str]:
            gone = threading.Event()
            on_close(gone.set)
            try:
                yield "one"
                gone.wait(PATIENCE)
            finally:
                time.sleep(0.1)
                closed.set()

        response = serve(app, make)
        pieces = iter(response.response)
        assert [next(pieces), next(pieces)][1] == b"data: one\n\n"
        app._ending.begin()
        assert set(b"".join(pieces)) <= set(b":\n")
        assert closed.is_set()
        response.close()

    def test_one_that_comes_later_ends_at_once(self, app: Any, source: Source) -> None:
        app._ending.begin()
        assert "two" not in serve(app, source.make).text
        source.told.set()
        app._ending.renew()
        assert "two" in app.test_client().get("/").text

    def test_also_when_the_client_goes_first(self, app: Any, source: Source) -> None:
        response = serve(app, source.make)
        next(iter(response.response))
        response.close()
        # A generator that never began has nothing to close.
        source.told.set()
        assert not [
            thread for thread in threading.enumerate()
            if thread.name == "erlen-events" and thread.join(PATIENCE) is None and thread.is_alive()
        ]  # fmt: skip

    def test_headers(self, app: Any) -> None:
        response = serve(app, lambda: ["a"])
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert "Content-Length" not in response.headers
        response.close()

    def test_headers_of_ones_own(self, app: Any) -> None:
        headers = {"Cache-Control": "no-store", "X-A": "1"}
        response = serve(app, lambda: ["a"], headers=headers, status=503)
        assert response.status_code == 503
        assert response.headers.getlist("Cache-Control") == ["no-store"]
        assert response.headers["X-A"] == "1"
        response.close()

    def test_head_sends_nothing_and_closes(self, app: Any) -> None:
        closed = []

        class Events(list[str]):
            def close(self) -> None:
                closed.append("sync")

        class AsyncEvents:
            def __aiter__(self) -> AsyncIterator[str]:
                raise AssertionError("nobody asked")

            async def aclose(self) -> None:
                closed.append("async")

        app.add_url_rule("/sync", "sync", lambda: EventStream(Events("ab")))
        app.add_url_rule("/async", "async", lambda: EventStream(AsyncEvents()))
        for path in ("/sync", "/async"):
            response = app.test_client().head(path)
            assert (response.data, response.content_type) == (b"", "text/event-stream")
            response.close()
        assert closed == ["sync", "async"]

    def test_any_items(self, app: Any) -> None:
        class Own:
            def to_event(self) -> Event:
                return Event("own", id="1")

        stream = serve(app, lambda: ["text", {"a": 1}, Event("b", "named"), Own()]).data
        assert read(stream) == [
            Got("message", "text", ""),
            Got("message", '{"a":1}', ""),
            Got("named", "b", ""),
            Got("message", "own", "1"),
        ]

    def test_a_context_manager_is_entered_before_the_headers_leave(self, app: Any) -> None:
        log = []

        class Managed:
            async def __aenter__(self) -> None:
                log.append("entered")

            async def __aexit__(
                self,
                kind: type[BaseException] | None,
                error: BaseException | None,
                trace: TracebackType | None,
            ) -> None:
                log.append("left")

            async def __aiter__(self) -> AsyncIterator[str]:
                yield "a"

        response = serve(app, Managed)
        pieces = iter(response.response)
        next(pieces)
        assert log[:1] == ["entered"]
        assert read(b"".join(pieces)) == [Got("message", "a", "")]
        assert log == ["entered", "left"]
        response.close()

    def test_the_context_of_the_request(self, app: Any) -> None:
        def produce() -> Iterator[str]:
            yield request.path
            yield request.args["a"]

        app.add_url_rule("/x", "x", lambda: EventStream(stream_with_context(produce())))
        events = read(app.test_client().get("/x?a=1").data)
        assert [event.data for event in events] == ["/x", "1"]

    @pytest.mark.parametrize("error", [ValueError, TimeoutError])
    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test_an_error_ends_the_stream(self, app: Any, kind: str, error: type[Exception]) -> None:
        def produce() -> Iterator[str]:
            yield "one"
            raise error("in the stream")

        async def produce_async() -> AsyncIterator[str]:
            yield "one"
            raise error("in the stream")

        response = serve(app, produce if kind == "sync" else produce_async)
        pieces = iter(response.response)
        next(pieces)
        assert next(pieces) == b"data: one\n\n"
        with pytest.raises(error, match="in the stream"):
            next(pieces)
        response.close()

    def test_an_error_at_the_end_of_an_async_generator(self, app: Any) -> None:
        async def produce() -> AsyncIterator[str]:
            try:
                yield "one"
                await asyncio.sleep(PATIENCE)
            finally:
                raise ValueError("at the end")

        response = serve(app, produce)
        pieces = iter(response.response)
        assert [next(pieces), next(pieces)][1] == b"data: one\n\n"
        with pytest.raises(ValueError, match="at the end"):
            response.close()

    def test_an_error_at_the_end_of_a_sync_one(
        self, app: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It has nobody to tell but the log of its thread."""
        told: queue.SimpleQueue[Any] = queue.SimpleQueue()
        monkeypatch.setattr(threading, "excepthook", told.put)

        def produce() -> Iterator[str]:
            try:
                yield "one"
                yield "two"
            finally:
                raise ValueError("at the end")

        response = serve(app, produce)
        next(iter(response.response))
        response.close()
        assert str(told.get(timeout=PATIENCE).exc_value) == "at the end"

    def test_a_generator_that_is_not_to_be_cancelled(self, app: Any) -> None:
        closed = threading.Event()

        async def produce() -> AsyncIterator[str]:
            try:
                yield "one"
                try:
                    await asyncio.sleep(PATIENCE)
                except asyncio.CancelledError:
                    yield "but"
            finally:
                closed.set()

        response = serve(app, produce)
        pieces = iter(response.response)
        assert [next(pieces), next(pieces)][1] == b"data: one\n\n"
        response.close()
        assert closed.is_set()

    def test_an_item_that_cannot_be_sent_ends_it(self, app: Any) -> None:
        with pytest.raises(TypeError, match="was bytes"):
            _ = serve(app, lambda: [b"x"]).data

    @pytest.mark.parametrize("wrong", ["text", {"a": 1}, 5, None])
    def test_what_is_no_iterable_of_events(self, wrong: Any) -> None:
        with pytest.raises(TypeError, match="'events' is an iterable of events, and was"):
            EventStream(wrong)

    @pytest.mark.parametrize("wrong", [0, -1, float("nan")])
    def test_bad_heartbeats(self, wrong: float) -> None:
        with pytest.raises(ValueError, match="'heartbeat' is a number of seconds above 0, or None"):
            EventStream([], heartbeat=wrong)


class TestOnClose:
    def test_outside_a_stream(self) -> None:
        on_close(lambda: pytest.fail("nobody has gone"))

    def test_after_the_client_has_gone(self, app: Any) -> None:
        """A generator that is late to say what wakes it is not forgotten."""
        begun, gone, ended = threading.Event(), threading.Event(), threading.Event()

        def produce() -> Iterator[str]:
            woken = threading.Event()
            begun.set()
            assert gone.wait(PATIENCE)
            on_close(woken.set)
            assert woken.wait(PATIENCE)
            ended.set()
            yield "too late"

        response = serve(app, produce)
        next(iter(response.response))
        assert begun.wait(PATIENCE)
        response.close()
        gone.set()
        assert ended.wait(PATIENCE)


@pytest.mark.parametrize(
    ("headers", "id"),
    [
        ({}, None),
        ({"Last-Event-ID": ""}, None),
        ({"Last-Event-ID": "7"}, "7"),
        ({"Last-Event-ID": "ü".encode().decode("latin-1")}, "ü"),
        ({"Last-Event-ID": "\xff"}, "\ufffd"),
    ],
)
def test_last_event_id(app: Any, headers: dict[str, str], id: str | None) -> None:
    with app.test_request_context(headers=headers):
        assert last_event_id() == id
