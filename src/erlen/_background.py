"""The event loop that runs coroutines for threads that have none.

Under WSGI an ``async def`` view runs here: on one loop for the whole process, in a thread of its
own, and not on a new loop for each request. So connections that a view opens on the loop can be
used again by the next one.
"""

from __future__ import annotations

import asyncio
import os
import threading
import typing as t
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import Context, copy_context

T = t.TypeVar("T")


class _Loop:
    """An event loop in a daemon thread; made when first used, and anew after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        #: How many callers stand on the loop and wait, so that it does not run.
        self.blocked = 0

    def get(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._pid = os.getpid()
                # A loop keeps the context it is made in: an empty one, not the first request's.
                self._loop = Context().run(self._start)
            return self._loop

    @staticmethod
    def _start() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, name="erlen-async", daemon=True).start()
        return loop

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
    it runs on another one.

    :raises BaseException: what the coroutine raises.
    """
    if _loop.blocked or _has_running_loop():
        with _loop.stopped():
            return _run_elsewhere(coroutine)
    loop = _loop.get()
    done: Future[T] = Future()
    context = copy_context()
    settling = _settle(done, coroutine)
    tasks: list[asyncio.Task[None]] = []  # The loop itself holds a task weakly.
    loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(settling, context=context)))
    try:
        return done.result()
    finally:
        _take_over(context)
        # The traceback of what it raised holds this frame.
        del done


async def _settle(done: Future[T], coroutine: Coroutine[t.Any, t.Any, T]) -> None:
    try:
        done.set_result(await coroutine)
    except BaseException as e:
        done.set_exception(e)


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_elsewhere(coroutine: Coroutine[t.Any, t.Any, T]) -> T:
    done: Future[T] = Future()
    context = copy_context()
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
        if var.get(_unset) is not value:
            var.set(value)


_unset: t.Any = object()
