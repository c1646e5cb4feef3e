"""A file of 100 MiB posted in a form and saved: throughput, and the most memory of the server.

``python -m benchmarks.uploads [--rounds N] [--size MIB] [--check]``

erlen with an upload set stands beside Flask with ``request.files``, both on one gunicorn worker on
loopback, in turns. Figures are medians; the memory is the worker's, from /proc.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MIB = 1024 * 1024
THROUGHPUT_RATIO = 1.0
# Beyond what the worker holds before: a copy of the file would be a hundred.
MOST_GROWTH = 16.0
BLOCK = os.urandom(MIB)
HEAD = (
    b"--frontier\r\n"
    b'Content-Disposition: form-data; name="file"; filename="large.dat"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n"
)
TAIL = b"\r\n--frontier--\r\n"


def flask() -> Callable[..., Any]:
    """Flask, saving as its documentation does; and a page that tells the worker's number."""
    from flask import Flask, request
    from werkzeug.utils import secure_filename

    app = Flask("uploads")

    @app.post("/")
    def save() -> str:
        file = request.files["file"]
        file.save(os.path.join(os.environ["UPLOADS"], secure_filename(file.filename or "")))
        return "saved"

    app.add_url_rule("/", "worker", lambda: str(os.getpid()))
    return app


def erlen() -> Callable[..., Any]:
    """erlen with an upload set, which hashes the file besides."""
    from erlen import Flask, request
    from erlen.uploads import ALL, UploadSet, configure_uploads

    app = Flask("uploads")
    app.config["UPLOADED_FILES_DEST"] = os.environ["UPLOADS"]
    files = UploadSet("files", ALL)
    configure_uploads(app, files)

    @app.post("/")
    @files.receives("file")
    def save() -> str:
        files.save(request.files["file"])
        return "saved"

    app.add_url_rule("/", "worker", lambda: str(os.getpid()))
    return app


@dataclass
class Server:
    """A framework on a server of its own."""

    name: str
    port: int
    folder: Path
    pid: int = 0
    rates: list[float] = field(default_factory=list)  # MiB per second
    before: float = 0  # MiB of memory, after a small upload
    most: float = 0


def exchange(port: int, head: str, body: Iterator[bytes]) -> bytes:
    """Send a request, and return the body of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head.encode())
        for chunk in body:
            connection.sendall(chunk)
        with connection.makefile("rb") as answer:
            status, _, content = answer.read().partition(b"\r\n\r\n")
    if b" 200 " not in status.partition(b"\r\n")[0]:
        raise RuntimeError(f"the server answered {status!r} {content[:200]!r}")
    return content


def post(server: Server, size: int) -> float:
    """Upload so many MiB; return the seconds that it took."""

    def body() -> Iterator[bytes]:
        yield HEAD
        for _ in range(size):
            yield BLOCK
        yield TAIL

    length = len(HEAD) + size * MIB + len(TAIL)
    head = (
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary=frontier\r\nContent-Length: {length}\r\n\r\n"
    )
    started = time.perf_counter()
    answer = exchange(server.port, head, body())
    seconds = time.perf_counter() - started
    files = [file for file in server.folder.iterdir() if file.is_file()]
    if answer != b"saved" or [file.stat().st_size for file in files] != [size * MIB]:
        raise RuntimeError(f"{server.name} saved {files}, and answered {answer[:80]!r}")
    files[0].unlink()
    return seconds


def peak(pid: int) -> float:
    """The most memory that a process has held, in MiB."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


@contextmanager
def served(name: str, folder: Path) -> Iterator[Server]:
    """Start a framework, and stop it when the block is left."""
    options = ["--workers", "1", "--log-level", "error", "--timeout", "120"]
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options, "-b", f"fd://{listener.fileno()}"]
        + [f"benchmarks.uploads:{name}()"],
        env=os.environ | {"UPLOADS": str(folder)},
        pass_fds=[listener.fileno()],
        stdin=subprocess.DEVNULL,
    )
    try:
        server = Server(name, port, folder)
        # The socket listens already: the first request waits for the worker.
        head = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        server.pid = int(exchange(port, head, iter(())))
        post(server, 1)
        server.before = peak(server.pid)
        yield server
    finally:
        listener.close()
        process.terminate()
        process.wait(30)


def measure(rounds: int, size: int) -> list[Server]:
    """Let each framework take its uploads, in turns."""
    with ExitStack() as stack:
        servers = []
        for name in ("flask", "erlen"):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            servers.append(stack.enter_context(served(name, Path(folder))))
        for _ in range(rounds):
            for server in servers:
                server.rates.append(size / post(server, size))
        for server in servers:
            server.most = peak(server.pid)
    return servers


def judge(servers: list[Server], size: int) -> bool:
    """Print the figures; tell whether erlen's are good enough."""
    flask, erlen = servers
    rates = {server.name: statistics.median(server.rates) for server in servers}
    line = "{:32} {:>10} {:>10} {:>7} {:>8}  {}"
    print(line.format(f"upload of {size} MiB", "Flask", "erlen", "ratio", "limit", ""))
    ratio = rates["erlen"] / rates["flask"]
    fast = ratio >= THROUGHPUT_RATIO
    numbers = [f"{rates['flask']:.0f}", f"{rates['erlen']:.0f}", f"{ratio:.2f}"]
    word = "ok" if fast else "below"
    print(line.format("throughput, MiB/s", *numbers, f">= {THROUGHPUT_RATIO:g}", word))
    numbers = [f"{flask.most:.1f}", f"{erlen.most:.1f}", f"{erlen.most / flask.most:.2f}"]
    print(line.format("most memory of the worker, MiB", *numbers, "", ""))
    growth = [server.most - server.before for server in servers]
    small = growth[1] <= MOST_GROWTH
    numbers = [f"{growth[0]:.1f}", f"{growth[1]:.1f}", ""]
    word = "ok" if small else "above"
    print(line.format("of it for the upload, MiB", *numbers, f"<= {MOST_GROWTH:g}", word))
    return fast and small


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="uploads of each (7)")
    parser.add_argument("--size", type=int, default=100, help="MiB of the file (100)")
    parser.add_argument("--check", action="store_true", help="exit 1 where a limit is not met")
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        print("Uploads are not measured: memory is read from /proc, which only Linux has.")
        return 0
    met = judge(measure(args.rounds, args.size), args.size)
    return int(args.check and not met)


if __name__ == "__main__":
    sys.exit(main())
