"""How the tests call an application: as WSGI, watched by wsgiref.validate, and as ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from wsgiref.validate import validator

from werkzeug.datastructures import Headers
from werkzeug.test import Client, TestResponse


def wsgi(app: Any, path: str = "/", method: str = "GET", **options: Any) -> TestResponse:
    """Ask a WSGI application, with the server and the application held to PEP 3333."""
    options.setdefault("buffered", True)  # read to the end, and closed as the PEP asks
    return Client(_completed(validator(app)), use_cookies=False).open(
        path, method=method, **options
    )


def _completed(app: Any) -> Any:
    """Give an environ what servers put there and Werkzeug's builder leaves out."""

    def call(environ: Any, start_response: Any) -> Any:
        environ.setdefault("QUERY_STRING", "")
        environ.setdefault("REMOTE_ADDR", "127.0.0.1")
        return app(environ, start_response)

    return call


@dataclass
class Answer:
    """What an ASGI application sent."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def status_code(self) -> int:
        status: int = self.messages[0]["status"]
        return status

    @property
    def headers(self) -> Headers:
        pairs = self.messages[0]["headers"]
        return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs])

    @property
    def chunks(self) -> list[bytes]:
        return [each.get("body", b"") for each in self.messages[1:]]

    @property
    def data(self) -> bytes:
        assert self.messages[-1].get("more_body", False) is False
        return b"".join(self.chunks)

    @property
    def text(self) -> str:
        return self.data.decode()


def scope_for(
    path: str = "/",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    path, _, query = path.partition("?")
    sent = {"Host": "localhost", **(headers or {})}
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": pairs,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "extensions": {},
        **more,
    }


async def ask(app: Any, scope: dict[str, Any], body: Iterable[bytes] = ()) -> Answer:
    """Call an ASGI application with a request in chunks; the client stays until it has answered."""
    answer = Answer()
    chunks = list(body) or [b""]
    sent = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if sent:
            return sent.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answer.messages.append(dict(message))

    await app(scope, receive, send)
    return answer


def asgi(
    app: Any,
    path: str = "/",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: Iterable[bytes] = (),
    **scope: Any,
) -> Answer:
    """Ask an ASGI application."""
    return asyncio.run(ask(app, scope_for(path, method, headers, **scope), body))
