"""The second door: an app as an ASGI application, over the same road.

A request whose view is ``async def`` is handled on the event loop (see ``dispatch.py`` beside
this). Any other takes one hop to a thread, where the very road of WSGI answers it; coroutines
that turn up there run on the server's loop.

Source: https://asgi.readthedocs.io/en/stable/specs/www.html
"""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import Coroutine, Generator
from inspect import CO_COROUTINE, iscoroutinefunction
from types import FunctionType, coroutine

from .. import typing as ft
from .._background import Server
from ..ctx import RequestContext
from ..dispatch import wsgi_app
from ..routing import Map
from ..views import MethodView
from .body import NO_BODY, Body
from .dispatch import respond
from .environ import make_environ
from .lifespan import handle_lifespan, start_tasks
from .response import Answer, Watch, answer_in_thread, answer_of, deliver_stream
from .websocket import handle_websocket

_OLD_HTTP = ("1.1", "1.0")
# For a client that has gone, or still waits: granian tells both of a body that is no HTTP.
_BROKEN_OFF: Answer = (400, [(b"content-length", b"0")], b"")


def handle(
    app: ft.App, scope: ft.Scope, receive: ft.Receive, send: ft.Send
) -> Coroutine[t.Any, t.Any, None]:
    """Serve a connection; what ``Flask.asgi_app`` is.

    :raises ValueError: for a type of scope that ASGI has and erlen has not.
    """
    kind = scope["type"]
    if kind == "http":
        return handle_http(app, scope, receive, send)
    if kind == "websocket":
        return handle_websocket(app, scope, receive, send)
    if kind == "lifespan":
        return handle_lifespan(app, receive, send)
    raise ValueError(f"An ASGI scope of the type {kind!r} is none that can be served.")


async def handle_http(app: ft.App, scope: ft.Scope, receive: ft.Receive, send: ft.Send) -> None:
    """Serve a request."""
    environ = make_environ(scope)
    loop = asyncio.get_running_loop()
    environ["erlen.server"] = Server(loop)
    is_known, view = _find_view(app, environ)
    body: Body = NO_BODY
    reads_ahead = False
    if (
        environ.get("CONTENT_LENGTH", "0") != "0"
        or "HTTP_TRANSFER_ENCODING" in environ
        or scope.get("http_version") not in _OLD_HTTP
    ):
        body = Body(receive, loop, app.config["ASGI_BODY_MEMORY_SIZE"])
        # Where nothing is at the URL, nothing needs the body.
        reads_ahead = not is_known or (view is not None and not hasattr(view, "stream_body"))
    environ["wsgi.input"] = body
    try:
        answer: Answer | None
        if body is not NO_BODY and not await _prepare_body(app, environ, body, reads_ahead):
            answer = _BROKEN_OFF
        elif view is not None and is_awaited(view, environ["REQUEST_METHOD"]):
            steps = respond(app, RequestContext(app, environ))
            # PERF: a view that waits for nothing is done after one step, and nobody need watch
            # whether the client is still there (a task, some 15 µs).
            try:
                waited = steps.send(None)
            except StopIteration as done:
                answer = done.value
            else:
                answer = await _watched(steps, waited, receive, body)
        else:
            answer = await _answer_in_thread(app, environ, receive, body)
        if answer is None:  # for a client that has gone
            return
        if type(answer[2]) is not bytes:
            await deliver_stream(app._asgi_pool, send, answer, receive, body)
            return
        # PERF: told here and not in a coroutine of its own.
        status, headers, content = answer
        try:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})
        except OSError:  # the client has gone
            pass
    finally:
        if body is not NO_BODY:
            body.close()
        if "erlen.tasks" in environ:
            start_tasks(app, environ["erlen.tasks"])


async def _prepare_body(
    app: ft.App, environ: ft.WSGIEnvironment, body: Body, reads_ahead: bool
) -> bool:
    """Read the body ahead, unless it is known to be too large; whether the client is there."""
    length = environ.get("CONTENT_LENGTH", "")
    if not length:
        environ["wsgi.input_terminated"] = True
    limit: int | None = app.config["MAX_CONTENT_LENGTH"]
    if not reads_ahead or (limit is not None and length.isdecimal() and int(length) > limit):
        return True
    return await body.fill(limit, app._asgi_pool)


def _find_view(app: ft.App, environ: ft.WSGIEnvironment) -> tuple[bool, t.Any]:
    """Find which view will be called, without calling anything of the app's.

    :return: whether this is known; the view, None for none.
    """
    url_map = app.url_map
    if (
        not app._is_plain()
        # A WSGI application around it is to see each request.
        or "wsgi_app" in app.__dict__
        or type(app).wsgi_app is not wsgi_app
        or type(url_map) is not Map
        or url_map.host_matching
        or app.subdomain_matching
        or "HTTP_UPGRADE" in environ
    ):
        return False, None
    rule = url_map.rule_of(environ["REQUEST_METHOD"], environ["PATH_INFO"])
    return True, None if rule is None else app.view_functions.get(rule.endpoint)


def is_awaited(view: t.Any, method: str) -> bool:
    """Tell whether a view is ``async def``: the function, or the method of its class."""
    if type(view) is not FunctionType:
        return False
    if view.__code__.co_flags & CO_COROUTINE:
        return True
    attributes = view.__dict__
    # What is wrapped around a class's view function may need what it returns.
    if "view_class" not in attributes or "__wrapped__" in attributes:
        return False
    cls = attributes["view_class"]
    if cls.decorators:
        return False
    function = cls.dispatch_request
    if function is MethodView.dispatch_request:
        function = getattr(cls, method.lower(), None)
        if function is None and method == "HEAD":
            function = getattr(cls, "get", None)
    return iscoroutinefunction(function)


async def _watched(
    steps: Coroutine[t.Any, t.Any, Answer], waited: t.Any, receive: ft.Receive, body: Body
) -> Answer | None:
    """Have an async view go on that waits; it is cancelled when the client goes away.

    :return: the answer; None for a client that has gone.
    """
    watch = Watch(receive, body)
    watch.start()
    try:
        return t.cast(Answer, await _go_on(steps, waited))
    except asyncio.CancelledError:
        if not watch.excuses_cancellation():
            raise
        return None
    finally:
        watch.stop()


@coroutine
def _go_on(steps: Coroutine[t.Any, t.Any, t.Any], waited: t.Any) -> Generator[t.Any, t.Any, t.Any]:
    """Go on with a coroutine that was taken one step, and waits for something."""
    while True:
        try:
            yield waited
        except GeneratorExit:
            steps.close()
            raise
        except BaseException as e:
            try:
                waited = steps.throw(e)
            except StopIteration as done:
                return done.value
        else:
            return (yield from steps)


async def _answer_in_thread(
    app: ft.App, environ: ft.WSGIEnvironment, receive: ft.Receive, body: Body
) -> Answer | None:
    """Have the road of WSGI answer in a thread; None for a client that has gone.

    The thread goes on where the client goes away; a coroutine that it waits for is cancelled.
    """
    server: Server = environ["erlen.server"]
    watch = Watch(receive, body, server.cancel)
    server.on_task = watch.start
    try:
        return await answer_in_thread(app._asgi_pool, _call_wsgi, app, environ)
    except asyncio.CancelledError:
        if not watch.excuses_cancellation():
            raise
        return None
    finally:
        watch.stop()


def _call_wsgi(app: ft.App, environ: ft.WSGIEnvironment) -> Answer:
    return answer_of(app.wsgi_app, environ, may_block=True)
