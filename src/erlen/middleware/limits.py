"""What an application does not answer: other hosts, other networks, too much, too long."""

from __future__ import annotations

import asyncio
import io
import ipaddress
import logging
import tempfile
import threading
import typing as t
from collections.abc import Collection, Iterable
from contextvars import copy_context
from http import HTTPStatus

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wsgi import ClosingIterator

from .. import typing as ft
from ._exchange import EdgeMiddleware, Incoming, Reply
from ._protocol import Application, Message, Middleware, Receive, Scope, Send

logger = logging.getLogger("erlen.middleware")

_Network: t.TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_SPOOL = 1024 * 1024
# What no host has: the marks of a URL, of a pattern, of a mistake.
_NO_HOST = frozenset("/*@?# ,")


class AllowedHosts(EdgeMiddleware):
    """Answer only to the hosts that the application is; others get 400.

    :param hosts: as in ``"example.com"``; ``".example.com"`` takes every host below it too.
    :raises ValueError: there is none, or one that no request could name.
    """

    def __init__(self, app: Application, hosts: Collection[str]) -> None:
        super().__init__(app)
        if isinstance(hosts, str) or not hosts:
            raise ValueError(f"The hosts are a list of at least one, not {hosts!r}.")
        for host in hosts:
            if not host.strip(".") or not _NO_HOST.isdisjoint(host):
                raise ValueError(
                    f"A host is 'example.com', or '.example.com' with all below it, not {host!r}."
                )
        self._hosts = list(hosts)

    def before(self, request: Incoming) -> Reply | None:
        if host_is_trusted(request.header("Host").lower(), self._hosts):
            return None
        return Reply(HTTPStatus.BAD_REQUEST, "This host is not served here.")


class AllowedClients(EdgeMiddleware):
    """Answer only to clients of some networks; others get 403.

    The address is the connection's: behind a proxy, put ProxyFix around.

    :param networks: as in ``"10.0.0.0/8"`` or ``"::1"``.
    :raises ValueError: there is none, or one is no network.
    """

    def __init__(self, app: Application, networks: Collection[str]) -> None:
        super().__init__(app)
        if isinstance(networks, str) or not networks:
            raise ValueError(f"The networks are a list of at least one, not {networks!r}.")
        self._networks: list[_Network] = [ipaddress.ip_network(each) for each in networks]

    def before(self, request: Incoming) -> Reply | None:
        if self._takes(request.client):
            return None
        return Reply(HTTPStatus.FORBIDDEN, "This address is not served here.")

    def _takes(self, client: str) -> bool:
        try:
            address = ipaddress.ip_address(client)
        except ValueError:  # none, as over a Unix socket
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)


