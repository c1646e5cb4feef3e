"""WebSockets through the balancer on an ASGI server: real clients, real backends."""

from __future__ import annotations

import asyncio
import http.client
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from erlen._ending import IN_SCOPE, Ending
from erlen.middleware import Balancer, Dispatcher
from erlen.middleware.balancer import _websocket

from ..doors import Answer, ask, scope_for
from .servers import Asked, nobody, serving

pytest.importorskip("urllib3", reason="urllib3 (extra middleware) is not installed")
websockets: Any = pytest.importorskip("websockets", reason="websockets is not installed")
uvicorn: Any = pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI  # noqa: E402  # installed
from websockets.sync.client import connect  # noqa: E402
from websockets.sync.server import serve  # noqa: E402
from websockets.typing import Origin, Subprotocol  # noqa: E402

PATIENCE = 30
MESSAGES: list[str | bytes] = ["text", b"bytes", "", b"", "ü" * 100_000, b"x" * 300_000]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def front(stack: ExitStack) -> Callable[[Any], str]:
    """Serve an application with uvicorn; it tells where."""

    def front(application: Any) -> str:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        config = uvicorn.Config(application, log_level="error", lifespan="off", proxy_headers=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        stack.callback(thread.join, PATIENCE)
        stack.callback(setattr, server, "should_exit", True)
        return f"ws://127.0.0.1:{listening.getsockname()[1]}"

    return front


@contextmanager
def backend(handle: Callable[[Any], None], **options: Any) -> Iterator[str]:
    """A server whose WebSockets are handled in threads; where it is."""
    with serve(handle, "127.0.0.1", 0, **options) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join(PATIENCE)


def echo(connection: Any) -> None:
    connection.send("hello")  # at once: it may come together with the handshake
    for message in connection:
        connection.send(message)


def balancing(stack: ExitStack, *backends: str, **options: Any) -> Balancer:
    balancer = Balancer(backends, **options)
    stack.callback(balancer.close)
    return balancer


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_messages_headers_and_subprotocol(stack: ExitStack, front: Any) -> None:
    asked: list[Any] = []

    def handle(connection: Any) -> None:
        asked.append(connection.request)
        echo(connection)

    def respond(connection: Any, request: Any, response: Any) -> None:
        response.headers["Set-Cookie"] = "b=2"

    url = stack.enter_context(backend(handle, subprotocols=["chat"], process_response=respond))
    at = front(Dispatcher(None, {"/live": balancing(stack, url, sticky="node")}))
    with connect(
        f"{at}/live/r%C3%B6om?n=1%23&m=/",
        subprotocols=[Subprotocol("other"), Subprotocol("chat")],
        additional_headers={"X-Forwarded-For": "6.6.6.6", "Cookie": "a=1", "X_Mine": "no"},
        user_agent_header="a client",
        origin=Origin("https://page.example"),
    ) as client:
        assert client.subprotocol == "chat"
        assert client.response is not None
        first, second = client.response.headers.get_all("Set-Cookie")
        assert first == "b=2"
        assert second.startswith("node=")
        assert client.recv(PATIENCE) == "hello"
        for message in MESSAGES:
            client.send(message)
            assert client.recv(PATIENCE) == message
    (request,) = asked
    assert request.path == "/r%C3%B6om?n=1%23&m=/"
    got = request.headers
    assert got.get_all("Host") == [at.removeprefix("ws://")]
    assert got["X-Forwarded-For"] == "127.0.0.1"
    assert got["X-Forwarded-Proto"] == "http"
    assert got["X-Forwarded-Prefix"] == "/live"
    assert got["Cookie"] == "a=1"
    assert got["Origin"] == "https://page.example"
    assert got["User-Agent"] == "a client"
    assert "X-Mine" not in got


def test_the_backend_s_own_host(stack: ExitStack, front: Any) -> None:
    hosts: list[str] = []
    url = stack.enter_context(backend(lambda c: hosts.append(c.request.headers["Host"])))
    with connect(front(balancing(stack, url, preserve_host=False))) as client:
        with pytest.raises(ConnectionClosed):
            client.recv(PATIENCE)
    assert hosts == [url.removeprefix("http://")]


def close_of(connection: Any) -> tuple[int, str]:
    """The code and the reason of the closing frame, which is all that still comes."""
    with pytest.raises(ConnectionClosed) as closed:
        connection.recv(PATIENCE)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


class TestEnds:
    @pytest.mark.parametrize(
        ("sent", "code", "reason"),
        [((4001, "enough"), 4001, "enough"), ((1000, ""), 1000, ""), ((1011, "oh"), 1011, "oh")],
    )
    def test_the_backend_s(
        self, stack: ExitStack, front: Any, sent: Any, code: int, reason: str
    ) -> None:
        url = stack.enter_context(backend(lambda connection: connection.close(*sent)))
        balancer = balancing(stack, url)
        with connect(front(balancer)) as client:
            assert close_of(client) == (code, reason)
        wait_until(lambda: [member.active for member in balancer._members] == [0])

    def test_a_backend_that_breaks_off(self, stack: ExitStack, front: Any) -> None:
        url = stack.enter_context(backend(lambda connection: connection.socket.close()))
        with connect(front(balancing(stack, url))) as client:
            assert close_of(client) == (1011, "The backend has gone.")

    @pytest.mark.parametrize(
        ("leave", "codes", "reason"),
        [
            (lambda client: client.close(4002, "bye"), (4002,), "bye"),
            (lambda client: client.close(), (1000,), ""),
            # Servers do not tell this one alike.
            (lambda client: client.socket.shutdown(socket.SHUT_RDWR), (1000, 1001), ""),
        ],
        ids=["with a code", "without", "breaking off"],
    )
    def test_the_client_s(
        self, stack: ExitStack, front: Any, leave: Any, codes: tuple[int, ...], reason: str
    ) -> None:
        ends: list[Any] = []

        def handle(connection: Any) -> None:
            try:
                connection.send("hello")
                connection.recv(PATIENCE)
            except ConnectionClosed as closed:
                ends.append(closed.rcvd)

        url = stack.enter_context(backend(handle))
        balancer = balancing(stack, url)
        with connect(front(balancer)) as client:
            assert client.recv(PATIENCE) == "hello"
            leave(client)
            wait_until(lambda: bool(ends))
        assert ends[0].code in codes
        assert ends[0].reason == reason
        wait_until(lambda: [member.active for member in balancer._members] == [0])

    @pytest.mark.parametrize(("told", "code"), [(1006, 1001), (1015, 1001), (1005, 1000)])
    def test_codes_that_cannot_be_sent(self, stack: ExitStack, told: int, code: int) -> None:
        ends: list[int] = []

        def handle(connection: Any) -> None:
            ends.append(close_of(connection)[0])

        url = stack.enter_context(backend(handle))
        balancer = balancing(stack, url)
        scope = scope_for(type="websocket", scheme="ws")
        shake(balancer, scope, {"type": "websocket.disconnect", "code": told})
        wait_until(lambda: bool(ends))
        assert ends == [code]

    def test_a_message_that_is_too_big(self, stack: ExitStack, front: Any) -> None:
        url = stack.enter_context(backend(echo))
        with connect(front(balancing(stack, url, max_message_size=1000))) as client:
            assert client.recv(PATIENCE) == "hello"
            client.send("x" * 1001)
            assert close_of(client)[0] == 1009

    def test_the_server_s(self, stack: ExitStack) -> None:
        """A server that ends cancels what it called."""
        ends: list[int] = []

        def handle(connection: Any) -> None:
            try:
                connection.recv(PATIENCE)
            except ConnectionClosed as closed:
                assert closed.rcvd is not None
                ends.append(closed.rcvd.code)

        url = stack.enter_context(backend(handle))

        async def main() -> None:
            accepted = asyncio.Event()
            incoming: asyncio.Queue[Any] = asyncio.Queue()
            incoming.put_nowait({"type": "websocket.connect"})

            async def send(message: Any) -> None:
                accepted.set()

            scope = scope_for(type="websocket", scheme="ws")
            task = asyncio.ensure_future(balancing(stack, url)(scope, incoming.get, send))
            await asyncio.wait_for(accepted.wait(), PATIENCE)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        wait_until(lambda: bool(ends))
        assert ends == [1001]


class TestBackPressure:
    """What one side does not read, the other side cannot go on sending: nothing gathers here."""

    COUNT, PIECE = 2000, b"x" * 65_536  # more than any buffers on the way hold

    def flood(self, connection: Any, sent: list[int]) -> None:
        for number in range(self.COUNT):
            connection.send(number.to_bytes(2, "big") + self.PIECE)
            sent.append(number)

    def drain(self, connection: Any) -> None:
        for number in range(self.COUNT):
            assert connection.recv(PATIENCE)[:2] == number.to_bytes(2, "big")

    def wait_until_stuck(self, sent: list[int]) -> None:
        before = -1
        while not sent or len(sent) != before:
            before = len(sent)
            time.sleep(0.5)
        assert 0 < len(sent) < self.COUNT / 2

    def test_towards_the_client(self, stack: ExitStack, front: Any) -> None:
        sent: list[int] = []
        url = stack.enter_context(backend(lambda connection: self.flood(connection, sent)))
        with connect(front(balancing(stack, url)), compression=None) as client:
            self.wait_until_stuck(sent)
            self.drain(client)

    def test_towards_the_backend(self, stack: ExitStack, front: Any) -> None:
        read = threading.Event()

        def handle(connection: Any) -> None:
            assert read.wait(PATIENCE)
            self.drain(connection)
            connection.send("all")

        url = stack.enter_context(backend(handle))
        sent: list[int] = []
        with connect(front(balancing(stack, url)), compression=None) as client:
            thread = threading.Thread(target=self.flood, args=(client, sent))
            thread.start()
            self.wait_until_stuck(sent)
            read.set()
            assert client.recv(PATIENCE) == "all"
            thread.join(PATIENCE)


class TestHandshake:
    def test_a_refusal_is_passed_on(self, stack: ExitStack, front: Any) -> None:
        def refusing(asked: Asked) -> None:
            asked.answer(b"who are you?", 401, WWW_Authenticate="Basic")

        server = stack.enter_context(serving(refusing))
        balancer = balancing(stack, server.url, failures=1)
        with pytest.raises(InvalidStatus) as refused, connect(front(balancer)):
            pass
        response = refused.value.response
        assert (response.status_code, response.body) == (401, b"who are you?")
        assert response.headers["WWW-Authenticate"] == "Basic"
        assert [member.active for member in balancer._members] == [0]
        assert balancer._members.take(0.0, "", ()) is not None

    def test_a_redirect_is_the_client_s(self, stack: ExitStack, front: Any) -> None:
        def elsewhere(asked: Asked) -> None:
            asked.answer(b"", 302, Location="http://127.0.0.1:1/internal")

        server = stack.enter_context(serving(elsewhere))
        with pytest.raises(InvalidURI, match="http://127.0.0.1:1/internal"):
            connect(front(balancing(stack, server.url)))
        assert len(server.asked) == 1

    @pytest.mark.parametrize(
        "answer",
        [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 101 \r\nX: " + b"x" * 100_000, b"HTTP/1.1 101"],
        ids=["nothing", "nonsense", "too much", "too little"],
    )
    def test_a_backend_that_does_not_understand(
        self, stack: ExitStack, front: Any, answer: bytes, caplog: Any
    ) -> None:
        server = stack.enter_context(serving(lambda asked: asked.raw(answer)))
        balancer = balancing(stack, server.url, failures=9)
        with pytest.raises(InvalidStatus) as refused, connect(front(balancer)):
            pass
        assert refused.value.response.status_code == 502
        assert len(server.asked) == 3
        expected = f"Backend {server.url} failed: {server.url} makes no WebSocket: "
        assert caplog.messages[0].startswith(expected)

    def test_a_backend_that_does_not_answer(self, stack: ExitStack, front: Any) -> None:
        done = threading.Event()
        stack.callback(done.set)
        server = stack.enter_context(serving(lambda asked: [done.wait(PATIENCE)].clear()))
        balancer = balancing(stack, server.url, read_timeout=0.05, retries=0)
        with pytest.raises(InvalidStatus) as refused, connect(front(balancer)):
            pass
        assert refused.value.response.status_code == 502

    def test_another_backend_is_asked_where_one_is_not_there(
        self, stack: ExitStack, front: Any
    ) -> None:
        dead = stack.enter_context(nobody())
        url = stack.enter_context(backend(echo))
        at = front(balancing(stack, dead, url))
        for _ in range(2):
            with connect(at) as client:
                assert client.recv(PATIENCE) == "hello"

    def test_nobody_is_left(self, stack: ExitStack, front: Any) -> None:
        dead = stack.enter_context(nobody())
        at = front(balancing(stack, dead, failures=1))
        for status in (502, 503):
            with pytest.raises(InvalidStatus) as refused, connect(at):
                pass
            assert refused.value.response.status_code == status

    def test_a_client_stays_with_its_backend(self, stack: ExitStack, front: Any) -> None:
        def named(name: str) -> Callable[[Any], None]:
            return lambda connection: connection.send(name)

        urls = [stack.enter_context(backend(named(name))) for name in "ab"]
        at = front(balancing(stack, *urls, sticky="node"))
        with connect(at) as client:
            first = client.recv(PATIENCE)
            assert client.response is not None
            cookie = client.response.headers["Set-Cookie"].partition(";")[0]
        for _ in range(3):
            with connect(at, additional_headers={"Cookie": cookie}) as client:
                assert client.recv(PATIENCE) == first
                assert client.response is not None
                assert "Set-Cookie" not in client.response.headers

    @pytest.mark.parametrize("host", ["a@b", "a/../b", "a?b", "a:70000", "a:0", "a b", "[::1"])
    def test_a_host_that_would_change_the_url(
        self, stack: ExitStack, front: Any, host: str
    ) -> None:
        handled: list[Any] = []
        url = stack.enter_context(backend(handled.append))
        scope = scope_for(headers={"Host": host}, type="websocket", scheme="ws")
        sent = shake(balancing(stack, url), scope | {"extensions": {"websocket.http.response": {}}})
        assert sent.messages[0]["status"] == 400
        assert not handled

    def test_a_number_sign_in_a_query(self, stack: ExitStack) -> None:
        paths: list[str] = []
        url = stack.enter_context(backend(lambda c: paths.append(c.request.path)))
        shake(balancing(stack, url), scope_for("/?a#b", type="websocket", scheme="ws"))
        assert paths == ["/?a%23b"]

    def test_a_server_that_cannot_refuse_by_http(self, stack: ExitStack) -> None:
        dead = stack.enter_context(nobody())
        sent = shake(balancing(stack, dead), scope_for(type="websocket", scheme="ws"))
        assert [each["type"] for each in sent.messages] == ["websocket.close"]

    def test_over_tls_the_scheme_is_told(self, stack: ExitStack) -> None:
        said: list[str] = []
        url = stack.enter_context(
            backend(lambda c: said.append(c.request.headers["X-Forwarded-Proto"]))
        )
        shake(balancing(stack, url), scope_for(type="websocket", scheme="wss"))
        assert said == ["https"]

    def test_without_the_library(self, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
        _websocket._client.cache_clear()
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'erlen\[middleware\]'"):
            shake(balancing(stack, "http://127.0.0.1:1"), scope_for(type="websocket", scheme="ws"))


def shake(application: Any, scope: dict[str, Any], *messages: Any) -> Answer:
    """Ask for a WebSocket as a server does, and wait until the application has ended.

    :param messages: what comes after the handshake.
    """

    async def call(scope: Any, receive: Any, send: Any) -> None:
        incoming = [{"type": "websocket.connect"}, *messages]

        async def receive_given() -> Any:
            return incoming.pop(0) if incoming else await asyncio.Event().wait()

        await application(scope, receive_given, send)

    async def main() -> Answer:
        return await asyncio.wait_for(ask(call, {"subprotocols": [], **scope}), PATIENCE)

    return asyncio.run(main())


FRONT = """
import os
from erlen import Flask
from erlen.middleware import Balancer, Dispatcher

app = Flask(__name__)
app.asgi_app = Dispatcher(app.asgi_app, {"/live": Balancer([os.environ["BACKEND"]])})
"""


def test_served_by_erlen_serve(stack: ExitStack, tmp_path: Path) -> None:
    pytest.importorskip("granian", reason="granian (extra serve) is not installed")
    from server.driver import Serving

    (tmp_path / "wsgi.py").write_text(FRONT)
    url = stack.enter_context(backend(echo))
    server = stack.enter_context(Serving(tmp_path, env={"BACKEND": url})).ready()
    assert "(ASGI, " in server.output
    with connect(f"ws://127.0.0.1:{server.port}/live/") as client:
        assert client.recv(PATIENCE) == "hello"
        for message in MESSAGES:
            client.send(message)
            assert client.recv(PATIENCE) == message
    # By HTTP it is the same backend.
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    stack.callback(connection.close)
    connection.request("GET", "/live/")
    response = connection.getresponse()
    assert response.status == 426, server.output


def test_both_sides_are_told_of_the_end_of_erlen_serve(stack: ExitStack, tmp_path: Path) -> None:
    pytest.importorskip("granian", reason="granian (extra serve) is not installed")
    from server.driver import Serving

    (tmp_path / "wsgi.py").write_text(FRONT)
    ends: list[Any] = []

    def handle(connection: Any) -> None:
        try:
            echo(connection)
            connection.recv(0)
        except ConnectionClosed as closed:
            ends.append(closed.rcvd)

    url = stack.enter_context(backend(handle))
    # The limit is longer than this test waits.
    options = ("--workers", "2", "--graceful-timeout", "600")
    server = stack.enter_context(Serving(tmp_path, *options, env={"BACKEND": url})).ready()
    clients = [
        stack.enter_context(connect(f"ws://127.0.0.1:{server.port}/live/")) for _ in range(4)
    ]
    assert [client.recv(PATIENCE) for client in clients] == ["hello"] * 4
    server.terminate()
    for client in clients:
        assert close_of(client) == (1001, "The server is ending.")
    assert server.wait() == 0, server.output
    wait_until(lambda: len(ends) == 4)
    assert {end.code for end in ends} == {1001}
    assert "Traceback" not in server.output and "ERROR" not in server.output


class TestTheServerEnds:
    """What `erlen serve` tells in the scope, where a client or its time is not as it should be."""

    def closing(self, stack: ExitStack, ending: Ending, is_read: bool) -> list[Any]:
        """The last messages to a client, which does not read what the backend says."""
        url = stack.enter_context(backend(echo))
        last: list[Any] = []

        async def main() -> None:
            incoming: asyncio.Queue[Any] = asyncio.Queue()
            incoming.put_nowait({"type": "websocket.connect"})

            async def send(message: Any) -> None:
                if message["type"] == "websocket.accept":
                    return
                last.append(message)
                if message["type"] == "websocket.send":
                    threading.Thread(target=ending.begin).start()
                if not is_read:
                    await asyncio.Event().wait()

            scope = scope_for(type="websocket", scheme="ws") | {IN_SCOPE: ending}
            balancer = balancing(stack, url)
            await asyncio.wait_for(balancer(scope, incoming.get, send), PATIENCE)
            assert [member.active for member in balancer._members] == [0]

        asyncio.run(main())
        assert last[-1]["type"] == "websocket.close"
        assert last[-1]["code"] == 1001
        return last

    def test_a_client_that_does_not_read(self, stack: ExitStack) -> None:
        assert len(self.closing(stack, Ending(), is_read=False)) == 2

    def test_a_handshake_after_it_began(self, stack: ExitStack) -> None:
        ending = Ending()
        ending.begin()
        self.closing(stack, ending, is_read=True)
