"""The road of a request whose view is awaited: the lines of ``erlen.dispatch`` that await.

What is decided is decided there and in ``erlen.errors``, by the same functions. The whole of it
runs on the event loop, sync hooks too, so that what a hook opens belongs to the view's thread.
This road is taken only where nobody has replaced a method of it.
"""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import CoroutineType

from .. import dispatch, errors
from .. import typing as ft
from .._background import Server
from .._returned import to_response
from ..ctx import AppContext, RequestContext, take_out
from ..dispatch import NO_RESPONSE, direct_response, open_context, open_request, scopes_of
from ..globals import _cv_app
from ..signals import (
    appcontext_popped,
    appcontext_tearing_down,
    request_finished,
    request_started,
    request_tearing_down,
    websocket_tearing_down,
)
from ..wrappers import Response
from .response import Answer, answer_of, text_answer


async def respond(app: ft.App, ctx: RequestContext) -> Answer:
    """Handle a request, from its open context to the end of it."""
    error: BaseException | None = None
    try:
        try:
            open_request(ctx, True)
            response = await full_dispatch_request(app, ctx)
        except Exception as e:
            error = e
            response = await handle_exception(app, ctx, e)
        except BaseException as e:
            error = e
            raise
        if type(response) is tuple:
            mimetype, body = response
            return text_answer(mimetype, body, ctx._environ)
        return answer_of(response, ctx._environ)
    finally:
        if "werkzeug.debug.preserve_context" in ctx._environ:
            ctx.g  # noqa: B018  # made now, so that it stays this request's
            ctx._environ["werkzeug.debug.preserve_context"](ctx)
        if error is not None and app.should_ignore_error(error):
            error = None
        if (
            app.teardown_request_funcs
            or app.teardown_appcontext_funcs
            or request_tearing_down.receivers
            or appcontext_tearing_down.receivers
            or appcontext_popped.receivers
        ):
            await close_context(ctx, error)
        else:
            dispatch.close_context(ctx, error, True)


async def full_dispatch_request(app: ft.App, ctx: RequestContext) -> t.Any:
    """Run hooks and view, and what handles their exceptions."""
    if not app._got_first_request:
        app._got_first_request = True
    try:
        if request_started.receivers:
            await send(request_started, app)
        rv: t.Any = None
        if app.url_value_preprocessors or (
            app.before_request_funcs and (ctx._in_blueprint or None in app.before_request_funcs)
        ):
            rv = await preprocess(app, ctx, app.before_request_funcs)
        if rv is None:
            rv = dispatch_request(app, ctx)
            if type(rv) is CoroutineType:
                rv = await rv
    except Exception as e:
        rv = await handle_user_exception(app, ctx, e)
    response = direct_response(app, ctx, rv)
    return await finalize_request(app, ctx, rv) if response is None else response


async def preprocess(app: ft.App, ctx: RequestContext, funcs: ft.App) -> t.Any:
    """Run the URL value preprocessors, then the hooks until one answers.

    :param funcs: the hooks, by scope: those before requests, or before WebSockets.
    """
    scopes = scopes_of(ctx)
    preprocessors = app.url_value_preprocessors
    if preprocessors:
        request = ctx.request
        for name in reversed(scopes):
            if name in preprocessors:
                for func in preprocessors[name]:
                    func(request.endpoint, request.view_args)
    for name in reversed(scopes):
        if name in funcs:
            for func in funcs[name]:
                rv = await call(func)
                if rv is not None:
                    return rv
    return None


def dispatch_request(app: ft.App, ctx: RequestContext) -> t.Any:
    """Call the view that the URL leads to.

    :return: what it returns, or a coroutine of it.
    """
    request = ctx._request
    if request is None:
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
    return call_view(ctx, app.view_functions[rule.endpoint], view_args)


def call_view(ctx: RequestContext, view: Callable[..., t.Any], view_args: t.Any) -> t.Any:
    """Call a view, or what is wrapped around one, which hands up the coroutine then."""
    ctx._hands_up = True
    try:
        return view(**view_args)
    finally:
        ctx._hands_up = False


async def call(func: Callable[..., t.Any], *args: t.Any) -> t.Any:
    """Call what a user registered, be it sync or async."""
    rv = func(*args)
    return await rv if type(rv) is CoroutineType else rv


async def send(signal: t.Any, sender: t.Any, **values: t.Any) -> None:
    """Send a signal; its sync receivers run on the loop."""
    await signal.send_async(sender, _sync_wrapper=_as_coroutine, **values)


def _as_coroutine(receiver: Callable[..., t.Any]) -> Callable[..., t.Any]:
    async def receive(*args: t.Any, **values: t.Any) -> t.Any:
        return receiver(*args, **values)

    return receive


async def finalize_request(
    app: ft.App, ctx: RequestContext, rv: t.Any, from_error_handler: bool = False
) -> Response:
    """Make a response of what was returned, and let the hooks and the session have it."""
    response: Response = to_response(app, ctx, rv)
    try:
        response = await process_response(app, ctx, response)
        if request_finished.receivers:
            await send(request_finished, app, response=response)
    except Exception:
        if not from_error_handler:
            raise
        app.logger.exception("Request finalizing failed with an error while handling an error")
    return response


