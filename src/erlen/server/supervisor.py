"""The server's own process: it opens the socket, starts the workers and ends them.

It is granian's, with three things changed: where its socket comes from, what happens before the
workers are told to end, and that new workers are only started with code that loads. Of what is
private to granian, this uses ``_init_shared_socket``, ``_sso``, ``_shd``, ``_spawn_worker`` and the
arguments of ``SocketHolder``.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import socket
import ssl
import sysconfig
import threading
import time
import typing as t
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

import click

from .._extras import missing_extra
from .._listen import BACKLOG, CannotListen, open_tcp, open_unix
from .application import CannotServe, examine
from .health import Flag
from .listener import refuse_new, wait_until_accepted
from .settings import Settings
from .worker import Loader

try:
    import granian.net
    from granian.constants import HTTPModes, Interfaces, SSLProtocols
    from granian.log import LogLevels
    from granian.server import MPServer
except ModuleNotFoundError as error:
    raise missing_extra("serve", error) from error

# Its types do not say what a SocketHolder takes.
_net: t.Any = granian.net

# How long connections that are there have to be accepted, and then to have their request read:
# granian closes those of which it has read nothing. In that time, those who keep a connection and
# ask on it are told that it closes.
_ACCEPT_SECONDS = 5.0
_READ_SECONDS = 1.0
# How long a worker that is replaced has to close its event streams and WebSockets.
_CLOSE_SECONDS = 1.0
_LOG = {
    "handlers": {
        name: {
            "formatter": "generic",
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stderr",
        }
        for name in ("console", "access")
    }
}


class Supervisor(MPServer):  # type: ignore[misc]  # Any to mypy, see pyproject.toml
    """Granian's server of worker processes, on a socket of ours and with an orderly end.

    :param listener: the socket, listening.
    :param settings: how to serve, with the interface decided.
    """

    def __init__(self, listener: socket.socket, settings: Settings) -> None:
        self.listener = listener
        self.settings = settings
        # In memory that the workers share.
        self.ending: Flag = multiprocessing.get_context("spawn").RawValue(ctypes.c_bool, False)
        self.signals: list[int] = []
        cert, key = settings.tls or (None, None)
        is_wsgi = settings.interface == "wsgi"
        super().__init__(
            target=settings.app or "application",
            # Not the unix socket's path: granian would remove, at the end, what may be the socket
            # of the next server by then.
            interface=Interfaces.WSGI if is_wsgi else Interfaces.ASGI,
            workers=settings.workers,
            blocking_threads=(settings.threads or default_threads()) if is_wsgi else None,
            http=HTTPModes(settings.http),
            backlog=BACKLOG,
            log_level=LogLevels.warning,
            log_dictconfig=_LOG,
            ssl_cert=cert,
            ssl_key=key,
            ssl_protocol_min=SSLProtocols.tls12,
            respawn_failed_workers=True,
            workers_kill_timeout=settings.graceful_timeout,
        )

    def run(self) -> None:
        """Serve until a signal comes, SIGTERM or SIGINT."""
        self.serve(target_loader=partial(Loader, self.settings, self.ending), wrap_loader=False)

    def _init_shared_socket(self) -> None:
        self._sso = self.listener
        self._shd = _net.SocketHolder(
            self.listener.fileno(), self.settings.uds is not None, BACKLOG
        )

    def _spawn_worker(self, idx: int, target: t.Any, callback_loader: t.Any) -> t.Any:
        # The worker sees that its other end is closed.
        closing, open_end = multiprocessing.get_context("spawn").Pipe(duplex=False)
        worker: t.Any = super()._spawn_worker(idx, target, callback_loader(closing))
        worker.open_end = open_end
        worker.terminate = partial(_tell_and_end, worker, worker.terminate)
        return worker

    def signal_handler_interrupt(self, signum: int, frame: t.Any) -> None:
        self.signals.append(signum)
        super().signal_handler_interrupt(signum, frame)

    def signal_handler_reload(self, signum: int, frame: t.Any) -> None:
        # In a thread: code may take long to load, and another signal is to be heard meanwhile.
        threading.Thread(target=self._reload_what_loads, args=(signum, frame), daemon=True).start()

    def _reload_what_loads(self, signum: int, frame: t.Any) -> None:
        try:
            examine(self.settings.app)
        except CannotServe as error:
            _say(f"Error: {error.message} The workers stay as they are.")
        else:
            super().signal_handler_reload(signum, frame)

    def shutdown(self, exit_code: int = 0) -> None:
        if self.signals:
            self._drain()
            # Whoever sent the signal may have sent it to the workers too.
            self.interrupt_children.clear()
        super().shutdown(exit_code)

    def _drain(self) -> None:
        """Have clients go to other servers, and take in the requests of those who came."""
        _say(" * Ending: what was asked is still answered")
        self.ending.value = True
        self._wait(self.settings.drain_delay)
        refuse_new(self.listener)
        accepted = self._has_workers() and wait_until_accepted(self.listener, _ACCEPT_SECONDS)
        workers: list[t.Any] = self.wrks
        for worker in workers:
            worker.open_end.close()
        if accepted:
            self._wait(_READ_SECONDS)

    def _wait(self, seconds: float) -> None:
        """Wait, but not for a person, who pressed Ctrl-C, nor longer than to another signal."""
        deadline = time.monotonic() + seconds
        known = len(self.signals)
        while signal.SIGINT not in self.signals:
            self.main_loop_interrupt.clear()
            left = deadline - time.monotonic()
            if left <= 0 or len(self.signals) > known or not self._has_workers():
                break
            self.main_loop_interrupt.wait(left)

    def _has_workers(self) -> bool:
        return any(worker.is_alive() for worker in self.wrks)


def _tell_and_end(worker: t.Any, terminate: Callable[[], None]) -> None:
    """End a worker; one that is replaced first closes its event streams and WebSockets.

    Granian would cut them.
    """
    if not worker.open_end.closed:
        worker.open_end.close()
        if worker.is_alive():
            time.sleep(_CLOSE_SECONDS)
    terminate()


def default_threads() -> int:
    """How many threads of a worker run sync code: more wait for each other to run Python."""
    return min(8, 2 * (os.cpu_count() or 1) + 1)


def serve(settings: Settings) -> None:
    """Serve an application until a signal comes.

    :param settings: how.
    :raises CannotServe: the application, the address or the certificate is not right, or granian
        has no worker processes here.
    """
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise CannotServe(
            "'erlen serve' stands on granian's worker processes, which granian does not have on a"
            " free-threaded build of Python. Serve by 'gunicorn --threads 8', say, or take a build"
            " with the interpreter's lock."
        )
    # Fork copies the locks of threads that it does not copy; granian asks for what is set here.
    multiprocessing.set_start_method("spawn", force=True)
    try:
        listener = (
            open_unix(settings.uds) if settings.uds else open_tcp(settings.host, settings.port)
        )
    except CannotListen as error:
        raise CannotServe(str(error)) from None
    with listener:
        settings = _decide(settings)
        try:
            supervisor = Supervisor(listener, settings)
        except OSError as error:
            raise CannotServe(
                f"The certificate and key cannot be used: {_why_not(error)}."
            ) from None
        supervisor.on_startup(lambda: _tell(listener, settings))
        supervisor.run()


def _decide(settings: Settings) -> Settings:
    """Look at the application, and choose the interface where none was asked for."""
    found = examine(settings.app)
    if found.has_websockets and settings.http == "2":
        _warn(
            "HTTP/2 alone was asked for, but the application has WebSockets: these begin by"
            " HTTP/1.1 and do not run. '--http auto' serves both."
        )
    if settings.interface is None:
        # Granian's WSGI takes X_Forwarded_For for X-Forwarded-For, and a proxy may pass that on.
        has_choice = settings.trust and "ASGI" in found.speaks
        settings = replace(settings, interface="asgi" if has_choice else found.interface)
    elif settings.interface.upper() not in found.speaks:
        (spoken,) = found.speaks
        raise CannotServe(
            f"{settings.interface.upper()} was asked for, but the application speaks {spoken}"
            " alone. Leave out '--interface'.",
            exit_code=2,
        )
    if found.lost:
        _warn(
            f"What is around the app speaks WSGI alone, but {found.lost}: these do not run. Put it"
            " around 'app.wsgi_app', or take middleware that speaks both."
        )
    if settings.interface == "wsgi":
        if found.interface == "asgi" and not found.runs_on_wsgi:
            _warn(f"WSGI was asked for, but {found.reason}: these do not run.")
        if settings.trust:
            _warn(
                "By WSGI, a header X_Forwarded_For passes for X-Forwarded-For: the proxies must"
                " remove names with underscores, as nginx does."
            )
    return settings


def _why_not(error: OSError) -> str:
    if not isinstance(error, ssl.SSLError):
        return f"{error.strerror}: {error.filename}" if error.filename else str(error)
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    return "they are not files of a certificate and a key in the PEM format"


def _warn(message: str) -> None:
    _say(f"Warning: {message}")


def _say(message: str) -> None:
    """Say something on standard error; where nobody reads it any more, the server goes on."""
    with suppress(OSError):
        click.echo(message, err=True)


def _tell(listener: socket.socket, settings: Settings) -> None:
    if settings.uds:
        place = f"unix:{settings.uds}"
    else:
        host, port = listener.getsockname()[:2]
        place = f"http{'s' if settings.tls else ''}://{f'[{host}]' if ':' in host else host}:{port}"
    workers = f"{settings.workers} worker{'s' if settings.workers > 1 else ''}"
    _say(
        f" * Serving {settings.app or 'the application'} on {place}"
        f" ({(settings.interface or '').upper()}, {workers})"
    )
