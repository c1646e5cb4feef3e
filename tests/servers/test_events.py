"""Event streams and channels for real: each server, a browser's EventSource, many processes."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from browser import PROGRAM, browse
from running import COMMANDS, PATIENCE, Running

REDIS_URL = os.environ.get("ERLEN_TEST_REDIS", "redis://127.0.0.1:6379")

pytestmark = pytest.mark.skipif(
    os.environ.get("ERLEN_TEST_DOOR", "erlen") != "erlen",
    reason="the server is a process of its own: through any door it is the same",
)


@contextmanager
def run(name: str, folder: Path) -> Iterator[Running]:
    package = COMMANDS[name].split()[1]
    for needed in (package, "gevent" if "gevent" in name else package):
        if find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    server = Running(COMMANDS[name].replace("served:app", "served_events:app"), folder)
    try:
        server.wait_until_ready()
        yield server
    finally:
        if server.process.returncode is None:
            server.stop()


@contextmanager
def listen(server: Running, path: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        yield response
        response.close()
    finally:
        connection.close()


def data(response: http.client.HTTPResponse) -> str:
    """The data of the next event that is more than a heartbeat."""
    while not (line := response.readline()).startswith(b"data: "):
        assert line, "the stream has ended"
    return line.removeprefix(b"data: ").rstrip().decode()


def post(server: Running, path: str, value: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(value), headers)
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"published")
    finally:
        connection.close()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_client_comes_and_goes(name: str, tmp_path: Path) -> None:
    with run(name, tmp_path) as server:
        for path in ("/sync", "/async"):
            with listen(server, path) as response:
                assert response.status == 200
                assert response.headers["Content-Type"] == "text/event-stream"
                assert data(response) == "one"
            server.wait_for(f"Closed: {path.removeprefix('/')}.")
        server.stop()
        assert "Traceback" not in server.printed, server.printed


@pytest.mark.parametrize("name", ["uvicorn", "granian-asgi", "granian-wsgi"])
def test_a_client_that_does_not_read(name: str, tmp_path: Path) -> None:
    """What the server and the system hold is bounded, so it waits in the queue, which is too."""
    with run(name, tmp_path) as server:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
            server.wait_for("Subscribed.")
            post(server, "/many", None)
            got = bytearray()
            while b'data: "end"' not in got[-1000:]:
                got += client.recv(1 << 20)
        dropped = int(server.wait_for(r"Dropped (\d+)\.").group(1))
        assert dropped > 0
        # The end is one more.
        assert got.count(b"data: ") == 1024 - dropped + 1


@pytest.mark.skipif(PROGRAM is None, reason="there is no chromium command")
@pytest.mark.parametrize("name", ["uvicorn", "granian-wsgi"])
def test_a_browser_comes_back_with_the_last_id(name: str, tmp_path: Path) -> None:
    with run(name, tmp_path) as server, browse(tmp_path / "profile") as browser:
        browser.open(f"http://127.0.0.1:{server.port}/page")
        browser.wait_for("document.body.innerText.includes('end')")
        assert browser.text().split() == ["1", "(1)", "2", "(2)", "3", "(3)", "end"]


def test_many_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    redis = pytest.importorskip("redis", reason="redis is not installed")
    connect = pytest.importorskip("websockets.sync.client").connect
    with redis.Redis.from_url(REDIS_URL) as client:
        try:
            client.ping()
        except redis.exceptions.ConnectionError:
            pytest.skip(f"there is no Redis at {REDIS_URL}")
    monkeypatch.setenv("TEST_CHANNELS_URL", REDIS_URL)
    monkeypatch.setenv("TEST_CHANNELS_PREFIX", f"erlen-test-{uuid4().hex}")
    with ExitStack() as stack:
        names = ("granian-asgi", "uvicorn", "granian-wsgi")
        servers = [stack.enter_context(run(name, tmp_path)) for name in names]
        streams = [stack.enter_context(listen(server, "/messages")) for server in servers]
        for stream in streams:
            # The first comment: what is published from now on is received.
            assert stream.readline() == b":\n"
        sockets = [
            stack.enter_context(connect(f"ws://127.0.0.1:{server.port}/messages"))
            for server in servers[:2]
        ]
        assert [socket.recv() for socket in sockets] == ["ready", "ready"]
        for n, server in enumerate(servers):
            for path in ("/messages", "/messages/async"):
                post(server, path, {"from": n})
                assert [data(stream) for stream in streams] == [f'{{"from":{n}}}'] * 3
                assert [socket.recv(PATIENCE) for socket in sockets] == [f'{{"from":{n}}}'] * 2
