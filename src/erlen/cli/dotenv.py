"""Environment variables: from ``.env`` files, and ``ERLEN_*`` beside Flask's ``FLASK_*``."""

from __future__ import annotations

import os

import click


def adopt_erlen_variables() -> None:
    """Give each ``ERLEN_X`` to those who read ``FLASK_X``: click's options and extensions.

    Where both are set, ERLEN_X wins. ``ERLEN_AS_FLASK`` has no counterpart in Flask.
    """
    for name, value in list(os.environ.items()):
        if name.startswith("ERLEN_") and name != "ERLEN_AS_FLASK":
            os.environ["FLASK_" + name.removeprefix("ERLEN_")] = value


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Set environment variables from files, where they are not set yet.

    ``path`` outweighs ``.env``, which outweighs ``.flaskenv``. The files are read as UTF-8, the
    two default ones from the working directory or the nearest directory above it that has one.
    Does nothing without python-dotenv (``pip install erlen[dotenv]``) but to say so if needed.

    :param path: a file to load.
    :param load_defaults: whether to look for the two default files.
    :return: whether a file had a variable.
    """
    try:
        import dotenv
    except ImportError:
        if path or os.path.isfile(".env") or os.path.isfile(".flaskenv"):
            click.secho(
                " * Tip: There are .env files present. Install python-dotenv to use them.",
                fg="yellow",
                err=True,
            )
        return False

    data: dict[str, str | None] = {}
    if load_defaults:
        for name in (".flaskenv", ".env"):
            if found := dotenv.find_dotenv(name, usecwd=True):
                data |= dotenv.dotenv_values(found, encoding="utf-8")
    if path is not None and os.path.isfile(path):
        data |= dotenv.dotenv_values(path, encoding="utf-8")

    for key, value in data.items():
        if value is not None:
            os.environ.setdefault(key, value)
    return bool(data)
