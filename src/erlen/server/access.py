"""The access log: a line for each request, when its answer is complete, to standard output.

Source for the text: https://httpd.apache.org/docs/current/logs.html#combined
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import typing as t
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from .. import typing as ft

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_UNSAFE = re.compile(r'[^\x20-\x7e]|["\\]')
# What a path may hold as it is; all else is quoted, so that no path makes a line of its own.
_IN_PATH = "/:@!$&'()*+,;=-._~"


@dataclass
class Entry:
    """What is known of a request and its answer.

    :param target: the path and query as they were asked for, quoted.
    :param size: bytes of the answer's body.
    :param start: from :func:`time.perf_counter`.
    """

    client: str
    method: str
    target: str
    protocol: str
    referer: str
    user_agent: str
    start: float
    status: int = 500
    size: int = 0


def _target(path: bytes, query: str) -> str:
    return quote(path, _IN_PATH) + (f"?{query}" if query else "")


def _safe(text: str) -> str:
    """Escape what would end a field or a line, as Apache does."""
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def text_line(entry: Entry) -> bytes:
    """Write an entry in the Combined Log Format of Apache, and the seconds that it took."""
    now = time.gmtime()
    day = f"{now.tm_mday:02}/{_MONTHS[now.tm_mon - 1]}/{now.tm_year}"
    request = _safe(f"{entry.method} {entry.target} {entry.protocol}")
    return (
        f"{_safe(entry.client) or '-'} - -"
        f" [{day}:{now.tm_hour:02}:{now.tm_min:02}:{now.tm_sec:02} +0000]"
        f' "{request}" {entry.status} {entry.size}'
        f' "{_safe(entry.referer) or "-"}" "{_safe(entry.user_agent) or "-"}"'
        f" {time.perf_counter() - entry.start:.6f}\n"
    ).encode()


def json_line(entry: Entry) -> bytes:
    """Write an entry as a JSON object."""
    now = time.time()
    second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    line = {
        "time": f"{second}.{int(now % 1 * 1000):03}Z",
        "client": entry.client,
        "method": entry.method,
        "target": entry.target,
        "protocol": entry.protocol,
        "status": entry.status,
        "size": entry.size,
        "seconds": round(time.perf_counter() - entry.start, 6),
        "referer": entry.referer,
        "user_agent": entry.user_agent,
    }
    # ASCII: some readers take more than LF for the end of a line.
    return json.dumps(line).encode() + b"\n"


LINES: dict[str, Callable[[Entry], bytes]] = {"text": text_line, "json": json_line}


class Log:
    """Writes entries, each by one call of the system: threads and workers share the output.

    :param form: ``"text"`` or ``"json"``.
    """

    def __init__(self, form: str) -> None:
        self._line = LINES[form]
        self._output = sys.stdout.fileno()

    def write(self, entry: Entry) -> None:
        """Write a line; where nobody reads the output any more, serving goes on."""
        with suppress(OSError):
            os.write(self._output, self._line(entry))


class LoggedWSGI:
    """A WSGI application whose requests are logged.

    :param app: the application inside.
    :param log: where to.
    """

    def __init__(self, app: t.Any, log: Log) -> None:
        self.app = app
        self.log = log

    def __call__(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        entry = Entry(
            client=environ.get("REMOTE_ADDR", ""),
            method=environ["REQUEST_METHOD"],
            target=_target(environ["PATH_INFO"].encode("latin-1"), environ["QUERY_STRING"]),
            protocol=environ["SERVER_PROTOCOL"],
            referer=environ.get("HTTP_REFERER", ""),
            user_agent=environ.get("HTTP_USER_AGENT", ""),
            start=time.perf_counter(),
        )

        def start(status: str, headers: list[tuple[str, str]], exc_info: t.Any = None) -> t.Any:
            entry.status = int(status[:3])
            return start_response(status, headers, exc_info)

        try:
            body = self.app(environ, start)
        except BaseException:
            self.log.write(entry)
            raise
        if type(body) is list:
            entry.size = sum(map(len, body))
            self.log.write(entry)
            return body
        return _Counted(body, entry, self.log)


class _Counted:
    """The body of an answer, counted; logged when the server closes it."""

    def __init__(self, body: t.Any, entry: Entry, log: Log) -> None:
        self.body = body
        self.entry = entry
        self.log = log

    def __iter__(self) -> Iterator[bytes]:
        for block in self.body:
            self.entry.size += len(block)
            yield block

    def close(self) -> None:
        try:
            if hasattr(self.body, "close"):
                self.body.close()
        finally:
            self.log.write(self.entry)


class LoggedASGI:
    """An ASGI application whose requests and handshakes of WebSockets are logged.

    :param app: the application inside.
    :param log: where to.
    """

    def __init__(self, app: t.Any, log: Log) -> None:
        self.app = app
        self.log = log

    async def __call__(self, scope: ft.Scope, receive: ft.Receive, send: ft.Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        client = scope.get("client")
        entry = Entry(
            client=client[0] if client else "",
            method=scope.get("method", "GET"),
            target=_target(scope["path"].encode(), scope["query_string"].decode("latin-1")),
            protocol=f"HTTP/{scope['http_version']}",
            referer=headers.get(b"referer", ""),
            user_agent=headers.get(b"user-agent", ""),
            start=time.perf_counter(),
        )

        async def counted(message: ft.Message) -> None:
            kind = message["type"]
            if kind in ("http.response.start", "websocket.http.response.start"):
                entry.status = message["status"]
            elif kind == "websocket.accept":
                entry.status = 101
            elif kind == "websocket.close" and entry.status != 101:
                entry.status = 403
            entry.size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            self.log.write(entry)
