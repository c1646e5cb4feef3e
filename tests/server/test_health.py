"""Liveness, readiness, and what a server that is about to end says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from erlen.server.health import Health, HealthASGI, HealthWSGI

pytestmark = pytest.mark.erlen_only

PATHS = ("/live", "/ready")


@dataclass
class Raised:
    value: bool


def by_wsgi(health: Health, path: str, method: str = "GET", version: str = "1.1") -> Any:
    """Ask by WSGI; return the status, the headers and the body."""
    answer: list[Any] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("X-App", "1")])
        return [b"app"]

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        answer[:] = [int(status[:3]), {name.lower(): value for name, value in headers}]

    environ = EnvironBuilder(path, method=method).get_environ()
    environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
    body = b"".join(HealthWSGI(app, health)(environ, start))  # type: ignore[arg-type]  # no write()
    return *answer, body


def by_asgi(health: Health, path: str, method: str = "GET", version: str = "1.1") -> Any:
    """Ask by ASGI; return the same."""
    answer: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-app", b"1")]})
        await send({"type": "http.response.body", "body": b"app"})

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = {name.decode(): value.decode() for name, value in message["headers"]}
            answer[:] = [message["status"], headers, b""]
        else:
            answer[2] += message["body"]

    async def receive() -> Any:
        raise AssertionError("nothing is asked of the client")

    scope = {"type": "http", "path": path, "method": method, "http_version": version}
    asyncio.run(HealthASGI(app, health)(scope, receive, send))
    return tuple(answer)


DOORS = pytest.mark.parametrize("ask", [by_wsgi, by_asgi])


@DOORS
@pytest.mark.parametrize("path", PATHS)
def test_a_worker_is_alive_and_ready(ask: Any, path: str) -> None:
    status, headers, body = ask(Health(PATHS, Raised(False)), path)
    assert (status, body) == (200, b"ok\n")
    assert headers["content-length"] == "3" and headers["cache-control"] == "no-store"
    assert "connection" not in headers


@DOORS
def test_while_it_ends_it_is_alive_and_not_ready(ask: Any) -> None:
    health = Health(PATHS, Raised(True))
    assert ask(health, "/live")[::2] == (200, b"ok\n")
    assert ask(health, "/ready")[::2] == (503, b"ending\n")


@DOORS
def test_head_has_no_body(ask: Any) -> None:
    status, headers, body = ask(Health(PATHS, Raised(False)), "/ready", "HEAD")
    assert (status, headers["content-length"], body) == (200, "3", b"")


@DOORS
@pytest.mark.parametrize("paths", [PATHS, None])
def test_all_else_is_the_applications(ask: Any, paths: Any) -> None:
    assert ask(Health(paths, Raised(False)), "/livez") == (200, {"x-app": "1"}, b"app")


@DOORS
@pytest.mark.parametrize(
    ("version", "told"), [("1.1", True), ("1.0", True), ("2", False), ("2.0", False)]
)
def test_each_answer_closes_its_connection_while_it_ends(
    ask: Any, version: str, told: bool
) -> None:
    headers = ask(Health(None, Raised(True)), "/", version=version)[1]
    # HTTP/2 has no such header, and a way of its own to say so.
    assert headers == ({"x-app": "1", "connection": "close"} if told else {"x-app": "1"})
