"""The road of a request, from the server and back.

    match -> before -> view -> to_response -> after -> session -> teardown

:func:`wsgi_app` is the whole of it. Each step is a function here and a method of the
app, which subclasses and extensions may replace on the class or on the object. ``plain`` says
that nobody has: then the step is called here and now. Else the road goes by the methods, and
their originals lead back here.

Hooks, views and handlers stand in dicts of the app that may change at any time. They are read on
each request, at the price of one look-up where they are empty. So are the signals.
"""

from __future__ import annotations

import sys
import typing as t
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import wraps
from inspect import CO_COROUTINE, iscoroutinefunction
from types import CoroutineType, FunctionType, GeneratorType

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from . import typing as ft
from ._returned import to_response
from .ctx import AppContext, RequestContext, _sentinel, take_out
from .globals import _get_context, _reset_context, _set_context
from .json.provider import compact_text
from .routing import WEBSOCKET, Hit, Map
from .signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_finished,
    request_started,
    request_tearing_down,
    websocket_tearing_down,
)
from .wrappers import Request, Response, _split_blueprint_path, send_body

NO_RESPONSE = (
    "An 'after_request' or 'after_this_request' function returned None. It must return the"
    " response: the one that it was given, or another."
)

# How many host names a map remembers as good (see _find_rule).
_MAX_HOSTS = 1000

#: The methods that the road goes by only where somebody has replaced one of them.
ROAD: frozenset[str] = frozenset(
    {
        "async_to_sync",
        "create_url_adapter",
        "dispatch_request",
        "do_teardown_appcontext",
        "do_teardown_request",
        "ensure_sync",
        "finalize_request",
        "full_dispatch_request",
        "inject_url_defaults",
        "make_response",
        "preprocess_request",
        "process_response",
        "request_context",
    }
)


def wsgi_app(
    app: ft.App, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
) -> t.Iterable[bytes]:
    """Handle a request (PEP 3333); what ``Flask.wsgi_app`` is."""
    plain: bool = app._is_plain()
    # PERF: an object is made and its constructor entered at once where no default is used.
    ctx: RequestContext
    ctx = RequestContext(app, environ, None, None) if plain else app.request_context(environ)
    error: BaseException | None = None
    try:
        try:
            if plain:
                open_request(ctx, plain)
                response = full_dispatch_request(app, ctx, plain)
            else:
                ctx.push()
                response = app.full_dispatch_request()
        except Exception as e:
            error = e
            response = app.handle_exception(e)
        except BaseException as e:
            error = e
            raise
        if type(response) is tuple:
            mimetype, body = response
            return send_body(mimetype, body, environ, start_response)
        # PERF: by its name the method needs no stack of C (0.1 µs).
        return response.__call__(environ, start_response)  # type: ignore[no-any-return]  # WSGI
    finally:
        if "werkzeug.debug.preserve_context" in environ:
            ctx._keep(environ["werkzeug.debug.preserve_context"])
        if error is not None and app.should_ignore_error(error):
            error = None
        if plain:
            close_context(ctx, error, plain)
        else:
            ctx.pop(error)


# Opening and closing a context.


def open_context(ctx: AppContext) -> None:
    """Push a context: what ``ctx.push()`` does."""
    if isinstance(ctx, RequestContext):
        open_request(ctx, ctx.app._is_plain() and type(ctx) is RequestContext)
        return
    outer = _get_context(None)
    if outer is not None and outer.has_request and outer is not ctx:
        ctx._outer = outer
    ctx._cv_tokens.append(_set_context(ctx))
    if appcontext_pushed.receivers:
        appcontext_pushed.send(ctx.app, _async_wrapper=ctx.app.ensure_sync)


