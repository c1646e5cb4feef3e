"""What the servers serve in the tests of event streams and channels."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator

from erlen import Flask, request, websocket
from erlen.channels import Channels
from erlen.sse import Event, EventStream, last_event_id, on_close

app = Flask(__name__)
app.config.update(
    CHANNELS_URL=os.environ.get("TEST_CHANNELS_URL", "memory://"),
    CHANNELS_PREFIX=os.environ.get("TEST_CHANNELS_PREFIX", "channels"),
)
channels = Channels(app)
# Often, so that a WSGI server soon notices that nobody reads.
HEARTBEAT = 0.05


@app.get("/stream")
def stream() -> str:
    return "ready"


@app.get("/sync")
def sync() -> EventStream:
    def produce() -> Iterator[str]:
        gone = threading.Event()
        on_close(gone.set)
        try:
            yield "one"
            gone.wait()
        finally:
            print("Closed: sync.", flush=True)

    return EventStream(produce(), heartbeat=HEARTBEAT)


@app.get("/async")
async def asynchronous() -> EventStream:
    async def produce() -> AsyncIterator[str]:
        try:
            yield "one"
            async for message in channels.subscribe("nothing"):
                yield message.json
        finally:
            print("Closed: async.", flush=True)

    return EventStream(produce(), heartbeat=HEARTBEAT)


@app.get("/count")
def count() -> EventStream | tuple[str, int]:
    """Count, one number for each connection, up to 3."""
    number = int(last_event_id() or 0) + 1
    if number > 3:
        return "", 204  # by which browsers do not come back
    return EventStream([Event({"number": number}, "count", number)], retry=10)


@app.get("/page")
def page() -> str:
    """A page that shows what it is told, until it is told no more."""
    return """<!doctype html><title></title><body><script>
        const source = new EventSource("/count")
        source.addEventListener("count", (event) => {
            document.body.append(`${JSON.parse(event.data).number} (${event.lastEventId}) `)
        })
        source.onerror = () => {
            if (source.readyState === EventSource.CLOSED) document.body.append("end")
        }
    </script>"""


@app.get("/messages")
def messages() -> EventStream:
    return EventStream(channels.subscribe("messages"), heartbeat=HEARTBEAT)


@app.websocket("/messages")
async def messages_by_websocket() -> None:
    async with channels.subscribe("messages") as subscription:
        await websocket.send("ready")
        async for message in subscription:
            await websocket.send(message.json)


@app.post("/messages")
def publish() -> str:
    channels.publish("messages", request.json)
    return "published"


@app.post("/messages/async")
async def publish_async() -> str:
    await channels.publish("messages", request.json)
    return "published"


@app.websocket("/quiet")
async def quiet() -> None:
    await websocket.send("ready")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print("Cancelled: quiet.", flush=True)
        raise


@app.get("/in-flight")
async def in_flight() -> str:
    print("In flight.", flush=True)
    await asyncio.sleep(1)
    return "landed"


@app.get("/slow")
async def slow() -> EventStream:
    """Messages faster than anyone reads; the end tells how many were dropped."""
    subscription = channels.subscribe("many", queue_size=10)

    async def produce() -> AsyncIterator[str]:
        async with subscription:
            print("Subscribed.", flush=True)
            async for message in subscription:
                if message.data == "end":
                    print(f"Dropped {subscription.dropped}.", flush=True)
                yield message.json

    return EventStream(produce(), heartbeat=None)


@app.post("/many")
async def many() -> str:
    """Publish 64 MiB, more than any buffer on the way holds."""
    for _ in range(1024):
        await channels.publish("many", "x" * 65_536)
        # So that the streams send meanwhile.
        await asyncio.sleep(0)
    await channels.publish("many", "end")
    return "published"
