"""WebSockets for real: each ASGI server, a client library, and a page in a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import PROGRAM, browse
from running import ASGI, Running, run

websockets = pytest.importorskip("websockets")
from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402  # installed
from websockets.sync.client import ClientConnection, connect  # noqa: E402
from websockets.typing import Origin, Subprotocol  # noqa: E402

# Those with the extension "websocket.http.response" of ASGI.
RESPONDING = ["uvicorn", "hypercorn", "granian-asgi"]
# What the page's title is, once it is no longer "waiting".
UNTIL_CLOSED = """new Promise((resolve) => {
    const look = () => document.title === "waiting" || resolve(document.title)
    new MutationObserver(look).observe(document.querySelector("title"), {childList: true})
    look()
})"""

pytestmark = pytest.mark.skipif(
    os.environ.get("ERLEN_TEST_DOOR", "erlen") != "erlen",
    reason="the server is a process of its own: through any door it is the same",
)


@contextmanager
def talk(server: Running, path: str, origin: str | None = None) -> Iterator[ClientConnection]:
    url = f"ws://127.0.0.1:{server.port}{path}"
    known = None if origin is None else Origin(origin)
    offered = [Subprotocol("chat"), Subprotocol("other")]
    with connect(url, origin=known, subprotocols=offered, open_timeout=30) as client:
        yield client


@pytest.mark.parametrize("name", ASGI)
def test_client_library(name: str, tmp_path: Path) -> None:
    with run(name, tmp_path) as server:
        with talk(server, "/ws/room?a=1", f"http://127.0.0.1:{server.port}") as client:
            assert client.subprotocol == "chat"
            client.send("hello")
            assert client.recv(30) == "room hello"
            large = os.urandom(300_000)
            client.send(large)
            assert client.recv(30) == large
            assert client.ping().wait(30)
            client.send("close")
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(30)
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "as you wish")
        with pytest.raises(InvalidStatus) as refused, talk(server, "/refused"):
            pass
        answer = refused.value.response
        if name in RESPONDING:
            assert (answer.status_code, answer.body) == (401, b"You may not.")
        else:
            assert answer.status_code == 403
        with pytest.raises(InvalidStatus, match="403"):
            with talk(server, "/ws/room", "https://evil.example"):
                pass
        with pytest.raises(InvalidStatus, match="40[34]"), talk(server, "/nowhere"):
            pass
        assert server.stop() in (0, -15)
    assert "Traceback" not in server.printed, server.printed


@pytest.mark.skipif(PROGRAM is None, reason="there is no chromium command")
def test_a_page_in_a_browser(tmp_path: Path) -> None:
    folder = tmp_path / "book"
    folder.mkdir()
    with run("uvicorn", folder) as server, browse(tmp_path / "profile") as browser:
        here = f"http://127.0.0.1:{server.port}/page"

        def title(url: str) -> str:
            browser.open(url)
            return str(browser.evaluate(UNTIL_CLOSED))

        assert title(here) == "browser hello, 1-2-3; closed 4001 as you wish"
        # Another host's page would have the visitor's cookies sent, and is refused.
        other = f"http://localhost:{server.port}/page?host=127.0.0.1:{server.port}"
        assert title(other) == "; closed 1006"
