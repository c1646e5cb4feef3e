"""What belongs to one request or one command: a context, current while it is pushed.

There is one kind of object, as in Flask 3.2. An :class:`AppContext` knows its app and ``g``; a
:class:`RequestContext` is one that also has a request. Outside it behaves as Flask 3.1 does:
``request`` stays visible in an app context that is pushed during a request, and a request that
is made inside an app context of the same app shares its ``g``.
A context holds state. What happens when it opens and closes is told in ``dispatch.py``, which
the app hands it as ``_open_context`` and ``_close_context``.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator, Sequence
from contextvars import Token
from functools import update_wrapper
from inspect import iscoroutinefunction
from types import TracebackType

from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, Rule

from . import typing as ft
from .globals import (
    _cv_request,
    _get_context,
    _no_req_msg,
    _no_websocket_msg,
    _set_context,
    request_ctx,
)
from .wrappers import Request

F = t.TypeVar("F", bound=Callable[..., t.Any])
C = t.TypeVar("C", bound=ft.AfterRequestCallable[t.Any])

# Stands for "not given", where None means something.
_sentinel: t.Any = object()


class _AppCtxGlobals:
    """The namespace behind :data:`g`: attributes that live as long as the context."""

    def __getattr__(self, name: str) -> t.Any:
        # Only for what is not there: it tells type checkers that any name may be.
        raise AttributeError(name)

    def get(self, name: str, default: t.Any | None = None) -> t.Any:
        """Return an attribute, or ``default`` where there is none."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: t.Any = _sentinel) -> t.Any:
        """Remove an attribute and return it.

        Raises KeyError where there is none and no ``default`` was given.
        """
        if default is _sentinel:
            return self.__dict__.pop(name)
        return self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: t.Any = None) -> t.Any:
        """Return an attribute; where there is none, set it to ``default`` first."""
        return self.__dict__.setdefault(name, default)

    def __contains__(self, item: str) -> bool:
        return item in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        ctx = _get_context(None)
        if ctx is not None:
            return f"<flask.g of '{ctx.app.name}'>"
        return object.__repr__(self)

    if t.TYPE_CHECKING:

        def __setattr__(self, name: str, value: t.Any) -> None: ...


class AppContext:
    """The app that is current, and ``g``; made by :meth:`Flask.app_context`.

    :param app: the application.
    """

    # PERF: what every request reads has its default in the constructors and none here: an
    # attribute that stands on the class too is looked up by its name each time, else by its place.
    _g: t.Any
    _request: t.Any
    # Flask 3.1 has given the request back when it tears the app context down.
    _request_done: bool
    _g_deleted = False
    #: How many streams still read with this context (see helpers.stream_with_context).
    _holds: int

    _url_adapter: MapAdapter | None = _sentinel
    #: The context around this one, where it has a request; else None.
    _outer: AppContext | None = None
    _has_own_request = False
    #: The event loop that serves this work, and the tasks that run on it for threads (see
    #: _background.py); None where no ASGI server does.
    _server: t.Any = None
    # PERF: that of a WebSocket's context, which each message asks for.
    _websocket: t.Any = None
    #: Whether whoever is called now may return a coroutine, which will be awaited.
    _hands_up = False
    # What a proxy has just missed (see globals._look_through_first).
    _missed: AttributeError | None = None

    def __init__(self, app: ft.App) -> None:
        self.app = app
        self._cv_tokens: list[Token[t.Any]] = []
        self._g = self._request = None
        self._request_done = False
        self._holds = 0

    @property
    def g(self) -> t.Any:
        """The namespace behind :data:`erlen.g`."""
        g = self._g
        if g is None:
            if self._g_deleted:
                raise AttributeError("g")
            g = self._g = self.app.app_ctx_globals_class()
        return g

    @g.setter
    def g(self, value: t.Any) -> None:
        for ctx in self._sharing():
            ctx._g = value

    @g.deleter
    def g(self) -> None:
        # As of a request, below.
        for ctx in self._sharing():
            ctx._g, ctx._g_deleted = None, True

    def _sharing(self) -> Iterator[AppContext]:
        """Yield this context, and the requests inside it that have its ``g`` for their own."""
        yield self
        ctx = _get_context(None)
        while isinstance(ctx, RequestContext) and ctx._shared is self:
            yield ctx
            ctx = ctx._cv_tokens[0].old_value

    @property
    def url_adapter(self) -> MapAdapter | None:
        """What builds URLs here; None where the app has no ``SERVER_NAME``."""
        if self._url_adapter is _sentinel:
            self._url_adapter = self.app.create_url_adapter(None)
        return self._url_adapter

    @url_adapter.setter
    def url_adapter(self, value: MapAdapter | None) -> None:
        self._url_adapter = value

    @property
    def has_request(self) -> bool:
        """Whether :data:`erlen.request` may be used."""
        return self._outer is not None and self._outer.has_request

    #: The context that this one is a view of (see _without_request); None where it is its own.
    _origin: AppContext | None = None

    @property
    def websocket(self) -> t.Any:
        """The WebSocket that is served; RuntimeError where there is none."""
        request = self._request_ctx.request if self.has_request else None
        if getattr(request, "is_websocket", False):
            return request
        raise RuntimeError(_no_websocket_msg)

    @property
    def _app_ctx(self) -> AppContext:
        return self._origin or self

    def _without_request(self) -> AppContext:
        """Return a view of this context in which no request is handled."""
        ctx = AppContext(self.app)
        ctx._g = self.g
        ctx._origin = self._app_ctx
        return ctx

    @property
    def _request_ctx(self) -> RequestContext:
        if self._outer is None:
            raise RuntimeError(_no_req_msg)
        return self._outer._request_ctx

    def _make_request(self) -> t.Any:
        return self._request_ctx.request

    def push(self) -> None:
        """Make this context the current one."""
        self.app._open_context(self)

    def pop(self, exc: BaseException | None = _sentinel) -> None:
        """Give the place back, and tear down when it was the last push.

        :param exc: the exception that ended the work, for the teardown functions; the one being
            handled where not given.
        :raises AssertionError: when another context is the current one.
        """
        self.app._close_context(self, exc)

    def __enter__(self) -> t.Self:
        self.push()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.pop(exc_value)

    # For event loops, where ``with`` cannot await teardown functions that are ``async def``.

    async def __aenter__(self) -> t.Self:
        self.push()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.app._leave_context(self, exc_value)


