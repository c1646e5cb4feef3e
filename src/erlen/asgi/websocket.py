"""WebSockets: the connection, and the road from its handshake to its end.

The view's hooks, errors and answers before it is accepted are those of HTTP. The client's going
away cancels the view.

Source: https://asgi.readthedocs.io/en/stable/specs/www.html#websocket, RFC 6455
"""

from __future__ import annotations

import asyncio
import sys
import typing as t
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from types import CoroutineType
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException

from .. import errors
from .. import typing as ft
from .._background import Server
from .._ending import Ending
from .._returned import to_response
from ..ctx import RequestContext
from ..dispatch import open_request, scopes_of
from ..globals import _cv_app
from ..signals import (
    got_websocket_exception,
    websocket_finished,
    websocket_received,
    websocket_sent,
    websocket_started,
)
from ..wrappers import Request
from . import dispatch
from .body import NO_BODY
from .environ import make_environ
from .response import Stream, answer_of

# How long a view may do something else than receive before somebody looks whether the client is
# still there, in seconds; and how many messages are then kept for it.
_UNWATCHED_SECONDS = 1.0
_QUEUED_MESSAGES = 16
# After how many messages others have their turn, where the server takes them without a pause: who
# does nothing but send would not even hear that the client has gone.
_SENT_AT_ONCE = 64
# Close codes that no endpoint may send (RFC 6455, section 7.4), and the room for a reason.
_NOT_SENT = (1004, 1005, 1006, 1015)
_MAX_REASON = 123
# How long the closing frame may take at the end of the server, in seconds.
_CLOSE_SECONDS = 1.0
_PORTS = {"http": 80, "https": 443}
# PERF: each message asks whether anybody is connected to these signals.
_received_by, _sent_by = websocket_received.receivers, websocket_sent.receivers


