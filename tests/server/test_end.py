"""How a server ends: nothing that was asked is lost."""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .driver import TIMEOUT, Serving

pytestmark = pytest.mark.erlen_only


class Clients:
    """Clients that ask without pause, until their connection is refused.

    :param kept: how many keep their connection while the server does.
    :param new: how many open one for each request.
    """

    def __init__(self, server: Serving, kept: int, new: int) -> None:
        self.server = server
        self.answered = 0
        self.lost: list[str] = []
        self.told_to_close = 0
        self._news = threading.Condition()
        self._numbers = itertools.count()
        self._threads = [
            threading.Thread(target=self._ask, args=(keeps,), daemon=True)
            for keeps in [True] * kept + [False] * new
        ]
        for thread in self._threads:
            thread.start()

    def _ask(self, keeps: bool) -> None:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=TIMEOUT)
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            try:
                while self._ask_once(connection, keeps) and keeps:
                    pass
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(f"{'kept' if keeps else 'new'}: {error!r}")
                return
            finally:
                connection.close()

    def _ask_once(self, connection: http.client.HTTPConnection, keeps: bool) -> bool:
        number = str(next(self._numbers))
        headers = {} if keeps else {"Connection": "close"}
        connection.request("GET", f"/echo/{number}", headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        if (response.status, body) != (200, number * 100):
            self.lost.append(f"{response.status} {body[:50]!r} for {number}")
        closes = response.getheader("Connection") == "close"
        with self._news:
            self.answered += 1
            self.told_to_close += closes and keeps
            self._news.notify_all()
        return not closes

    def wait_for(self, answers: int) -> None:
        """Wait for this many more answers."""
        with self._news:
            enough = self.answered + answers
            assert self._news.wait_for(lambda: self.answered >= enough or self.lost, TIMEOUT)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(TIMEOUT)
            assert not thread.is_alive()


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_no_request_is_lost_at_sigterm(served: Path, interface: str) -> None:
    with Serving(served, "--workers", "2", "--interface", interface).ready() as server:
        clients = Clients(server, kept=4, new=4)
        clients.wait_for(300)
        server.terminate()
        assert server.wait() == 0, server.output
        clients.join()
    assert clients.lost == []
    assert clients.told_to_close >= 4


def test_it_is_unready_before_it_closes(served: Path) -> None:
    with Serving(served, "--drain-delay", "60").ready() as server:
        assert server.get("/readyz") == (200, "ok\n")
        server.terminate()
        server.wait_for("Ending")
        assert server.get("/readyz") == (503, "ending\n")
        assert server.get("/livez") == (200, "ok\n")
        assert server.get("/") == (200, "Hello, World!")
        # A second signal is of somebody who does not wait any longer.
        server.terminate()
        assert server.wait() == 0


def test_a_request_has_only_so_long_to_finish(served: Path) -> None:
    with Serving(served, "--graceful-timeout", "1").ready() as server:
        lost: list[BaseException] = []

        def ask() -> None:
            try:
                server.get("/slow?seconds=600")
            except OSError as error:
                lost.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        server.wait_for("slow began")
        server.terminate()
        assert server.wait() == 0
        thread.join(TIMEOUT)
        assert len(lost) == 1
        assert "Killing worker-1 after it refused to gracefully stop" in server.output


def press_ctrl_c(server: Serving) -> None:
    """Do as a terminal does: interrupt the whole group of processes."""
    os.killpg(server.process.pid, signal.SIGINT)


def terminate_all(server: Serving) -> None:
    """Do as systemd and Heroku do: send SIGTERM to each process."""
    os.kill(int(server.get("/pid")[1]), signal.SIGTERM)
    server.terminate()


@pytest.mark.parametrize(
    ("interface", "end"),
    [("wsgi", press_ctrl_c), ("asgi", press_ctrl_c), ("wsgi", terminate_all)],
)
def test_a_stream_comes_to_its_end(served: Path, interface: str, end: Any) -> None:
    # The limit is longer than this test waits: a worker that hangs is not to be killed in time.
    options = ("--interface", interface, "--graceful-timeout", "600")
    with Serving(served, *options).ready() as server:
        answers: list[tuple[int, str]] = []
        thread = threading.Thread(target=lambda: answers.append(server.get("/stream")))
        thread.start()
        server.wait_for("streams")
        end(server)
        assert server.wait() == 0, server.output
        thread.join(TIMEOUT)
        assert answers == [(200, "".join(f"{number}\n" for number in range(10)))]
        assert "Traceback" not in server.output


EVENTS = """
import threading
from flask import Flask
from erlen.sse import EventStream, on_close

app = Flask(__name__)

@app.get("/readyz")
def ready():
    return "ok"

@app.get("/events")
def events():
    def produce():
        gone = threading.Event()
        on_close(gone.set)
        try:
            yield "one"
            gone.wait()
        finally:
            print("closed", flush=True)

    return EventStream(produce(), heartbeat=None)
"""


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_event_streams_end(tmp_path: Path, interface: str, signum: int) -> None:
    (tmp_path / "wsgi.py").write_text(EVENTS)
    # The limit is longer than this test waits.
    options = ("--interface", interface, "--graceful-timeout", "600")
    with Serving(tmp_path, *options).ready() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
        connection.request("GET", "/events")
        response = connection.getresponse()
        assert response.read1() == b":\n\n"
        server.process.send_signal(signum)
        # It has an end, and is not cut off.
        assert response.read() == b"data: one\n\n"
        connection.close()
        server.terminate()
        assert server.wait() == 0, server.output
        assert "closed" in server.output
        assert "Traceback" not in server.output


SOCKETS = """
import os
from erlen import Flask, websocket

app = Flask(__name__)

@app.websocket("/echo")
async def echo():
    try:
        async for message in websocket:
            await websocket.send(message)
    finally:
        print("left", os.getpid(), flush=True)
"""


def test_websockets_of_workers_that_are_replaced(tmp_path: Path) -> None:
    pytest.importorskip("websockets", reason="websockets is not installed")
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    (tmp_path / "wsgi.py").write_text(SOCKETS)
    # The limit is longer than this test waits.
    with (
        Serving(tmp_path, "--workers", "2", "--graceful-timeout", "600").ready() as server,
        ExitStack() as stack,
    ):
        url = f"ws://127.0.0.1:{server.port}/echo"
        clients = [stack.enter_context(connect(url)) for _ in range(4)]
        for client in clients:
            client.send("hello")
            assert client.recv(TIMEOUT) == "hello"
        server.process.send_signal(signal.SIGHUP)
        for client in clients:
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(TIMEOUT)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
        server.wait_for(r"(?s)(left \d+.*){4}")
        server.terminate()
        assert server.wait() == 0, server.output
        assert "Traceback" not in server.output and "ERROR" not in server.output


def test_workers_end_with_a_server_that_was_killed(served: Path) -> None:
    with Serving(served).ready() as server:
        assert server.get("/")[0] == 200
        server.process.kill()
        # Waits for the end of all that writes to the output.
        assert server.wait() == -signal.SIGKILL


def test_it_ends_where_nobody_reads_what_it_says(served: Path) -> None:
    reading, writing = os.pipe()
    with Serving(served, output=writing) as server:
        os.close(writing)
        said = b""
        while b"Serving" not in said:
            said += os.read(reading, 1000)
        os.close(reading)
        server.terminate()
        assert server.process.wait(TIMEOUT) == 0
