"""Requests per second over HTTP: hello-world on one worker, erlen beside its peers.

``python -m benchmarks.http [--rounds N] [--seconds N] [--only NAME …] [--check]``

The load comes from wrk, the server is granian (for the ASGI frameworks uvicorn too), and all
are measured in turns, of which each is compared with the others of its round. What is not
installed is left out with a word. Server and load have a core each, where there are two: else they
take turns on both, and the load is measured with the server.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

BARE_SHARE = 0.75  # of the bare function's rate
FLASK_RATIO = 5.0
# So many that the server always has the next request at hand. With 32 it falls asleep between them
# the more often the faster it is, and a bare function serves no more than a framework.
CONNECTIONS = 64
Rates = dict[str, list[float]]  # of each peer, round by round
ROBYN = ["--processes=1", "--workers=1", "--log-level=WARN"]


def granian(interface: str, target: str, port: int) -> list[str]:
    """One worker; under WSGI one thread, so that no framework is helped by waiting."""
    one = ["--workers", "1", "--runtime-threads", "1"]
    if interface == "wsgi":
        one += ["--blocking-threads", "1"]
    listen = ["--host", "127.0.0.1", "--port", str(port)]
    options = ["--interface", interface, "--no-ws", "--log-level", "error", "--factory"]
    return ["-m", "granian", *options, *one, *listen, target]


def uvicorn(target: str, port: int) -> list[str]:
    listen = ["--host", "127.0.0.1", "--port", str(port)]
    quiet = ["--log-level", "error", "--no-access-log"]
    return ["-m", "uvicorn", "--factory", *quiet, *listen, target]


@dataclass
class Peer:
    """A framework on a server."""

    name: str
    needs: tuple[str, ...]
    command: Callable[[int], list[str]]


def on_granian(framework: str, interface: str, *needs: str) -> Peer:
    target = f"benchmarks.peers:{framework}"
    return Peer(
        f"{framework} on granian",
        ("granian", *needs),
        lambda port: granian(interface, target, port),
    )


def on_uvicorn(framework: str) -> Peer:
    target = f"benchmarks.peers:{framework}"
    return Peer(
        f"{framework} on uvicorn", ("uvicorn", framework), lambda port: uvicorn(target, port)
    )


PEERS = [
    on_granian("bare", "wsgi"),
    on_granian("erlen", "wsgi", "erlen"),
    on_granian("flask", "wsgi", "flask"),
    on_granian("falcon", "wsgi", "falcon"),
    on_granian("starlette", "asgi", "starlette"),
    on_uvicorn("starlette"),
    on_granian("fastapi", "asgi", "fastapi"),
    on_uvicorn("fastapi"),
    on_granian("blacksheep", "asgi", "blacksheep"),
    on_uvicorn("blacksheep"),
    Peer(
        "robyn",
        ("robyn",),
        lambda port: ["-m", "benchmarks.peers", *ROBYN, str(port)],
    ),
]


@contextmanager
def on_core(number: int) -> Iterator[None]:
    """Let what is started here run on one core only, where the system can bind processes."""
    if sys.platform != "linux" or len(cores := sorted(os.sched_getaffinity(0))) < 2:
        yield
        return
    os.sched_setaffinity(0, {cores[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_hello(server: subprocess.Popen[bytes], port: int, seconds: float = 20) -> str:
    """The body that the server answers, once it does.

    :raises RuntimeError: the server ended, or did not answer in time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with status {server.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError(f"the server did not answer within {seconds:g} seconds")


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def start(peer: Peer, stack: ExitStack) -> int:
    """Start a server that ends with the stack.

    :return: the port where it answers.
    :raises RuntimeError: it does not answer hello.
    """
    port = free_port()
    with on_core(0):
        server = subprocess.Popen(
            [sys.executable, *peer.command(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    stack.callback(stop, server)
    body = wait_for_hello(server, port)
    if body != "Hello, World!":
        raise RuntimeError(f"the server answered {body[:80]!r}")
    return port


def load(port: int, seconds: float, path: str = "/") -> float:
    """Requests per second, by wrk.

    :raises RuntimeError: an answer was not a success, or wrk failed.
    """
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s"]
    with on_core(1):
        done = subprocess.run(
            ["wrk", *options, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True
        )
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if found is None or "Non-2xx" in done.stdout:
        raise RuntimeError(f"wrk said: {done.stdout}{done.stderr}")
    return float(found[1])


def measure(peers: list[Peer], rounds: int, seconds: float) -> Rates:
    """The rates of each peer, in turns; the servers that wait cost nothing meanwhile."""
    ports: dict[str, int] = {}
    with ExitStack() as stack:
        for peer in peers:
            missing = [name for name in peer.needs if find_spec(name) is None]
            if missing:
                print(f"{peer.name} is left out: {', '.join(missing)} is not installed.")
                continue
            try:
                ports[peer.name] = start(peer, stack)
            except RuntimeError as error:
                print(f"{peer.name} is left out: {error}.")
        for port in ports.values():
            load(port, 1)
        return in_turns(list(ports), rounds, lambda name: load(ports[name], seconds))


def in_turns(names: list[str], rounds: int, ask: Callable[[str], float]) -> Rates:
    """What is asked of each, round by round, in an order by lot: none always follows the same."""
    rates: Rates = {name: [] for name in names}
    for number in range(rounds):
        for name in random.Random(number).sample(names, len(names)):
            rates[name].append(ask(name))
    return rates


def compare(ours: list[float], theirs: list[float]) -> tuple[float, str]:
    """The median of the ratios of each round, and between what the middle half of them lies.

    What slows the machine for a while slows a whole round, and leaves its ratio as it is.
    """
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    median = statistics.median(ratios)
    if len(ratios) < 4:
        return median, ""
    low, _, high = statistics.quantiles(ratios, n=4)
    return median, f"{low:.2f} to {high:.2f}"


def judge(rates: Rates) -> bool:
    """Print the table; whether erlen stands where it has to."""
    erlen = rates.get("erlen on granian")
    if erlen is None:
        return False
    line = "{:24} {:>12} {:>14} {:>14}  {}"
    print("\n" + line.format("", "requests/s", "erlen / this", "middle half", ""))
    met = True
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, rate in sorted(medians.items(), key=lambda item: -item[1]):
        floor = {"bare on granian": BARE_SHARE, "flask on granian": FLASK_RATIO}.get(name, 1.0)
        ratio, spread = compare(erlen, rates[name])
        word = ""
        if name != "erlen on granian":
            met &= ratio >= floor
            word = f"{'ok' if ratio >= floor else 'below'} (floor {floor:g})"
        print(line.format(name, f"{rate:,.0f}", f"{ratio:.2f}", spread, word))
    bound = medians.get("bare on granian", 0) / medians.get("flask on granian", 1)
    if 0 < bound < FLASK_RATIO:
        print(
            f"\nA bare function serves {bound:.2f} times as many requests as Flask here: most of"
            " the time is the server's own, which bounds what any framework can reach."
        )
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (5)")
    parser.add_argument("--seconds", type=int, default=3, help="length of a turn (3)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="frameworks to measure")
    parser.add_argument("--check", action="store_true", help="exit 1 where a floor is not met")
    args = parser.parse_args()
    if shutil.which("wrk") is None:
        print("Nothing is measured over HTTP: wrk is not installed (Debian's package wrk).")
        return 0
    chosen = [peer for peer in PEERS if not args.only or peer.name.split()[0] in args.only]
    met = judge(measure(chosen, args.rounds, args.seconds))
    return int(args.check and not met)


if __name__ == "__main__":
    sys.exit(main())
