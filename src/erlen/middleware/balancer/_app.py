"""The balancer itself: take a backend, ask it, pass its answer on, or ask the next."""

from __future__ import annotations

import errno
import logging
import math
import os
import ssl
import threading
import time
import typing as t
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from http import HTTPStatus
from urllib.parse import quote

from werkzeug.exceptions import (
    BadGateway,
    BadRequest,
    GatewayTimeout,
    HTTPException,
    ServiceUnavailable,
)
from werkzeug.exceptions import NotImplemented as NotImplementedHere
from werkzeug.http import dump_cookie
from werkzeug.sansio.http import parse_cookie

from ... import typing as ft
from ..._ending import IN_SCOPE
from ..._extras import missing_extra
from ...asgi.protocol import BOTH
from .._bridge import wsgi_as_asgi
from .._protocol import ASGIApplication, BothDoors, Receive, Scope, Send
from . import _tunnel, _websocket
from ._backends import NAME, Backend, Circuit, Member, Members, Policy
from ._forward import (
    IDEMPOTENT,
    ClientGone,
    RequestBody,
    body_of,
    request_headers,
    response_headers,
    target_of,
)
from ._health import Checker, HealthCheck
from ._nginx import nginx_config
from ._responses import connection_class

logger = logging.getLogger("erlen.middleware")

#: What is small enough to be kept until it has done its work: a request's body until it is
#: answered, an answer until it has come whole.
_SMALL = 64 * 1024


class _Request(t.NamedTuple):
    method: str
    target: str
    headers: dict[str, str]
    body: RequestBody | None

    def repeatable(self) -> bool:
        return self.body is None or self.body.rewind()


def _urllib3() -> t.Any:
    try:
        import urllib3
    except ModuleNotFoundError as error:
        raise missing_extra("middleware", error) from error
    return urllib3


def _checked(backends: Sequence[str | Backend]) -> list[Backend]:
    if isinstance(backends, str) or not backends:
        raise ValueError(f"The backends are a list of at least one, not {backends!r}.")
    checked = [Backend(each) if isinstance(each, str) else each for each in backends]
    for field in ("url", "name"):
        values = [getattr(each, field) for each in checked]
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise ValueError(f"Two backends have the {field} {twice!r}.")
    return checked