async def process_response(app: ft.App, ctx: RequestContext, response: t.Any) -> t.Any:
    """Run the ``after_request`` hooks, and save the session."""
    for func in ctx._after or ():
        response = await call(func, response)
    funcs = app.after_request_funcs
    if funcs and (ctx._in_blueprint or None in funcs):
        for name in scopes_of(ctx):
            if name in funcs:
                for func in reversed(funcs[name]):
                    response = await call(func, response)
    if response is None:
        raise TypeError(NO_RESPONSE)
    interface = app.session_interface
    if ctx._open_session is None:
        # As on the sync road: nobody has asked for it, but a permanent one is sent again.
        cookies = ctx._environ.get("HTTP_COOKIE")
        if not cookies or interface.get_cookie_name(app) not in cookies:
            return response
    session = ctx._session
    if not interface.is_null_session(session):
        interface.save_session(app, session, response)
    return response


# Errors.


async def handle_user_exception(app: ft.App, ctx: RequestContext, e: Exception) -> t.Any:
    """Let its handler answer an exception of a view or a hook; without one it goes on."""
    if not _keeps_handlers(app):
        return await _handle_in_thread(app, app.handle_user_exception, e)
    if not errors.is_answer(app, e):
        return await call(errors.find_handler(app, ctx, e), e)
    handler = errors.find_http_handler(app, ctx, e)
    return e if handler is None else await call(handler, e)


async def handle_exception(app: ft.App, ctx: RequestContext, e: Exception) -> t.Any:
    """Answer 500 for what nobody handled, and log it; in debug mode and tests it goes on."""
    if not _keeps_handlers(app):
        return await _handle_in_thread(app, app.handle_exception, e)
    answer, handler = errors.internal_error(app, ctx, e)
    if handler is not None:
        answer = await call(handler, answer)
    return await finalize_request(app, ctx, answer, from_error_handler=True)


def _keeps_handlers(app: ft.App) -> bool:
    return app._keeps(*errors.HANDLERS) and errors.HANDLERS.isdisjoint(app.__dict__)


async def _handle_in_thread(app: ft.App, method: Callable[..., t.Any], e: Exception) -> t.Any:
    """Call a method that somebody has replaced as the sync road does: while ``e`` is handled."""

    def handle() -> t.Any:
        try:
            raise e
        except Exception:
            return method(e)

    return await app._asgi_pool.run(handle)


# The end of a context.


async def close_context(ctx: AppContext, exc: BaseException | None) -> None:
    """Pop a context: what ``ctx.pop()`` does, and what tears it down is awaited."""
    shared = None
    try:
        # A context that a stream still reads with is torn down by the stream.
        if len(ctx._cv_tokens) == 1 and not ctx._holds:
            if isinstance(ctx, RequestContext):
                shared = ctx._shared
                await _tear_down(ctx, exc)
            else:
                await tear_down_app(ctx.app, exc)
                ctx._outer = None
    finally:
        current = _cv_app.get()
        if current is not ctx and take_out(ctx, shared, current):
            current = ctx
        _cv_app.reset(ctx._cv_tokens.pop())
    if current is not ctx:
        kind = "request" if isinstance(ctx, RequestContext) else "app"
        raise AssertionError(f"Popped wrong {kind} context. ({current!r} instead of {ctx!r})")
    if appcontext_popped.receivers and shared is None:
        await send(appcontext_popped, ctx.app)


async def _tear_down(ctx: RequestContext, exc: BaseException | None) -> None:
    """End a request or a WebSocket: its teardown functions, its files, then the app context's."""
    app = ctx.app
    if ctx._websocket is None:
        funcs, signal = app.teardown_request_funcs, request_tearing_down
    else:
        funcs, signal = app.teardown_websocket_funcs, websocket_tearing_down
    try:
        if funcs and (ctx._in_blueprint or None in funcs):
            for name in scopes_of(ctx):
                if name in funcs:
                    for func in reversed(funcs[name]):
                        await call(func, exc)
        if signal.receivers:
            await send(signal, app, exc=exc)
        request = ctx._request
        if request is not None:
            if ctx._websocket is None:
                getattr(request, "close", bool)()
            ctx._environ["werkzeug.request"] = None
    finally:
        if ctx._shared is not None:
            ctx._shared = None
        else:
            ctx._request_done = True
            try:
                await tear_down_app(app, exc)
            finally:
                ctx._request_done = False


async def tear_down_app(app: ft.App, exc: BaseException | None) -> None:
    """Run the ``teardown_appcontext`` functions, the last registered first."""
    for func in reversed(app.teardown_appcontext_funcs):
        await call(func, exc)
    if appcontext_tearing_down.receivers:
        await send(appcontext_tearing_down, app, exc=exc)


@asynccontextmanager
async def app_context(app: ft.App) -> AsyncIterator[AppContext]:
    """Make an app current for work that belongs to no request."""
    ctx: AppContext = app.app_context()
    ctx._server = Server(asyncio.get_running_loop())
    open_context(ctx)
    # Of a request that began this work, nothing is seen.
    ctx._outer = None
    error: BaseException | None = None
    try:
        yield ctx
    except BaseException as e:
        error = e
        raise
    finally:
        try:
            await tear_down_app(app, error)
        finally:
            _cv_app.reset(ctx._cv_tokens.pop())
            if appcontext_popped.receivers:
                await send(appcontext_popped, app)
