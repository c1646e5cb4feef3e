"""What a worker serves: the application, and what stands around it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import typing as t
from dataclasses import dataclass
from multiprocessing.connection import Connection

import click

from .._ending import Ending
from .access import Log, LoggedASGI, LoggedWSGI
from .application import CannotServe, load
from .health import Flag, Health, HealthASGI, HealthWSGI
from .settings import Settings
from .sockets import FinishedASGI
from .trust import TrustedASGI, TrustedWSGI
from .within import apps_within


@dataclass(frozen=True)
class Loader:
    """Loads the application in a worker; goes there from the server.

    :param settings: the server's, with the interface decided.
    :param ending: raised when the server is about to end.
    :param closing: closed when event streams and WebSockets are to end.
    """

    settings: Settings
    ending: Flag
    closing: Connection

    def __call__(self) -> t.Any:
        """Return what granian calls for each request."""
        # A group of its own, so that Ctrl-C reaches the server alone, which tells the workers:
        # granian's WSGI does not always survive to be told twice in an instant.
        os.setpgid(0, 0)
        threading.Thread(
            target=_end_with_server, args=(self.settings.graceful_timeout,), daemon=True
        ).start()
        # The application may say `from flask import Flask`.
        from .. import as_flask  # noqa: F401

        try:
            application = load(self.settings.app)
        except CannotServe as error:
            click.echo(f"Error: {error.message}", err=True)
            sys.exit(error.exit_code)
        closing = Ending()
        for app in apps_within(application):
            closing.tell(app._ending.begin)
            if self.settings.threads is not None and self.settings.interface == "asgi":
                app.config["ASGI_THREADS"] = self.settings.threads
        threading.Thread(target=_tell, args=(self.closing, closing), daemon=True).start()
        return wrap(application, self.settings, self.ending, closing)


def _tell(closing: Connection, ending: Ending) -> None:
    """Tell the event streams and WebSockets that the worker is about to end."""
    closing.poll(None)
    ending.begin()


def _end_with_server(seconds: float) -> None:
    """Have this worker finish when the server was killed, which cannot tell it to.

    :param seconds: how long it has.
    """
    server = multiprocessing.parent_process()
    if server is not None:
        server.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGKILL)


def wrap(app: t.Any, settings: Settings, ending: Flag, closing: Ending) -> t.Any:
    """Put what a server adds around an application: health, trust in proxies, access log."""
    health = Health(settings.health, ending)
    log = None if settings.access_log == "off" else Log(settings.access_log)
    if settings.interface == "asgi":
        inner = app if log is None else LoggedASGI(app, log)
        outer = HealthASGI(TrustedASGI(inner, settings.trust), health)
        return FinishedASGI(outer, closing)
    inner = app if log is None else LoggedWSGI(app, log)
    return HealthWSGI(TrustedWSGI(inner, settings.trust), health)
