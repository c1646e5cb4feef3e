"""An ASGI server's side in the test's own event loop: what it says, step by step."""

from __future__ import annotations

import asyncio
from typing import Any


def scope_of(path: str = "/", method: str = "GET", **more: Any) -> dict[str, Any]:
    """What a server tells of a request."""
    query = b""
    if "?" in path:
        path, _, text = path.partition("?")
        query = text.encode()
    headers = [(b"host", b"localhost"), *more.pop("headers", ())]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 4321),
        **more,
    }


class Exchange:
    """One call of an app; awaited, it has ended.

    :param pieces: the body of the request.
    """

    def __init__(
        self,
        app: Any,
        scope: dict[str, Any],
        pieces: tuple[bytes, ...] = (b"",),
        hold: bool = False,
    ) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.gone = False
        self._changed = asyncio.Event()
        for i, piece in enumerate(pieces, 1):
            more = hold or i < len(pieces)
            self.tell({"type": "http.request", "body": piece, "more_body": more})
        self.task = asyncio.ensure_future(app(scope, self.incoming.get, self._send))

    def tell(self, message: dict[str, Any]) -> None:
        self.incoming.put_nowait(message)

    def leave(self) -> None:
        """The client goes away."""
        self.gone = True
        self.tell({"type": "http.disconnect"})

    async def _send(self, message: dict[str, Any]) -> None:
        if self.gone:
            raise OSError("The client has gone.")
        self.sent.append(message)
        self._changed.set()
        await asyncio.sleep(0)

    async def until_sent(self, number: int) -> None:
        """Wait until so many messages are sent."""
        while len(self.sent) < number:
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), 20)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


async def ask(app: Any, path: str = "/", method: str = "GET", **more: Any) -> Exchange:
    """One request from its beginning to its end."""
    pieces = more.pop("pieces", (b"",))
    exchange = Exchange(app, scope_of(path, method, **more), pieces)
    await asyncio.wait_for(exchange.task, 20)
    return exchange
