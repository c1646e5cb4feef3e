"""The threads that sync code runs in, so that it does not stop the event loop."""

from __future__ import annotations

import asyncio
import threading
import typing as t
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from functools import wraps
from queue import Empty, SimpleQueue

from ..globals import current_app

P = t.ParamSpec("P")
T = t.TypeVar("T")

# How many seconds a thread waits for work before it ends.
_IDLE_SECONDS = 10.0


class _Job(asyncio.Future[t.Any]):
    """What is awaited until a thread has done its work, which nobody can stop.

    So its awaiter is cancelled when the work is done, and nothing goes on behind its back.
    """

    def cancel(self, msg: t.Any | None = None) -> bool:
        return False


Work: t.TypeAlias = tuple[_Job, Context, Callable[..., t.Any], tuple[t.Any, ...]]


class Pool:
    """Threads for one app; they start when they are needed and end when they are not.

    PERF: a hop takes a third of the time that one through ``ThreadPoolExecutor`` takes, and its
    threads, being daemons, keep no process alive.

    :param size: how many threads there are at most.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"'ASGI_THREADS' must be at least 1, and was {size!r}.")
        self.size = size
        self._queue: SimpleQueue[Work] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0

    def submit(self, func: Callable[..., t.Any], *args: t.Any) -> _Job:
        """Run a function in a thread, in a copy of the caller's context variables."""
        return self._submit(copy_context(), func, args)

    def _submit(
        self, context: Context, func: Callable[..., t.Any], args: tuple[t.Any, ...]
    ) -> _Job:
        job = _Job(loop=asyncio.get_running_loop())
        with self._lock:
            self._unfinished += 1
            starts = self._threads < min(self._unfinished, self.size)
            self._threads += starts
        self._queue.put((job, context, func, args))
        if starts:
            thread = threading.Thread(target=self._work, name="erlen-sync", daemon=True)
            # Where a thread keeps the context that it is started in (free-threaded builds): an
            # empty one, not the first request's.
            Context().run(thread.start)
        return job

    async def run(self, func: Callable[..., T], *args: t.Any) -> T:
        """Run a function in a thread; where the awaiter is cancelled, close what it returned."""
        job = self.submit(func, *args)
        try:
            return t.cast(T, await job)
        except asyncio.CancelledError:
            if job.done() and job.exception() is None:
                close = getattr(job.result(), "close", None)
                if close is not None:
                    await self.submit(close)
            raise

    async def run_in(self, context: Context, func: Callable[..., T], *args: t.Any) -> T:
        """Run a function in a thread, in a context of its own."""
        return t.cast(T, await self._submit(context, func, args))

    def _work(self) -> None:
        while True:
            try:
                job, context, func, args = self._queue.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._queue.empty():
                        self._threads -= 1
                        return
                continue
            result = error = None
            try:
                result = context.run(func, *args)
            except BaseException as e:
                error = e
            with self._lock:
                self._unfinished -= 1
            try:
                job.get_loop().call_soon_threadsafe(_finish, job, result, error)
            except RuntimeError:  # the loop is closed, and nobody waits
                pass
            # Nothing of this work is held while the thread waits for other work.
            del job, context, func, args, result, error


def _finish(job: _Job, result: t.Any, error: BaseException | None) -> None:
    if error is None:
        job.set_result(result)
    elif isinstance(error, StopIteration):  # which no future can hold
        job.set_exception(RuntimeError("The function raised StopIteration."))
    else:
        job.set_exception(error)


def run_sync(func: Callable[P, T]) -> Callable[P, Coroutine[t.Any, t.Any, T]]:
    """Wrap a function that blocks so that an async view can await it: it runs in a thread.

    It sees the request, as its caller does.

    :param func: the function.
    :return: an ``async def`` function of the same parameters.
    """

    @wraps(func)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        pool: Pool = current_app._asgi_pool
        return await pool.run(lambda: func(*args, **kwargs))

    return call
