"""Start a server on a free port, and stop it by its handle."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATIENCE = 30  # seconds until a server that does not answer, or does not end, is given up

GRANIAN = "-m granian --workers 1 --host 127.0.0.1 --port {port} served:app"
GUNICORN = "-m gunicorn --bind 127.0.0.1:{port} --graceful-timeout 5 served:app"
#: How each server is started, with what its documentation says and nothing more.
COMMANDS = {
    "uvicorn": "-m uvicorn --host 127.0.0.1 --port {port} served:app",
    "hypercorn": "-m hypercorn --bind 127.0.0.1:{port} served:app",
    "granian-asgi": GRANIAN + " --interface asgi",
    "gunicorn-asgi": GUNICORN + " --worker-class asgi",
    "granian-wsgi": GRANIAN + " --interface wsgi",
    "gunicorn-sync": GUNICORN,
    "gunicorn-gthread": GUNICORN + " --worker-class gthread --threads 4",
    "gunicorn-gevent": GUNICORN + " --worker-class gevent",
    "waitress": "-m waitress --listen 127.0.0.1:{port} served:app",
}
ASGI = ["uvicorn", "hypercorn", "granian-asgi", "gunicorn-asgi"]


class Running:
    """A server that runs: its `port`, and what it `printed`."""

    def __init__(self, command: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        path = [str(HERE), str(ROOT / "src"), str(ROOT / "examples" / "guestbook")]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLASK_", "ERLEN_"))}
        self.process = subprocess.Popen(
            [sys.executable, *command.format(port=self.port).split()],
            cwd=folder,
            env=kept
            | {
                "PYTHONPATH": os.pathsep.join(path),
                "PYTHONUNBUFFERED": "1",
                "GUESTBOOK_DATA_FOLDER": str(folder),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.printed = ""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.printed += line
                self._changed.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match in what it prints."""
        with self._changed:
            self._changed.wait_for(lambda: re.search(pattern, self.printed), PATIENCE)
            found = re.search(pattern, self.printed)
        assert found is not None, f"no {pattern!r} in:\n{self.printed}"
        return found

    def wait_until_ready(self) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            try:
                connection.request("GET", "/stream")
                connection.getresponse().read()
                return
            except OSError:
                assert self.process.poll() is None, self.printed
                assert time.monotonic() < end, self.printed
                time.sleep(0.05)
            finally:
                connection.close()

    def stop(self) -> int:
        """Ask it to end, as a service manager does; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"it did not end:\n{self.printed}") from None
        finally:
            self._reader.join(PATIENCE)
            assert self.process.stdout is not None
            self.process.stdout.close()


@contextmanager
def run(name: str, folder: Path) -> Iterator[Running]:
    """Serve the guestbook with a book of its own until the block is left."""
    package = COMMANDS[name].split()[1]
    for needed in (package, "gevent" if "gevent" in name else package):
        if find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    subprocess.run(
        [sys.executable, "-m", "erlen", "--app", "guestbook", "init-db"],
        cwd=ROOT / "examples" / "guestbook",
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "GUESTBOOK_DATA_FOLDER": str(folder)},
        capture_output=True,
        check=True,
    )
    server = Running(COMMANDS[name], folder)
    try:
        server.wait_until_ready()
        yield server
    finally:
        if server.process.returncode is None:
            server.stop()
