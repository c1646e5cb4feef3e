"""One message to 1,000 browsers: how long until all have it, and how many go out in a second.

``python -m benchmarks.channels [--clients N] [--messages N] [--rounds N]``

The event streams are served by granian (ASGI, one worker), on a core of its own where there are
two: from channels in memory, from channels on Redis, and, for what the server itself takes, by an
ASGI function that does no more than write the same bytes to all.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from .http import free_port, granian, on_core, stop, wait_for_hello

REDIS_URL = os.environ.get("ERLEN_BENCH_REDIS", "redis://127.0.0.1:6379")
# One brace in each message, and none elsewhere: they are counted.
MESSAGE = {"text": "a message of some fifty characters, like most are"}


def served() -> Any:
    """An app whose streams tell what is published to its channels."""
    from erlen import Flask, request
    from erlen.channels import Channels
    from erlen.sse import EventStream

    app = Flask(__name__)
    app.config.update(
        CHANNELS_URL=os.environ["BENCHMARK_CHANNELS"],
        CHANNELS_PREFIX=f"benchmark-{uuid4().hex}",
        CHANNELS_QUEUE_SIZE=100_000,
    )
    channels = Channels(app)
    app.add_url_rule("/", "hello", lambda: "Hello, World!")

    @app.get("/events")
    async def events() -> EventStream:
        return EventStream(channels.subscribe("news"))

    @app.post("/publish")
    async def publish() -> str:
        for _ in range(int(request.args["number"])):
            await channels.publish("news", MESSAGE)
        return "published"

    return app


def bare() -> Any:
    """An ASGI function that tells all its streams the same, with nothing between."""
    import json

    streams: set[asyncio.Queue[bytes]] = set()
    event = f"data: {json.dumps(MESSAGE)}\n\n".encode()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/events":
            queue: asyncio.Queue[bytes] = asyncio.Queue()
            streams.add(queue)
            try:
                await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
                while True:
                    body = await queue.get()
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            finally:
                streams.discard(queue)
        if scope["path"] == "/publish":
            for _ in range(int(parse_qs(scope["query_string"].decode())["number"][0])):
                for queue in streams:
                    queue.put_nowait(event)
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"Hello, World!"})

    return app


class Crowd:
    """Clients that listen, and how much they have got together."""

    def __init__(self, clients: int) -> None:
        self._clients = clients
        self._opened = self._got = self._wanted = 0
        self._done = asyncio.Event()

    async def gather(self, port: int) -> None:
        """Connect them all."""
        loop = asyncio.get_running_loop()
        self._done.clear()
        for _ in range(self._clients):
            await loop.create_connection(lambda: Client(self), "127.0.0.1", port)
        await self._done.wait()

    def open(self) -> None:
        """Count one whose stream has begun."""
        self._opened += 1
        if self._opened == self._clients:
            self._done.set()

    def take(self, messages: int) -> None:
        """Count what one has got."""
        self._got += messages
        if self._got == self._wanted:
            self._done.set()

    async def hear(self, port: int, messages: int) -> float:
        """Seconds from the request that publishes until all have all messages."""
        self._got, self._wanted = 0, messages * self._clients
        self._done.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        begin = time.perf_counter()
        writer.write(
            f"POST /publish?number={messages} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await asyncio.wait_for(self._done.wait(), 120)
        seconds = time.perf_counter() - begin
        await reader.read()
        writer.close()
        return seconds


class Client(asyncio.Protocol):
    """One that listens."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        if not self._is_open and b":\n\n" in data:
            self._is_open = True
            self._crowd.open()
        if messages := data.count(b"}"):
            self._crowd.take(messages)


async def measure(port: int, clients: int, messages: int, rounds: int) -> tuple[float, ...]:
    """Milliseconds of one message at the median and at the worst; messages delivered a second."""
    crowd = Crowd(clients)
    await crowd.gather(port)
    await crowd.hear(port, 5)  # warm
    single = [await crowd.hear(port, 1) * 1000 for _ in range(rounds * 10)]
    bursts = [await crowd.hear(port, messages) for _ in range(rounds)]
    rate = messages * clients / statistics.median(bursts)
    return statistics.median(single), max(single), rate


def start(factory: str, stack: ExitStack, url: str = "") -> int:
    """Start a server that ends with the stack; the port where it answers."""
    port = free_port()
    command = granian("asgi", f"benchmarks.channels:{factory}", port)
    with on_core(0):
        server = subprocess.Popen(
            [sys.executable, *command, "--backlog", "4096", "--backpressure", "4096"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"BENCHMARK_CHANNELS": url},
        )
    stack.callback(stop, server)
    wait_for_hello(server, port)
    return port


def has_redis() -> bool:
    where = urlsplit(REDIS_URL)
    try:
        with socket.create_connection((where.hostname or "127.0.0.1", where.port or 6379), 2):
            return find_spec("redis") is not None
    except OSError:
        return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000, help="who listen (1000)")
    parser.add_argument("--messages", type=int, default=100, help="published in a row (100)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    args = parser.parse_args()
    if find_spec("granian") is None:
        print("Nothing is measured: granian is not installed.")
        return 0
    files = args.clients + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < files:
        print(f"Nothing is measured: {files} files may not be open at once, but {hard}.")
        return 0
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, files), hard))
    servers = {"an ASGI function": ("bare", ""), "channels in memory": ("served", "memory://")}
    if has_redis():
        servers["channels on Redis"] = ("served", REDIS_URL)
    else:
        print("Channels on Redis are left out: there is no Redis, or redis is not installed.")
    line = "{:24}{:>20}{:>16}{:>18}"
    title = f"to {args.clients:,} clients"
    print(line.format(title, "one message, ms", "at worst, ms", "deliveries/s"))
    for name, (factory, url) in servers.items():
        with ExitStack() as stack:
            port = start(factory, stack, url)
            with on_core(1):
                median, worst, rate = asyncio.run(
                    measure(port, args.clients, args.messages, args.rounds)
                )
        print(line.format(name, f"{median:.1f}", f"{worst:.1f}", f"{rate:,.0f}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
