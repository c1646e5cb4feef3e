"""A name for each request, the same in every log that speaks of it."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterable
from contextvars import ContextVar

from werkzeug.wsgi import ClosingIterator

from .. import typing as ft
from ._exchange import EdgeMiddleware, Head, Incoming, Reply
from ._protocol import Application, Receive, Scope, Send

_VALID = re.compile(r"[A-Za-z0-9._~+/=-]{1,128}")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_KEY = "erlen.request_id"
_NONE = "-"
_current: ContextVar[str] = ContextVar("erlen_request_id", default=_NONE)


def request_id() -> str:
    """Tell the name of the current request; ``"-"`` outside of one."""
    return _current.get()


class RequestIdFilter(logging.Filter):
    """Gives each log record a ``request_id``, for ``%(request_id)s`` in a format.

    Source: https://docs.python.org/3/howto/logging-cookbook.html#using-filters-to-impart-contextual-information
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id()
        return True


class RequestId(EdgeMiddleware):
    """Give each request a name: the client's or proxy's where it is a fair one, else a new one.

    It is in the request's header, so that the application and what it forwards to see it; in the
    response's; in :func:`request_id`; and, by :class:`RequestIdFilter`, in the log. One that comes
    is taken if it has up to 128 letters, digits and ``._~+/=-``, so that it cannot forge a line
    of a log.

    :param header: the header's name. Default: ``X-Request-ID``.
    :param trust: take a name that comes. Default: true.
    :raises ValueError: the header has no name of a header.
    """

    def __init__(
        self, app: Application, *, header: str = "X-Request-ID", trust: bool = True
    ) -> None:
        super().__init__(app)
        if _HEADER.fullmatch(header) is None:
            raise ValueError(f"{header!r} is no name of a header.")
        self._header = header
        self._trust = trust

    def before(self, request: Incoming) -> Reply | None:
        sent = request.header(self._header) if self._trust else ""
        name = sent if _VALID.fullmatch(sent) else uuid.uuid4().hex
        request.carrier[_KEY] = name
        if "type" in request.carrier:  # an ASGI scope
            lower = self._header.lower().encode()
            others = [pair for pair in request.carrier["headers"] if pair[0] != lower]
            request.carrier["headers"] = [*others, (lower, name.encode())]
        else:
            request.carrier[f"HTTP_{self._header.upper().replace('-', '_')}"] = name
        _current.set(name)
        return None

    def after(self, request: Incoming, head: Head) -> None:
        head.headers.set(self._header, request.carrier[_KEY])

    def wsgi(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        try:
            body = super().wsgi(environ, start_response)
        except BaseException:
            _forget()
            raise
        close = getattr(body, "close", None)
        return ClosingIterator(body, [_forget] if close is None else [close, _forget])

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = _current.set(_NONE)
        try:
            await super().asgi(dict(scope), receive, send)
        finally:
            _current.reset(token)


def _forget() -> None:
    """The thread's next work is not this request's."""
    _current.set(_NONE)