class RequestContext(AppContext):
    """One request: what was asked, where it leads, the session; made by the app.

    Nothing is built before somebody asks: the request object, the URL adapter, the session.

    :param app: the application.
    :param environ: the WSGI environment (PEP 3333).
    :param request: the request object, where there is one already.
    :param session: the session, where it was opened already.
    """

    _has_own_request = True
    # Where the request leads. Kept here until the request object is made, then there.
    _rule: Rule | None
    _view_args: dict[str, t.Any] | None
    _open_session: t.Any
    #: The app context that this request shares; None where it is its own.
    _shared: AppContext | None
    #: The app's map, where its compiled tables hold for this request; None where Werkzeug's do.
    _tables: t.Any
    # Whether the view is, or may be, a blueprint's.
    _in_blueprint: bool
    #: Whose hooks apply, where the compiled tables found the view (see dispatch.scopes_of).
    _scopes: Sequence[str | None]
    # Whether the app's methods on the road are Flask's own (see dispatch.py).
    _plain: bool
    #: The functions of after_this_request; None where there are none.
    _after: list[ft.AfterRequestCallable[t.Any]] | None

    # What the paths of the app's URLs begin with; None where Werkzeug builds them (see urls.py).
    _url_root: str | None = _sentinel

    flashes: list[tuple[str, str]] | None = None

    def __init__(
        self,
        app: ft.App,
        environ: ft.WSGIEnvironment,
        request: t.Any = None,
        session: t.Any = None,
    ) -> None:
        self.app = app
        self._environ = environ
        self._cv_tokens = []
        self._request = request
        self._open_session = session
        self._rule = self._view_args = self._tables = None
        self._in_blueprint = True
        self._scopes = (None,)
        self._g = self._shared = self._after = None
        self._holds = 0
        self._request_done = self._plain = False

    @property
    def request(self) -> t.Any:
        """The request object, an ``app.request_class``."""
        request = self._request
        if request is None or self._request_done:
            request = self._make_request()
        return request

    @request.setter
    def request(self, value: t.Any) -> None:
        self._request = value

    @request.deleter
    def request(self) -> None:
        # mock.patch.object deletes, and puts back what it found where nothing comes instead.
        self._request = None
        vars(self)["_make_request"] = _no_request

    def _make_request(self) -> t.Any:
        if self._request_done:
            raise RuntimeError(_no_req_msg)
        app = self.app
        cls = app.request_class
        # PERF: an object is made and its constructor entered at once where no default is used.
        request = Request(self._environ, True, False) if cls is Request else cls(self._environ)
        self._request = request
        request.json_module = app.json
        if self._rule is not None:
            request.url_rule = self._rule
            request.view_args = self._view_args
        return request

    @property
    def has_request(self) -> bool:
        """Whether :data:`erlen.request` may be used."""
        return not self._request_done

    @property
    def _server(self) -> t.Any:
        return self._environ.get("erlen.server")

    @property
    def _app_ctx(self) -> AppContext:
        return self._shared or self

    @property
    def _request_ctx(self) -> RequestContext:
        if self._request_done:
            raise RuntimeError(_no_req_msg)
        return self

    @property
    def url_adapter(self) -> MapAdapter | None:
        """What matches this request's URL and builds others; None where its host was refused."""
        if self._url_adapter is _sentinel:
            self._url_adapter = None
            try:
                self._url_adapter = self.app.create_url_adapter(self.request)
            except HTTPException as e:
                self.request.routing_exception = e
        return self._url_adapter

    @url_adapter.setter
    def url_adapter(self, value: MapAdapter | None) -> None:
        self._url_adapter = value

    def match_request(self) -> None:
        """Ask Werkzeug where the URL leads, and put the answer on the request."""
        adapter = self.url_adapter
        if adapter is None:
            return
        request = self.request
        try:
            request.url_rule, request.view_args = adapter.match(return_rule=True)
        except HTTPException as e:
            request.routing_exception = e

    @property
    def _session(self) -> t.Any:
        session = self._open_session
        if session is None:
            interface = self.app.session_interface
            session = interface.open_session(self.app, self.request)
            if session is None:
                session = interface.make_null_session(self.app)
            self._open_session = session
        return session

    @_session.setter
    def _session(self, value: t.Any) -> None:
        self._open_session = value

    @property
    def session(self) -> t.Any:
        """The session; reading it marks it as accessed, which sets ``Vary: Cookie``."""
        if self._request_done:
            raise RuntimeError(_no_req_msg)
        session = self._open_session
        if session is None:
            session = self._session
        session.accessed = True
        return session

    @property
    def _after_request_functions(self) -> list[ft.AfterRequestCallable[t.Any]]:
        functions = self._after
        if functions is None:
            functions = self._after = []
        return functions

    @_after_request_functions.setter
    def _after_request_functions(self, value: list[ft.AfterRequestCallable[t.Any]]) -> None:
        self._after = value

    def _keep(self, preserve: Callable[[AppContext], t.Any]) -> None:
        """Give this context to who pushes it again, after the one that it shares."""
        if self._shared is not None:
            preserve(self._shared)
        self.g  # noqa: B018  # made now, so that it stays this request's
        preserve(self)

    def copy(self) -> RequestContext:
        """Return a context of its own with the same request and session.

        For work in another greenlet or thread; the request object itself is not locked.
        """
        # Open in a pushed context, so that both have one session; not yet in another.
        session = self._session if self._cv_tokens else self._open_session
        ctx = self.__class__(self.app, environ=self._environ, request=self.request, session=session)
        if self._websocket is not None:
            ctx._websocket = self._websocket
        return ctx

    def _copy_apart(self) -> RequestContext:
        """Return a copy that shares no app context where it is pushed, for concurrent work."""
        ctx = self.copy()
        ctx.g  # noqa: B018  # made now, so that it keeps this
        return ctx

    def __repr__(self) -> str:
        request = self._request or self.app.request_class(self._environ, populate_request=False)
        return f"<{type(self).__name__} {request.url!r} [{request.method}] of {self.app.name}>"


