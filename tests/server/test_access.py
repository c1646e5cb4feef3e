"""The access log: one line for each request, whatever the client sends."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from erlen.server.access import Entry, Log, LoggedASGI, LoggedWSGI, json_line, text_line

pytestmark = pytest.mark.erlen_only


class Kept(Log):
    """Keeps what would be written."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)


def entry(**more: Any) -> Entry:
    plain = Entry("192.0.2.1", "GET", "/a?b=c", "HTTP/1.1", "", "", 0.0, status=200, size=5)
    return replace(plain, **more)


def test_a_line_of_text() -> None:
    assert re.fullmatch(
        rb"192\.0\.2\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]"
        rb' "GET /a\?b=c HTTP/1\.1" 200 5 "-" "agent" \d+\.\d{6}\n',
        text_line(entry(user_agent="agent")),
    )


def test_a_line_of_json() -> None:
    line = json.loads(json_line(entry(referer="http://x/")))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line.pop("seconds") > 0
    assert line == {
        "client": "192.0.2.1",
        "method": "GET",
        "target": "/a?b=c",
        "protocol": "HTTP/1.1",
        "status": 200,
        "size": 5,
        "referer": "http://x/",
        "user_agent": "",
    }


@pytest.mark.parametrize("write", [text_line, json_line])
def test_no_client_writes_a_line_of_its_own(write: Any) -> None:
    evil = 'x"\n192.0.2.9 - - [] "GET /forged\r\x1b[31m\u2028\x85\xff'
    line = write(entry(user_agent=evil, referer=evil, client=evil, target=evil)).decode()
    assert re.fullmatch(r"[\x20-\x7e]+\n", line)


def ask_wsgi(app: Any, path: str = "/") -> tuple[Entry, list[bytes]]:
    log = Kept()
    environ = EnvironBuilder(path, headers=[("User-Agent", "agent")]).get_environ()
    environ["REMOTE_ADDR"] = "192.0.2.1"
    body = LoggedWSGI(app, log)(environ, lambda *args: lambda block: None)
    blocks = list(body)
    if not isinstance(body, list):
        assert log.entries == []
        body.close()  # type: ignore[attr-defined]  # as PEP 3333 has it
    assert len(log.entries) == 1
    return log.entries[0], blocks


def test_by_wsgi() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("201 CREATED", [])
        return [b"ab", b"c"]

    logged, blocks = ask_wsgi(app, "/a%20%0A\xe4?q=%0A")
    assert blocks == [b"ab", b"c"]
    assert (logged.client, logged.method, logged.user_agent) == ("192.0.2.1", "GET", "agent")
    assert (logged.status, logged.size) == (201, 3)
    assert logged.target == "/a%20%0A%C3%A4?q=%0A"


def test_a_stream_by_wsgi_is_logged_when_it_is_closed() -> None:
    closed: list[bool] = []

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            yield b"ab"
            yield b"c"
        finally:
            closed.append(True)

    logged, blocks = ask_wsgi(app)
    assert (logged.status, logged.size, blocks, closed) == (200, 3, [b"ab", b"c"], [True])


def test_an_application_that_raises_is_logged() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        raise ZeroDivisionError

    log = Kept()
    with pytest.raises(ZeroDivisionError):
        LoggedWSGI(app, log)(EnvironBuilder().get_environ(), lambda *args: lambda block: None)
    assert [e.status for e in log.entries] == [500]


def ask_asgi(messages: list[Any], **more: Any) -> Entry:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is asked of the client")

    log = Kept()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/\n\xe4",
        "query_string": b"q=1",
        "http_version": "2",
        "client": ("192.0.2.1", 1),
        "headers": [(b"user-agent", b"agent")],
    }
    asyncio.run(LoggedASGI(app, log)(scope | more, receive, send))
    assert sent == messages and len(log.entries) == 1
    return log.entries[0]


def test_by_asgi() -> None:
    logged = ask_asgi(
        [
            {"type": "http.response.start", "status": 404, "headers": []},
            {"type": "http.response.body", "body": b"ab", "more_body": True},
            {"type": "http.response.body", "body": b"c"},
        ]
    )
    assert (logged.client, logged.method, logged.user_agent) == ("192.0.2.1", "POST", "agent")
    assert (logged.target, logged.protocol) == ("/%0A%C3%A4?q=1", "HTTP/2")
    assert (logged.status, logged.size) == (404, 3)


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        (["websocket.accept", "websocket.close"], 101),
        (["websocket.close"], 403),
    ],
)
def test_a_websocket(kinds: list[str], status: int) -> None:
    logged = ask_asgi([{"type": kind} for kind in kinds], type="websocket", client=None)
    assert (logged.status, logged.client) == (status, "")


def test_the_log_is_lost_before_the_answer(capfd: pytest.CaptureFixture[str]) -> None:
    log = Log("text")
    log.write(entry())
    log._output = -1
    log.write(entry())
    assert capfd.readouterr().out.count("\n") == 1