class WebSocketClosed(ConnectionError):
    """Raised where something is to be sent by a WebSocket that is closed.

    :param code: with which it was closed; 1006 where it broke off.
    :param reason: what the client gave as a reason.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"The WebSocket is closed, with code {code}.")
        self.code = code
        self.reason = reason


class WebSocket(Request):
    """The WebSocket that a view of ``app.websocket`` serves; read it through `erlen.websocket`.

    It is also the :data:`erlen.request`: the handshake's, with its headers, cookies and URL.
    """

    # PERF: what each message asks for is read faster from slots than from a large namespace.
    __slots__ = ("_direct", "_is_marked", "_is_receiving", "_receive", "_send", "_sent", "_short")

    is_websocket = True

    #: Whether it was accepted.
    accepted = False
    #: With which code it was closed, by whomever; None where it is open.
    close_code: int | None = None
    #: What was given as a reason.
    close_reason = ""
    #: The subprotocol that was agreed on.
    subprotocol: str | None = None

    _ending: Ending | None = None
    _ender: asyncio.Task[None] | None = None
    _messages: asyncio.Queue[ft.Message] | None = None
    _reader: asyncio.Task[None] | None = None
    _look: asyncio.TimerHandle | None = None

    def __init__(
        self, environ: ft.WSGIEnvironment, receive: ft.Receive, send: ft.Send, limit: int | None
    ) -> None:
        super().__init__(environ)
        self._receive = receive
        self._send = send
        self._max_size = limit
        # PERF: a character has at most four bytes, so up to these nothing need be encoded.
        self._short = sys.maxsize if limit is None else limit // 4
        self._task = asyncio.current_task()
        self._is_receiving = False
        # Whether a message came since somebody looked; then it is looked again.
        self._is_marked = False
        self._sent = 0
        # PERF: the server's, where nothing need be asked before; each message asks for this alone.
        self._direct: ft.Receive | None = None

    @property
    def requested_subprotocols(self) -> list[str]:
        """The subprotocols that the client offers, the one it likes best first."""
        return list(self.environ["asgi.scope"].get("subprotocols") or ())

    async def accept(
        self,
        headers: t.Any = None,
        subprotocol: str | None = None,
    ) -> None:
        """Accept the handshake; receiving or sending does so where this was not called.

        :param headers: further headers of the response.
        :param subprotocol: one of those that the client offers.
        :raises ValueError: for a subprotocol that the client does not offer.
        :raises WebSocketClosed: where it was refused before.
        """
        if self.accepted:
            return
        if self.close_code is not None:
            raise WebSocketClosed(self.close_code, self.close_reason)
        if subprotocol is not None and subprotocol not in self.requested_subprotocols:
            raise ValueError(
                f"The client does not offer the subprotocol {subprotocol!r}, but"
                f" {self.requested_subprotocols}."
            )
        self.accepted = True
        self.subprotocol = subprotocol
        # PERF: most have none, and an empty object is as dear to make as a full one.
        pairs = [*(Headers(headers) if headers else ()), *_session_cookies()]
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
        try:
            await self._send(
                {"type": "websocket.accept", "subprotocol": subprotocol, "headers": raw}
            )
        except OSError as e:
            raise self._broken() from e
        self._direct = self._receive
        self._look_later()
        if self._ending is not None:
            self._ending.tell(self._end)

    def receive(self) -> Coroutine[t.Any, t.Any, str | bytes]:
        """Wait for the next message, a text or bytes.

        :raises asyncio.CancelledError: when the client has gone; see :attr:`close_code`.
        :raises WebSocketClosed: for a message above ``WEBSOCKET_MAX_MESSAGE_SIZE``, which closes
            it with code 1009.
        """
        return self.__anext__(asyncio.CancelledError)

    # Iterated, it is its messages until the client goes.

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        # PERF: one coroutine for each message, where no class of the user's receives.
        return self if type(self).receive is WebSocket.receive else self._received()

    async def _received(self) -> AsyncIterator[str | bytes]:
        while True:
            try:
                message = await self.receive()
            except asyncio.CancelledError:
                if self.close_code is None or _is_cancelled():
                    raise
                return
            yield message

    async def __anext__(self, end: type[BaseException] = StopAsyncIteration) -> str | bytes:
        """Wait for the next message.

        :param end: raised when there is none any more.
        """
        receive = self._direct
        if receive is None or self._is_receiving:
            receive = await self._find_receive(end)
        self._is_receiving = True
        try:
            message = await receive()
        finally:
            self._is_receiving = False
        data: str | bytes | None = message.get("text")
        if data is None:
            if message["type"] != "websocket.receive":
                self._leave(message)
                raise end
            data = t.cast(bytes, message["bytes"])
        if not self._is_marked:
            self._mark()
        if len(data) > self._short and _is_longer(data, self._max_size):
            await self.close(1009, "The message is too big.")
            raise WebSocketClosed(1009)
        if _received_by:
            await dispatch.send(websocket_received, data)
        return data

    async def _find_receive(self, end: type[BaseException]) -> ft.Receive:
        """Tell where the next message comes from: the server, or what was read ahead."""
        if not self.accepted:
            await self.accept()
        if self._messages is not None and self._reader is None and self._messages.empty():
            self._messages = None
            if self.close_code is None:
                self._direct = self._receive
        if self.close_code is not None and self._messages is None:
            raise end
        if self._is_receiving:
            raise RuntimeError("Another task is receiving from this WebSocket already.")
        return self._receive if self._messages is None else self._messages.get

    async def receive_json(self) -> t.Any:
        """Wait for the next message, and return what it holds as JSON.

        :raises werkzeug.exceptions.BadRequest: for one that is no JSON; it closes the WebSocket
            with code 1008 where the view does not handle it.
        """
        data = await self.receive()
        try:
            return self.json_module.loads(data)
        except ValueError:
            raise BadRequest("The message is no JSON.") from None

    async def send(self, data: str | bytes) -> None:
        """Send a message; waits while the client is slow to read.

        :param data: a text or bytes.
        :raises WebSocketClosed: when the client has gone, or it was closed.
        """
        if self._direct is None:
            if not self.accepted:
                await self.accept()
            if self.close_code is not None:
                raise WebSocketClosed(self.close_code, self.close_reason)
        message: ft.Message
        if isinstance(data, str):
            message = {"type": "websocket.send", "text": data}
        elif isinstance(data, (bytes, bytearray, memoryview)):
            message = {"type": "websocket.send", "bytes": bytes(data)}
        else:
            raise TypeError(
                f"A message is a str or bytes, and not a {type(data).__name__}."
                " 'send_json' sends other values."
            )
        try:
            await self._send(message)
        except OSError as e:
            raise self._broken() from e
        if _sent_by:
            await dispatch.send(websocket_sent, data)
        self._sent = sent = (self._sent + 1) % _SENT_AT_ONCE
        if not sent:
            await asyncio.sleep(0)

    async def send_json(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Send a value as JSON; the parameters are those of :func:`erlen.json.jsonify`."""
        if args and kwargs:
            raise TypeError("'send_json' takes either args or kwargs, not both.")
        value = args[0] if len(args) == 1 else args or kwargs
        await self.send(self.json_module.dumps(value))

    # That of a request closes its files, of which a handshake has none.
    async def close(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, code: int = 1000, reason: str = ""
    ) -> None:
        """Close it; before it is accepted, refuse it with status 403. Twice does no harm.

        :param code: 1000, another that RFC 6455 defines, or one from 3000 to 4999.
        :param reason: for the client, at most 123 bytes.
        :raises ValueError: for a code or a reason that cannot be sent.
        """
        if not (1000 <= code <= 1014 or 3000 <= code <= 4999) or code in _NOT_SENT:
            raise ValueError(f"A WebSocket cannot be closed with code {code!r}.")
        if len(reason.encode()) > _MAX_REASON:
            raise ValueError(f"The reason has more than {_MAX_REASON} bytes: {reason!r}.")
        if self.close_code is not None:
            return
        self.close_code, self.close_reason = code, reason
        self._unwatch()
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except OSError:  # the client was quicker
            pass

    def _broken(self) -> WebSocketClosed:
        """Return what tells that the server could not send."""
        self._direct = None
        if self.close_code is None:
            self.close_code = 1006
        return WebSocketClosed(self.close_code, self.close_reason)

    # That the client has gone is received, like a message. A view that receives sees it. Behind
    # one that has done something else for a while a task receives, until it comes back.

    def _mark(self) -> None:
        self._is_marked = True
        if self._look is None:
            self._look_later()

    def _look_later(self) -> None:
        self._look = asyncio.get_running_loop().call_later(_UNWATCHED_SECONDS, self._look_after)

    def _look_after(self) -> None:
        self._look = None
        was_here, self._is_marked = self._is_marked, False
        if self._is_receiving or self._reader is not None or self.close_code is not None:
            return
        if was_here:
            self._look_later()
            return
        self._direct = None
        if self._messages is None:
            self._messages = asyncio.Queue(_QUEUED_MESSAGES)
        self._reader = asyncio.get_running_loop().create_task(self._read(self._messages))

    async def _read(self, messages: asyncio.Queue[ft.Message]) -> None:
        while True:
            message = await self._receive()
            is_end = message["type"] != "websocket.receive"
            if is_end:
                self._leave(message)
            is_back = self._is_receiving
            # Where the queue is full, the server's fills, and then the client has to wait.
            await messages.put(message)
            if is_end or is_back:
                self._reader = None
                return

    def _leave(self, message: ft.Message) -> None:
        """The client has gone: cancel the view, wherever it waits."""
        if self.close_code is None:
            self.close_code = message.get("code") or 1005
            self.close_reason = message.get("reason") or ""
        self._unwatch()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    # The end of the server, which closes what is open.

    def _end(self) -> None:
        if self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._start_end)

    def _start_end(self) -> None:
        if self.close_code is None and self._ender is None:
            self._ender = asyncio.get_running_loop().create_task(self._go_away())

    async def _go_away(self) -> None:
        if self._task is not None:
            self._task.cancel()
        # The view sees it when this waits, and that it is closed.
        with suppress(TimeoutError):  # of a client that does not read
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.close(1001, "The server is ending.")

    def _unwatch(self) -> None:
        self._direct = None
        if self._ending is not None:
            self._ending.forget(self._end)
        if self._look is not None:
            self._look.cancel()
        if self._reader is not None and self._reader is not asyncio.current_task():
            self._reader.cancel()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())


