"""The event loop that runs coroutines for threads that have none.

Under WSGI an ``async def`` view runs here: on one loop for the whole process, in a thread of its
own, and not on a new loop for each request. So connections that a view opens on the loop can be
used again by the next one. Under ASGI that one loop is the server's.
"""

from __future__ import annotations

import asyncio
import os
import threading
import typing as t
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar, copy_context

from .globals import _cv_app

T = t.TypeVar("T")


class _Loop:
    """An event loop in a daemon thread; made when first used, and anew after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._ident: int | None = None
        #: How many callers stand on the loop and wait, so that it does not run.
        self.blocked = 0

    def get(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._pid = os.getpid()
                # A loop keeps the context it is made in: an empty one, not the first request's.
                self._loop = Context().run(self._start)
            return self._loop

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="erlen-async", daemon=True)
        thread.start()
        self._ident = thread.ident
        return loop

    def runs_beside(self, running: asyncio.AbstractEventLoop) -> bool:
        """Tell whether the loop that seems to run here is this one, in another greenlet.

        Under gevent threads are greenlets of one thread, and asyncio knows the thread only.
        """
        return running is self._loop and threading.get_ident() != self._ident

    def renew(self) -> None:
        """Forget what a parent process was doing."""
        self._lock = threading.Lock()
        self.blocked = 0

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Tell others that the loop does not run."""
        with self._lock:
            self.blocked += 1
        try:
            yield
        finally:
            with self._lock:
                self.blocked -= 1


class Server:
    """An ASGI server's event loop, as the work of one request sees it."""

    __slots__ = ("loop", "on_task", "tasks")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        #: What runs on the loop for a thread that waits.
        self.tasks: set[asyncio.Task[None]] = set()
        #: Called on the loop when one begins.
        self.on_task: Callable[[], None] | None = None

    def cancel(self) -> None:
        """Cancel what runs for threads, which then wait no longer."""
        for task in self.tasks:
            task.cancel()


_loop = _Loop()
if hasattr(os, "register_at_fork"):
    # Another thread may have held the lock when the process was forked.
    os.register_at_fork(after_in_child=_loop.renew)


def get_loop() -> asyncio.AbstractEventLoop:
    """Tell the loop, for a library that schedules on one itself; made when first asked for."""
    return _loop.get()


def run(coroutine: Coroutine[t.Any, t.Any, T]) -> T:
    """Run a coroutine on the background loop, wait for it, and return what it returns.

    It sees the caller's context variables, and what it sets in them the caller sees. Where the
    caller is on the loop itself (sync code called by an async view), waiting stops the loop, so
    it runs on another one; unless the caller will await what it is given, and gets the coroutine.

    :raises BaseException: what the coroutine raises.
    """
    ctx = _cv_app.get(None)
    server: Server | None = None
    if ctx is not None:
        if ctx._hands_up:
            return t.cast(T, coroutine)
        server = ctx._server
    if has_running_loop() or (_loop.blocked if server is None else _nested.get()):
        with _loop.stopped():
            return _run_elsewhere(coroutine)
    loop = _loop.get() if server is None else server.loop
    done: Future[T] = Future()
    context = copy_context()
    loop.call_soon_threadsafe(_start, server or Server(loop), context, done, coroutine)
    try:
        return done.result()
    finally:
        _take_over(context)
        # The traceback of what it raised holds this frame.
        del done


def _start(
    server: Server, context: Context, done: Future[T], coroutine: Coroutine[t.Any, t.Any, T]
) -> None:
    task = server.loop.create_task(_settle(done, coroutine), context=context)
    # The loop itself holds a task weakly.
    server.tasks.add(task)
    if server.on_task is not None:
        server.on_task()

    def finish(task: asyncio.Task[None]) -> None:
        server.tasks.discard(task)
        if not done.done():  # cancelled before it began
            coroutine.close()
            done.set_exception(asyncio.CancelledError())

    task.add_done_callback(finish)


async def _settle(done: Future[T], coroutine: Coroutine[t.Any, t.Any, T]) -> None:
    try:
        done.set_result(await coroutine)
    except BaseException as e:
        done.set_exception(e)


def has_running_loop() -> bool:
    """Tell whether the caller stands on an event loop, which stops while it waits."""
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        return False
    return not _loop.runs_beside(running)


def run_here(coroutine: Coroutine[t.Any, t.Any, T]) -> T:
    """Run a coroutine on the event loop that the caller stands on.

    :raises WaitsError: it waits for something, and is ended there.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        return t.cast(T, done.value)
    # What cleans up by waiting cannot.
    with suppress(RuntimeError):
        coroutine.close()
    raise WaitsError


class WaitsError(RuntimeError):
    """A coroutine waits where nobody can await it."""


def _run_elsewhere(coroutine: Coroutine[t.Any, t.Any, T]) -> T:
    done: Future[T] = Future()
    context = copy_context()
    context.run(_nested.set, True)
    threading.Thread(
        target=context.run, args=(asyncio.run, _settle(done, coroutine)), name="erlen-async-nested"
    ).start()
    try:
        return done.result()
    finally:
        _take_over(context)
        del done


def _take_over(context: Context) -> None:
    """Set in the current context what was set in another."""
    for var, value in context.items():
        if var.get(_unset) is not value and var is not _nested:
            var.set(value)


_unset: t.Any = object()
#: Whether a loop stands still until this work is done.
_nested: ContextVar[bool] = ContextVar("erlen.nested", default=False)


def is_free() -> bool:
    """Tell whether this thread may wait for the background loop."""
    return not _loop.blocked and not has_running_loop()


def background_loop() -> asyncio.AbstractEventLoop:
    """Return the process's background loop, which runs."""
    return _loop.get()
