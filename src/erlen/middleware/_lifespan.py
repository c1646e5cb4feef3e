"""The lifespan of ASGI applications that are mounted in another one."""

from __future__ import annotations

import asyncio
import typing as t

from ._protocol import ASGIApplication, Message, Receive, Send


class Lifespan:
    """One application's start-up and shutdown, driven from outside.

    An application that ends or raises before it answers does without, as servers have it.

    Source: https://asgi.readthedocs.io/en/latest/specs/lifespan.html
    """

    def __init__(self, app: ASGIApplication, state: dict[str, t.Any]) -> None:
        self._app = app
        self._state = state
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start_up(self) -> str | None:
        """Start the application.

        :return: why it failed, where it did.
        """
        self._task = asyncio.create_task(self._run())
        return await self._tell("lifespan.startup")

    async def shut_down(self) -> str | None:
        """Stop the application.

        :return: why it failed, where it did.
        """
        assert self._task is not None, "it was not started"
        failure = None if self._task.done() else await self._tell("lifespan.shutdown")
        await self._task
        return failure

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self._state,
        }
        try:
            await self._app(scope, self._told.get, self._answers.put)
        except Exception:
            pass  # "If an exception is raised …, the server must continue": it has no lifespan.
        finally:
            self._answers.put_nowait(None)

    async def _tell(self, event: str) -> str | None:
        self._told.put_nowait({"type": event})
        answer = await self._answers.get()
        if answer is None or not answer["type"].endswith(".failed"):
            return None
        return str(answer.get("message", "")) or f"{event} failed"


async def serve_lifespan(
    apps: list[ASGIApplication], state: dict[str, t.Any], receive: Receive, send: Send
) -> None:
    """Start several applications in order for one server, and stop them in reverse."""
    started: list[Lifespan] = []
    await receive()
    for app in apps:
        span = Lifespan(app, state)
        started.append(span)
        if (failure := await span.start_up()) is not None:
            await _shut_down(started[:-1])
            await send({"type": "lifespan.startup.failed", "message": failure})
            return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    failures = await _shut_down(started)
    if failures:
        await send({"type": "lifespan.shutdown.failed", "message": "; ".join(failures)})
    else:
        await send({"type": "lifespan.shutdown.complete"})


async def _shut_down(spans: list[Lifespan]) -> list[str]:
    failures = [await span.shut_down() for span in reversed(spans)]
    return [failure for failure in failures if failure is not None]