def open_request(ctx: RequestContext, plain: bool) -> None:
    """Push a request's context: then the app is current, the session open, the URL matched."""
    app = ctx.app
    ctx._plain = plain
    outer = _get_context(None)
    ctx._cv_tokens.append(_set_context(ctx))
    if outer is not None and outer.app is app and (around := outer._app_ctx)._cv_tokens:
        # One that is kept after its request and pushed again has the `g` that it had.
        kept = ctx._g is not None and ctx._g is not around.g
        if not kept and around is not ctx._app_ctx and len(ctx._cv_tokens) == 1:
            ctx._shared = around
            ctx._g = around.g
    elif appcontext_pushed.receivers:
        appcontext_pushed.send(app, _async_wrapper=app.ensure_sync)
    try:
        lazily = app.session_interface._opens_lazily
    except AttributeError:  # not a SessionInterface
        lazily = False
    if not lazily:
        ctx._session  # noqa: B018  # the look opens it
    if ctx._rule is None:
        _find_rule(app, ctx)


def allowed_methods(ctx: RequestContext) -> Iterable[str]:
    """Return the methods that the request's URL allows."""
    methods: Iterable[str] | None = None
    if ctx._tables is not None:
        methods = ctx._tables.allowed_methods(ctx._environ.get("PATH_INFO") or "")
    if methods is None and ctx.url_adapter is not None:
        methods = ctx.url_adapter.allowed_methods()
    return methods or ()


def _find_rule(app: ft.App, ctx: RequestContext) -> None:
    """Find where the URL leads: by the compiled tables where they hold, else by Werkzeug."""
    url_map = app.url_map
    environ = ctx._environ
    scheme = environ.get("wsgi.url_scheme")
    if (
        type(url_map) is not Map
        or url_map.host_matching
        or app.subdomain_matching
        or "HTTP_UPGRADE" in environ
        or scheme == "ws"
        or scheme == "wss"
        or not (ctx._plain or (type(ctx) is RequestContext and app._keeps("create_url_adapter")))
    ):
        if ctx._websocket is None or not _find_websocket(app, ctx):
            ctx.match_request()
        return
    ctx._tables = url_map
    # Werkzeug refuses some hosts. One that it took once is good, unless the app has a list of
    # its own, which may change.
    host = environ.get("HTTP_HOST")
    trusted_hosts = app.config["TRUSTED_HOSTS"]
    if host not in url_map.good_hosts or trusted_hosts is not None:
        if ctx.url_adapter is None:
            return
        if host and trusted_hosts is None and len(url_map.good_hosts) < _MAX_HOSTS:
            url_map.good_hosts.add(host)
    try:
        method = environ["REQUEST_METHOD"]
        path = environ.get("PATH_INFO") or ""
        # PERF: what Map.find does, with a call less.
        table = url_map._tables.get(method)
        hit: Hit | None
        if table is None:
            hit = url_map.find(method, path)
        elif path in table.static:
            hit = table.static[path], {}
        else:
            hit = table.search(path)
        if hit is None:
            allowed = url_map.allowed_methods(path)
            if allowed is None or method.upper() in allowed:
                ctx.match_request()
                return
            raise MethodNotAllowed(list(allowed)) if allowed else NotFound()
    except HTTPException as e:
        request = ctx.request
        request.routing_exception = e
        ctx._in_blueprint = type(request) is not Request
        return
    ctx._rule, ctx._view_args = hit
    ctx._scopes = scopes = _scopes[hit[0].endpoint]
    ctx._in_blueprint = scopes is not _APP_ONLY
    if ctx._request is not None:
        ctx._request.url_rule, ctx._request.view_args = hit


def _find_websocket(app: ft.App, ctx: RequestContext) -> bool:
    """Find where a WebSocket's handshake leads by the compiled table; whether that tells it."""
    url_map, environ = app.url_map, ctx._environ
    if (
        type(url_map) is not Map
        or url_map.host_matching
        or app.subdomain_matching
        or app.config["TRUSTED_HOSTS"] is not None
        or type(ctx) is not RequestContext
        or not app._keeps("create_url_adapter")
    ):
        return False
    host = environ.get("HTTP_HOST")
    if host not in url_map.good_hosts:
        if ctx.url_adapter is None or not host:
            return False
        if len(url_map.good_hosts) < _MAX_HOSTS:
            url_map.good_hosts.add(host)
    try:
        hit = url_map.find(WEBSOCKET, environ["PATH_INFO"])
    except HTTPException:
        return False
    if hit is None:
        return False
    ctx.request.url_rule, ctx.request.view_args = hit
    return True


