"""WebSockets on the development server, asked by a client library."""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from erlen.cli.websockets import WebSockets

from .program import TIMEOUT, Program

pytestmark = pytest.mark.erlen_only

APP = """
import asyncio
from erlen import Flask, request, session, websocket

app = Flask(__name__)
app.secret_key = "k" * 32
app.config["WEBSOCKET_MAX_MESSAGE_SIZE"] = 100_000
gone = []


@app.get("/")
def index():
    return ",".join(gone)


@app.websocket("/echo/<name>")
async def echo(name):
    try:
        async for message in websocket:
            await websocket.send(message)
    finally:
        gone.append(name)


@app.websocket("/about")
async def about():
    session["seen"] = True
    await websocket.accept(headers={"X-About": "yes"}, subprotocol="b")
    await websocket.send_json([websocket.scheme, request.path, request.args.to_dict()])


@app.websocket("/refuse")
async def refuse():
    return "no tea", 418, {"X-Why": "coffee"}


@app.websocket("/leave")
async def leave():
    await websocket.accept()
    await websocket.close(4000, "bye")


@app.websocket("/fail")
async def fail():
    await websocket.send("before")
    raise LookupError("in the socket")


@app.route("/extension", websocket=True)
def extension():
    server = request.environ["werkzeug.socket"]
    server.sendall(b"HTTP/1.1 418 Tea\\r\\nContent-Length: 3\\r\\n\\r\\nits")
    raise ConnectionAbortedError
"""


@pytest.fixture
def server(command: Callable[..., Program], tmp_path: Path) -> Program:
    (tmp_path / "sockets.py").write_text(APP)
    return command("--app", "sockets", "run", "--debug", "--port", "0").ready()


@contextmanager
def talk(
    server: Program, path: str, scheme: str = "ws", **options: Any
) -> Iterator[ClientConnection]:
    url = f"{scheme}://127.0.0.1:{server.port}{path}"
    with connect(url, open_timeout=TIMEOUT, close_timeout=TIMEOUT, **options) as client:
        yield client


def refused(server: Program, path: str, **options: Any) -> Any:
    with pytest.raises(InvalidStatus) as error, talk(server, path, **options):
        pass
    return error.value.response


def closed(client: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as error:
        client.recv(TIMEOUT)
    assert error.value.rcvd is not None
    return error.value.rcvd.code, error.value.rcvd.reason


def test_messages(server: Program) -> None:
    with talk(server, "/echo/a") as client, talk(server, "/echo/b") as other:
        for message in ("héllo", b"\x00\xff", "x" * 90_000, ""):
            client.send(message)
            assert client.recv(TIMEOUT) == message
        client.send(["in ", "three ", "parts"])
        assert client.recv(TIMEOUT) == "in three parts"
        other.send("beside")
        assert other.recv(TIMEOUT) == "beside"
        assert client.ping().wait(TIMEOUT)
    server.get_until(lambda answer: sorted(answer[1].split(",")) == ["a", "b"])


def test_the_handshake(server: Program) -> None:
    with talk(server, "/about?q=1", subprotocols=["a", "b"]) as client:
        assert json.loads(client.recv(TIMEOUT)) == ["ws", "/about", {"q": "1"}]
        assert client.subprotocol == "b"
        assert client.response is not None
        assert client.response.headers["X-About"] == "yes"
        assert client.response.headers["Set-Cookie"].startswith("session=")
        assert closed(client) == (1000, "")


def test_refusals(server: Program) -> None:
    response = refused(server, "/refuse")
    assert (response.status_code, response.body) == (418, b"no tea")
    assert response.headers["X-Why"] == "coffee"
    assert refused(server, "/nowhere").status_code == 404
    assert refused(server, "/echo/a", origin=Origin("https://evil.example")).status_code == 403
    old = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "8"}
    status, text = server.get("/echo/a", headers=old)
    assert (status, "Sec-WebSocket-Key" in text) == (400, True)
    assert server.get() == (200, "")


