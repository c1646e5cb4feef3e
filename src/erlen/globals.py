"""The context variable, and the proxies that look through it.

One variable holds the innermost context. A request's context is an app context too, so the two
names of Flask, ``_cv_app`` and ``_cv_request``, look at the same place.
The types that users see stand in ``globals.pyi``.
"""

from __future__ import annotations

import sys
import typing as t
from contextvars import ContextVar, Token

from werkzeug.local import LocalProxy

_no_app_msg = """\
Working outside of application context.

This typically means that you attempted to use functionality that needed
the current application. To solve this, set up an application context
with app.app_context(). See the documentation for more information.\
"""
_no_req_msg = """\
Working outside of request context.

This typically means that you attempted to use functionality that needed
an active HTTP request. Consult the documentation on testing for
information about how to avoid this problem.\
"""

_no_websocket_msg = """\
Working outside of websocket context.

This typically means that you attempted to use functionality that needed
an open WebSocket: a view of 'app.websocket' has one, where an ASGI server
serves the app.\
"""

_cv_app: ContextVar[t.Any] = ContextVar("flask.app_ctx")
# PERF: a method of an imported name is bound anew at each call, as if the name were a module.
_get_context, _set_context, _reset_context = _cv_app.get, _cv_app.set, _cv_app.reset
_missing: t.Any = object()


class _RequestVar:
    """``_cv_app``, seen by who asks for a request's context only."""

    name = "flask.request_ctx"

    def get(self, default: t.Any = _missing) -> t.Any:
        ctx = _cv_app.get(None)
        if ctx is not None and ctx.has_request:
            return ctx._request_ctx
        if default is _missing:
            raise LookupError(self)
        return default

    def set(self, ctx: t.Any) -> Token[t.Any]:
        current = _cv_app.get(None)
        if ctx is None and current is not None:
            # As if there were no request, while the app stays.
            ctx = current._without_request()
        return _cv_app.set(ctx)

    def reset(self, token: Token[t.Any]) -> None:
        _cv_app.reset(token)


_cv_request = _RequestVar()


def _current(unbound_message: str) -> t.Any:
    try:
        return _cv_app.get()
    except LookupError:
        raise RuntimeError(unbound_message) from None


def _requesting() -> t.Any:
    ctx = _cv_app.get(None) or _current(_no_req_msg)
    return ctx if ctx._has_own_request else ctx._request_ctx


# PERF: werkzeug's LocalProxy goes through a descriptor, a closure and an attrgetter for each
# attribute (about 1 µs). What views use on every request is told directly here (about 0.2 µs).
class _RequestProxy(LocalProxy[t.Any]):
    __slots__ = ()

    def __getattr__(self, name: str) -> t.Any:
        ctx = _cv_app.get(None) or _current(_no_req_msg)
        request = ctx._request
        if request is None or ctx._request_done:
            request = ctx._make_request()
        return getattr(request, name)


class _SessionProxy(LocalProxy[t.Any]):
    __slots__ = ()

    def __getattr__(self, name: str) -> t.Any:
        return getattr(_requesting().session, name)

    def __getitem__(self, key: str) -> t.Any:
        return _requesting().session[key]

    def __setitem__(self, key: str, value: t.Any) -> None:
        _requesting().session[key] = value

    def __contains__(self, key: object) -> bool:
        return key in _requesting().session


class _GProxy(LocalProxy[t.Any]):
    __slots__ = ()

    def __getattr__(self, name: str) -> t.Any:
        ctx = _cv_app.get(None) or _current(_no_app_msg)
        g = ctx._g
        return getattr(ctx.g if g is None else g, name)

    def __setattr__(self, name: str, value: t.Any) -> None:
        ctx = _cv_app.get(None) or _current(_no_app_msg)
        g = ctx._g
        setattr(ctx.g if g is None else g, name, value)

    def __delattr__(self, name: str) -> None:
        g = _current(_no_app_msg).g
        try:
            delattr(g, name)
        except AttributeError:
            # PERF: a __delattr__ of its own would make each assignment to the namespace slow.
            if type(g).__delattr__ is object.__delattr__:
                raise AttributeError(name) from None
            raise

    def __contains__(self, name: object) -> bool:
        ctx = _cv_app.get(None) or _current(_no_app_msg)
        return name in ctx.g


