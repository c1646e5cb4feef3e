"""A headless Chromium, driven over the pipe of its DevTools protocol: no package is needed.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 30  # seconds until an answer of the browser is given up
PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
# Chromium reads commands from descriptor 3 and writes answers to descriptor 4.
LAUNCH = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(read, 3), os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page in a browser."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._buffer = b""
        self._count = 0
        self._has_loaded = False
        self._session: str | None = None
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        attached = self.do("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.do("Page.enable")

    def do(self, method: str, **params: Any) -> Any:
        """Send one command and wait for its result."""
        self._count += 1
        command = {"id": self._count, "method": method, "params": params}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._count:
            pass
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def open(self, url: str) -> None:
        with self.loading():
            self.do("Page.navigate", url=url)

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression in the page, of a promise when it is kept."""
        answer = self.do(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Wait until a JavaScript expression is true, looked at fifty times a second.

        What a person types or a script sets in a field is no change that a page tells of.
        """
        self.evaluate(
            "new Promise(done => {"
            f" const look = () => ({script}) ? done() : setTimeout(look, 20); look(); }})"
        )

    def click(self, selector: str) -> None:
        """Click a thing that leads to another page, and wait for that page."""
        with self.loading():
            self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Wait at the end of the block for a page that was loaded since it began."""
        self._has_loaded = False
        yield
        while not self._has_loaded:
            self._receive()

    def fill(self, selector: str, text: str) -> None:
        self.evaluate(f"document.querySelector({json.dumps(selector)}).value = {json.dumps(text)}")

    def choose_file(self, selector: str, file: Path) -> None:
        root = self.do("DOM.getDocument")["root"]["nodeId"]
        node = self.do("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.do("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def text(self) -> str:
        """What a person can read in the page."""
        return str(self.evaluate("document.body.innerText"))

    def set_screen(self, width: int, height: int, scheme: str = "light") -> None:
        mobile = width < 600
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=mobile,
        )
        self.do(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def screenshot(self, file: Path) -> bytes:
        data = base64.b64decode(
            self.do("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        )
        file.write_bytes(data)
        return data

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE)
            assert ready, "the browser does not answer"
            received = os.read(self._answers, 1 << 20)
            assert received, "the browser has gone"
            self._buffer += received
        message, self._buffer = self._buffer.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(message)
        self._has_loaded |= answer.get("method") == "Page.loadEventFired"
        return answer


@contextmanager
def browse(profile: Path, *options: str) -> Iterator[Browser]:
    """A browser with a new profile in the folder named, until the block is left.

    :param options: further options of its command.
    """
    assert PROGRAM is not None
    command_end, commands = os.pipe()
    answers, answer_end = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(command_end), str(answer_end)]
        + [PROGRAM, *OPTIONS, *options, f"--user-data-dir={profile}"],
        pass_fds=(command_end, answer_end),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(command_end)
    os.close(answer_end)
    try:
        browser = Browser(commands, answers)
        yield browser
        browser._session = None
        browser.do("Browser.close")
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait(PATIENCE)
        os.close(commands)
        os.close(answers)
