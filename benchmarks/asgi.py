"""The ASGI door beside Starlette's and Quart's: hello, WebSocket echo, idle WebSockets.

``python -m benchmarks.asgi [--rounds N] [--seconds N] [--idle N] [--check]``

The server is granian for all, on a core of its own; all are measured in turns, of which each is
compared with the others of its round, and all that echo do so in one process. What is not
installed is left out with a word.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from .http import (
    Peer,
    Rates,
    compare,
    free_port,
    granian,
    in_turns,
    measure,
    on_core,
    stop,
    wait_for_hello,
)

# How many times as much as each of them erlen is to serve.
FLOORS = {"starlette": 1.0, "quart": 2.0}
CONNECTIONS = (1, 200)
# A message is quickly answered, so many short turns tell more than few long ones. How long each is,
# in seconds, and how long it runs before it is counted.
ECHO_TURN, ECHO_START = 0.1, 0.05
TEXT = b"a message of 32 bytes, no more.."
# A client's frame is masked (RFC 6455, section 5.2), here by zeros; the server's is not.
QUESTION = bytes([0x81, 0x80 | len(TEXT), 0, 0, 0, 0]) + TEXT
ANSWER = len(TEXT) + 2


def command(name: str, port: int) -> list[str]:
    """How granian is started, with room for all idle WebSockets."""
    options = granian("asgi", f"benchmarks.peers:{name}", port)
    options.remove("--no-ws")
    return [*options, "--backlog", "16384", "--backpressure", "16384"]


class Talk(asyncio.Protocol):
    """One WebSocket; after its handshake it says its text each time that it is answered."""

    def __init__(self, port: int, query: str) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answers = 0
        self._port = port
        self._query = query
        self._bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET /ws?{self._query} HTTP/1.1",
            f"Host: 127.0.0.1:{self._port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        ]
        transport.write("\r\n".join([*lines, "", ""]).encode())

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            if data.startswith(b"HTTP/1.1 101"):
                self.opened.set_result(None)
            else:
                self.opened.set_exception(RuntimeError(f"no WebSocket: {data[:80]!r}"))
            return
        self._bytes += len(data)
        if self._bytes >= ANSWER:
            self._bytes -= ANSWER
            self.answers += 1
            self.transport.write(QUESTION)


async def connect(port: int, number: int, query: str = "") -> list[Talk]:
    loop = asyncio.get_running_loop()
    talks = []
    for _ in range(number):
        _, talk = await loop.create_connection(lambda: Talk(port, query), "127.0.0.1", port)
        await talk.opened
        talks.append(talk)
    return talks


async def echo(port: int, connections: int, name: str) -> float:
    """Messages per second that are answered, each connection with one on its way."""
    talks = await connect(port, connections, name)
    for talk in talks:
        talk.transport.write(QUESTION)
    await asyncio.sleep(ECHO_START)
    before, start = sum(talk.answers for talk in talks), time.perf_counter()
    await asyncio.sleep(ECHO_TURN)
    rate = (sum(talk.answers for talk in talks) - before) / (time.perf_counter() - start)
    for talk in talks:
        talk.transport.abort()
    return rate


@contextmanager
def awake() -> Iterator[None]:
    """Keep both cores from falling asleep, where the system can have work that gives way to all.

    One message at a time leaves each core idle half of the time, and to wake takes as long as the
    message, not each time as long.
    """
    spin = "import os\nos.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"
    with ExitStack() as stack:
        for core in (0, 1) if hasattr(os, "SCHED_IDLE") else ():
            with on_core(core):
                stack.callback(stop, subprocess.Popen([sys.executable, "-c", spin]))
        yield


def memory(pid: int) -> int:
    """Bytes that a process and its children hold of their own, as Linux counts them."""
    status = Path(f"/proc/{pid}/smaps_rollup").read_text()
    own = sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("Private"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own * 1024 + sum(memory(int(child)) for child in children)


async def idle(server: subprocess.Popen[bytes], port: int, number: int) -> float:
    """Bytes that the server holds for each WebSocket that does nothing."""
    warm = await connect(port, 50)
    before = memory(server.pid)
    talks = await connect(port, number)
    await asyncio.sleep(1.5)
    held = (memory(server.pid) - before) / number
    for talk in [*warm, *talks]:
        talk.transport.abort()
    return held


def serve(name: str, stack: ExitStack) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    with on_core(0):
        server = subprocess.Popen(
            [sys.executable, *command(name, port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    stack.callback(stop, server)
    wait_for_hello(server, port)
    return server, port


def hello(rounds: int, seconds: float) -> bool:
    """Requests per second of a hello-world."""
    if shutil.which("wrk") is None:
        print("The hello-world is left out: wrk is not installed (Debian's package wrk).")
        return True
    needs = {"bare_asgi": (), "erlen_async": (), "starlette": ("starlette",), "quart": ("quart",)}
    peers = []
    for name, needed in needs.items():
        start: Callable[[int], list[str]] = lambda port, name=name: command(name, port)  # type: ignore[misc]  # noqa: E731  # bound now
        peers.append(Peer(name, ("granian", *needed), start))
    rates = measure(peers, rounds, seconds)
    return table("hello, requests/s", rates)


def table(title: str, rates: Rates) -> bool:
    """Print the rates beside erlen's; whether each floor is met."""
    print(f"\n{title:40}{'':12}{'erlen / this':>14}{'middle half':>14}")
    met = True
    for name, values in sorted(rates.items(), key=lambda item: -statistics.median(item[1])):
        ratio, spread = compare(rates["erlen_async"], values)
        floor = FLOORS.get(name)
        word = "" if floor is None else f"{'ok' if ratio >= floor else 'below'} (floor {floor:g})"
        met &= floor is None or ratio >= floor
        rate = statistics.median(values)
        print(f"{name:40}{rate:12,.0f}{ratio:14.2f}{spread:>14}  {word}")
    return met


