"""The debugger in the terminal: a program on a terminal of its own."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .program import TIMEOUT, clean_environ

pty = pytest.importorskip("pty")

TEXT = """
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    x = 41
    STOP
    x = x + 1
    return f"x is {x}"
"""


class Terminal:
    """A terminal with the command line in it."""

    def __init__(self, args: list[str], cwd: Path, env: dict[str, str]) -> None:
        self.screen = b""
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, *args],
            cwd=cwd,
            env=env | {"TERM": "dumb"},
            # The terminal that controls the process: Ctrl-C is a signal then.
            preexec_fn=lambda: os.login_tty(slave),
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def wait_for(self, pattern: bytes) -> re.Match[bytes]:
        """Wait until the pattern is on the screen behind what was waited for before."""
        deadline = time.monotonic() + TIMEOUT
        seen = self.screen
        while (found := re.search(pattern, self.screen)) is None:
            assert time.monotonic() < deadline, f"{pattern!r} is not on the screen: {seen!r}"
            if select.select([self.master], [], [], 0.5)[0]:
                try:
                    self.screen += os.read(self.master, 4096)
                except OSError:
                    raise AssertionError(f"{pattern!r} never came: {self.screen!r}") from None
                seen = self.screen
        self.screen = self.screen[found.end() :]
        return found

    def type(self, line: bytes) -> None:
        os.write(self.master, line)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
        self.process.wait(TIMEOUT)
        os.close(self.master)


class Request(threading.Thread):
    """A request in the background, while the terminal is talked to."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.url = f"http://127.0.0.1:{port}/"
        self.body = b""
        self.start()

    def run(self) -> None:
        try:
            with urllib.request.urlopen(self.url, timeout=TIMEOUT) as response:
                self.body = response.read()
        except OSError as error:
            self.body = repr(error).encode()


@pytest.fixture
def terminal(flask: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    if "erlen.as_flask" in sys.modules:
        pytest.skip("the same program as in the door erlen")
    options, stop = request.param
    (tmp_path / "stopping.py").write_text(TEXT.replace("STOP", stop))
    args = ["-m", flask.__name__, "--app", "stopping", "run", "-p", "0", *options]
    terminal = Terminal(args, tmp_path, clean_environ(flask))
    yield terminal
    terminal.close()


def port_of(terminal: Terminal, options: list[str]) -> int:
    port = int(terminal.wait_for(rb"Running on http://127\.0\.0\.1:(\d+)")[1])
    if "--debug" in options:
        terminal.wait_for(rb"Debugger PIN: ")
    return port


RELOADER = ["--debug"]
PLAIN = ["--without-threads"]


@pytest.mark.parametrize(
    ("options", "terminal"),
    [
        pytest.param(RELOADER, (RELOADER, "breakpoint()"), id="breakpoint-reloader-threads"),
        pytest.param(RELOADER, (RELOADER, "import pdb; pdb.set_trace()"), id="pdb-reloader"),
        pytest.param([], ([], "breakpoint()"), id="breakpoint-threads"),
        pytest.param(PLAIN, (PLAIN, "import pdb; pdb.set_trace()"), id="pdb-plain"),
    ],
    indirect=["terminal"],
)
def test_commands(terminal: Terminal, options: list[str]) -> None:
    asking = Request(port_of(terminal, options))
    terminal.wait_for(rb"\(Pdb\) ")
    terminal.type(b"p x + 1\n")
    terminal.wait_for(rb"\n42\r")
    terminal.wait_for(rb"\(Pdb\) ")
    terminal.type(b"l\n")
    terminal.wait_for(rb"x = x \+ 1")
    terminal.wait_for(rb"\(Pdb\) ")
    terminal.type(b"x = 10\n")
    terminal.wait_for(rb"\(Pdb\) ")
    terminal.type(b"n\n")
    terminal.wait_for(rb"\(Pdb\) ")
    terminal.type(b"c\n")
    asking.join(TIMEOUT)
    assert asking.body in (b"x is 11", b"x is 10")
    assert terminal.process.poll() is None
    if options is not PLAIN:
        # In the main thread, pdb has taken Ctrl-C for itself by now.
        terminal.type(b"\x03")
        assert terminal.process.wait(TIMEOUT) == 0


@pytest.mark.parametrize("terminal", [(RELOADER, "breakpoint()")], indirect=True)
def test_a_save_while_it_waits(terminal: Terminal, tmp_path: Path) -> None:
    """The server restarts, and the terminal is as it was: what is typed is seen again."""
    port = port_of(terminal, RELOADER)
    asking = Request(port)
    terminal.wait_for(rb"\(Pdb\) ")
    # A time stamp of its own, for reloaders that compare them.
    path = tmp_path / "stopping.py"
    path.write_text(path.read_text() + "\n# saved\n")
    os.utime(path, (time.time() + 5, time.time() + 5))
    terminal.wait_for(rb"Detected change")
    terminal.wait_for(rb"Debugger PIN: ")
    asking.join(TIMEOUT)
    again = Request(port)
    terminal.wait_for(rb"\(Pdb\) ")
    terminal.type(b"p 'typed'\n")
    terminal.wait_for(rb"p 'typed'\r\n'typed'\r\n")
    terminal.type(b"c\n")
    again.join(TIMEOUT)
    assert again.body == b"x is 42"
