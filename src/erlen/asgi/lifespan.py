"""What an app does from before its first request to after its last, and beside them.

Source: https://asgi.readthedocs.io/en/stable/specs/lifespan.html
"""

from __future__ import annotations

import asyncio
import signal
import threading
import typing as t
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from inspect import iscoroutinefunction
from types import CoroutineType

from blinker import NamedSignal

from .. import typing as ft
from .._background import background_loop
from .._ending import Ending
from ..globals import _cv_app
from ..signals import got_background_exception, got_serving_exception
from . import dispatch

# How many seconds background tasks that were cancelled have to clean up.
_CANCEL_SECONDS = 1.0


async def handle_lifespan(app: ft.App, receive: ft.Receive, send: ft.Send) -> None:
    """Serve the lifespan of a worker: its start and its end."""
    stop_listening: Callable[[], object] = bool
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            action, done = start_up, "lifespan.startup"
        else:
            stop_listening()
            action, done = shut_down, "lifespan.shutdown"
        try:
            # A class of the user's may mean something else by app.startup.
            await action(app)
        except Exception as e:
            app.logger.exception("Exception in %s", done.replace(".", " "))
            await send({"type": f"{done}.failed", "message": f"{type(e).__name__}: {e}"})
            return
        if done == "lifespan.startup":
            stop_listening = listen(app._ending)
        await send({"type": f"{done}.complete"})
        if done == "lifespan.shutdown":
            return


async def start_up(app: ft.App) -> None:
    """Run what comes before serving; where it fails, take back what has begun."""
    async with _app_context(app, got_serving_exception), AsyncExitStack() as stack:
        for func in app.before_serving_funcs:
            await dispatch.call(func)
        for make in app.while_serving_gens:
            generator = make()
            await anext(generator)
            stack.push_async_callback(_end, make, generator)
        app._lifespans[asyncio.get_running_loop()] = stack.pop_all()


@asynccontextmanager
async def _app_context(app: ft.App, signal: NamedSignal) -> AsyncIterator[None]:
    """Make an app current; of what is raised meanwhile, a signal tells."""
    async with dispatch.app_context(app):
        try:
            yield
        except Exception as e:
            if signal.receivers:
                await dispatch.send(signal, app, exception=e)
            raise


async def _end(make: Callable[..., t.Any], generator: t.Any) -> None:
    try:
        await anext(generator)
    except StopAsyncIteration:
        return
    await generator.aclose()
    raise RuntimeError(f"The generator {make.__name__!r} of 'while_serving' has a second 'yield'.")


async def shut_down(app: ft.App) -> None:
    """Finish the background tasks, then run what comes after serving, all of it."""
    app._ending.begin()
    # Called from the last to the first, each whatever the others raise.
    async with _app_context(app, got_serving_exception), AsyncExitStack() as rest:
        rest.callback(app._ending.renew)
        for func in reversed(app.after_serving_funcs):
            rest.push_async_callback(dispatch.call, func)
        started = app._lifespans.pop(asyncio.get_running_loop(), None)
        if started is not None:
            rest.push_async_callback(started.aclose)
        await finish_tasks(app)


def listen(ending: Ending) -> Callable[[], None]:
    """Begin the end when the server gets the signal for its own, as ASGI tells it only after all
    responses have ended.

    :return: ends this.
    """
    loop = asyncio.get_running_loop()
    kept: list[tuple[int, t.Any, t.Any]] = []

    def hear(previous: t.Any) -> t.Any:
        def handle(signum: int, frame: t.Any) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(ending.begin)
            previous(signum, frame)

        return handle

    if threading.current_thread() is threading.main_thread():
        for signum in (signal.SIGINT, signal.SIGTERM):
            previous = signal.getsignal(signum)
            # Where the server has no handler, it ends at once.
            if callable(previous):
                handler = hear(previous)
                signal.signal(signum, handler)
                kept.append((signum, handler, previous))

    def stop() -> None:
        for signum, handler, previous in kept:
            if signal.getsignal(signum) is handler:
                signal.signal(signum, previous)

    return stop


# Background tasks.

Work: t.TypeAlias = tuple[Callable[..., t.Any], tuple[t.Any, ...], dict[str, t.Any]]


def add_task(app: ft.App, work: Work) -> None:
    """Run something in the background: after the response, where a request asks for it."""
    ctx = _cv_app.get(None)
    server = None if ctx is None else ctx._server
    if ctx is None or server is None:
        background_loop().call_soon_threadsafe(start_tasks, app, [work])
    elif ctx.has_request and not ctx._request_ctx.request.is_websocket:
        ctx._request_ctx._environ.setdefault("erlen.tasks", []).append(work)
    else:
        server.loop.call_soon_threadsafe(start_tasks, app, [work])


def start_tasks(app: ft.App, works: list[Work]) -> None:
    """Start background tasks on the running loop."""
    loop = asyncio.get_running_loop()
    for work in works:
        task = loop.create_task(_run(app, *work), name=getattr(work[0], "__name__", repr(work[0])))
        # The loop itself holds a task weakly.
        app.background_tasks.add(task)
        task.add_done_callback(app.background_tasks.discard)


async def _run(
    app: ft.App, func: Callable[..., t.Any], args: tuple[t.Any, ...], kwargs: dict[str, t.Any]
) -> None:
    try:
        async with _app_context(app, got_background_exception):
            if iscoroutinefunction(func):
                await func(*args, **kwargs)
                return
            rv = await app._asgi_pool.run(partial(func, *args, **kwargs))
            if type(rv) is CoroutineType:
                await rv
    except Exception:
        app.logger.exception("Exception in the background task %r", func)


async def finish_tasks(app: ft.App) -> None:
    """Wait for the background tasks, up to a limit, and cancel those that are not done then."""
    limit = app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"]
    tasks = set(app.background_tasks)
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=limit)
    for task in late:
        app.logger.error(
            "The background task %r was not done %s seconds after the end of serving, and is"
            " cancelled.",
            task.get_name(),
            limit,
        )
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=_CANCEL_SECONDS)