def close_context(ctx: AppContext, exc: BaseException | None, plain: bool = False) -> None:
    """Pop a context: what ``ctx.pop()`` does. The last pop tears down."""
    tokens = ctx._cv_tokens
    shared = None
    try:
        # A context that a stream still reads with is torn down by the stream.
        if len(tokens) == 1 and not ctx._holds:
            if plain or isinstance(ctx, RequestContext):
                shared = ctx._shared  # type: ignore[attr-defined]  # plain is said of requests only
                tear_down_request(ctx, exc, plain)  # type: ignore[arg-type]  # the same
            else:
                _tear_down_app(ctx, exc, plain)
    finally:
        current = _get_context()
        if current is not ctx and take_out(ctx, shared, current):
            current = ctx
        _reset_context(tokens.pop())
    if current is not ctx:
        kind = "request" if isinstance(ctx, RequestContext) else "app"
        raise AssertionError(f"Popped wrong {kind} context. ({current!r} instead of {ctx!r})")
    if appcontext_popped.receivers and shared is None:
        appcontext_popped.send(ctx.app, _async_wrapper=ctx.app.ensure_sync)


def tear_down_request(ctx: RequestContext, exc: BaseException | None, plain: bool) -> None:
    """End a request: its teardown functions, its files, then the app context's."""
    app = ctx.app
    if exc is _sentinel:
        exc = sys.exc_info()[1]
    funcs = app.teardown_request_funcs
    try:
        if not plain:
            app.do_teardown_request(exc)
        elif (funcs and (ctx._in_blueprint or None in funcs)) or request_tearing_down.receivers:
            do_teardown_request(app, ctx, exc, plain)
        request = ctx._request
        if request is not None:
            if (
                type(request) is not Request
                or "files" in request.__dict__
                or request._part_streams is not None
            ) and ctx._websocket is None:
                getattr(request, "close", bool)()
            # The circle of request and environ, which would wait for the garbage collector.
            ctx._environ["werkzeug.request"] = None
    finally:
        if ctx._shared is not None:
            ctx._shared = None
        elif not plain or app.teardown_appcontext_funcs or appcontext_tearing_down.receivers:
            # To these the request is over, as in Flask 3.1.
            ctx._request_done = True
            try:
                _tear_down_app(ctx, exc, plain)
            finally:
                ctx._request_done = False


def _tear_down_app(ctx: AppContext, exc: BaseException | None, plain: bool) -> None:
    if exc is _sentinel:
        exc = sys.exc_info()[1]
    if plain:
        do_teardown_appcontext(ctx.app, exc, plain)
    else:
        ctx.app.do_teardown_appcontext(exc)
        ctx._outer = None


# From a context to a response.


def full_dispatch_request(app: ft.App, ctx: RequestContext, plain: bool) -> t.Any:
    """Run hooks and view, and what handles their exceptions.

    :return: the response; on the plain road, of one that nobody waits for, media type and body.
    """
    if not app._got_first_request:
        app._got_first_request = True
    try:
        if request_started.receivers:
            request_started.send(app, _async_wrapper=app.ensure_sync)
        rv: t.Any = None
        if not plain:
            rv = app.preprocess_request()
        elif app.url_value_preprocessors or (
            app.before_request_funcs and (ctx._in_blueprint or None in app.before_request_funcs)
        ):
            rv = preprocess_request(app, ctx, plain)
        if rv is None:
            rv = dispatch_request(app, ctx, plain) if plain else app.dispatch_request()
    except Exception as e:
        rv = app.handle_user_exception(e)
    if not plain:
        return app.finalize_request(rv)
    response = direct_response(app, ctx, rv)
    return finalize_request(app, ctx, rv, plain, False) if response is None else response