def websockets(rounds: int, seconds: float, number: int) -> bool:
    """Echo by 1 and by many connections, then the memory of idle ones."""
    names = ["erlen_async", *(["starlette"] if find_spec("starlette") else [])]
    met = True
    rates: dict[int, Rates] = {number: {} for number in CONNECTIONS}
    for _ in range(rounds):
        with awake(), ExitStack() as stack:
            _, port = serve("echoes", stack)
            for connections in CONNECTIONS:

                def ask(name: str, connections: int = connections) -> float:
                    with on_core(1):
                        return asyncio.run(echo(port, connections, name))  # noqa: B023  # of this round

                turns = in_turns(["bare_asgi", *names], round(seconds / ECHO_TURN), ask)
                for name, values in turns.items():
                    rates[connections].setdefault(name, []).extend(values)
    for connections in CONNECTIONS:
        met &= table(f"WebSocket echo, {connections} open, messages/s", rates[connections])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not Path("/proc/self/smaps_rollup").exists() or hard < number + 200:
        print("\nIdle WebSockets are left out: too few files may be open, or this is not Linux.")
        return met
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, number + 200), hard))
    held = {}
    for name in names:
        with ExitStack() as stack:
            server, port = serve(name, stack)
            held[name] = asyncio.run(idle(server, port, number))
    print(f"\n{number:,} idle WebSockets, bytes of memory for each")
    for name, size in held.items():
        print(f"{name:32}{size:12,.0f}")
    less = held["erlen_async"] < held.get("starlette", float("inf"))
    print("ok" if less else "below: Starlette holds them in less")
    return met and less


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (5)")
    parser.add_argument("--seconds", type=float, default=3, help="length of a turn (3)")
    parser.add_argument("--idle", type=int, default=5000, help="how many idle WebSockets (5000)")
    parser.add_argument("--check", action="store_true", help="exit 1 where a floor is not met")
    args = parser.parse_args()
    if find_spec("granian") is None:
        print("Nothing is measured: granian is not installed.")
        return 0
    met = hello(args.rounds, args.seconds)
    met &= websockets(args.rounds, args.seconds, args.idle)
    return int(args.check and not met)


if __name__ == "__main__":
    sys.exit(main())
