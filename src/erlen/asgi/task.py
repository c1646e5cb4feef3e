"""An app served by the event loop of a program that does something else too: ``app.run_task``.

It is granian's embedded server, on a socket of ours. Of what is private to granian, this uses
``_init_shared_socket``, ``_ssp``, ``_shd`` and the arguments of ``SocketHolder``.
"""

from __future__ import annotations

import asyncio
import socket
import typing as t
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import click

from .. import typing as ft
from .._extras import missing_extra
from .._listen import BACKLOG, CannotListen, open_tcp, open_unix
from .lifespan import shut_down, start_up

try:
    import granian.net
    from granian.constants import Interfaces
    from granian.server.embed import Server
except ModuleNotFoundError as error:
    raise missing_extra("serve", error) from error

# Its types do not say what a SocketHolder takes.
_net: t.Any = granian.net
_UNIX = "unix:"
# How long event streams and WebSockets have to close.
_CLOSE_SECONDS = 1.0


class _Server(Server):  # type: ignore[misc]  # Any to mypy, see pyproject.toml
    def __init__(self, app: ft.App, listener: socket.socket, **options: t.Any) -> None:
        self.listener = listener
        # What is around serving is run here: granian does not tell what it raises. Its log would
        # set up the logging of the whole program.
        super().__init__(app, interface=Interfaces.ASGINL, log_enabled=False, **options)

    def _init_shared_socket(self) -> None:
        is_unix = self.listener.family == getattr(socket, "AF_UNIX", None)
        # The holder closes it.
        self._ssp, self._shd = None, _net.SocketHolder(self.listener.detach(), is_unix, BACKLOG)


async def run(
    app: ft.App,
    host: str,
    port: int,
    tls: dict[str, str | None],
    shutdown_trigger: Callable[..., Awaitable[t.Any]] | None,
) -> None:
    """Serve until this is cancelled or a trigger ends; see :meth:`erlen.Flask.run_task`."""
    files = {name: Path(path) for name, path in tls.items() if path is not None}
    path = Path(host.removeprefix(_UNIX)) if host.startswith(_UNIX) else None
    try:
        listener = open_tcp(host, port) if path is None else open_unix(path)
    except CannotListen as error:
        raise OSError(str(error)) from None
    with ExitStack() as stack:
        if path is not None:
            stack.callback(path.unlink, missing_ok=True)
        stack.enter_context(listener)
        server = _Server(app, listener, **files)
        await start_up(app)
        try:
            click.echo(f" * Running on {_address(listener, bool(files))}")
            await _serve(app, server, shutdown_trigger)
        finally:
            await shut_down(app)


async def _serve(
    app: ft.App, server: _Server, shutdown_trigger: Callable[..., Awaitable[t.Any]] | None
) -> None:
    serving = asyncio.ensure_future(server.serve())
    waited: set[asyncio.Future[t.Any]] = {serving}
    if shutdown_trigger is not None:
        waited.add(asyncio.ensure_future(shutdown_trigger()))
    try:
        done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for trigger in waited - {serving}:
            trigger.cancel()
        await _close_streams(app)
        server.stop()
        await serving
    for future in done:
        with suppress(asyncio.CancelledError):
            future.result()


async def _close_streams(app: ft.App) -> None:
    """End the event streams and WebSockets, which granian would cut."""
    app._ending.begin()
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            while app._ending.is_awaited():
                await asyncio.sleep(0.01)


def _address(listener: socket.socket, has_tls: bool) -> str:
    name = listener.getsockname()
    if isinstance(name, str):
        return f"{_UNIX}{name}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"{'https' if has_tls else 'http'}://{host}:{name[1]}"
