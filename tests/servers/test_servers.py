"""The guestbook for real: started by each server, asked over HTTP, stopped by a signal."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
import zlib
from pathlib import Path

import pytest
from running import ASGI, COMMANDS, PATIENCE, Running, run

pytestmark = pytest.mark.skipif(
    os.environ.get("ERLEN_TEST_DOOR", "erlen") != "erlen",
    reason="the server is a process of its own: through any door it is the same",
)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size: int) -> bytes:
    """A picture of noise, which does not compress."""
    rows = b"".join(b"\0" + os.urandom(3 * size) for _ in range(size))
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


class Client:
    def __init__(self, server: Running) -> None:
        self.server = server

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        # As a browser says of a form of the guestbook's own page.
        headers["Sec_Fetch_Site"] = "same-origin"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


@pytest.mark.parametrize("name", COMMANDS)
def test_server(name: str, tmp_path: Path) -> None:
    with run(name, tmp_path) as server:
        client = Client(server)
        pages(client)
        uploads(client)
        streaming(client)
        asynchronous(client)
        if name in ASGI:
            goes_away(client)
        status = server.stop()
    assert status in (0, -15), server.printed
    assert ("Before serving." in server.printed) == (name in ASGI)
    assert ("After serving." in server.printed) == (name in ASGI)
    assert "Traceback" not in server.printed, server.printed


def pages(client: Client) -> None:
    answer, body = client.ask("/")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"Our guestbook" in body
    head, nothing = client.ask("/", "HEAD")
    assert (head.status, nothing) == (200, b"")
    assert head.headers["Content-Length"] == str(len(body))
    style, css = client.ask("/static/style.css")
    assert (style.status, len(css)) == (200, int(style.headers["Content-Length"]))
    again, nothing = client.ask("/static/style.css", If_None_Match=style.headers["ETag"])
    assert (again.status, nothing) == (304, b"")
    assert client.ask("/nowhere")[0].status == 404


def uploads(client: Client) -> None:
    picture = png(600)  # a megabyte: it comes in pieces, and goes to disk
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % part
        for part in (
            (b"name", b"", b"Ada"),
            (b"text", b"", b"With a picture."),
            (b"message", b"", b"With a picture."),
            (b"picture", b'; filename="a.png"\r\nContent-Type: image/png', picture),
        )
    ]
    kind = "multipart/form-data; boundary=b"
    answer, body = client.ask("/", "POST", b"".join(parts) + b"--b--\r\n", Content_Type=kind)
    assert answer.status == 303, body
    assert "session=" in answer.headers["Set-Cookie"]
    _, entries = client.ask("/api/entries")
    entry = json.loads(entries)["entries"][0]
    assert entry["name"] == "Ada"
    _, page = client.ask("/")
    start = page.index(b"/pictures/")
    path = page[start : page.index(b'"', start)].decode()
    answer, sent = client.ask(path)
    assert (answer.headers["Content-Type"], sent) == ("image/png", picture)


def streaming(client: Client) -> None:
    for path in ("/stream", "/async-stream"):
        answer, body = client.ask(path)
        assert "Content-Length" not in answer.headers
        assert body.decode() == "".join(f"{n} " * 1000 for n in range(5))


def asynchronous(client: Client) -> None:
    kind = "application/x-www-form-urlencoded"
    answer, body = client.ask("/async", "POST", b"a=1&b=%C3%BC", Content_Type=kind)
    assert json.loads(body) == {
        "path": "/async",
        "form": {"a": "1", "b": "ü"},
        "scheme": "http",
    }, answer.status


def goes_away(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.server.port), PATIENCE) as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        client.server.wait_for("Waiting")
    client.server.wait_for("Cancelled")
