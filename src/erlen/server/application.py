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

from ..asgi.protocol import BOTH, Protocol, protocols
from ..cli import NoAppException, ScriptInfo
from ..cli.locate import is_app
from ..typing import App
from .settings import Interface
from .within import apps_within, reason_for_asgi


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
    :param speaks: what it can be called by.
    :param lost: what in it does not run, as what is around it speaks WSGI alone.
    """

    interface: Interface
    reason: str = ""
    runs_on_wsgi: bool = True
    has_websockets: bool = False
    speaks: frozenset[Protocol] = BOTH
    lost: str = ""


def load(path: str | None) -> t.Any:
    """Import the application, with ``debug`` as its own code sets it.

    It is an app, or anything else that speaks WSGI or ASGI, such as middleware around apps.

    :param path: what ``--app`` says; None looks for ``wsgi.py`` or ``app.py``.
    :raises CannotServe: there is none, it fails, or it is in debug mode.
    """
    info = ScriptInfo(path, set_debug_flag=False)
    info._accepts = is_application
    try:
        application = info.load_app()
    except NoAppException as error:
        cause = error.__context__
        if isinstance(cause, ImportError) and cause.__traceback__ and cause.__traceback__.tb_next:
            raise _failed(path, cause) from None
        raise CannotServe(error.format_message(), error.exit_code) from None
    except (Exception, SystemExit) as error:
        raise _failed(path, error) from None
    if any(app.debug for app in apps_within(application)):
        raise CannotServe(
            "The application turns debug mode on, which shows its source to everyone: 'serve' is"
            " for production. Take 'debug = True' or DEBUG out of its code or configuration, or"
            " develop with 'erlen run --debug'.",
            exit_code=2,
        )
    return application


def is_application(value: object) -> bool:
    """Tell whether a server can call a value; a function that needs no arguments makes one."""
    if is_app(value):
        return True
    if isinstance(value, type) or not callable(value):
        return False
    try:
        protocols(value)
    except TypeError:
        return False
    return not (inspect.isfunction(value) and _needs_nothing(value))


def _needs_nothing(function: t.Any) -> bool:
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    return True


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


def look_at(application: t.Any) -> Found:
    """Tell which interface an application needs: ASGI where it has what WSGI has not."""
    if is_app(application):
        return _look_at_app(application)
    speaks = protocols(application)
    needs = [found for found in map(_look_at_app, apps_within(application)) if found.reason]
    has_websockets = any(found.has_websockets for found in needs)
    if "ASGI" not in speaks:
        lost = next((found.reason for found in needs if not found.runs_on_wsgi), "")
        return Found("wsgi", speaks=speaks, lost=lost)
    if "WSGI" not in speaks:
        reason = "it speaks ASGI alone"
        return Found("asgi", reason, False, has_websockets, speaks)
    if needs:
        runs_on_wsgi = all(found.runs_on_wsgi for found in needs)
        return Found("asgi", needs[0].reason, runs_on_wsgi, has_websockets)
    reason = reason_for_asgi(application)
    return Found("asgi" if reason else "wsgi", reason)


def _look_at_app(app: App) -> Found:
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