class Balancer(BothDoors):
    """Forward every request to one of several backends, over connections that are kept.

    .. code-block:: python

        application = Dispatcher(app, {"/reports": Balancer(["http://10.0.0.1:8000",
                                                             "http://10.0.0.2:8000"])})

    Bodies are streamed both ways. A request that its backend did not answer goes to another one:
    an idempotent one (GET, HEAD, OPTIONS, TRACE, PUT, DELETE) after any failure, others only
    where no connection was made. A body of more than 64 KiB cannot be sent again, and an answer of
    unknown length or of more than 64 KiB cannot be taken back once it has begun.

    What clients say in ``Forwarded``, ``X-Forwarded-*`` and ``X-Real-IP`` is dropped and said
    anew from the environ; behind another proxy put ProxyFix around. The prefix where the balancer
    is mounted goes to ``X-Forwarded-Prefix``.

    It needs urllib3, and websockets for WebSockets on ASGI servers (extra ``middleware``).

    :param backends: where requests go: URLs or :class:`Backend` objects.
    :param policy: ``"round_robin"`` or ``"least_connections"``, both by weight.
    :param sticky: the name of a cookie that keeps a client with its backend. Default: none.
    :param health: how backends are asked whether they are well. Default: they are not asked.
    :param connect_timeout: seconds until a backend must be connected. Default: 2.
    :param read_timeout: seconds until a backend must have sent something. Default: 30.
    :param retries: how often a request is sent anew, at most. Default: 2.
    :param retry_on: statuses that count as failures of the backend. Default: 502, 503 and 504.
    :param failures: how many failures in a row open a backend's circuit. Default: 3.
    :param recovery: seconds until a request tries a backend with an open circuit. Default: 10.
    :param preserve_host: pass the client's Host on, and not the backend's own. Default: true.
    :param connections: how many idle connections are kept to each backend. Default: 64.
    :param tls: for backends over https. Default: certificates are verified as the system says.
    :param threads: how many requests run at once on an ASGI server. Default: 40.
    :param max_message_size: of a WebSocket message that a backend sends, in bytes, on an ASGI
        server; a larger one closes it with code 1009. Default: 16 MiB; None for any.
    :raises ValueError: there is no backend, one stands twice, or a number is out of range.
    :raises ModuleNotFoundError: urllib3 is not installed.
    """

    #: For ``erlen serve``, which chooses by it.
    reason_for_asgi = "it passes on WebSockets"

    _clock: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(
        self,
        backends: Sequence[str | Backend],
        *,
        policy: Policy = "round_robin",
        sticky: str | None = None,
        health: HealthCheck | None = None,
        connect_timeout: float = 2.0,
        read_timeout: float = 30.0,
        retries: int = 2,
        retry_on: Collection[int] = (502, 503, 504),
        failures: int = 3,
        recovery: float = 10.0,
        preserve_host: bool = True,
        connections: int = 64,
        tls: ssl.SSLContext | None = None,
        threads: int = 40,
        max_message_size: int | None = 16 * 1024 * 1024,
    ) -> None:
        self._speak(BOTH)
        self._urllib3 = _urllib3()
        if policy not in t.get_args(Policy):
            raise ValueError(f"The policy is one of {t.get_args(Policy)}, not {policy!r}.")
        for name, value in {"connect_timeout": connect_timeout, "read_timeout": read_timeout,
                            "failures": failures, "recovery": recovery,
                            "connections": connections, "threads": threads}.items():  # fmt: skip
            if value <= 0:
                raise ValueError(f"{name} is above 0, not {value}.")
        if sticky is not None and NAME.fullmatch(sticky) is None:
            raise ValueError(f"sticky is the name of a cookie, not {sticky!r}.")
        if retries < 0:
            raise ValueError(f"retries is at least 0, not {retries}.")
        self.backends = _checked(backends)
        self._policy: Policy = policy
        self._sticky = sticky
        self._health = health
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._retries = retries
        self._retry_on = frozenset(retry_on)
        self._failures = failures
        self._recovery = recovery
        self._preserve_host = preserve_host
        self._connections = connections
        self._tls = tls
        self._threads = threads
        self._max_message_size = max_message_size
        self._asgi: ASGIApplication | None = None
        self._checker: Checker | None = None
        self._lock = threading.Lock()
        self._pid = 0
        self._timeout = self._urllib3.Timeout(connect=connect_timeout, read=read_timeout)
        self._members = Members(
            [
                Member(each, self._make_pool(each), Circuit(failures, recovery))
                for each in self.backends
            ],
            policy,
        )

    # -- the doors

    def wsgi(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        self._start()
        try:
            if _tunnel.wants_websocket(environ):
                return self._websocket(environ, start_response)
            body = body_of(environ, _SMALL)
            request = _Request(
                environ["REQUEST_METHOD"], target_of(environ), request_headers(environ), body
            )
            if body is not None and body.length is not None:
                request.headers["Content-Length"] = str(body.length)
            preferred = self._preferred(environ)
            answer = self._exchange(request, preferred)
        except HTTPException as error:
            return error(environ, start_response)
        headers = response_headers(answer.response.headers.items(), answer.response.chunked)
        if self._sticky and answer.member.backend.name != preferred:
            headers.append(("Set-Cookie", self._cookie(environ, answer.member.backend)))
        status = answer.response.status
        start_response(f"{status} {answer.response.reason or ''}", headers)
        return answer

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._asgi_websocket(scope, receive, send)
            return
        if self._asgi is None:
            self._asgi = wsgi_as_asgi(self.wsgi, self._threads)
        try:
            await self._asgi(scope, receive, send)
        finally:
            if scope["type"] == "lifespan":
                self.close()

    def close(self) -> None:
        """Stop the health checks and close the idle connections; a later request opens anew."""
        with self._lock:
            self._pid = 0
            if self._checker is not None:
                self._checker.stop()
                self._checker = None
        for member in self._members:
            closed, member.pool = member.pool, self._make_pool(member.backend)
            closed.close()

    def nginx(self, listen: int = 80, server_name: str = "_") -> str:
        """Write the same as a configuration for nginx, to be included in its ``http`` block.

        What nginx has in its commercial edition only is done otherwise: a client sticks to its
        backend by its address, and health is known from failures alone.

        :param listen: the port. Default: 80.
        :param server_name: the host. Default: any.
        :raises ValueError: the backends differ in scheme or have a path; the name is none.
        """
        return nginx_config(
            self.backends,
            policy=self._policy,
            sticky=self._sticky is not None,
            retries=self._retries,
            failures=self._failures,
            recovery=self._recovery,
            connect_timeout=self._connect_timeout,
            read_timeout=self._read_timeout,
            listen=listen,
            server_name=server_name,
        )

    # -- set-up

    def _make_pool(self, backend: Backend) -> t.Any:
        shared: dict[str, t.Any] = {"maxsize": self._connections, "retries": False}
        make = self._urllib3.HTTPConnectionPool
        if backend.secure:
            make = self._urllib3.HTTPSConnectionPool
            shared["ssl_context"] = self._tls
        pool = make(backend.host, backend.port, **shared)
        pool.ConnectionCls = connection_class(make.ConnectionCls)
        return pool

    def _start(self) -> None:
        """Start the health checks in the process that serves, after a server has forked."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid != os.getpid() and self._health is not None:
                self._checker = Checker(
                    self._health, self._members, self._urllib3.exceptions.HTTPError
                )
                self._checker.start()
            self._pid = os.getpid()

    # -- one request

    def _exchange(self, request: _Request, preferred: str) -> _Answer:
        """Ask backends until one answers.

        :raises HTTPException: none did, or there is none to ask.
        """
        errors = self._urllib3.exceptions
        tried: list[Member] = []
        failure: HTTPException = self._nobody()
        while len(tried) <= self._retries:
            member = self._members.take(self._clock(), preferred, tried)
            if member is None:
                break
            tried.append(member)
            last = len(tried) > self._retries
            may_repeat = request.method in IDEMPOTENT and not last
            try:
                answer = self._ask(member, request)
            except errors.HTTPError as error:
                logger.warning("Backend %s failed: %s", member.backend.url, error)
                failure = self._failure(error)
                # Where no connection was made, nothing was sent.
                unsent = isinstance(error, errors.ConnectTimeoutError)
                if not (may_repeat or unsent) or not request.repeatable():
                    break
                continue
            status = answer.response.status
            if status not in self._retry_on:
                return answer
            answer.failed = True
            logger.warning("Backend %s answered %s", member.backend.url, status)
            if not may_repeat or not request.repeatable():
                return answer
            answer.close()
        raise failure

    def _ask(self, member: Member, request: _Request) -> _Answer:
        """Ask one backend, which is given back here or, where it answers, with the answer."""
        headers = dict(request.headers)
        if not self._preserve_host:
            headers.pop("Host", None)
        for name in ("User-Agent", "Accept-Encoding"):
            headers.setdefault(name, self._urllib3.util.SKIP_HEADER)
        try:
            response = member.pool.urlopen(
                request.method,
                member.backend.path + request.target,
                request.body,
                headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=self._timeout,
                chunked=request.body is not None and request.body.length is None,
                preload_content=False,
                decode_content=False,
            )
            # A small answer is read whole, so that a backend may yet fail without harm.
            length = response.length_remaining
            small = length is not None and length <= _SMALL
            first = response.read(decode_content=False) if small else b""
        except ClientGone as error:
            self._members.give(member, None, self._clock())
            raise BadRequest("The body ended early.") from error
        except BaseException as error:
            failed = isinstance(error, self._urllib3.exceptions.HTTPError) or None
            self._members.give(member, failed, self._clock())
            raise
        return _Answer(self, member, response, first)

    def _failure(self, error: Exception) -> HTTPException:
        errors = self._urllib3.exceptions
        if isinstance(error, errors.TimeoutError):
            if not isinstance(error, errors.NewConnectionError):  # it is one by its class only
                return GatewayTimeout()
        return BadGateway()

    def _nobody(self) -> HTTPException:
        return ServiceUnavailable(retry_after=math.ceil(self._recovery))

    def _preferred(self, environ: ft.WSGIEnvironment) -> str:
        if self._sticky is None:
            return ""
        # As Latin-1: what other cookies hold need not be UTF-8.
        return parse_cookie(environ.get("HTTP_COOKIE")).get(self._sticky, "")

    def _cookie(self, environ: ft.WSGIEnvironment, backend: Backend) -> str:
        assert self._sticky is not None
        return dump_cookie(
            self._sticky,
            backend.name,
            path=quote(environ.get("SCRIPT_NAME", "").encode("latin-1")) or "/",
            secure=environ["wsgi.url_scheme"] == "https",
            httponly=True,
            samesite="Lax",
        )

    # -- WebSockets

    def _websocket(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        client = _tunnel.client_socket(environ)
        if client is None:
            raise NotImplementedHere("This server does not hand over a socket for WebSockets.")
        tried: list[Member] = []
        while len(tried) <= self._retries:
            member = self._members.take(self._clock(), self._preferred(environ), tried)
            if member is None:
                break
            tried.append(member)
            failed: bool | None = None
            try:
                handshake = self._shake_hands(environ, member.backend)
                failed = False
                if handshake.status != HTTPStatus.SWITCHING_PROTOCOLS:
                    return _refused(handshake, start_response)
                _tunnel.splice(handshake, client)
            except OSError as error:
                if failed is None:
                    failed = True
                    logger.warning("Backend %s failed: %s", member.backend.url, error)
                    continue
            finally:
                self._members.give(member, failed, self._clock())
            # Servers take this for a client that has gone, and send nothing more.
            raise ConnectionResetError(errno.ECONNRESET, "the WebSocket has ended")
        raise BadGateway() if tried else self._nobody()

    async def _asgi_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        self._start()
        environ = _websocket.environ_of(scope)
        preferred = self._preferred(environ)
        tried: list[Member] = []
        answer: _websocket.Refused | HTTPException = self._nobody()
        while len(tried) <= self._retries:
            member = self._members.take(self._clock(), preferred, tried)
            if member is None:
                break
            tried.append(member)
            failed: bool | None = None
            try:
                connection = await self._ask_for_websocket(scope, environ, member.backend)
                failed = False
                headers: list[tuple[str, str]] = []
                if self._sticky and member.backend.name != preferred:
                    headers = [("Set-Cookie", self._cookie(environ, member.backend))]
                tunnel = _websocket.Tunnel(connection, receive, send)
                await tunnel.run(headers, scope.get(IN_SCOPE))
                return
            except BadRequest as error:
                answer = error
                break
            except _websocket.Refused as error:
                failed, answer = False, error
                break
            except OSError as error:
                if failed is False:
                    raise
                failed, answer = True, BadGateway()
                logger.warning("Backend %s failed: %s", member.backend.url, error)
            finally:
                self._members.give(member, failed, self._clock())
        await _websocket.refuse(scope, send, answer)

    async def _ask_for_websocket(
        self, scope: Scope, environ: ft.WSGIEnvironment, backend: Backend
    ) -> t.Any:
        return await _websocket.shake_hands(
            backend,
            environ,
            subprotocols=scope.get("subprotocols") or (),
            preserve_host=self._preserve_host,
            tls=self._tls,
            connect_timeout=self._connect_timeout,
            read_timeout=self._read_timeout,
            max_size=self._max_message_size,
        )

    def _shake_hands(self, environ: ft.WSGIEnvironment, backend: Backend) -> _tunnel.Handshake:
        headers = request_headers(environ)
        if not self._preserve_host:
            headers["Host"] = f"{backend.host}:{backend.port}"
        headers |= {"Connection": "Upgrade", "Upgrade": "websocket"}
        lines = [f"GET {backend.path}{target_of(environ)} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        tls = (self._tls or ssl.create_default_context()) if backend.secure else None
        return _tunnel.shake_hands(backend, head, tls, self._connect_timeout, self._read_timeout)


def _refused(handshake: _tunnel.Handshake, start_response: ft.StartResponse) -> Iterable[bytes]:
    """Pass on what a backend answered that made no WebSocket."""
    _tunnel.refuse(handshake)
    headers = response_headers(handshake.headers, chunked=True)
    start_response(
        f"{handshake.status} {handshake.reason}",
        [*headers, ("Content-Length", str(len(handshake.body)))],
    )
    return [handshake.body]


class _Answer:
    """A backend's answer as the body that the server iterates; closing it frees the backend."""

    def __init__(self, balancer: Balancer, member: Member, response: t.Any, first: bytes) -> None:
        self.member = member
        self.response = response
        self.failed: bool | None = False
        self._balancer = balancer
        self._first = first
        self._open = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            data: bytes = self.response.read1(_SMALL, decode_content=False)
        except Exception:
            # What was sent cannot be taken back: the server has to break the connection off.
            self.failed = True
            raise
        if not data:
            raise StopIteration
        return data

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        # What was read whole has its connection back in the pool already.
        self.response.close()
        self._balancer._members.give(self.member, self.failed, self._balancer._clock())