class SizeLimit(Middleware):
    """Take no larger bodies of requests than this; others get 413.

    A body that says its length is refused before the application sees it. One that does not is
    counted while the application reads it.

    :param max_bytes: how much a body may have.
    :raises ValueError: it is below 0.
    """

    def __init__(self, app: Application, max_bytes: int) -> None:
        super().__init__(app)
        if max_bytes < 0:
            raise ValueError(f"max_bytes is at least 0, not {max_bytes}.")
        self._most = max_bytes

    def wsgi(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        reply = self._refusal(environ.get("CONTENT_LENGTH", ""))
        if reply is not None:
            return reply.wsgi(method, start_response)
        counted = environ["wsgi.input"] = _Counted(environ["wsgi.input"], self._most)
        begun = returned = False

        def start(*head: t.Any) -> t.Any:
            nonlocal begun
            if counted.exceeded and not (begun or returned):
                return _ignore  # that it could not read is said better below
            begun = True
            return start_response(*head)

        body: t.Any = None
        try:
            body = self.app(environ, start)
        except Exception:
            if begun or not counted.exceeded:
                raise
        returned = True
        if begun or not counted.exceeded:
            return t.cast("Iterable[bytes]", body)
        getattr(body, "close", bool)()
        return self._too_large().wsgi(method, start_response)

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        reply = self._refusal(Incoming.of_scope(scope).header("Content-Length"))
        if reply is not None:
            await reply.asgi(scope, receive, send)
            return
        left, begun = self._most, False

        async def count() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise RequestEntityTooLarge
            return message

        async def watch(message: Message) -> None:
            nonlocal begun
            if begun or left >= 0:  # else that it could not read is said better below
                begun = True
                await send(message)

        try:
            await self.app(scope, count, watch)
        except Exception:
            if begun or left >= 0:
                raise
        if left < 0 and not begun:
            await self._too_large().asgi(scope, receive, send)

    def _refusal(self, length: str) -> Reply | None:
        if not length:
            return None
        if not (length.isascii() and length.isdigit()):
            return Reply(HTTPStatus.BAD_REQUEST, "The Content-Length is no number.")
        return self._too_large() if int(length) > self._most else None

    def _too_large(self) -> Reply:
        code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return Reply(code, f"The body may have {self._most} bytes.")


def _ignore(data: bytes) -> None:
    """Be the ``write()`` of an answer that is thrown away."""


class _Counted(io.RawIOBase):
    """A body that may be read up to a limit."""

    def __init__(self, stream: t.Any, most: int) -> None:
        self._stream = stream
        self._left = most

    @property
    def exceeded(self) -> bool:
        return self._left < 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self.exceeded:
            raise RequestEntityTooLarge
        buffer[: len(data)] = data
        return len(data)


class TimeLimit(Middleware):
    """Give an application so much time to begin its answer; where it does not, 503.

    Under ASGI the application is cancelled. Under WSGI, where nothing can stop it, it runs in a
    thread that is left behind: what it does, it does to its end. Its request's body is read before
    the time begins, so that it does not go on reading from the connection; put :class:`SizeLimit`
    around. Streams that have begun may go on.

    :param seconds: how long it may take.
    :param threads: under WSGI, how many may run at once, those left behind included; who finds none
        free in time gets 503 too. Default: 64.
    :raises ValueError: a number is not above 0.
    """

    def __init__(self, app: Application, seconds: float, *, threads: int = 64) -> None:
        super().__init__(app)
        for name, value in (("seconds", seconds), ("threads", threads)):
            if value <= 0:
                raise ValueError(f"{name} is above 0, not {value}.")
        self._seconds = seconds
        self._free = threading.BoundedSemaphore(threads)

    def wsgi(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        call = _Call(self.app, environ, self._free)
        if not call.finish(self._seconds):
            return _LATE.wsgi(environ["REQUEST_METHOD"], start_response)
        if call.error is not None:
            call.close()
            raise call.error
        for head in call.heads:
            start_response(*head)
        call.start_response = start_response
        return ClosingIterator(call.body, call.close)

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = asyncio.timeout(self._seconds)

        async def watch(message: Message) -> None:
            if limit.expired():  # what it says when it is cancelled is too late
                return
            if limit.when() is not None:
                limit.reschedule(None)  # it has begun
            await send(message)

        try:
            async with limit:
                await self.app(scope, receive, watch)
        except TimeoutError:
            if not limit.expired():
                raise
        if limit.expired():
            await _LATE.asgi(scope, receive, send)


_LATE = Reply(HTTPStatus.SERVICE_UNAVAILABLE, "It takes too long.")


def _spooled(environ: ft.WSGIEnvironment) -> t.Any:
    """The whole body of a request; on disk where it is large."""
    length = environ.get("CONTENT_LENGTH", "")
    left = int(length) if length.isdigit() else 0
    if not length and environ.get("wsgi.input_terminated"):
        left = -1
    if not left:
        return io.BytesIO()
    spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL)
    while left and (data := environ["wsgi.input"].read(_SPOOL if left < 0 else min(left, _SPOOL))):
        spool.write(data)
        left -= len(data) if left > 0 else 0
    spool.seek(0)
    return spool


class _Call:
    """One call of a WSGI application in a thread of its own."""

    def __init__(
        self, app: t.Any, environ: ft.WSGIEnvironment, free: threading.BoundedSemaphore
    ) -> None:
        self._app = app
        self._input = _spooled(environ)
        self._environ = {**environ, "wsgi.input": self._input}
        self._free = free
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._left_behind = False
        self.heads: list[tuple[t.Any, ...]] = []
        self.start_response: t.Any = None
        self.body: t.Any = None
        self.error: BaseException | None = None

    def finish(self, seconds: float) -> bool:
        """Run the call; whether it ended in time. If not, its answer is thrown away."""
        if not self._free.acquire(timeout=seconds):
            self.close()
            return False
        run = copy_context().run
        try:
            threading.Thread(target=run, args=(self._run,), daemon=True).start()
        except RuntimeError:  # the system has no thread left
            self._free.release()
            self.close()
            raise
        self._done.wait(seconds)
        with self._lock:
            self._left_behind = not self._done.is_set()
        return not self._left_behind

    def _run(self) -> None:
        try:
            self.body = self._app(self._environ, self._start)
        except BaseException as error:
            self.error = error
        finally:
            self._free.release()
        with self._lock:
            self._done.set()
            if not self._left_behind:
                return
        if self.error is not None:
            logger.error("A request that took too long failed", exc_info=self.error)
        self.close()

    def close(self) -> None:
        """Give back what the call had open."""
        try:
            getattr(self.body, "close", lambda: None)()
        finally:
            self._input.close()

    def _start(self, *head: t.Any) -> t.Any:
        if self.start_response is not None:  # while the body is iterated
            return self.start_response(*head)
        self.heads = [head]
        return self._no_write

    @staticmethod
    def _no_write(data: bytes) -> None:
        raise RuntimeError("Under TimeLimit an application cannot use write().")
