"""The development server: Werkzeug's, with Flask's banner and options."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Sequence
from importlib.util import find_spec
from io import BufferedIOBase

import click
import werkzeug.serving
from werkzeug.serving import DechunkedInput, WSGIRequestHandler, is_running_from_reloader

from .._serving import Served
from ..config import get_debug_flag, get_load_dotenv
from ..typing import App, WSGIApplication, WSGIEnvironment
from .dotenv import load_dotenv as load_dotenv_files


def show_server_banner(debug: bool, app_import_path: str | None) -> None:
    """Print what is served and whether in debug mode, once and not again at each reload."""
    if is_running_from_reloader():
        return
    if app_import_path is not None:
        click.echo(f" * Serving Flask app '{app_import_path}'")
    if debug is not None:
        click.echo(f" * Debug mode: {'on' if debug else 'off'}")


class _WholeReads:
    """The client's data, of which a read that ends early is an error."""

    def __init__(self, source: BufferedIOBase) -> None:
        self.source = source
        self.readline = source.readline

    def read(self, size: int) -> bytes:
        data = self.source.read(size)
        if len(data) < size:
            raise OSError("The client went away within a chunk of the body.")
        return data


class _Rest:
    """What a client still sends after its answer, of which a reset is the end."""

    def __init__(self, source: BufferedIOBase) -> None:
        self.source = source
        self.close = source.close

    def read(self, size: int) -> bytes:
        try:
            return self.source.read(size)
        except OSError:
            return b""


def careful_handler(handler: type[WSGIRequestHandler]) -> type[WSGIRequestHandler]:
    """Have a handler of requests take what clients break off as such.

    Of a chunk that is cut off, Werkzeug reads as many zeros as were announced: some bytes fill the
    memory. And it reads what follows a request before it closes the answer, which a client that
    resets its connection would keep open.
    """

    class Handler(handler):  # type: ignore[misc,valid-type]  # a class that is given
        rfile: t.Any

        def make_environ(self) -> WSGIEnvironment:
            environ: WSGIEnvironment = super().make_environ()
            if isinstance(environ["wsgi.input"], DechunkedInput):
                source = t.cast("t.IO[bytes]", _WholeReads(self.rfile))
                environ["wsgi.input"] = DechunkedInput(source)
            self.rfile = _Rest(self.rfile)
            return environ

    return Handler


def serve(
    host: str,
    port: int,
    app: WSGIApplication,
    *,
    debugger_host_allowed: Sequence[str] = (),
    use_debugger: bool = False,
    use_evalex: bool = True,
    use_reloader: bool = False,
    reloader_type: str = "auto",
    **options: t.Any,
) -> None:
    """Serve an application until it is interrupted, with the debugger and reloader of this package.

    The debugger runs code for whoever reaches it and knows the PIN: on a host that others can
    reach, it is left out unless ``debugger_host_allowed`` says by which names it may be asked for.

    :param host: an address or name to bind to, or ``unix://`` and a path.
    :param port: 0 takes a free one.
    :param debugger_host_allowed: names and addresses of this machine under which a browser may use
        the debugger; a leading dot takes the names below it too.
    :param reloader_type: ``"auto"`` is watchfiles where that is installed, else Werkzeug's choice.
    :param options: what :func:`werkzeug.serving.run_simple` takes beside these.
    """
    served = app
    if use_debugger:
        # PERF: importing the application loads this room, and only debug mode needs that one.
        from .debugger import Debugger, is_loopback

        if debugger_host_allowed or is_loopback(host):
            app = Debugger(app, use_evalex, [host, *debugger_host_allowed])
        elif not is_running_from_reloader():
            click.secho(
                f" * The debugger is off: others can reach {host!r}, and the debugger runs any"
                " code.\n   To use it there, name the host that you open in the browser:"
                " '--debugger-host-allowed NAME',\n   or app.run(debugger_host_allowed=['NAME']).",
                fg="red",
                err=True,
            )
    if use_reloader and reloader_type == "auto" and find_spec("watchfiles") is not None:
        # PERF: as above, for the reloader.
        from .reloader import register

        reloader_type = register()
    options["request_handler"] = careful_handler(
        options.get("request_handler") or WSGIRequestHandler
    )
    if isinstance(served, Served) and any(rule.websocket for rule in served.url_map.iter_rules()):
        # PERF: as above, for WebSockets.
        from .websockets import WebSockets, logging_handler

        app = WebSockets(app, served)
        options["request_handler"] = logging_handler(options["request_handler"])
    # By its module, where others replace it.
    werkzeug.serving.run_simple(
        host,
        port,
        app,
        use_reloader=use_reloader,
        reloader_type=reloader_type,
        **options,
    )


def run_app(
    app: App,
    host: str | None = None,
    port: int | None = None,
    debug: bool | None = None,
    load_dotenv: bool = True,
    **options: t.Any,
) -> None:
    """Serve an application for development: the body of ``app.run()``.

    Does nothing but say so while a command of the command line runs.

    :param host: by default the host in ``SERVER_NAME``, else ``127.0.0.1``.
    :param port: by default the port in ``SERVER_NAME``, else 5000.
    :param debug: sets ``app.debug``, above all other sources.
    :param load_dotenv: whether to load ``.env`` and ``.flaskenv``.
    :param options: what :func:`serve` and Werkzeug's ``run_simple`` take. Debug mode decides
        ``use_reloader`` and ``use_debugger``; ``threaded`` is on.
    """
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
        if not is_running_from_reloader():
            click.secho(
                " * Ignoring a call to 'app.run()' that would block the current 'flask' CLI"
                " command.\n   Only call 'app.run()' in an 'if __name__ == \"__main__\"' guard.",
                fg="red",
            )
        return

    if get_load_dotenv(load_dotenv):
        load_dotenv_files()
        if "FLASK_DEBUG" in os.environ or "ERLEN_DEBUG" in os.environ:
            app.debug = get_debug_flag()
    if debug is not None:
        app.debug = bool(debug)

    named_host, _, named_port = (app.config.get("SERVER_NAME") or "").partition(":")
    if not port and port != 0:
        port = int(named_port or 5000)

    options.setdefault("use_reloader", app.debug)
    options.setdefault("use_debugger", app.debug)
    options.setdefault("threaded", True)
    show_server_banner(app.debug, app.name)
    try:
        serve(host or named_host or "127.0.0.1", int(port), app, **options)
    finally:
        # From an interactive shell, set-up may go on and the application be served again.
        app._got_first_request = False