def take_out(ctx: AppContext, shared: AppContext | None, current: AppContext) -> bool:
    """Make way for a context to be popped below others, where Flask's two stacks allow it.

    There an app context can end before the requests that share it, as in a test's client that
    keeps them, and such a request before the app contexts inside it.

    :param ctx: the context that is popped.
    :param shared: the app context that it shares, where it is a request's.
    :param current: the innermost context.
    :return: whether it is allowed; then its last token leads back to the current context.
    """
    of_request = isinstance(ctx, RequestContext)
    above: t.Any = current
    while isinstance(above, AppContext) and len(above._cv_tokens) == 1:
        if of_request:
            crossing = shared is None or isinstance(above, RequestContext)
        else:
            crossing = not isinstance(above, RequestContext) or above._shared is None
        if crossing:
            return False
        below = above._cv_tokens[0].old_value
        if below is ctx:
            token = above._cv_tokens[0] = ctx._cv_tokens[-1]
            if of_request:
                outer = token.old_value
                has_request = isinstance(outer, AppContext) and outer.has_request
                above._outer = outer if has_request else None
            ctx._cv_tokens[-1] = _set_context(current)
            return True
        above = below
    return False


def _no_request() -> t.NoReturn:
    raise AttributeError("request")


def _current_request_context() -> RequestContext:
    """Return the context of the request that is handled; RuntimeError outside one."""
    ctx = _get_context(None)
    if type(ctx) is RequestContext and not ctx._request_done:
        return ctx
    return request_ctx._get_current_object()


