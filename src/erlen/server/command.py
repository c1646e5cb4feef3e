"""The command ``erlen serve``."""

from __future__ import annotations

import copy
import math
import typing as t
from pathlib import Path

import click
from click.core import ParameterSource

from ..cli import ScriptInfo, _debug_option, pass_script_info
from ..config import get_debug_flag

if t.TYPE_CHECKING:
    from .trust import Trust

_FILE = click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path)


@click.command("serve", short_help="Serve the app in production.")
@click.option(
    "--host",
    "-h",
    help="The address or name to bind to.  [default: 127.0.0.1; 0.0.0.0 where PORT is set]",
)
@click.option(
    "--port",
    "-p",
    type=click.IntRange(0, 65535),
    default=8000,
    envvar="PORT",
    show_envvar=True,
    show_default=True,
    help="The port to bind to; 0 takes a free one.",
)
@click.option(
    "--uds",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Bind to a unix socket instead of host and port.",
)
@click.option(
    "--workers",
    "-w",
    type=click.IntRange(1),
    default=1,
    envvar="WEB_CONCURRENCY",
    show_envvar=True,
    show_default=True,
    help="How many processes serve.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    help=(
        "How many threads of each run sync code."
        "  [default: WSGI: twice the processors and one, at most 8; ASGI: ASGI_THREADS]"
    ),
)
@click.option(
    "--interface",
    type=click.Choice(("auto", "wsgi", "asgi")),
    default="auto",
    show_default=True,
    help=(
        "How the app is called. 'auto' is ASGI for an app with WebSockets, async views or"
        " functions around serving, and behind proxies; else WSGI."
    ),
)
@click.option(
    "--http",
    type=click.Choice(("auto", "1", "2")),
    default="auto",
    show_default=True,
    help="The version of HTTP; 'auto' is what each client wants.",
)
@click.option("--cert", type=_FILE, help="The file of the certificate, for TLS.")
@click.option("--key", type=_FILE, help="The file of the certificate's key.")
@click.option(
    "--trusted-proxies",
    metavar="LIST",
    default="",
    envvar="FORWARDED_ALLOW_IPS",
    show_envvar=True,
    help=(
        "Addresses and networks of proxies, with commas between, which are believed in"
        " X-Forwarded-For and X-Forwarded-Proto. 'unix' is who connects to the unix socket, '*'"
        " everybody: only where a proxy alone can connect.  [default: nobody]"
    ),
)
@click.option(
    "--forwarded-host",
    is_flag=True,
    help="Believe these proxies in X-Forwarded-Host too: they must always set it.",
)
@click.option(
    "--access-log",
    type=click.Choice(("off", "text", "json")),
    default="off",
    show_default=True,
    help="A line for each request, to standard output.",
)
@click.option(
    "--health",
    metavar="LIVE,READY",
    default="/livez,/readyz",
    show_default=True,
    help="The paths where liveness and readiness are told; 'off' for none.",
)
@click.option(
    "--graceful-timeout",
    type=click.IntRange(1),
    default=25,
    show_default=True,
    metavar="SECONDS",
    help="How long requests have to finish after SIGTERM.",
)
@click.option(
    "--drain-delay",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to serve on after SIGTERM, unready, while a load balancer takes note.",
)
@pass_script_info
@click.pass_context
def serve_command(
    ctx: click.Context,
    info: ScriptInfo,
    host: str | None,
    port: int,
    uds: Path | None,
    workers: int,
    threads: int | None,
    interface: str,
    http: str,
    cert: Path | None,
    key: Path | None,
    trusted_proxies: str,
    forwarded_host: bool,
    access_log: str,
    health: str,
    graceful_timeout: int,
    drain_delay: float,
) -> None:
    """Serve the application in production, on granian.

    SIGTERM ends the server: what was asked is still answered. SIGHUP starts new workers, with new
    code, in place of the old ones. A worker that dies is replaced.

    Needs the extra: pip install 'erlen[serve]'.
    """
    if get_debug_flag():
        raise click.UsageError(
            "Debug mode is on, which shows the application's source to everyone: 'serve' is for"
            " production. Leave out '--debug' and FLASK_DEBUG, or develop with"
            " 'erlen run --debug'."
        )
    if not math.isfinite(drain_delay):
        raise click.BadParameter(
            f"{drain_delay} is no number of seconds.", param_hint="'--drain-delay'"
        )
    if (cert is None) != (key is None):
        raise click.UsageError("'--cert' and '--key' need each other.")
    is_given = ctx.get_parameter_source
    if uds is not None and ParameterSource.COMMANDLINE in (is_given("host"), is_given("port")):
        raise click.UsageError("'--uds' takes the place of '--host' and '--port'.")
    if host is None:
        # So are platforms served that say by PORT where their router will connect.
        on_platform = is_given("port") is ParameterSource.ENVIRONMENT
        host = "0.0.0.0" if on_platform else "127.0.0.1"
    paths, trust = _health_paths(health), _trust(trusted_proxies, forwarded_host)

    # PERF: every command line loads this room, and only this command needs those.
    try:
        from .settings import Settings
        from .supervisor import serve
    except ModuleNotFoundError as error:
        raise click.ClickException(str(error)) from None

    serve(
        Settings(
            app=info.app_import_path,
            host=host,
            port=port,
            uds=uds,
            interface=None if interface == "auto" else t.cast(t.Any, interface),
            workers=workers,
            threads=threads,
            http=http,
            tls=(cert, key) if cert and key else None,
            trust=trust,
            access_log=access_log,
            health=paths,
            graceful_timeout=graceful_timeout,
            drain_delay=drain_delay,
        )
    )


# So that '--debug' here is answered with the reason too.
_hidden = copy.copy(_debug_option)
_hidden.hidden = True
serve_command.params.insert(0, _hidden)


def _health_paths(text: str) -> tuple[str, str] | None:
    if text == "off":
        return None
    live, _, ready = text.partition(",")
    if not (live.startswith("/") and ready.startswith("/")) or live == ready or "," in ready:
        raise click.BadParameter(
            f"{text!r} is neither 'off' nor two different paths, such as '/livez,/readyz'.",
            param_hint="'--health'",
        )
    return live, ready


def _trust(text: str, host: bool) -> Trust:
    # PERF: as above.
    from .trust import Trust

    try:
        trust = Trust.parse(text, host)
    except ValueError as error:
        raise click.BadParameter(
            f"{error}. It takes addresses and networks with commas between, 'unix' and '*'.",
            param_hint="'--trusted-proxies' (or FORWARDED_ALLOW_IPS)",
        ) from None
    if host and not trust:
        raise click.UsageError("'--forwarded-host' needs '--trusted-proxies'.")
    return trust
