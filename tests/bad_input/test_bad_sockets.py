"""The same bad input through a real server: raw bytes in, a status out, the server goes on."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from serving import serve_here

GOOD = b"GET /read/args?alive=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture
def address(app: Any) -> Iterator[tuple[str, int]]:
    app.config["TRUSTED_HOSTS"] = ["localhost", "127.0.0.1"]
    app.config["MAX_CONTENT_LENGTH"] = 1_000
    with serve_here(app) as port:
        yield "127.0.0.1", port


def send(address: tuple[str, int], data: bytes) -> bytes:
    """Send bytes, say that no more will come, and read what the server answers."""
    with socket.create_connection(address, timeout=10) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionError:  # the server hung up on us, which is an answer too
            return b""
        return answer


def status(answer: bytes) -> int | None:
    """The status of an answer; None where the connection was closed without one."""
    line = answer.partition(b"\r\n")[0].split()
    return int(line[1]) if len(line) > 1 and line[0].startswith(b"HTTP/") else None


def request(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([line, b"Connection: close", *headers, b"", body])


HOST = b"Host: localhost"


@pytest.mark.parametrize(
    ("data", "allowed"),
    [
        (request(b"GET /path/%zz%C3%28%00 HTTP/1.1", HOST), {200}),
        (request(b"GET /path/\xff\xfe HTTP/1.1", HOST), {200}),
        (request(b"GET /../../etc/passwd HTTP/1.1", HOST), {404}),
        (request(b"GET /static/..%2f..%2fetc/passwd HTTP/1.1", HOST), {404}),
        (request(b"GET //evil.example/%2f.. HTTP/1.1", HOST), {404, 308}),
        (request(b"GET http://localhost/read/args HTTP/1.1", HOST), {200}),
        (request(b"GET * HTTP/1.1", HOST), {404, 400}),
        (request(b"OPTIONS * HTTP/1.1", HOST), {404, 400, 200}),
        (request(b"BREW /read/args HTTP/1.1", HOST), {405}),
        (request(b"get /read/args HTTP/1.1", HOST), {200, 405}),
        (request(b"GET /read/args?\xff=\xff HTTP/1.1", HOST), {200}),
        (request(b"GET /read/cookies HTTP/1.1", HOST, b"Cookie: a=\xff; \xff"), {200}),
        (request(b"GET /read/session HTTP/1.1", HOST, b"Cookie: session=\xff.x.y"), {200}),
        (request(b"GET /read/host HTTP/1.1", b"Host: evil.example"), {400}),
        (request(b"GET /read/host HTTP/1.1", b"Host: \xff"), {400}),
        (request(b"GET /read/host HTTP/1.1", b"Host: localhost", b"Host: evil.example"), {400}),
        (request(b"GET /read/host HTTP/1.1", b"Host: localhost:port"), {200, 400}),
        (request(b"GET /read/headers HTTP/1.1", HOST, b"X-A: 1", b"X-A: 2"), {200}),
        (request(b"GET /read/headers HTTP/1.1", HOST, b"X_A: 1", b"X-A: 2"), {200}),
        (request(b"GET /read/headers HTTP/1.1", HOST, b"no colon"), {200, 400}),
        (request(b"GET /read/headers HTTP/1.1", HOST, b"X-A: \x00\x01"), {200, 400}),
        (request(b"GET /read/headers HTTP/1.1", HOST, b"X-Long: " + b"x" * 70_000), {431, 400}),
        (request(b"GET /read/headers HTTP/1.1", HOST, *[b"X-%d: 1" % n for n in range(90)]), {200}),
        (request(b"GET /read/headers HTTP/1.1", *[b"X-%d: 1" % n for n in range(200)]), {431}),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", {414}),
        (b"nonsense\r\n\r\n", {400, None}),
        (b"GET / HTTP/9.9\r\n\r\n", {505, 400, None}),  # None: as HTTP/0.9, without a status line
        (b"\x00\x01\x02\x03\r\n\r\n", {400, None}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400, None}),  # a TLS handshake
        (b"", {None}),
        (b"GET /", {400, None}),
    ],
    ids=lambda value: ascii(value[:30]) if isinstance(value, bytes) else None,
)  # fmt: skip
def test_request_lines_and_headers(
    address: tuple[str, int], data: bytes, allowed: set[int | None]
) -> None:
    answer = send(address, data)
    assert status(answer) in allowed
    assert b"Traceback" not in answer
    assert status(send(address, GOOD)) == 200


POST = b"POST /read/data HTTP/1.1"
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("data", "allowed"),
    [
        (request(POST, HOST, b"Content-Length: 3", body=b"abc"), {200}),
        (request(POST, HOST, b"Content-Length: 3", body=b"abcdef"), {200}),
        (request(POST, HOST, b"Content-Length: 9", body=b"abc"), {400}),
        (request(POST, HOST, b"Content-Length: -1", body=b"abc"), {200, 400}),
        (request(POST, HOST, b"Content-Length: nonsense", body=b"abc"), {200, 400}),
        (request(POST, HOST, b"Content-Length: 99999999999999999999", body=b"abc"), {413}),
        (request(POST, HOST, b"Content-Length: 1001", body=b"x" * 1001), {413}),
        (request(POST, HOST, b"Content-Length: 1000", body=b"x" * 1000), {200}),
        (request(POST, HOST, b"Content-Length: 3", b"Content-Length: 5", body=b"abc"), {200, 400}),
        (request(POST, HOST, CHUNKED, body=b"3\r\nabc\r\n0\r\n\r\n"), {200}),
        (request(POST, HOST, CHUNKED, body=b"3\r\nabc\r\n"), {400, 200}),
        (request(POST, HOST, CHUNKED, body=b"nonsense\r\nabc\r\n0\r\n\r\n"), {400}),
        (request(POST, HOST, CHUNKED, body=b"-5\r\nabc\r\n0\r\n\r\n"), {400}),
        (request(POST, HOST, CHUNKED, body=b"ffffffffff\r\nabc\r\n"), {400, 413, 200}),
        (request(POST, HOST, CHUNKED, body=b"3\r\nabcdefgh\r\n0\r\n\r\n"), {400}),
        (request(POST, HOST, CHUNKED, body=b""), {400, 200}),
        (request(POST, HOST, CHUNKED, b"Content-Length: 3", body=b"0\r\n\r\n"), {200, 400}),
        (request(POST, HOST, b"Transfer-Encoding: nonsense", body=b"abc"), {200, 400, 501}),
        (request(POST, HOST, b"Expect: 100-continue", b"Content-Length: 1", body=b"a"), {100, 200}),
        (
            request(
                b"POST /read/json HTTP/1.1",
                HOST,
                b"Content-Type: application/json",
                b"Content-Length: 3",
                body=b"[1,",
            ),
            {400},
        ),
        (
            request(
                b"POST /read/json HTTP/1.1",
                HOST,
                b"Content-Type: text/plain",
                b"Content-Length: 2",
                body=b"{}",
            ),
            {415},
        ),
        (
            request(
                b"POST /read/form HTTP/1.1",
                HOST,
                b"Content-Type: multipart/form-data; boundary=b",
                b"Content-Length: 9",
                body=b"--b\r\nbad\x00",
            ),
            {200, 400},
        ),
    ],
)  # fmt: skip
def test_bodies(address: tuple[str, int], data: bytes, allowed: set[int]) -> None:
    answer = send(address, data)
    assert status(answer) in allowed
    assert b"Traceback" not in answer
    assert status(send(address, GOOD)) == 200


@pytest.mark.erlen_only
def test_chunked_body_over_the_limit(address: tuple[str, int]) -> None:
    body = (b"64\r\n" + b"x" * 100 + b"\r\n") * 11 + b"0\r\n\r\n"
    assert status(send(address, request(POST, HOST, CHUNKED, body=body))) == 413


@pytest.mark.parametrize("part", ["data", "stream", "json", "form"])
def test_a_broken_chunk_where_bodies_have_no_limit(
    app: Any, address: tuple[str, int], part: str
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = None
    line = f"POST /read/{part} HTTP/1.1".encode()
    kind = b"Content-Type: " + (
        b"multipart/form-data; boundary=b" if part == "form" else b"application/json"
    )
    broken = request(line, HOST, CHUNKED, kind, body=b"nonsense\r\nabc\r\n0\r\n\r\n")
    assert status(send(address, broken)) == 400
    whole = b"1" * 100_000
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(whole), whole)
    answer = send(address, request(POST, HOST, CHUNKED, body=body))
    assert answer.endswith(b'{"length":100000}\n')


def test_injection_through_a_redirect(app: Any, address: tuple[str, int]) -> None:
    answer = send(address, request(b"GET /int//5%0d%0aX-Injected:%201 HTTP/1.1", HOST))
    assert b"\r\nX-Injected" not in answer


def test_nothing_is_logged_as_an_error(
    address: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    """Bad input is the client's mistake: no traceback in the log of the app."""
    caplog.set_level(logging.ERROR, "bad_input")
    for line in (b"GET /path/%ff HTTP/1.1", b"GET /read/args?%ff HTTP/1.1"):
        send(address, request(line, HOST))
    send(address, request(b"POST /read/json HTTP/1.1", HOST, b"Content-Length: 1", body=b"{"))
    send(address, request(POST, HOST, b"Content-Length: 9", body=b"abc"))
    assert [record for record in caplog.records if record.name == "bad_input"] == []