def _is_longer(data: str | bytes, limit: int | None) -> bool:
    """Tell whether a message has more bytes than a number; None is more than any."""
    if limit is None:
        return False
    return len(data) > limit or (isinstance(data, str) and len(data.encode()) > limit)


def _session_cookies() -> list[tuple[str, str]]:
    """Save the session with the handshake, the only response of a WebSocket there is."""
    ctx = _cv_app.get()._request_ctx
    session = ctx._open_session
    if session is None or not session.modified:
        return []
    app = ctx.app
    response = app.response_class()
    app.session_interface.save_session(app, session, response)
    session.modified = False
    return [("Set-Cookie", cookie) for cookie in response.headers.getlist("Set-Cookie")]


# The road.


async def handle_websocket(
    app: ft.App, scope: ft.Scope, receive: ft.Receive, send: ft.Send
) -> None:
    """Serve a WebSocket from its handshake to its end."""
    if (await receive())["type"] != "websocket.connect":
        return
    environ = make_environ(scope)
    environ["wsgi.input"] = NO_BODY
    environ["erlen.server"] = Server(asyncio.get_running_loop())
    make = app.websocket_class or WebSocket
    websocket = make(environ, receive, send, app.config["WEBSOCKET_MAX_MESSAGE_SIZE"])
    websocket.json_module = app.json
    websocket._ending = app._ending
    ctx = RequestContext(app, environ, request=websocket)
    ctx._websocket = websocket
    error: BaseException | None = None
    try:
        open_request(ctx, False)
        await _serve(app, ctx, websocket)
    except asyncio.CancelledError as e:
        # The client's going away has done its work; any other cancellation goes on.
        if websocket.close_code is None:
            error = e
            raise
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            task.uncancel()
    except BaseException as e:
        error = e
        await websocket.close(1011)
        raise
    finally:
        websocket._unwatch()
        if websocket._ender is not None:
            await asyncio.wait([websocket._ender])
        await dispatch.close_context(ctx, error)


