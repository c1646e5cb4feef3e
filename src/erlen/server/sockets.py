"""WebSockets at the end of a worker: granian cuts them, and forgets what still handles them."""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import Coroutine
from functools import partial

from .. import typing as ft
from .._ending import IN_SCOPE, Ending

# How long the handlers of WebSockets have to clean up, in seconds.
_SECONDS = 5.0


class FinishedASGI:
    """An ASGI application whose handlers of WebSockets are cancelled before the worker ends.

    So they give back what they hold, before the application shuts down what it is taken from.

    :param app: the application inside.
    :param ending: the application's, told to each handler of a WebSocket.
    """

    def __init__(self, app: t.Any, ending: Ending) -> None:
        self.app = app
        self.ending = ending
        self._tasks: set[asyncio.Task[t.Any]] = set()
        self._ends = False

    def __call__(
        self, scope: ft.Scope, receive: ft.Receive, send: ft.Send
    ) -> Coroutine[t.Any, t.Any, None]:
        if scope["type"] == "websocket":
            return self._serve({**scope, IN_SCOPE: self.ending}, receive, send)
        if scope["type"] == "lifespan":
            receive = partial(self._receive, receive)
        return self.app(scope, receive, send)  # type: ignore[no-any-return]  # as it answers

    async def _serve(self, scope: ft.Scope, receive: ft.Receive, send: ft.Send) -> None:
        task = asyncio.ensure_future(self.app(scope, receive, send))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await task
        except asyncio.CancelledError:
            # As it was meant to be: granian would log it.
            if not self._ends:
                raise

    async def _receive(self, receive: ft.Receive) -> ft.Message:
        message = await receive()
        if message["type"] == "lifespan.shutdown" and self._tasks:
            self._ends = True
            tasks = set(self._tasks)
            for task in tasks:
                # Those whose application told them of the end clean up already.
                if not task.cancelling():
                    task.cancel()
            await asyncio.wait(tasks, timeout=_SECONDS)
        return message
