"""Bodies rewritten while they pass, by WSGI and by ASGI."""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import Iterable, Iterator

from werkzeug.wsgi import ClosingIterator

from .. import typing as ft
from ._exchange import Head, Incoming
from ._protocol import Message, Middleware, Receive, Scope, Send


class Rewriter(t.Protocol):
    """What makes one body of another, piece by piece."""

    #: Whether the head is settled only with the end, so that nothing is sent before; the end may
    #: then take its time.
    late: bool

    def feed(self, data: bytes) -> bytes:
        """Take a piece of the body, and give what is to be sent now."""
        ...

    def finish(self) -> bytes:
        """Give what is left to be sent."""
        ...


class BodyMiddleware(Middleware):
    """A middleware that rewrites the bodies of some responses."""

    def rewriter(self, request: Incoming, head: Head, length: int | None) -> Rewriter | None:
        """Choose what rewrites a response, and change its head.

        :param length: of the body, where it is here already.
        :return: None where the body passes as it is.
        """
        raise NotImplementedError

    def wsgi(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        call = _WsgiCall(self, Incoming.of_environ(environ), start_response)
        body = self.app(environ, call.start)
        if isinstance(body, (list, tuple)):
            call.length = sum(map(len, body))
        if call.head is not None and not call.written:
            call.choose()
            if call.rewriter is None:
                call.send_head()
                return t.cast("Iterable[bytes]", body)  # the server may know how to send it best
        return ClosingIterator(call.run(body), getattr(body, "close", None))

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            send = _AsgiCall(self, Incoming.of_scope(scope), send).send
        await self.app(scope, receive, send)


class _WsgiCall:
    def __init__(
        self, middleware: BodyMiddleware, request: Incoming, start_response: ft.StartResponse
    ) -> None:
        self._middleware = middleware
        self._request = request
        self._start_response = start_response
        self._exc_info: tuple[t.Any, ...] = ()
        self._chosen = False
        self._sent = False
        self.length: int | None = None
        self.head: Head | None = None
        self.rewriter: Rewriter | None = None
        self.written: list[bytes] = []  # by write(), which PEP 3333 keeps for old applications

    def start(self, status: str, headers: list[tuple[str, str]], *exc_info: t.Any) -> t.Any:
        if self._sent:
            return self._start_response(status, headers, *exc_info)  # raises what happened
        self.head = Head(status, headers)
        self._exc_info = exc_info
        self._chosen = False
        return self.written.append

    def choose(self) -> None:
        if not self._chosen:
            assert self.head is not None, "the application did not call start_response"
            self._chosen = True
            length = None if self.written else self.length
            self.rewriter = self._middleware.rewriter(self._request, self.head, length)

    def send_head(self) -> None:
        if not self._sent:
            assert self.head is not None, "the application did not call start_response"
            self._sent = True
            self._start_response(
                self.head.status, self.head.headers.to_wsgi_list(), *self._exc_info
            )

    def run(self, body: Iterable[bytes]) -> Iterator[bytes]:
        for data in body:
            self.choose()
            if self.rewriter is not None:
                data = self.rewriter.feed(self._take_written() + data)
                if self.rewriter.late and not data:
                    continue
            self.send_head()
            yield self._take_written() + data
        self.choose()
        last = self._take_written()
        if self.rewriter is not None:
            last = self.rewriter.feed(last) + self.rewriter.finish()
        self.send_head()
        if last:
            yield last

    def _take_written(self) -> bytes:
        data = b"".join(self.written)
        self.written.clear()
        return data


class _AsgiCall:
    def __init__(self, middleware: BodyMiddleware, request: Incoming, send: Send) -> None:
        self._middleware = middleware
        self._request = request
        self._send = send
        self._held: Message | None = None  # the start of the response
        self._head: Head | None = None
        self._rewriter: Rewriter | None = None

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self._held = message
        elif kind == "http.response.body":
            await self._send_body(message)
        else:  # a file to be sent by the server, say: nothing to rewrite
            await self._release()
            await self._send(message)

    async def _send_body(self, message: Message) -> None:
        more = message.get("more_body", False)
        if self._held is not None and self._head is None:
            self._head = Head.of_message(self._held)
            length = None if more else len(message.get("body", b""))
            self._rewriter = self._middleware.rewriter(self._request, self._head, length)
        rewriter = self._rewriter
        if rewriter is None:
            await self._release()
            await self._send(message)
            return
        data = rewriter.feed(message.get("body", b""))
        if not more:
            data += await asyncio.to_thread(rewriter.finish) if rewriter.late else rewriter.finish()
        if data or not more or not rewriter.late:
            await self._release()
            await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            await self._send(self._head.into_message(held) if self._head is not None else held)
