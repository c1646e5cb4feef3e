"""A client that keeps cookies and every answer in full, as text that can be compared."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

BOUNDARY = "a-boundary-that-is-the-same-for-all"
TIMEOUT = 30  # seconds for one answer

Headers = Iterable[tuple[str, str]]


class _Fields(HTMLParser):
    """Reads the values of the inputs of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name")
        if tag == "input" and name:
            self.values.setdefault(name, given.get("value") or "")


@dataclass(frozen=True)
class Answer:
    """One answer of a server."""

    asked: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fault: str = ""
    """What ended the body early, where something did."""

    @property
    def text(self) -> str:
        """The body; of a compressed one what it says, since gzip writes the time beside it."""
        zipped = ("content-encoding", "gzip") in ((k.lower(), v) for k, v in self.headers)
        body = gzip.decompress(self.body) if zipped and self.body else self.body
        return body.decode("utf-8", "backslashreplace")

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """The value of a header; KeyError where there is none."""
        return {key.lower(): value for key, value in self.headers}[name.lower()]

    def field(self, name: str) -> str:
        """The value of an input of the page.

        :raises LookupError: it has no such input.
        """
        parser = _Fields()
        parser.feed(self.text)
        if name not in parser.values:
            raise LookupError(f"there is no input {name!r} in: {str(self)[:1000]}")
        return parser.values[name]

    def has(self, *texts: str, status: int = 200) -> Answer:
        """Return the answer itself, if it is what the program of requests was written for.

        Two sides that agree in refusing everything would prove nothing.

        :raises LookupError: its status is another, or a text is not in it.
        """
        missing = [text for text in texts if text not in self.text]
        if self.status != status or missing:
            raise LookupError(f"expected {status} and {missing or texts} in: {str(self)[:1000]}")
        return self

    def __str__(self) -> str:
        head = [self.asked, f"{self.status} {self.reason}", *(": ".join(h) for h in self.headers)]
        return "\n".join([*head, "", self.text, *([self.fault] if self.fault else [])])


class Client:
    """Asks one server. Each request has a connection of its own.

    :param port: where the server listens on the loopback.
    :param host: the ``Host`` that requests name. It is no address, so that no port is in it, and
        none in an answer that repeats it.
    """

    def __init__(self, port: int, host: str = "app.test") -> None:
        self.port = port
        self.host = host
        self.cookies: dict[str, str] = {}
        self.answers: list[Answer] = []

    def get(self, target: str, headers: Headers = ()) -> Answer:
        return self.request("GET", target, headers)

    def post(self, target: str, form: Mapping[str, str] | None = None) -> Answer:
        """Send a form as a browser does, url-encoded."""
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return self.request("POST", target, [kind], urlencode(form or {}).encode())

    def send_json(self, method: str, target: str, data: Any, headers: Headers = ()) -> Answer:
        kind = ("Content-Type", "application/json")
        return self.request(method, target, [kind, *headers], json.dumps(data).encode())

    def upload(self, target: str, fields: Mapping[str, str | tuple[str, str, bytes]]) -> Answer:
        """Send a form as multipart; a field with a name, a type and content is a file."""
        parts = []
        for name, value in fields.items():
            head = f'Content-Disposition: form-data; name="{name}"'
            content = value.encode() if isinstance(value, str) else value[2]
            if not isinstance(value, str):
                head += f'; filename="{value[0]}"\r\nContent-Type: {value[1]}'
            parts.append(f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
        body = b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])
        kind = ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        return self.request("POST", target, [kind], body)

    def request(
        self, method: str, target: str, headers: Headers = (), body: bytes | None = None
    ) -> Answer:
        """Ask, keep the answer and its cookies; redirects are answers like others."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers]
        if self.cookies:
            lines.append("Cookie: " + "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))

    def send(self, data: bytes) -> Answer:
        """Send bytes as they are, well-formed or not."""
        first = data.partition(b"\r\n")[0].decode("latin-1")
        with socket.create_connection(("127.0.0.1", self.port), TIMEOUT) as connection:
            connection.sendall(data)
            answer = self._read(connection, first)
        self.answers.append(answer)
        self._keep_cookies(answer)
        return answer

    @staticmethod
    def _read(connection: socket.socket, asked: str) -> Answer:
        response = http.client.HTTPResponse(connection, method=asked.partition(" ")[0])
        fault = ""
        try:
            response.begin()
            try:
                body = response.read()
            except http.client.IncompleteRead as error:
                body, fault = error.partial, "<the body ended early>"
        except (http.client.HTTPException, ConnectionError) as error:
            return Answer(asked, 0, type(error).__name__, (), b"")
        finally:
            response.close()
        headers = tuple(response.getheaders())
        return Answer(asked, response.status, response.reason, headers, body, fault)

    def _keep_cookies(self, answer: Answer) -> None:
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                for key, morsel in SimpleCookie(value).items():
                    gone = morsel["max-age"] == "0" or " 1970 " in morsel["expires"]
                    if gone:
                        self.cookies.pop(key, None)
                    else:
                        self.cookies[key] = morsel.coded_value


def local_path(location: str) -> str:
    """A redirect's target as a request names it."""
    return re.sub(r"^https?://[^/]+", "", location)