class _AppProxy(LocalProxy[t.Any]):
    __slots__ = ()

    def __getattr__(self, name: str) -> t.Any:
        ctx = _cv_app.get(None) or _current(_no_app_msg)
        return getattr(ctx.app, name)


class _WebSocketProxy(LocalProxy[t.Any]):
    __slots__ = ()

    def __getattr__(self, name: str) -> t.Any:
        return getattr(_serving(), name)

    # PERF: to look here in vain first is half the cost of each message's proxy. What is sent is
    # found as _serving() does, without the call.
    def send(self, data: str | bytes) -> t.Any:
        ctx = _get_context(None)
        websocket = None if ctx is None or ctx._request_done else ctx._websocket
        return (_serving() if websocket is None else websocket).send(data)

    def receive(self) -> t.Any:
        return _serving().receive()


def _serving() -> t.Any:
    """Return the WebSocket that is served."""
    ctx = _get_context(None)
    websocket = None if ctx is None or ctx._request_done else ctx._websocket
    return _current(_no_websocket_msg).websocket if websocket is None else websocket


class _AppContextProxy(LocalProxy[t.Any]):
    __slots__ = ()

    def __getattr__(self, name: str) -> t.Any:
        ctx = _cv_app.get(None) or _current(_no_app_msg)
        return getattr(ctx._app_ctx, name)


class _RequestContextProxy(LocalProxy[t.Any]):
    __slots__ = ()

    def __getattr__(self, name: str) -> t.Any:
        ctx = _cv_app.get(None) or _current(_no_req_msg)
        return getattr(ctx._request_ctx, name)


def _look_through_first(proxy: t.Any) -> None:
    """Let a proxy look at what it stands for before it looks at itself.

    PERF: until Python 3.12 to look in vain costs an exception, even where ``__getattr__`` finds it
    then (0.30 of 0.48 µs).
    """
    look = proxy.__getattr__

    def __getattribute__(self: t.Any, name: str) -> t.Any:
        ctx = _get_context(None)
        if ctx is None or name == "_get_current_object":
            return object.__getattribute__(self, name)
        try:
            return look(self, name)
        except AttributeError as e:
            ctx._missed = e
            raise
        except RuntimeError:
            # In an app context there may be no request, and still a proxy has a class.
            if name.startswith("__"):
                return object.__getattribute__(self, name)
            raise

    def __getattr__(self: t.Any, name: str) -> t.Any:
        ctx = _get_context(None)
        if ctx is None or ctx._missed is None:
            return look(self, name)
        # Python asks here too. A property that failed is not called again.
        missed, ctx._missed = ctx._missed, None
        raise missed

    proxy.__getattribute__, proxy.__getattr__ = __getattribute__, __getattr__


for _proxy in (
    _RequestProxy,
    _SessionProxy,
    _GProxy,
    _AppProxy,
    _WebSocketProxy,
    _AppContextProxy,
    _RequestContextProxy,
):
    # An unbound proxy shows the name of its class, and some programs ask for that of its type.
    _proxy.__name__ = _proxy.__qualname__ = "LocalProxy"
    _proxy.__module__ = LocalProxy.__module__
    if sys.version_info < (3, 12):
        _look_through_first(_proxy)

app_ctx = _AppContextProxy(_cv_app, "_app_ctx", unbound_message=_no_app_msg)
current_app = _AppProxy(_cv_app, "app", unbound_message=_no_app_msg)
g = _GProxy(_cv_app, "g", unbound_message=_no_app_msg)
request_ctx = _RequestContextProxy(_cv_app, "_request_ctx", unbound_message=_no_req_msg)
request = _RequestProxy(_cv_app, "_request_ctx.request", unbound_message=_no_req_msg)
websocket = _WebSocketProxy(_cv_app, "websocket", unbound_message=_no_websocket_msg)
session = _SessionProxy(_cv_app, "_request_ctx.session", unbound_message=_no_req_msg)