def _request_context_for(name: str) -> RequestContext:
    ctx: RequestContext | None = _cv_request.get(None)
    if ctx is None:
        raise RuntimeError(
            f"'{name}' can only be used when a request context is active, such as in a view"
            " function."
        )
    return ctx


def after_this_request(f: C) -> C:
    """Call a function with this request's response, before the ``after_request`` hooks.

    :param f: takes the response, returns the same or another one.
    :raises RuntimeError: outside a request.
    """
    _request_context_for("after_this_request")._after_request_functions.append(f)
    return f


def copy_current_request_context(f: F) -> F:
    """Wrap a function so that it sees this request wherever it is called later.

    :param f: for a greenlet or a thread, say. Called on an event loop, one that is ``async def``
        is to be awaited: there Flask's raises an error.
    :raises RuntimeError: outside a request.
    """
    ctx = _request_context_for("copy_current_request_context").copy()

    def wrapper(*args: t.Any, **kwargs: t.Any) -> t.Any:
        if iscoroutinefunction(f):
            # PERF: asyncio is slow to import.
            from ._background import has_running_loop

            if has_running_loop():
                return _call_in(ctx._copy_apart(), f, args, kwargs)
        with ctx:
            return ctx.app.ensure_sync(f)(*args, **kwargs)

    return t.cast(F, update_wrapper(wrapper, f))


def copy_current_websocket_context(f: F) -> F:
    """Wrap a function so that it sees this WebSocket wherever it is called later.

    :param f: for another task, say; each call has a context of its own.
    :raises RuntimeError: outside the view or a hook of a WebSocket.
    """
    ctx: RequestContext | None = _cv_request.get(None)
    if ctx is None or ctx._websocket is None:
        raise RuntimeError(
            "'copy_current_websocket_context' can only be used when a websocket context is"
            " active, such as in a view of 'app.websocket'."
        )
    return _in_contexts(f, ctx.copy()._copy_apart)


def copy_current_app_context(f: F) -> F:
    """Wrap a function so that the current app is current wherever it is called later.

    :param f: for another task or thread, say; each call has a context and a ``g`` of its own.
    :raises RuntimeError: where no app is current.
    """
    ctx = _get_context(None)
    if ctx is None:
        raise RuntimeError(
            "'copy_current_app_context' can only be used when an app context is active, such as"
            " in a view function."
        )
    return _in_contexts(f, ctx.app.app_context)


def _in_contexts(f: F, make: Callable[[], AppContext]) -> F:
    """Wrap a function so that each call has a context."""

    async def wrapper_async(*args: t.Any, **kwargs: t.Any) -> t.Any:
        return await _call_in(make(), f, args, kwargs)

    def wrapper(*args: t.Any, **kwargs: t.Any) -> t.Any:
        with make():
            return f(*args, **kwargs)

    return t.cast(F, update_wrapper(wrapper_async if iscoroutinefunction(f) else wrapper, f))


async def _call_in(
    ctx: AppContext,
    f: Callable[..., t.Any],
    args: tuple[t.Any, ...],
    kwargs: dict[str, t.Any],
) -> t.Any:
    async with ctx:
        return await f(*args, **kwargs)


def has_request_context() -> bool:
    """Tell whether a request is being handled, so that :data:`erlen.request` may be used."""
    ctx = _get_context(None)
    return ctx is not None and ctx.has_request


def has_websocket_context() -> bool:
    """Tell whether a WebSocket is being served, so that :data:`erlen.websocket` may be used."""
    ctx = _cv_request.get(None)
    return ctx is not None and getattr(ctx.request, "is_websocket", False)


def has_app_context() -> bool:
    """Tell whether an app is current, so that :data:`erlen.current_app` may be used."""
    return _get_context(None) is not None
