"""The entries, and how they are kept. Pages and API both use this."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from erlen import abort, current_app, session
from erlen.i18n import gettext as _

from . import pictures
from .db import get_db

COLUMNS = "id, name, message, picture, owner, written"


@dataclass(frozen=True)
class Entry:
    id: int
    name: str
    message: str
    picture: str | None
    owner: str
    written: datetime

    @property
    def is_mine(self) -> bool:
        """Whether this browser wrote it."""
        return self.owner == session.get("owner")


@dataclass(frozen=True)
class Page:
    entries: list[Entry]
    number: int
    last: int
    total: int


def page(number: int) -> Page:
    """One page of the book, newest entries first; 404 where there is no such page."""
    size = current_app.config["ENTRIES_PER_PAGE"]
    total: int = get_db().execute("SELECT count(*) FROM entry").fetchone()[0]
    last = max(1, -(-total // size))
    if not 1 <= number <= last:
        told = _(
            "The book has pages 1 to %(last)s, but no page %(number)s.", last=last, number=number
        )
        abort(404, told)
    rows = get_db().execute(
        f"SELECT {COLUMNS} FROM entry ORDER BY id DESC LIMIT ? OFFSET ?",
        (size, (number - 1) * size),
    )
    return Page([_entry(row) for row in rows], number, last, total)


def find(entry_id: int) -> Entry:
    """One entry; 404 where there is none."""
    row = get_db().execute(f"SELECT {COLUMNS} FROM entry WHERE id = ?", (entry_id,)).fetchone()
    if row is None:
        abort(404, _("There is no such entry, or no longer."))
    return _entry(row)


def add(name: str, message: str, picture: str | None = None) -> int:
    """Keep an entry of this browser; give its number."""
    session.permanent = True
    session["name"] = name
    # The mark by which this browser may later remove what it wrote. It never leaves the session.
    owner = session.setdefault("owner", secrets.token_hex(16))
    with get_db() as db:
        cursor = db.execute(
            "INSERT INTO entry (name, message, picture, owner) VALUES (?, ?, ?, ?)",
            (name, message, picture, owner),
        )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def remove(entry: Entry) -> None:
    with get_db() as db:
        db.execute("DELETE FROM entry WHERE id = ?", (entry.id,))
    if entry.picture:
        pictures.remove(entry.picture)


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(**{**row, "written": datetime.fromisoformat(row["written"])})
