"""The command ``erlen doctor``."""

from __future__ import annotations

import shutil

import click

from ..cli import ScriptInfo, pass_script_info


@click.command("doctor", short_help="Tell what of a Flask project runs on erlen.")
@click.argument("app", required=False)
@click.option("--static", is_flag=True, help="Only read files: do not load the application.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the application may take to load.",
)
@pass_script_info
def doctor_command(
    info: ScriptInfo, app: str | None, static: bool, as_json: bool, timeout: float
) -> None:
    """Tell what of a Flask project runs on erlen as it is, what does not, and what to set.

    APP is what '--app' takes: 'hello', 'hello.py', 'hello:create_app()'; or a folder with a
    'wsgi.py' or 'app.py'. Without it, the application is found as for 'run'.

    The project's files and the installed packages are read. Then the application is loaded, in a
    process of its own, to see what was replaced on it: this runs its code. '--static' leaves that
    out.

    The exit code is 1 where something will not run, and 2 for a wrong call.
    """
    # PERF: every command line loads this room, and only this command needs those.
    from .examine import examine
    from .report import as_json as written_as_json
    from .report import as_table

    report = examine(app or info.app_import_path, static=static, timeout=timeout)
    if as_json:
        click.echo(written_as_json(report))
    else:
        click.echo(as_table(report, min(shutil.get_terminal_size().columns, 120)))
    click.get_current_context().exit(report.exit_code)