def preprocess_request(app: ft.App, ctx: RequestContext, plain: bool) -> t.Any:
    """Run the URL value preprocessors, then the ``before_request`` hooks until one answers."""
    # PERF: the usual case of scopes_of, without the call; the same below.
    scopes = ctx._scopes if ctx._request is None else scopes_of(ctx)
    funcs = app.url_value_preprocessors
    if funcs:
        request = ctx.request
        for name in scopes[::-1]:
            if name in funcs:
                for func in funcs[name]:
                    func(request.endpoint, request.view_args)
    funcs = app.before_request_funcs
    for name in scopes[::-1]:
        if name in funcs:
            for func in funcs[name]:
                rv = func() if plain else app.ensure_sync(func)()
                if rv is not None:
                    rv = run_coroutine(rv) if type(rv) is CoroutineType else rv
                    if rv is not None:
                        return rv
    return None


def dispatch_request(app: ft.App, ctx: RequestContext, plain: bool) -> t.Any:
    """Call the view that the URL leads to."""
    request = ctx._request
    if request is None:
        # Matched, or an exception was raised.
        rule: t.Any = ctx._rule
        view_args: t.Any = ctx._view_args
    else:
        if request.routing_exception is not None:
            app.raise_routing_exception(request)
        rule = request.url_rule
        view_args = request.view_args
    if ctx._environ["REQUEST_METHOD"] == "OPTIONS" and getattr(
        rule, "provide_automatic_options", False
    ):
        return app.make_default_options_response()
    view = app.view_functions[rule.endpoint]
    if not plain:
        view = app.ensure_sync(view)
    rv = view(**view_args)
    return run_coroutine(rv) if type(rv) is CoroutineType else rv


def run_coroutine(coroutine: Coroutine[t.Any, t.Any, t.Any]) -> t.Any:
    """Run what an ``async def`` view or hook returned, and return its result."""
    # PERF: asyncio takes a tenth of the time to import erlen; most apps await nothing.
    from ._background import run

    return run(coroutine)


def is_async(func: Callable[..., t.Any]) -> bool:
    """Tell whether calling a function makes a coroutine."""
    # PERF: of a function without attributes, such as inspect's mark, its flags tell in a tenth of
    # the time. Flask-Login and Flask-Limiter ask on each request.
    if type(func) is FunctionType and not func.__dict__:
        return bool(func.__code__.co_flags & CO_COROUTINE)
    return iscoroutinefunction(func)


def awaited(func: Callable[..., Coroutine[t.Any, t.Any, t.Any]]) -> Callable[..., t.Any]:
    """Wrap an ``async def`` function so that it can be called without ``await``."""

    @wraps(func)
    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        return run_coroutine(func(*args, **kwargs))

    return call


def finalize_request(
    app: ft.App, ctx: RequestContext, rv: t.Any, plain: bool, from_error_handler: bool = False
) -> Response:
    """Make a response of what was returned, and let the hooks and the session have it."""
    response: Response = to_response(app, ctx, rv) if plain else app.make_response(rv)
    try:
        if plain:
            response = process_response(app, ctx, response, plain)
        else:
            response = app.process_response(response)
        if request_finished.receivers:
            request_finished.send(app, _async_wrapper=app.ensure_sync, response=response)
    except Exception:
        if not from_error_handler:
            raise
        app.logger.exception("Request finalizing failed with an error while handling an error")
    return response


def direct_response(app: ft.App, ctx: RequestContext, rv: t.Any) -> t.Any:
    """Make a response that no hook, no signal's receiver and no session wait for.

    :return: the response; of a text, JSON or a generator, media type and body; None where one
        may wait.
    """
    funcs = app.after_request_funcs
    if (
        (funcs and (ctx._in_blueprint or None in funcs))
        or ctx._after is not None
        or ctx._open_session is not None
        or "HTTP_COOKIE" in ctx._environ
        or request_finished.receivers
    ):
        return None
    if app.response_class is Response:
        kind = type(rv)
        if kind is str:
            return None, rv.encode()
        if kind is GeneratorType:
            return None, rv
        if kind is dict or kind is list:
            text = compact_text(app.json, rv, app.debug)
            if text is not None:
                return app.json.mimetype, text.encode()
    return to_response(app, ctx, rv)


