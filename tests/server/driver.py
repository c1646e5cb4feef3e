"""A server in processes of its own: ``erlen serve``, what it prints, and the requests to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path
from subprocess import PIPE
from types import TracebackType
from typing import Any

import pytest

import erlen

TIMEOUT = 60.0
STEERING = ("FLASK_", "ERLEN_", "PORT", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS")

APP = """
import os, threading, time
from flask import Flask, request

app = Flask(__name__)

@app.get("/")
def index():
    return "Hello, World!"

@app.get("/echo/<text>")
def echo(text):
    time.sleep(0.005)
    return text * 100

@app.get("/slow")
def slow():
    print("slow began", flush=True)
    time.sleep(float(request.args["seconds"]))
    return "slow"

@app.get("/stream")
def stream():
    def numbers():
        for number in range(10):
            print("streams", flush=True)
            time.sleep(0.1)
            yield f"{number}\\n"
    return numbers()

@app.get("/pid")
def pid():
    return str(os.getpid())

@app.get("/client")
def client():
    return {"address": request.remote_addr, "url": request.url, "headers": dict(request.headers)}
"""


class Serving:
    """A running ``erlen serve``; ends with its ``with``.

    :param folder: where it runs, with the application in ``wsgi.py``.
    :param options: of ``erlen serve``, beside ``--port 0``.
    :param env: variables of its environment.
    :param output: where it writes, if not to ``self.output``.
    """

    def __init__(
        self, folder: Path, *options: str, env: dict[str, str] | None = None, output: int = PIPE
    ) -> None:
        if sysconfig.get_config_var("Py_GIL_DISABLED"):
            pytest.skip("granian has no worker processes on a free-threaded build of Python")
        environ = {name: v for name, v in os.environ.items() if not name.startswith(STEERING)}
        environ["PYTHONPATH"] = str(Path(erlen.__file__).parents[1])
        environ["PYTHONUNBUFFERED"] = "1"
        if not {"--uds", "--port"} & set(options) and "PORT" not in (env or {}):
            options = ("--port", "0", *options)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "erlen", "serve", *options],
            cwd=folder,
            env=environ | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A group of its own, so that nothing of it is left, whatever happens.
            start_new_session=True,
        )
        self.port = 0
        self.output = ""
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        if self.process.stdout is not None:
            self._reader.start()

    def __enter__(self) -> Serving:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.stdout is None:
            self.process.kill()
            self.process.wait(TIMEOUT)
            return
        if self._reader.is_alive():
            os.killpg(self.process.pid, signal.SIGKILL)
            self.wait()
        self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout:  # type: ignore[union-attr]  # a pipe, see above
            with self._news:
                self.output += line.decode()
                self._news.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the output holds a pattern."""
        with self._news:
            found: list[Any] = []
            if not self._news.wait_for(
                lambda: found.append(re.search(pattern, self.output)) or found[-1], TIMEOUT
            ):
                raise AssertionError(f"{pattern!r} is not in the output:\n{self.output}")
        return found[-1]  # type: ignore[no-any-return]  # a match

    def ready(self) -> Serving:
        """Wait until it says where it listens; connections wait until a worker accepts them."""
        found = self.wait_for(r" \* Serving .* on (?:\w+://\S+:(\d+)|unix:\S+) ")
        self.port = int(found[1] or 0)
        return self

    def get(self, path: str = "/", headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Ask on a new connection; return the status and the body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def client(self, headers: dict[str, str]) -> Any:
        """Ask the application what it takes for the client."""
        return json.loads(self.get("/client", headers)[1])

    def get_until(self, path: str, wrong: set[str]) -> str:
        """Ask until the body is another than these: a worker takes its time to start."""
        deadline = time.monotonic() + TIMEOUT
        while (body := self.get(path)[1]) in wrong:
            assert time.monotonic() < deadline, f"{path} stays {body!r}:\n{self.output}"
            time.sleep(0.02)
        return body

    def terminate(self) -> None:
        """Send SIGTERM to the server, not to its workers."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Wait for the end of all its processes; return the exit status."""
        status = self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        assert not self._reader.is_alive(), "a worker outlived the server"
        return status
