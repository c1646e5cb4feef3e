# The types of the proxies, told from the roof: globals.py itself imports nothing of erlen.
from abc import ABCMeta
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Protocol, TypeVar

from .app import Flask
from .asgi.websocket import WebSocket
from .ctx import AppContext, RequestContext, _AppCtxGlobals
from .sessions import SessionMixin
from .wrappers import Request

_T_co = TypeVar("_T_co", covariant=True)

class _Proxy(Protocol[_T_co]):
    def _get_current_object(self) -> _T_co: ...

# At run time each is a werkzeug.local.LocalProxy, which stands for the object and hands it out.
class _AppContextProxy(_Proxy[AppContext], AppContext): ...
class _FlaskProxy(_Proxy[Flask], Flask): ...
class _GlobalsProxy(_Proxy[_AppCtxGlobals], _AppCtxGlobals): ...
class _RequestContextProxy(_Proxy[RequestContext], RequestContext): ...
class _RequestProxy(_Proxy[Request], Request): ...
class _WebSocketProxy(_Proxy[WebSocket], WebSocket): ...
class _SessionProxy(_Proxy[SessionMixin], SessionMixin, metaclass=ABCMeta): ...

class _RequestVar:
    name: str
    def get(self, default: Any = ...) -> Any: ...
    def set(self, ctx: Any) -> Token[Any]: ...
    def reset(self, token: Token[Any]) -> None: ...

_no_app_msg: str
_no_req_msg: str
_no_websocket_msg: str
_cv_app: ContextVar[Any]
_cv_request: _RequestVar
_get_context: Callable[..., Any]
_reset_context: Callable[[Token[Any]], None]
_set_context: Callable[[Any], Token[Any]]

app_ctx: _AppContextProxy
current_app: _FlaskProxy
g: _GlobalsProxy
request: _RequestProxy
request_ctx: _RequestContextProxy
session: _SessionProxy
websocket: _WebSocketProxy
