"""The commands ``erlen translate init``, ``extract``, ``update`` and ``compile``."""

from __future__ import annotations

import typing as t
from pathlib import Path

import click

from ..cli import AppGroup, with_appcontext
from ..globals import current_app

if t.TYPE_CHECKING:
    from .project import Project

mapping_option = click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where messages are looked for, as in Babel's babel.cfg.",
)


def _project(mapping: Path | None = None) -> Project:
    """Make out where the current app's source and catalogs are."""
    setup = current_app.extensions.get("i18n")
    if setup is None:
        raise click.ClickException(
            f"The application {current_app.name!r} has no translations. Set them up first:\n\n"
            "    from erlen.i18n import Translations\n\n"
            "    Translations(app)"
        )
    # PERF: every command line loads this room, and only these commands need Babel.
    from .project import Project

    folder, domain = setup.catalogs.folders[0], setup.catalogs.domains[0]
    return Project(current_app._get_current_object(), folder, domain, mapping)


@click.group("translate", cls=AppGroup, short_help="Make and compile catalogs of messages.")
def translate_command() -> None:
    """Make catalogs of the application's messages, keep them up to date, and compile them.

    The catalogs are in the folder 'translations' beside the application, or where
    BABEL_TRANSLATION_DIRECTORIES says.
    """


@translate_command.command("init")
@click.argument("languages", nargs=-1, required=True, metavar="LANGUAGE...")
@mapping_option
@with_appcontext
def init_command(languages: tuple[str, ...], mapping: Path | None) -> None:
    """Begin catalogs in new languages, such as 'de' or 'pt_BR'."""
    project = _project(mapping)
    tags = [project.check_new(language) for language in languages]
    template = project.extract()
    for tag in tags:
        click.echo(f"{tag}: began {project.begin(tag, template)}")


@translate_command.command("extract", short_help="Write the messages into the .pot file.")
@mapping_option
@with_appcontext
def extract_command(mapping: Path | None) -> None:
    """Write the messages that are found in Python files and templates into the .pot file."""
    project = _project(mapping)
    count = len(project.extract())
    click.echo(f"{count} {'message' if count == 1 else 'messages'} in {project.template_file}")


@translate_command.command("update", short_help="Extract; bring all catalogs up to date.")
@click.option("--no-fuzzy", is_flag=True, help="Guess no translations from similar messages.")
@mapping_option
@with_appcontext
def update_command(no_fuzzy: bool, mapping: Path | None) -> None:
    """Extract the messages, and bring each language's catalog up to date with them."""
    project = _project(mapping)
    languages = project.languages()
    template = project.extract()
    for tag in languages:
        click.echo(f"{tag}: {project.update(tag, template, no_fuzzy)}")


@translate_command.command("compile", short_help="Compile the catalogs.")
@click.option("--use-fuzzy", is_flag=True, help="Use translations that are marked as fuzzy.")
@with_appcontext
def compile_command(use_fuzzy: bool) -> None:
    """Compile each language's catalog, as the application reads it.

    A catalog whose translations would fail when they are used is not compiled, and the exit code
    is 1.
    """
    project = _project()
    is_good = True
    for tag in project.languages():
        faults, state = project.compile(tag, use_fuzzy)
        is_good = is_good and not faults
        for fault in faults:
            click.echo(f"{tag}: {fault}", err=True)
        click.echo(f"{tag}: {state}", err=bool(faults))
    if not is_good:
        click.get_current_context().exit(1)
