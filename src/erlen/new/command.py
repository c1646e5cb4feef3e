"""The command ``erlen new``, which copies the template beside it."""

from __future__ import annotations

import keyword
import secrets
import shlex
import sys
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import click

TEMPLATE = Path(__file__).parent / "template"
# The template's package, whose name gives way to the project's.
NAME = "website"
# What stands beside it in the project.
BESIDE = ("instance", "tests")


@click.command("new", short_help="Make a project to begin with.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def new_command(folder: Path) -> None:
    """Make a project in FOLDER: an application package, its tests, and a secret key.

    Its pages are protected against forged requests. FOLDER must not exist or be empty; its name
    becomes the package's.
    """
    folder = folder.resolve()
    name = _package_name(folder.name)
    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty. Choose a folder that is not there yet.")
    try:
        _copy_template(folder, name)
        _write_secret_key(folder)
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written: {error}") from error
    steps = [
        f"cd {shlex.quote(click.format_filename(folder))}",
        'pip install "erlen[forms]" pytest',
        f"erlen --app {name} run --debug",
        "python -m pytest",
    ]
    if find_spec("wtforms") and find_spec("pytest"):
        del steps[1]
    click.echo("\n  ".join([f"Made {folder}. Now:\n", *steps]))


def _package_name(name: str) -> str:
    name = name.replace("-", "_")
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise click.ClickException(
            f"{name!r} cannot be a package's name. Take letters, digits and underscores, and begin"
            " with a letter."
        )
    taken = {"erlen", "flask", *BESIDE, *sys.stdlib_module_names, *packages_distributions()}
    if name in taken:
        raise click.ClickException(
            f"A package {name!r} would hide another one of this name. Choose another name."
        )
    return name


def _copy_template(folder: Path, name: str) -> None:
    for source in sorted(TEMPLATE.rglob("*")):
        if source.is_file() and "__pycache__" not in source.parts:
            target = folder / str(source.relative_to(TEMPLATE)).replace(NAME, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source.read_text("utf-8").replace(NAME, name), "utf-8")


def _write_secret_key(folder: Path) -> None:
    config = folder / "instance" / "config.py"
    config.parent.mkdir()
    config.touch(mode=0o600)
    config.write_text(f'SECRET_KEY = "{secrets.token_hex()}"\n', "utf-8")
