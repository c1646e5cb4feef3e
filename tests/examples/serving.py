"""Serve for a test: a program, of which is learned from what it prints where, or an application."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from erlen.cli.serve import careful_handler

EXAMPLES = Path(__file__).parents[2] / "examples"
SOURCE = Path(__file__).parents[2] / "src"
one_door = pytest.mark.skipif(
    os.environ.get("ERLEN_TEST_DOOR", "erlen") != "erlen",
    reason="the server is a process of its own: through either door it is the same",
)
PATIENCE = 30  # seconds until a server that has not said where it listens is given up


class Server:
    """A running server: `url`, what it `printed` so far (without colours), and its `stdin`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.url = ""
        self.printed = ""
        self.stdin = process.stdin
        self._stdout = process.stdout
        self._process = process
        self._has_ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match in what is printed, also at the end of a line that is not complete."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._has_ended or re.search(pattern, self.printed), PATIENCE
            )
            found = re.search(pattern, self.printed)
        assert found is not None, f"no {pattern!r} in:\n{self.printed}"
        return found

    def stop(self) -> None:
        # A reloader has a child: both are of the group, and end with it.
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.stdin.close()
        self._stdout.close()

    def _read(self) -> None:
        text = ""
        while character := self._stdout.read(1):
            text += character
            with self._changed:
                self.printed = re.sub(r"\x1b\[\d+m", "", text)
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without settings of Flask or erlen, finding erlen's source."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLASK_", "ERLEN_"))}
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(SOURCE))))
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **(more or {})}


@contextmanager
def serve(*arguments: str, folder: Path, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run Python with these arguments in a folder until the block is left."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    server = Server(process)
    try:
        server.url = server.wait_for(r"Running on (http://127\.\d\.0\.1:\d+)\n").group(1)
        yield server
    finally:
        server.stop()


@contextmanager
def serve_here(application: Any) -> Iterator[int]:
    """Serve a WSGI application in threads, as `erlen run` does but silently; it yields the port."""

    class Quiet(careful_handler(WSGIRequestHandler)):  # type: ignore[misc]  # made by a function
        def log(self, type: str, message: str, *args: Any) -> None:
            """Say nothing."""

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
