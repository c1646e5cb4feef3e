"""What hostile and broken clients send to a real server: an answer, and nothing left behind."""

from __future__ import annotations

import io
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from serving import serve_here

from erlen import request
from erlen.uploads import IMAGES, UploadSet, configure_uploads

from .conftest import BOUNDARY, CONTENT_TYPE, PNG, files_below, form, part

HUNG_UP: list[bytes] = []  # no status came
Send = Callable[..., bytes]


@pytest.fixture(params=["streamed", "saved"])
def send(request: pytest.FixtureRequest, app: Any, dest: Path) -> Iterator[Send]:
    """Send bytes to a view over a socket; what is sent may end too soon."""
    photos = UploadSet("photos", IMAGES, max_size=1_000_000)
    app.config.update(UPLOADED_PHOTOS_DEST=str(dest), MAX_CONTENT_LENGTH=20_000_000)
    configure_uploads(app, photos)
    done = threading.Semaphore(0)
    app.teardown_request(lambda error: done.release())
    add: Any = photos.receives("photo")(lambda: photos.save(request_file()))
    if request.param == "saved":
        add = lambda: photos.save(request_file())  # noqa: E731
    app.add_url_rule("/", "add", add, methods=["POST"])

    def send(body: bytes, length: int | None = None, reset: bool = False) -> bytes:
        head = (
            f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: {CONTENT_TYPE}\r\n"
            f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
        )
        answer = b""
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            if reset:
                # Linger for no time: the connection is reset, as when a client dies.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1] + [0] * 7))
                client.sendall(head.encode() + body)
            else:
                # A server that answers before it has read all of it hangs up on us.
                with suppress(ConnectionError):
                    client.sendall(head.encode() + body)
                    client.shutdown(socket.SHUT_WR)
                    while chunk := client.recv(65536):
                        answer += chunk
        assert done.acquire(timeout=20)
        return answer

    with serve_here(app) as port:
        yield send


def request_file() -> Any:
    return request.files["photo"]


def bomb() -> bytes:
    """A small archive of twenty megabytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(20_000_000))
    return buffer.getvalue()


JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0"


@pytest.mark.parametrize(
    ("filename", "content", "status"),
    [
        ("bomb.png", bomb(), 415),
        ("gifar.gif", b"GIF89a" + bytes(100) + bomb(), 415),
        ("page.jpg", b"<html><script>alert(1)</script>" + JPEG, 415),
        ("pdf.jpg", b"%PDF-1.4\n" + JPEG, 415),
        ("program.png", b"MZ\x90\0" + PNG, 415),
        ("other.gif", PNG, 415),
        ("empty.png", b"", 415),
        ("large.png", PNG + bytes(2_000_000), 413),
        ("shell.php", b"<?php system($_GET[0]);", 415),
        ("shell.php\0.png", PNG, 400),
        ("shell.png\0", PNG, 400),
        ("", PNG, 400),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(send: Send, dest: Path, filename: str, content: bytes, status: int) -> None:
    answer = send(form(part("photo", content, filename)))
    assert answer.split()[1] == b"%d" % status
    assert str(dest).encode() not in answer
    assert files_below(dest) == set()


@pytest.mark.parametrize(
    ("filename", "saved"),
    [
        ("../../../tmp/evil.png", "tmp_evil.png"),
        ("..\\\\..\\\\evil.png", "evil.png"),
        ("/etc/cron.d/evil.png", "etc_cron.d_evil.png"),
        ("con.png", "_con.png"),
        ("evil.png...", "evil.png"),
        ("." * 100 + "png", "file.png"),
        ("a" * 5000 + ".png", "a" * 196 + ".png"),
    ],
    ids=["up", "backslash", "absolute", "device", "dots", "more dots", "long"],
)
def test_mended(send: Send, dest: Path, filename: str, saved: str) -> None:
    answer = send(form(part("photo", PNG, filename)))
    assert answer.endswith(b"\r\n\r\n" + saved.encode())
    assert files_below(dest) == {saved}


def test_a_missing_field(send: Send, dest: Path) -> None:
    assert send(form(part("other", PNG, "a.png"))).split()[1] == b"400"
    assert send(form(part("photo", PNG))).split()[1] == b"400"
    assert files_below(dest) == set()


def test_a_repeated_field(send: Send, dest: Path) -> None:
    answer = send(form(*(part("photo", PNG + bytes(20_000), f"{n}.png") for n in range(20))))
    assert answer.endswith(b"\r\n\r\n0.png")
    assert files_below(dest) == {"0.png"}


def test_ten_thousand_parts(send: Send, dest: Path) -> None:
    answer = send(form(*(part("photo", PNG, "a.png") for _ in range(10_000))))
    assert answer.split()[1:2] in ([b"413"], HUNG_UP)
    assert files_below(dest) == set()


LARGE = PNG + bytes(900_000)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("sent", [30, 5_000, 500_000])
def test_a_client_that_goes_away(send: Send, dest: Path, sent: int, reset: bool) -> None:
    body = form(part("photo", LARGE, "a.png"))
    answer = send(body[:sent], len(body), reset)
    assert answer.split()[1:2] == ([] if reset else [b"400"])
    assert files_below(dest) == set()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        form(part("photo", LARGE, "a.png"))[:-6],
        part("photo", LARGE, "a.png") + f"--{BOUNDARY}".encode(),
        f"--{BOUNDARY}\r\n".encode() + b"X: " + b"x" * 600_000,
    ],
    ids=["empty", "other", "cut", "no end", "long header"],
)
def test_a_broken_form(send: Send, dest: Path, body: bytes) -> None:
    status = send(body).split()[1:2]
    assert status in ([b"400"], [b"413"]) or (b"X: " in body and status == HUNG_UP)
    assert files_below(dest) == set()
