"""``erlen serve`` for real: a server, its workers, and clients of each kind."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from .driver import TIMEOUT, Serving

pytestmark = pytest.mark.erlen_only


@pytest.fixture(scope="module")
def server(served: Path) -> Iterator[Serving]:
    """A server with all defaults but the access log."""
    with Serving(served, "--access-log", "json").ready() as server:
        yield server


def test_it_says_what_it_serves_and_where(server: Serving) -> None:
    assert re.match(
        r" \* Serving the application on http://127\.0\.0\.1:\d+ \(WSGI, 1 worker\)\n",
        server.output,
    )


def test_an_application_for_flask_is_served(server: Serving) -> None:
    assert server.get("/") == (200, "Hello, World!")
    assert server.get("/missing")[0] == 404


def test_health_is_answered_before_the_application(server: Serving) -> None:
    assert server.get("/livez") == (200, "ok\n")
    assert server.get("/readyz") == (200, "ok\n")


def test_no_header_is_believed_by_default(server: Serving) -> None:
    said = {
        "Forwarded": "for=6.6.6.6;proto=https;host=evil",
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil",
        "X-Forwarded-Prefix": "/evil",
        "X-Real-IP": "6.6.6.6",
        "X_Forwarded_For": "6.6.6.6",
    }
    seen = server.client(said)
    assert seen["address"] == "127.0.0.1"
    assert seen["url"] == f"http://127.0.0.1:{server.port}/client"
    assert set(seen["headers"]) == {"Host", "Accept-Encoding"}


def test_each_request_is_a_line_of_the_log(server: Serving) -> None:
    server.get("/echo/logged?a=b", {"User-Agent": 'a "tester"', "X-Forwarded-For": "6.6.6.6"})
    line = json.loads(server.wait_for(r'\{.*"/echo/logged\?a=b".*\}')[0])
    assert line["client"] == "127.0.0.1"
    assert (line["method"], line["status"], line["size"]) == ("GET", 200, 600)
    assert line["user_agent"] == 'a "tester"'
    assert '"/livez"' not in server.output


def test_a_killed_worker_comes_back(served: Path) -> None:
    with Serving(served, "--workers", "2").ready() as server:
        pids = {server.get("/pid")[1]}
        pids.add(server.get_until("/pid", pids))
        for pid in pids:
            os.kill(int(pid), signal.SIGKILL)
        # Connections that are made meanwhile wait for the new ones.
        found = {server.get_until("/pid", pids)}
        found.add(server.get_until("/pid", pids | found))
        assert not found & pids
        server.terminate()
        assert server.wait() == 0


RELOADED = (
    "from flask import Flask\napp = Flask(__name__)\napp.add_url_rule('/', 'x', lambda: TEXT)\n"
)


def test_new_workers_have_new_code_only_where_it_loads(tmp_path: Path) -> None:
    source = tmp_path / "app.py"
    source.write_text(RELOADED + "TEXT = 'old'")
    with Serving(tmp_path).ready() as server:
        assert server.get() == (200, "old")
        source.write_text(RELOADED + "TEXT = 1 / 0")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("Error: .*ZeroDivisionError.* The workers stay as they are")
        assert server.get() == (200, "old")
        source.write_text(RELOADED + "TEXT = 'the new one'")
        server.process.send_signal(signal.SIGHUP)
        assert server.get_until("/", {"old"}) == "the new one"


WITH_WEBSOCKETS = """
from erlen import Flask
app = Flask(__name__)

@app.websocket("/")
async def talk(): ...
"""


OTHERS = """
from erlen import Flask
from erlen.middleware import ProxyFix

app = Flask(__name__)

@app.websocket("/")
async def talk(): ...

application = ProxyFix(app)

