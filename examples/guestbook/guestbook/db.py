"""The SQLite database: one connection per request, made when it is first asked for."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import click

from erlen import Flask, current_app, g

from . import security


def data_folder() -> Path:
    """Where the database, the pictures and the secret key are kept."""
    folder: Path = current_app.config["DATA_FOLDER"]
    return folder


def database_file() -> Path:
    return data_folder() / "guestbook.sqlite"


def picture_folder() -> Path:
    return data_folder() / "pictures"


def get_db() -> sqlite3.Connection:
    """The connection of this request or command."""
    if "db" not in g:
        file = database_file()
        if not file.exists():
            raise RuntimeError(
                f"There is no database at {file}. Make it with: erlen --app guestbook init-db"
            )
        g.db = sqlite3.connect(file)
        g.db.row_factory = sqlite3.Row
    connection: sqlite3.Connection = g.db
    return connection


def close_db(error: BaseException | None = None) -> None:
    connection = g.pop("db", None)
    if connection is not None:
        connection.close()


@click.option("--reset", is_flag=True, help="Throw all entries and pictures away first.")
def init_db(reset: bool) -> None:
    """Make the database and the secret key, where they are not there yet."""
    try:
        _make_data(reset)
    except (OSError, sqlite3.OperationalError) as error:
        # SQLite does not say of which file it speaks.
        path, why = database_file(), str(error)
        if isinstance(error, OSError):
            path, why = error.filename or path, error.strerror or why
        raise click.ClickException(
            f"Cannot write {path}: {why}. Have the folder {data_folder()} writable for this user,"
            " or set GUESTBOOK_DATA_FOLDER to one that is."
        ) from None


def _make_data(reset: bool) -> None:
    file = database_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    if reset:
        file.unlink(missing_ok=True)
        shutil.rmtree(picture_folder(), ignore_errors=True)
    picture_folder().mkdir(exist_ok=True)

    if not current_app.secret_key:
        security.make_secret_key(data_folder())
        click.echo(f"Made a secret key in {data_folder()}.")
    if file.exists():
        click.echo(f"The database {file} is there already: left as it is.")
        return
    with current_app.open_resource("schema.sql", "r") as schema:
        connection = sqlite3.connect(file)
        connection.executescript(schema.read())
        connection.close()
    click.echo(f"Made the database {file}.")


def init_app(app: Flask) -> None:
    app.teardown_appcontext(close_db)
    app.cli.command("init-db")(init_db)
