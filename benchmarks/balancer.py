"""What the Balancer adds to a request's time, against going to the backend directly.

``python -m benchmarks.balancer [--requests N] [--rounds N]``

Two backends and the balancer run on granian, each in a process of its own on loopback. One client
sends one request after the other over one connection: a hello, and 1 MiB. Direct and balanced
turns alternate.
"""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

from .http import free_port, stop, wait_for_hello

LARGE = b"x" * 1024 * 1024


def backend() -> Any:
    """A WSGI function that answers hello, or 1 MiB at /large."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        body = LARGE if environ["PATH_INFO"] == "/large" else b"Hello, World!"
        length = ("Content-Length", str(len(body)))
        start_response("200 OK", [("Content-Type", "text/plain"), length])
        return [body]

    return app


def front() -> Any:
    """The balancer before the backends that the environment names."""
    from erlen.middleware import Balancer

    return Balancer(os.environ["BENCHMARK_BACKENDS"].split())


def start(factory: str, stack: ExitStack, **environ: str) -> int:
    """Start a server that ends with the stack; the port where it answers."""
    port = free_port()
    options = ["--interface", "wsgi", "--no-ws", "--log-level", "error", "--factory"]
    size = ["--workers", "1", "--runtime-threads", "1", "--blocking-threads", "4"]
    listen = ["--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "granian",
            *options,
            *size,
            *listen,
            f"benchmarks.balancer:{factory}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=os.environ | environ,
    )
    stack.callback(stop, server)
    wait_for_hello(server, port)
    return port


def times(port: int, path: str, requests: int) -> list[float]:
    """Milliseconds of each of some requests in a row.

    :raises RuntimeError: an answer was not what it should be.
    """
    expected = len(LARGE) if path == "/large" else 13
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    found = []
    try:
        for _ in range(requests):
            begin = time.perf_counter()
            connection.request("GET", path)
            response = connection.getresponse()
            length = len(response.read())
            found.append((time.perf_counter() - begin) * 1000)
            if response.status != 200 or length != expected:
                raise RuntimeError(f"the server answered {response.status}, {length} bytes")
    finally:
        connection.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500, help="of a turn (500)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    args = parser.parse_args()
    missing = [name for name in ("granian", "urllib3") if find_spec(name) is None]
    if missing:
        print(f"The balancer is not measured: {', '.join(missing)} is not installed.")
        return 0
    line = "{:12} {:>14} {:>16} {:>14} {:>14}"
    print(line.format("", "direct, ms", "balanced, ms", "added, ms", "added at p99"))
    with ExitStack() as stack:
        backends = [start("backend", stack) for _ in range(2)]
        urls = " ".join(f"http://127.0.0.1:{port}" for port in backends)
        balanced_port = start("front", stack, BENCHMARK_BACKENDS=urls)
        for name, path, requests in (
            ("hello", "/", args.requests),
            ("1 MiB", "/large", args.requests // 10),
        ):
            direct: list[float] = []
            balanced: list[float] = []
            for turn in range(args.rounds + 1):
                one, other = (
                    times(backends[0], path, requests),
                    times(balanced_port, path, requests),
                )
                if turn:  # the first one warms up
                    direct += one
                    balanced += other
            medians = statistics.median(direct), statistics.median(balanced)
            tails = [statistics.quantiles(each, n=100)[98] for each in (direct, balanced)]
            figures = (*medians, medians[1] - medians[0], tails[1] - tails[0])
            print(line.format(name, *(f"{figure:.3f}" for figure in figures)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