def plain(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [environ["REMOTE_ADDR"][:5].encode()]

async def asynchronous(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"async"})
"""


class TestOtherApplications:
    @pytest.mark.parametrize(
        ("name", "interface", "text"),
        [("plain", "WSGI", "127.0"), ("asynchronous", "ASGI", "async")],
    )
    def test_by_the_protocol_that_they_speak(
        self, tmp_path: Path, name: str, interface: str, text: str
    ) -> None:
        (tmp_path / "wsgi.py").write_text(OTHERS)
        with Serving(tmp_path, env={"FLASK_APP": f"wsgi:{name}"}).ready() as server:
            assert f"({interface}, 1 worker)" in server.output
            assert server.get() == (200, text)
            assert server.get("/readyz") == (200, "ok\n")

    @pytest.mark.parametrize(("name", "other"), [("plain", "asgi"), ("asynchronous", "wsgi")])
    def test_by_the_other(self, tmp_path: Path, name: str, other: str) -> None:
        (tmp_path / "wsgi.py").write_text(OTHERS)
        with Serving(tmp_path, "--interface", other, env={"FLASK_APP": f"wsgi:{name}"}) as server:
            assert server.wait() == 2
        spoken = "WSGI" if other == "asgi" else "ASGI"
        assert server.output == (
            f"Error: {other.upper()} was asked for, but the application speaks {spoken} alone."
            " Leave out '--interface'.\n"
        )

    def test_what_is_lost_is_warned_of(self, tmp_path: Path) -> None:
        (tmp_path / "wsgi.py").write_text(OTHERS)
        # By WSGI, though ASGI is the better one behind proxies.
        with Serving(tmp_path, "--trusted-proxies", "127.0.0.1").ready() as server:
            assert server.output.startswith(
                "Warning: What is around the app speaks WSGI alone, but it has WebSockets: these do"
                " not run. Put it around 'app.wsgi_app', or take middleware that speaks both.\n"
                "Warning: By WSGI, a header X_Forwarded_For passes for X-Forwarded-For:"
            )
            assert "(WSGI, 1 worker)" in server.output


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        (
            ("--interface", "wsgi"),
            "Warning: WSGI was asked for, but it has WebSockets: these do not run.\n",
        ),
        (
            ("--http", "2"),
            "Warning: HTTP/2 alone was asked for, but the application has WebSockets: these begin"
            " by HTTP/1.1 and do not run. '--http auto' serves both.\n",
        ),
        (("--http", "1"), ""),
    ],
)
def test_what_leaves_websockets_out_is_warned_of(
    tmp_path: Path, options: tuple[str, ...], warning: str
) -> None:
    (tmp_path / "wsgi.py").write_text(WITH_WEBSOCKETS)
    with Serving(tmp_path, *options).ready() as server:
        assert server.output.startswith(f"{warning} * Serving the application on ")


def test_a_platform_says_where_to_listen_and_that_a_router_is_before_it(served: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {"PORT": str(port), "WEB_CONCURRENCY": "2", "FORWARDED_ALLOW_IPS": "*"}
    with Serving(served, env=env).ready() as server:
        assert f"on http://0.0.0.0:{port} (ASGI, 2 workers)" in server.output
        seen = server.client(
            {
                "X-Forwarded-For": "6.6.6.6, 203.0.113.7",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "evil",
                "X_Forwarded_For": "6.6.6.6",
                "X_Forwarded_Proto": "http",
            }
        )
        # The router's own word is the last; the rest is what its client invented.
        assert seen["address"] == "203.0.113.7"
        assert seen["headers"]["X-Forwarded-For"] == "203.0.113.7"
        assert seen["url"] == f"https://127.0.0.1:{port}/client"
        assert "X-Forwarded-Host" not in seen["headers"]


class UnixConnection(http.client.HTTPConnection):
    """Asks over a unix socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self.host)


