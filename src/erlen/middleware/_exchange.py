"""A request and the head of its response, as middleware for both protocols sees them."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from http import HTTPStatus

from werkzeug.datastructures import Headers

from .. import typing as ft
from ._protocol import Middleware, Receive, Scope, Send

#: Digests of a body, which do not hold for what is made of it.
DIGESTS = ("Content-Digest", "Content-MD5", "Digest", "Repr-Digest")


class Incoming:
    """What a request says before its body, whichever protocol it came by.

    :ivar method: as in ``"GET"``; a WebSocket's is GET.
    :ivar path: the path within the application inside, decoded.
    :ivar scheme: ``"http"`` or ``"https"``.
    :ivar client: the client's address, or "".
    :ivar carrier: the WSGI environ or the ASGI scope, to read more from and to leave things in.
    """

    def __init__(
        self,
        carrier: t.MutableMapping[str, t.Any],
        method: str,
        path: str,
        scheme: str,
        client: str,
        headers: Headers,
    ) -> None:
        self.carrier = carrier
        self.method = method
        self.path = path
        self.scheme = scheme
        self.client = client
        self._headers = headers

    @classmethod
    def of_environ(cls, environ: ft.WSGIEnvironment) -> Incoming:
        headers = Headers()
        for key, value in environ.items():
            if key.startswith("HTTP_"):
                headers.add(key[5:].replace("_", "-"), value)
        for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(key):
                headers.set(key.replace("_", "-"), environ[key])
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        client = environ.get("REMOTE_ADDR", "")
        scheme = environ["wsgi.url_scheme"]
        return cls(environ, environ["REQUEST_METHOD"], path, scheme, client, headers)

    @classmethod
    def of_scope(cls, scope: Scope) -> Incoming:
        headers = Headers(
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        )
        root, path = scope.get("root_path", ""), scope["path"]
        if path == root or path.startswith(f"{root}/"):
            path = path[len(root) :]
        scheme = "https" if scope.get("scheme") in ("https", "wss") else "http"
        client = scope.get("client")
        method = scope.get("method", "GET")
        return cls(scope, method, path, scheme, client[0] if client else "", headers)

    def header(self, name: str) -> str:
        """A header's value; several of one name are put together; "" where there is none."""
        return ", ".join(self._headers.getlist(name))


class Head:
    """The status and the headers of a response, to be changed before they are sent.

    :ivar code: the status as a number.
    :ivar status: the status as WSGI writes it, as in ``"200 OK"``.
    :ivar headers: all headers, in order.
    """

    def __init__(self, status: str, headers: Iterable[tuple[str, str]]) -> None:
        self.status = status
        self.headers = Headers(list(headers))

    @property
    def code(self) -> int:
        return int(self.status[:3])

    @classmethod
    def of_message(cls, message: t.Mapping[str, t.Any]) -> Head:
        pairs = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in message.get("headers", ())
        ]
        return cls(str(message["status"]), pairs)

    def into_message(self, message: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        pairs = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in self.headers
        ]
        return {**message, "status": self.code, "headers": pairs}


def vary_on(headers: Headers, name: str) -> None:
    """Add a request header to Vary, where it does not stand there yet."""
    found = [each.strip().lower() for each in ",".join(headers.getlist("Vary")).split(",")]
    if name.lower() not in found and "*" not in found:
        headers.add("Vary", name)


class Reply:
    """An answer that a middleware gives by itself: plain text.

    :param code: the status.
    :param text: the body, a sentence for whoever reads it.
    :param headers: more headers.
    """

    def __init__(self, code: int, text: str = "", headers: Iterable[tuple[str, str]] = ()) -> None:
        self.body = f"{text}\n".encode() if text else b""
        self.head = Head(f"{code} {HTTPStatus(code).phrase}", headers)
        if code != HTTPStatus.NO_CONTENT:
            self.head.headers.add("Content-Type", "text/plain; charset=utf-8")
            self.head.headers.add("Content-Length", str(len(self.body)))

    def wsgi(self, method: str, start_response: ft.StartResponse) -> Iterable[bytes]:
        start_response(self.head.status, self.head.headers.to_wsgi_list())
        return [] if method == "HEAD" else [self.body]

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = "http.response"
        if scope["type"] == "websocket":
            await receive()  # the connection has to be asked for before it can be refused
            if "websocket.http.response" not in scope.get("extensions", {}):
                await send({"type": "websocket.close", "code": 1008})
                return
            kind = "websocket.http.response"
        body = b"" if scope.get("method") == "HEAD" else self.body
        await send(self.head.into_message({"type": f"{kind}.start", "status": 0}))
        await send({"type": f"{kind}.body", "body": body})


class EdgeMiddleware(Middleware):
    """A middleware that looks at requests and at the heads of responses, and at no body."""

    def before(self, request: Incoming) -> Reply | None:
        """Look at a request; what is returned answers it in place of the application."""
        return None

    def after(self, request: Incoming, head: Head) -> None:
        """Change the head of the application's response."""

    def wsgi(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        request = Incoming.of_environ(environ)
        reply = self.before(request)
        if reply is not None:
            return reply.wsgi(request.method, start_response)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: t.Any) -> t.Any:
            head = Head(status, headers)
            self.after(request, head)
            return start_response(head.status, head.headers.to_wsgi_list(), *exc_info)

        return t.cast("Iterable[bytes]", self.app(environ, start))

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        request = Incoming.of_scope(scope)
        reply = self.before(request)
        if reply is not None:
            await reply.asgi(scope, receive, send)
            return

        async def watch(message: t.MutableMapping[str, t.Any]) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                head = Head.of_message(message)
                self.after(request, head)
                message = head.into_message(message)
            await send(message)

        await self.app(scope, receive, watch)