async def _serve(app: ft.App, ctx: RequestContext, websocket: WebSocket) -> None:
    app._got_first_request = True
    try:
        if websocket_started.receivers:
            await dispatch.send(websocket_started, app)
        rv = await _dispatch(app, ctx, websocket)
        # PERF: awaited here, as each message goes through every coroutine that waits for another.
        if type(rv) is CoroutineType:
            rv = await rv
    except Exception as e:
        if websocket.close_code is not None and _is_only_closed(e):
            return
        if websocket.accepted:
            await _close_for(app, ctx, websocket, e)
            return
        rv = await _handle(app, ctx, e)
    response = None
    if rv is not None and not websocket.accepted:
        response = to_response(app, ctx, rv)
    for name in scopes_of(ctx):
        for func in reversed(app.after_websocket_funcs.get(name, ())):
            response = await dispatch.call(func, response)
    if websocket_finished.receivers:
        await dispatch.send(websocket_finished, app, response=response)
    if websocket.accepted or response is None:
        await websocket.close()
    elif websocket.close_code is None:
        await _refuse(app, websocket, response)


def _is_only_closed(e: Exception) -> bool:
    """Tell whether a view ended for nothing but that its WebSocket was closed."""
    if isinstance(e, ExceptionGroup):
        return e.split(WebSocketClosed)[1] is None
    return isinstance(e, WebSocketClosed)