def test_a_unix_socket(served: Path, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    options = ("--uds", str(path), "--trusted-proxies", "unix", "--interface", "wsgi")
    with Serving(served, *options).ready() as server:
        assert "Warning: By WSGI, a header X_Forwarded_For passes" in server.output
        connection = UnixConnection(str(path))
        connection.request("GET", "/client", headers={"X-Forwarded-For": "203.0.113.7"})
        assert json.loads(connection.getresponse().read())["address"] == "203.0.113.7"
        connection.close()
        server.terminate()
        server.wait_for("Ending")
        # The next server may start at once, and its socket is not taken away.
        with Serving(served, *options).ready() as second:
            assert server.wait() == 0
            assert path.is_socket()
            second.terminate()
            assert second.wait() == 0
    assert not path.exists()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for ``localhost`` that signs itself, and its key."""
    from werkzeug.serving import make_ssl_devcert

    cert, key = make_ssl_devcert(str(tmp_path_factory.mktemp("tls") / "x"), cn="localhost")
    return Path(cert), Path(key)


def test_tls_and_http_2(served: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    with Serving(served, "--cert", str(cert), "--key", str(key)).ready() as server:
        assert f"on https://127.0.0.1:{server.port} " in server.output
        context = ssl.create_default_context(cafile=str(cert))
        connection = http.client.HTTPSConnection(
            "localhost", server.port, timeout=TIMEOUT, context=context
        )
        connection.request("GET", "/client")
        assert json.loads(connection.getresponse().read())["url"].startswith("https://")
        connection.close()

        context.set_alpn_protocols(["h2"])
        with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connected:
                assert connected.selected_alpn_protocol() == "h2"
                assert ask_by_http_2(connected) == (b"200", b"Hello, World!")


def ask_by_http_2(connected: ssl.SSLSocket) -> tuple[bytes, bytes]:
    """Ask for ``/``; return the status and the body."""
    import h2.connection
    import h2.events

    state = h2.connection.H2Connection()
    state.initiate_connection()
    state.send_headers(
        1,
        [(":method", "GET"), (":path", "/"), (":scheme", "https"), (":authority", "localhost")],
        end_stream=True,
    )
    connected.sendall(state.data_to_send())
    status, body = b"", b""
    while True:
        data = connected.recv(65536)
        assert data, "the server closed before it answered"
        for event in state.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                status = dict(event.headers)[b":status"]
            elif isinstance(event, h2.events.DataReceived):
                body += event.data
            elif isinstance(event, h2.events.StreamEnded):
                return status, body
        connected.sendall(state.data_to_send())


SOCKETS = """
import asyncio
from erlen import Flask, websocket

app = Flask(__name__)

@app.websocket("/echo")
async def echo():
    try:
        while True:
            await websocket.send(await websocket.receive())
    finally:
        # Longer than the server waits before it ends its workers.
        await asyncio.sleep(1.5)
        print("echo cleaned up", flush=True)

@app.websocket("/push")
async def push():
    while True:
        await websocket.send("pushed")
        await asyncio.sleep(0.01)

@app.get("/")
async def index():
    return "awaited"

@app.before_serving
async def before():
    print("before serving", flush=True)

@app.after_serving
async def after():
    print("after serving", flush=True)
"""


@pytest.mark.parametrize(
    "around", ["", "from erlen.middleware import Dispatcher\napplication = Dispatcher(app)"]
)
def test_an_app_with_websockets_is_served_by_asgi(tmp_path: Path, around: str) -> None:
    import websockets

    (tmp_path / "app.py").write_text(SOCKETS + around)

    async def talk(server: Serving) -> None:
        address = f"ws://127.0.0.1:{server.port}"
        async with (
            websockets.connect(f"{address}/echo") as echo,
            websockets.connect(f"{address}/push") as push,
        ):
            await echo.send("said")
            assert await echo.recv() == "said"
            assert await push.recv() == "pushed"
            server.terminate()
            for connected in (echo, push):
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    while True:
                        await asyncio.wait_for(connected.recv(), TIMEOUT)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1001

    with Serving(tmp_path, "--access-log", "text").ready() as server:
        assert "(ASGI, 1 worker)" in server.output
        assert server.get() == (200, "awaited")
        asyncio.run(talk(server))
        assert server.wait() == 0
        assert '"GET /echo HTTP/1.1" 101 ' in server.output
        assert "Traceback" not in server.output
        order = "before serving\n.*echo cleaned up\n.*after serving\n"
        assert re.search(order, server.output, re.S), server.output


def ended(folder: Path, *options: str) -> tuple[int, str]:
    """The exit code and output of a server that does not start."""
    with Serving(folder, *options) as server:
        status = server.wait()
        return status, server.output


def test_a_port_in_use(served: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert ended(served, "--port", str(port)) == (
            1,
            f"Error: Cannot listen on 127.0.0.1:{port}: the port is in use. Another server may be"
            " running; take another port.\n",
        )


def test_an_application_that_fails(tmp_path: Path) -> None:
    (tmp_path / "wsgi.py").write_text("x = 1\nx / 0\n")
    assert ended(tmp_path) == (
        1,
        "Error: The application cannot be loaded: ZeroDivisionError: division by zero"
        f" ({tmp_path / 'wsgi.py'}, line 2). 'erlen routes' shows the whole traceback.\n",
    )


def test_workers_that_end_at_once(tmp_path: Path) -> None:
    """What loads in the process that looks at it, and fails in each worker, is not served."""
    (tmp_path / "app.py").write_text(
        "import multiprocessing\n"
        "from flask import Flask\n"
        "assert multiprocessing.current_process().name == 'erlen-examine', 'failed'\n"
        "app = Flask(__name__)\n"
    )
    status, output = ended(tmp_path)
    assert status == 1
    failed = "Error: The application cannot be loaded: AssertionError: failed ("
    assert output.count(failed) == 2 and "Traceback" not in output
    assert "Worker crash loop detected, exiting" in output


def test_a_certificate_that_is_none(served: Path, certificate: tuple[Path, Path]) -> None:
    _, key = certificate
    assert ended(served, "--cert", str(key), "--key", str(key)) == (
        1,
        "Error: The certificate and key cannot be used: they are not files of a certificate and a"
        " key in the PEM format.\n",
    )


def test_a_key_of_another_certificate(
    served: Path, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    from werkzeug.serving import make_ssl_devcert

    _, other = make_ssl_devcert(str(tmp_path / "other"), cn="localhost")
    assert ended(served, "--cert", str(certificate[0]), "--key", other) == (
        1,
        "Error: The certificate and key cannot be used: the key is not that of the certificate.\n",
    )
