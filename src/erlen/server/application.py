"""Finding the application, and looking at it in a process of its own before it is served.

The server itself never imports the application: it stays small, and workers that come later run
the code as it is then.
"""

from __future__ import annotations

import inspect
import multiprocessing
import os
import signal
import sys
import traceback
import typing as t
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import click

from ..cli import NoAppException, ScriptInfo
from ..typing import App
from .settings import Interface


class CannotServe(click.ClickException):
    """The application cannot be served; says why in one line.

    :param message: why.
    :param exit_code: that of the program.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # as click's own exceptions do


@dataclass(frozen=True)
class Found:
    """What was found of an application.

    :param interface: the one that it needs.
    :param reason: why it needs it.
    :param runs_on_wsgi: whether all of it runs on WSGI too.
    :param has_websockets: whether it has views of WebSockets.
    """

    interface: Interface
    reason: str = ""
    runs_on_wsgi: bool = True
    has_websockets: bool = False


def load(path: str | None) -> App:
    """Import the application, with ``debug`` as its own code sets it.

    :param path: what ``--app`` says; None looks for ``wsgi.py`` or ``app.py``.
    :raises CannotServe: there is none, it fails, or it is in debug mode.
    """
    try:
        app = ScriptInfo(path, set_debug_flag=False).load_app()
    except NoAppException as error:
        cause = error.__context__
        if isinstance(cause, ImportError) and cause.__traceback__ and cause.__traceback__.tb_next:
            raise _failed(path, cause) from None
        raise CannotServe(error.format_message(), error.exit_code) from None
    except (Exception, SystemExit) as error:
        raise _failed(path, error) from None
    if app.debug:
        raise CannotServe(
            "The application turns debug mode on, which shows its source to everyone: 'serve' is"
            " for production. Take 'debug = True' or DEBUG out of its code or configuration, or"
            " develop with 'erlen run --debug'.",
            exit_code=2,
        )
    return app


def _failed(path: str | None, error: BaseException) -> CannotServe:
    said = " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    if isinstance(error, SyntaxError):
        said, place = error.msg, f" ({error.filename}, line {error.lineno})"
    return CannotServe(
        f"The application{f' {path!r}' if path else ''} cannot be loaded:"
        f" {type(error).__name__}{f': {said}' if said else ''}{place}."
        " 'erlen routes' shows the whole traceback."
    )


def examine(path: str | None) -> Found:
    """Load an application in a process of its own and tell which interface it needs.

    :param path: what ``--app`` says; None looks for ``wsgi.py`` or ``app.py``.
    :raises CannotServe: it cannot be served.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, path), name="erlen-examine")
    process.start()
    sender.close()
    try:
        found = receiver.recv()
    except EOFError:
        process.join()
        raise CannotServe(
            "The application ended the process that loaded it"
            f" (exit code {process.exitcode}), and cannot be served."
        ) from None
    finally:
        receiver.close()
    process.join()
    if isinstance(found, Found):
        return found
    raise CannotServe(*found)


def _report(sender: Connection, path: str | None) -> t.NoReturn:
    # Ctrl-C ends this without a word: the server says what is to be said.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # The application may say `from flask import Flask`.
    from .. import as_flask  # noqa: F401

    found: Found | tuple[str, int]
    try:
        found = look_at(load(path))
    except CannotServe as error:
        found = error.message, error.exit_code
    with suppress(BrokenPipeError):  # the server was ended meanwhile
        sender.send(found)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that the application started would keep this process alive.
    os._exit(0)


def look_at(app: App) -> Found:
    """Tell which interface an application needs: ASGI where it has what WSGI has not."""
    if any(rule.websocket for rule in app.url_map.iter_rules()):
        return Found("asgi", "it has WebSockets", runs_on_wsgi=False, has_websockets=True)
    if app.before_serving_funcs or app.while_serving_gens or app.after_serving_funcs:
        return Found("asgi", "it has functions around serving", runs_on_wsgi=False)
    if "asgi_app" in vars(app) and "wsgi_app" not in vars(app):
        return Found("asgi", "it has ASGI middleware around it", runs_on_wsgi=False)
    for endpoint, view in app.view_functions.items():
        if _is_async(view):
            return Found("asgi", f"the view {endpoint!r} is async")
    return Found("wsgi")


def _is_async(view: t.Any) -> bool:
    cls = getattr(view, "view_class", None)
    if cls is None:
        return inspect.iscoroutinefunction(view)
    methods = [getattr(cls, name.lower(), None) for name in cls.methods or ()]
    return any(map(inspect.iscoroutinefunction, [cls.dispatch_request, *methods]))
