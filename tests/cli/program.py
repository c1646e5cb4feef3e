"""A program in a process of its own: what it prints, and the requests to the server that it is."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TIMEOUT = 30.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def clean_environ(package: Any) -> dict[str, str]:
    """This process's environment without what steers a command line, with the package to import."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FLASK_", "ERLEN_", "WERKZEUG_"))
    }
    environ["PYTHONPATH"] = str(Path(package.__file__).parent.parent)
    environ["PYTHONUNBUFFERED"] = "1"
    return environ


class Program:
    """A running program and its output, standard and error in one."""

    def __init__(self, args: list[str], cwd: Path, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *args],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A group of its own, to interrupt as a terminal does: the reloader's child with it.
            start_new_session=True,
        )
        self.output = ""
        self._seen = 0
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        for line in stream:
            with self._news:
                self.output += _COLOUR.sub("", line.decode())
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the output, behind what was waited for before, holds the pattern."""
        compiled = re.compile(pattern)
        deadline = time.monotonic() + TIMEOUT
        with self._news:
            while (found := compiled.search(self.output, self._seen)) is None:
                left = deadline - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    raise AssertionError(
                        f"{pattern!r} is not in the output:\n{self.output[-3000:]}"
                    )
                self._news.wait(min(left, 0.5))
            self._seen = found.end()
        return found

    def ready(self) -> Program:
        """Wait until the server says where it listens. A reloader's child may not serve yet."""
        self.port = int(self.wait_for(r"Running on https?://\S+:(\d+)\n")[1])
        return self

    def get(
        self,
        path: str = "/",
        host: str = "127.0.0.1",
        context: ssl.SSLContext | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        """Ask the server; return the status and the body."""
        connection = (
            http.client.HTTPConnection(host, self.port, timeout=TIMEOUT)
            if context is None
            else http.client.HTTPSConnection(host, self.port, timeout=TIMEOUT, context=context)
        )
        try:
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def get_until(self, right: Callable[[tuple[int, str]], bool], path: str = "/") -> None:
        """Ask until the answer is right: a restart takes its time."""
        deadline = time.monotonic() + TIMEOUT
        last: Any = None
        while time.monotonic() < deadline:
            try:
                last = self.get(path)
            except (OSError, http.client.HTTPException) as error:
                last = error
            else:
                if right(last):
                    return
            time.sleep(0.05)
        raise AssertionError(
            f"the answer stays {str(last)[:300]}; the output:\n{self.output[-3000:]}"
        )

    def interrupt(self) -> int:
        """Press Ctrl-C; return the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end; return the exit status."""
        status = self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        return status

    def stop(self) -> None:
        """End the program and its children, whatever they do."""
        if self.process.poll() is None or self._reader.is_alive():
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
