"""WebSockets through the balancer, with a real client, a real backend and real servers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from erlen.middleware import Balancer, Dispatcher
from erlen.middleware.balancer._forward import request_headers

from ..doors import wsgi
from .servers import Asked, nobody, serving

pytest.importorskip("urllib3", reason="urllib3 (extra middleware) is not installed")
websockets = pytest.importorskip("websockets", reason="websockets is not installed")

SRC = Path(__file__).parents[3] / "src"
ASKS = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def front(stack: ExitStack) -> Callable[[Any], str]:
    """Serve an application with Werkzeug's server; it tells where."""

    def front(application: Any) -> str:
        server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
        server.daemon_threads = True  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        stack.callback(server.server_close)
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        return f"ws://127.0.0.1:{server.server_port}"

    return front


@contextmanager
def echoing(*subprotocols: Any) -> Iterator[tuple[str, list[Any]]]:
    from websockets.sync.server import serve

    asked: list[Any] = []

    def echo(connection: Any) -> None:
        asked.append(connection.request)
        connection.send("hello")  # at once: it may come together with the handshake
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", 0, subprotocols=subprotocols or None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_websocket_goes_through(stack: ExitStack, front: Any) -> None:
    from websockets.sync.client import connect

    backend, asked = stack.enter_context(echoing("chat"))
    balancer = Balancer([backend])
    stack.callback(balancer.close)
    url = front(Dispatcher(None, {"/live": balancer}))
    sent = {"X-Forwarded-For": "6.6.6.6", "Cookie": "a=1"}
    with connect(
        f"{url}/live/room?n=1",
        subprotocols=["chat"],  # type: ignore[list-item]
        additional_headers=sent,
        compression=None,
    ) as client:
        assert client.subprotocol == "chat"
        assert client.recv() == "hello"
        messages: list[str | bytes] = ["text", b"bytes", "x" * 300_000]
        for message in messages:
            client.send(message)
            assert client.recv() == message
    (request,) = asked
    assert request.path == "/room?n=1"
    assert request.headers["X-Forwarded-For"] == "127.0.0.1"
    assert request.headers["X-Forwarded-Prefix"] == "/live"
    assert request.headers["Cookie"] == "a=1"


def test_the_backends_end_reaches_the_client_and_the_backend_is_free(
    stack: ExitStack, front: Any
) -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect
    from websockets.sync.server import serve

    server = stack.enter_context(
        serve(lambda connection: connection.close(4001, "enough"), "127.0.0.1", 0)
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    stack.callback(thread.join)
    stack.callback(server.shutdown)
    given = threading.Event()

    class Watched(Balancer):
        def wsgi(self, environ: Any, start_response: Any) -> Any:
            try:
                return super().wsgi(environ, start_response)
            finally:
                given.set()

    balancer = Watched([f"http://127.0.0.1:{server.socket.getsockname()[1]}"])
    with connect(front(balancer)) as client, pytest.raises(ConnectionClosed) as caught:
        client.recv()
    assert caught.value.rcvd is not None and caught.value.rcvd.code == 4001
    assert given.wait(10)
    assert [member.active for member in balancer._members] == [0]


GUNICORN = """
import os
from erlen.middleware import Balancer
application = Balancer([os.environ["BACKEND"]])
"""


@pytest.mark.parametrize("worker", [["--worker-class=sync"], ["--threads=2"]])
def test_under_gunicorn(stack: ExitStack, tmp_path: Path, worker: list[str]) -> None:
    pytest.importorskip("gunicorn", reason="gunicorn is not installed")
    from websockets.sync.client import connect

    backend, _ = stack.enter_context(echoing())
    (tmp_path / "front.py").write_text(GUNICORN)
    path = os.pathsep.join([str(SRC), str(tmp_path)])
    command = ["-m", "gunicorn", "--bind=127.0.0.1:0", "--no-control-socket", *worker]
    server = subprocess.Popen(
        [sys.executable, *command, "front:application"],
        env=os.environ | {"PYTHONPATH": path, "BACKEND": backend},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    stack.callback(server.stderr.close)
    stack.callback(server.wait)
    stack.callback(server.terminate)
    lines = iter(server.stderr.readline, "")
    listening = next(line for line in lines if "Listening at: " in line)
    next(line for line in lines if "Booting worker" in line)
    url = listening.partition("Listening at: http")[2].split()[0]
    for _ in range(2):
        with connect(f"ws{url}/", compression=None) as client:
            assert client.recv() == "hello"
            client.send("through gunicorn")
            assert client.recv() == "through gunicorn"
    server.terminate()
    assert "Error" not in "".join(lines)


def refusing(asked: Asked) -> None:
    asked.answer(b"who are you?", 401, WWW_Authenticate="Basic", X_Asked=asked.headers["Upgrade"])


def test_a_refusal_is_passed_on_and_opens_no_way_around(stack: ExitStack, front: Any) -> None:
    import http.client

    server = stack.enter_context(serving(refusing))
    balancer = Balancer([server.url])
    stack.callback(balancer.close)
    url = front(balancer)
    connection = http.client.HTTPConnection(url.removeprefix("ws://"), timeout=10)
    stack.callback(connection.close)
    connection.request("GET", "/", headers=ASKS)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (401, b"who are you?")
    assert answer.headers["WWW-Authenticate"] == "Basic"
    assert answer.headers["X-Asked"] == "websocket"


def test_a_folded_header_smuggles_nothing() -> None:
    environ = {"HTTP_X": "a\r\n b\nEvil: 1", "wsgi.url_scheme": "http", "SERVER_PORT": "80"}
    assert request_headers(environ)["X"] == "a b Evil: 1"


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 101 \r\nX: " + b"x" * 100_000, b"HTTP/1.1 101"],
    ids=["nothing", "nonsense", "too much", "too little"],
)
def test_a_backend_that_does_not_understand(
    stack: ExitStack, front: Any, answer: bytes, caplog: Any
) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    server = stack.enter_context(serving(lambda asked: asked.raw(answer)))
    balancer = Balancer([server.url], failures=9)
    with pytest.raises(InvalidStatus) as caught, connect(front(balancer)):
        pass
    assert caught.value.response.status_code == 502
    assert len(server.asked) == 3
    assert caplog.messages[0].startswith(f"Backend {server.url} failed: {server.url} ")


def test_another_backend_is_asked_where_one_is_not_there(stack: ExitStack, front: Any) -> None:
    from websockets.sync.client import connect

    backend, _ = stack.enter_context(echoing())
    dead = stack.enter_context(nobody())
    for _ in range(2):
        with connect(front(Balancer([dead, backend]))) as client:
            assert client.recv() == "hello"


def test_nobody_is_left(stack: ExitStack, front: Any) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    dead = stack.enter_context(nobody())
    url = front(Balancer([dead], failures=1))
    for status in (502, 503):
        with pytest.raises(InvalidStatus) as caught, connect(url):
            pass
        assert caught.value.response.status_code == status


def test_a_server_that_gives_no_socket() -> None:
    balancer = Balancer(["http://127.0.0.1:1"])
    answer = wsgi(balancer, headers=ASKS)
    assert answer.status_code == 501 and "hand over a socket" in answer.text