def test_the_access_log(server: Program) -> None:
    line = r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d\] "GET %s HTTP/1\.1" %s -\n'
    with talk(server, "/echo/a?q=1", origin=Origin(f"http://127.0.0.1:{server.port}")):
        # While it is open: it may be so for hours.
        server.wait_for(line % (r"/echo/a\?q=1", 101))
    refused(server, "/refuse")
    server.wait_for(line % ("/refuse", 418))
    refused(server, "/echo/a", origin=Origin("https://evil.example"))
    server.wait_for(line % ("/echo/a", 403))
    refused(server, "/nowhere")
    server.wait_for(line % ("/nowhere", 404))
    assert server.output.count(" 101 -") == 1 and server.output.count(" 418 -") == 1


def test_the_access_log_is_that_of_a_handler_of_ones_own(
    programs: Callable[..., Program], tmp_path: Path
) -> None:
    own = """
from werkzeug.serving import WSGIRequestHandler

class Handler(WSGIRequestHandler):
    def log_request(self, code="-", size="-"):
        print("own", self.path, code, flush=True)

app.run(port=0, request_handler=Handler)
"""
    (tmp_path / "main.py").write_text(APP + own)
    server = programs("main.py").ready()
    with talk(server, "/echo/a"):
        server.wait_for("own /echo/a 101\n")
    refused(server, "/refuse")
    server.wait_for("own /refuse 418\n")
    assert "GET" not in server.output


def test_ends(server: Program) -> None:
    with talk(server, "/leave") as client:
        assert closed(client) == (4000, "bye")
    with talk(server, "/echo/a") as client:
        client.send("x" * 100_001)
        assert closed(client) == (1009, "The message is too big.")
    with talk(server, "/fail") as client:
        assert client.recv(TIMEOUT) == "before"
        assert closed(client) == (1011, "")
    server.wait_for("LookupError: in the socket")
    assert "Error on request" not in server.output


def test_a_client_that_breaks_off(server: Program) -> None:
    with talk(server, "/echo/cut") as client:
        client.send("x")
        client.recv(TIMEOUT)
        client.socket.close()
    server.get_until(lambda answer: answer == (200, "cut"))


def test_a_view_of_an_extension_gets_the_socket_itself(server: Program) -> None:
    response = refused(server, "/extension")
    assert (response.status_code, response.body) == (418, b"its")


def test_reload(server: Program, tmp_path: Path) -> None:
    with talk(server, "/leave") as client:
        assert closed(client) == (4000, "bye")
    (tmp_path / "sockets.py").write_text(
        APP.replace('"bye"', '"again"').replace("gone = []", "gone = ['new']")
    )
    server.get_until(lambda answer: answer == (200, "new"))
    with talk(server, "/leave") as client:
        assert closed(client) == (4000, "again")


def test_tls(command: Callable[..., Program], tmp_path: Path) -> None:
    (tmp_path / "sockets.py").write_text(APP)
    server = command("--app", "sockets", "run", "--port", "0", "--cert", "adhoc").ready()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with talk(server, "/echo/a", "wss", ssl=context) as client:
        client.send("x" * 90_000)
        assert client.recv(TIMEOUT) == "x" * 90_000
    with talk(server, "/about", "wss", ssl=context, subprotocols=["b"]) as client:
        assert json.loads(client.recv(TIMEOUT)) == ["wss", "/about", {}]


def test_the_extra_is_named(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def view() -> None: ...

    app.add_websocket("/a", "a", view)
    environ = app.test_client().get("/").request.environ
    environ |= {"PATH_INFO": "/a", "HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"}
    environ["werkzeug.socket"] = object()
    monkeypatch.setitem(sys.modules, "websockets.frames", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'erlen\[dev\]'"):
        WebSockets(app, app)(environ, lambda *args: lambda data: None)