async def _dispatch(app: ft.App, ctx: RequestContext, websocket: WebSocket) -> t.Any:
    """Run the hooks and call the view; what it returns may be to be awaited."""
    _check_origin(app, websocket)
    if websocket.routing_exception is not None:
        raise websocket.routing_exception
    rv = await dispatch.preprocess(app, ctx, app.before_websocket_funcs)
    if rv is not None:
        return rv
    view = app.view_functions[websocket.endpoint]
    return dispatch.call_view(ctx, view, websocket.view_args or {})


def _check_origin(app: ft.App, websocket: WebSocket) -> None:
    """Refuse a page of another site: browsers send it the cookies of this one.

    :raises Forbidden: for an origin that is neither this host nor one of ``WEBSOCKET_ORIGINS``.
    """
    origin = websocket.headers.get("Origin")
    if origin is None:  # no browser
        return
    allowed = app.config["WEBSOCKET_ORIGINS"] or ()
    if "*" in allowed or origin in allowed:
        return
    host = websocket.headers.get("Host", "")
    # PERF: a browser's page writes both alike; to take them apart is a tenth of a handshake.
    if host and origin in (f"http://{host}", f"https://{host}"):
        return
    if not _is_same_host(origin, host):
        app.logger.warning(
            "A WebSocket from the origin %r was refused. Add it to WEBSOCKET_ORIGINS to allow it.",
            origin,
        )
        raise Forbidden("WebSockets of other sites are refused.")


def _is_same_host(origin: str, host: str) -> bool:
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"//{host}")
        port = _PORTS.get(theirs.scheme)
        return (
            port is not None
            and theirs.hostname is not None
            and theirs.hostname == ours.hostname
            and (theirs.port or port) == (ours.port or port)
        )
    except ValueError:  # a port that is none
        return False


async def _handle(app: ft.App, ctx: RequestContext, e: Exception) -> t.Any:
    """Make an answer to the handshake of an exception."""
    try:
        return await dispatch.handle_user_exception(app, ctx, e)
    except Exception as error:
        answer, handler = await _internal_error(app, ctx, error)
        return answer if handler is None else await dispatch.call(handler, answer)


async def _internal_error(
    app: ft.App, ctx: RequestContext, e: Exception
) -> tuple[t.Any, ft.ErrorHandlerCallable | None]:
    if got_websocket_exception.receivers:
        await dispatch.send(got_websocket_exception, app, exception=e)
    return errors.internal_error(app, ctx, e)


async def _close_for(app: ft.App, ctx: RequestContext, websocket: WebSocket, e: Exception) -> None:
    """Close an open WebSocket for an exception, and log what is an error of the program."""
    if isinstance(e, HTTPException) and not app.trap_http_exception(e) and (e.code or 500) < 500:
        await websocket.close(1008, e.name)
        return
    await websocket.close(1011)
    await _internal_error(app, ctx, e)


async def _refuse(app: ft.App, websocket: WebSocket, response: t.Any) -> None:
    """Answer the handshake by HTTP, where the server can; else it answers 403."""
    if "websocket.http.response" not in (websocket.environ["asgi.scope"].get("extensions") or {}):
        await websocket.close()
        return
    status, headers, body = answer_of(response, websocket.environ)
    if isinstance(body, Stream):
        body = await body.read(app._asgi_pool)
    websocket.close_code = 1006
    try:
        await websocket._send(
            {"type": "websocket.http.response.start", "status": status, "headers": headers}
        )
        await websocket._send({"type": "websocket.http.response.body", "body": body})
    except OSError:  # the client has gone
        pass
