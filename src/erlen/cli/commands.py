"""The commands that every application has: run, shell and routes."""

from __future__ import annotations

import os
import sys
import traceback
import typing as t
from operator import itemgetter

import click
from werkzeug.serving import is_running_from_reloader

from ..config import get_debug_flag
from ..globals import current_app
from ..typing import StartResponse, WSGIApplication, WSGIEnvironment
from .options import (
    CertParamType,
    SeparatedPathType,
    _debug_option,
    _validate_key,
    _validate_port,
)
from .script import ScriptInfo, pass_script_info, with_appcontext
from .serve import serve, show_server_banner


@click.command("run", short_help="Run a development server.")
@click.option("--host", "-h", default="127.0.0.1", help="The interface to bind to.")
@click.option("--port", "-p", default=5000, callback=_validate_port, help="The port to bind to.")
@click.option(
    "--cert",
    type=CertParamType(),
    help="Specify a certificate file to use HTTPS.",
    is_eager=True,
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    callback=_validate_key,
    expose_value=False,
    help="The key file to use when specifying a certificate.",
)
@click.option(
    "--reload/--no-reload",
    default=None,
    help="Enable or disable the reloader. By default the reloader is active if debug is enabled.",
)
@click.option(
    "--debugger/--no-debugger",
    default=None,
    help="Enable or disable the debugger. By default the debugger is active if debug is enabled.",
)
@click.option(
    "--debugger-host-allowed",
    multiple=True,
    metavar="NAME",
    help=(
        "A host name under which a browser may use the debugger. Needed where others can reach"
        " the server, for the debugger runs any code. Can be given more than once."
    ),
)
@click.option(
    "--with-threads/--without-threads",
    default=True,
    help="Enable or disable multithreading.",
)
@click.option(
    "--extra-files",
    default=None,
    type=SeparatedPathType(),
    help=(
        "Extra files that trigger a reload on change. Multiple paths"
        f" are separated by {os.path.pathsep!r}."
    ),
)
@click.option(
    "--exclude-patterns",
    default=None,
    type=SeparatedPathType(),
    help=(
        "Files matching these fnmatch patterns will not trigger a reload"
        f" on change. Multiple patterns are separated by {os.path.pathsep!r}."
    ),
)
@pass_script_info
def run_command(
    info: ScriptInfo,
    host: str,
    port: int,
    reload: bool | None,
    debugger: bool | None,
    debugger_host_allowed: tuple[str, ...],
    with_threads: bool,
    cert: t.Any,
    extra_files: list[str] | None,
    exclude_patterns: list[str] | None,
) -> None:
    """Run a local development server.

    This server is for development purposes only. It does not provide
    the stability, security, or performance of production WSGI servers.

    The reloader and debugger are enabled by default with the '--debug'
    option.
    """
    try:
        app: WSGIApplication = info.load_app()
    except Exception as error:
        if not is_running_from_reloader():
            raise error from None
        # A save broke the application, the next may mend it: until then each request shows why.
        traceback.print_exc()
        app = _raise_at_request(error)

    debug = get_debug_flag()
    show_server_banner(debug, info.app_import_path)
    serve(
        host,
        port,
        app,
        use_reloader=debug if reload is None else reload,
        use_debugger=debug if debugger is None else debugger,
        debugger_host_allowed=debugger_host_allowed,
        threaded=with_threads,
        ssl_context=cert,
        extra_files=extra_files,
        exclude_patterns=exclude_patterns,
    )


run_command.params.insert(0, _debug_option)


def _raise_at_request(error: Exception) -> WSGIApplication:
    trace = error.__traceback__

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> t.NoReturn:
        # Each raise adds to the traceback that the error carries.
        raise error.with_traceback(trace) from None

    return app


@click.command("shell", short_help="Run a shell in the app context.")
@with_appcontext
def shell_command() -> None:
    """Run an interactive Python shell in the context of a given
    Flask application.  The application will populate the default
    namespace of this shell according to its configuration.

    This is useful for executing small snippets of management code
    without having to manually configure the application.
    """
    import code

    namespace: dict[str, t.Any] = {}
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and os.path.isfile(startup):
        with open(startup, encoding="utf-8") as file:
            exec(compile(file.read(), startup, "exec"), namespace)
    namespace.update(current_app.make_shell_context())

    # What Python itself calls before its prompt: by default it sets up history and completion.
    hook = getattr(sys, "__interactivehook__", None)
    if hook is not None:
        try:
            import readline
            from rlcompleter import Completer
        except ImportError:
            pass
        else:
            # The default completes the names of __main__, which is this program.
            readline.set_completer(Completer(namespace).complete)
        hook()

    banner = (
        f"Python {sys.version} on {sys.platform}\n"
        f"App: {current_app.import_name}\n"
        f"Instance: {current_app.instance_path}"
    )
    code.interact(banner=banner, local=namespace)


@click.command("routes", short_help="Show the routes for the app.")
@click.option(
    "--sort",
    "-s",
    type=click.Choice(("endpoint", "methods", "domain", "rule", "match")),
    default="endpoint",
    help=(
        "Method to sort routes by. 'match' is the order that Flask will match routes"
        " when dispatching a request."
    ),
)
@click.option("--all-methods", is_flag=True, help="Show HEAD and OPTIONS methods.")
@with_appcontext
def routes_command(sort: str, all_methods: bool) -> None:
    """Show all registered routes with endpoints and methods."""
    url_map = current_app.url_map
    rules = list(url_map.iter_rules())
    if not rules:
        click.echo("No routes were registered.")
        return

    hidden = set() if all_methods else {"HEAD", "OPTIONS"}
    domains = [rule.host if url_map.host_matching else rule.subdomain for rule in rules]
    columns = {
        "endpoint": ("Endpoint", [rule.endpoint for rule in rules]),
        "methods": (
            "Methods",
            [", ".join(sorted((rule.methods or set()) - hidden)) for rule in rules],
        ),
        "domain": (
            "Host" if url_map.host_matching else "Subdomain",
            [domain or "" for domain in domains],
        ),
        "rule": ("Rule", [rule.rule for rule in rules]),
    }
    if not any(domains):
        del columns["domain"]

    headers = [header for header, _ in columns.values()]
    rows = list(zip(*(cells for _, cells in columns.values()), strict=True))
    if sort in columns:
        # The rest, "match" among them, leaves the order of the map.
        rows.sort(key=itemgetter(list(columns).index(sort)))

    widths = [max(map(len, cells)) for cells in zip(headers, *rows, strict=True)]
    for row in (headers, ["-" * width for width in widths], *rows):
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)))