def process_response(app: ft.App, ctx: RequestContext, response: t.Any, plain: bool) -> t.Any:
    """Run the ``after_request`` hooks, and save the session."""
    if ctx._after is not None:
        for func in ctx._after:
            response = call(app, func, plain, response)
    funcs = app.after_request_funcs
    if funcs and (ctx._in_blueprint or None in funcs):
        for name in ctx._scopes if ctx._request is None else scopes_of(ctx):
            if name in funcs:
                for func in reversed(funcs[name]):
                    response = (func if plain else app.ensure_sync(func))(response)
                    if type(response) is CoroutineType:
                        response = run_coroutine(response)
    if response is None:
        raise TypeError(NO_RESPONSE)
    interface = app.session_interface
    if ctx._open_session is None:
        # Nobody has asked for it, so there is nothing to save; but a permanent session that the
        # client has is sent again with each response.
        cookies = ctx._environ.get("HTTP_COOKIE")
        if not cookies or interface.get_cookie_name(app) not in cookies:
            return response
    session = ctx._session
    if not interface.is_null_session(session):
        interface.save_session(app, session, response)
    return response


def do_teardown_request(
    app: ft.App, ctx: RequestContext, exc: BaseException | None, plain: bool
) -> None:
    """Run the ``teardown_request`` functions, the blueprint's before the app's.

    Those of a WebSocket where the context is a copy of its; its own is torn down by ``asgi``.
    """
    funcs, signal = app.teardown_request_funcs, request_tearing_down
    if not plain and ctx._websocket is not None:
        funcs, signal = app.teardown_websocket_funcs, websocket_tearing_down
    if ctx._in_blueprint or None in funcs:
        for name in ctx._scopes if ctx._request is None else scopes_of(ctx):
            if name in funcs:
                for func in reversed(funcs[name]):
                    rv = (func if plain else app.ensure_sync(func))(exc)
                    if type(rv) is CoroutineType:
                        run_coroutine(rv)
    if signal.receivers:
        signal.send(app, _async_wrapper=app.ensure_sync, exc=exc)


def do_teardown_appcontext(app: ft.App, exc: BaseException | None, plain: bool) -> None:
    """Run the ``teardown_appcontext`` functions, the last registered first."""
    for func in reversed(app.teardown_appcontext_funcs):
        call(app, func, plain, exc)
    if appcontext_tearing_down.receivers:
        appcontext_tearing_down.send(app, _async_wrapper=app.ensure_sync, exc=exc)


def call(app: ft.App, func: Callable[..., t.Any], plain: bool, *args: t.Any) -> t.Any:
    """Call what a user registered, be it sync or async."""
    if not plain:
        func = app.ensure_sync(func)
    rv = func(*args)
    # PERF: looking at what came back is cheaper than asking first what the function is.
    return run_coroutine(rv) if type(rv) is CoroutineType else rv


def scopes_of(ctx: RequestContext) -> Sequence[str | None]:
    """Return whose hooks and handlers apply, as keys of their dicts, the innermost first.

    These are the names of the view's blueprints, then None for the app. No request object is made.
    """
    request = ctx._request
    if request is None:
        return ctx._scopes
    if type(request) is not Request:
        return (*request.blueprints, None)  # a class of the app's
    rule = request.url_rule
    return _APP_ONLY if rule is None else _scopes[rule.endpoint]


_APP_ONLY: Sequence[str | None] = (None,)


class _Scopes(dict[str, Sequence[str | None]]):
    """The scopes of an endpoint, noted at the first look.

    PERF: functools.cache would call a function each time.
    """

    def __missing__(self, endpoint: str) -> Sequence[str | None]:
        name = endpoint.rpartition(".")[0]
        scopes = self[endpoint] = (*_split_blueprint_path(name), None) if name else _APP_ONLY
        return scopes


_scopes = _Scopes()
