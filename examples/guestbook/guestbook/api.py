"""The same book for programs: JSON under /api."""

from __future__ import annotations

from typing import Any

from erlen import Blueprint, abort, jsonify, request, url_for
from erlen.i18n import gettext as _
from erlen.typing import ResponseReturnValue

from . import entries
from .forms import EntryForm
from .pages import ENTRY_ID
from .security import csrf

bp = csrf.without_token(Blueprint("api", __name__, url_prefix="/api"))


@bp.get("/entries")
def list_entries() -> dict[str, Any]:
    number = request.args.get("page", 1, type=int)
    page = entries.page(number)
    return {
        "entries": [_as_json(entry) for entry in page.entries],
        "page": page.number,
        "pages": page.last,
        "total": page.total,
        "next": url_for(".list_entries", page=number + 1) if number < page.last else None,
        "previous": url_for(".list_entries", page=number - 1) if number > 1 else None,
    }


@bp.post("/entries")
def add_entry() -> ResponseReturnValue:
    if not request.is_json:
        abort(415, _("Send a JSON object with the fields name and message."))
    form = EntryForm()
    if not form.validate():
        problems = {name: " ".join(said) for name, said in form.errors.items()}
        answer = {"status": 422, "message": _("Some fields are not right."), "fields": problems}
        return jsonify(error=answer), 422
    entry = entries.find(entries.add(form.name.data or "", form.message.data or ""))
    return _as_json(entry), 201, {"Location": url_for(".show_entry", entry_id=entry.id)}


@bp.get(f"/entries/{ENTRY_ID}")
def show_entry(entry_id: int) -> dict[str, Any]:
    return _as_json(entries.find(entry_id))


@bp.delete(f"/entries/{ENTRY_ID}")
def remove_entry(entry_id: int) -> ResponseReturnValue:
    entry = entries.find(entry_id)
    if not entry.is_mine:
        abort(403, _("Only who wrote an entry can remove it: send the session cookie along."))
    entries.remove(entry)
    return "", 204


def _as_json(entry: entries.Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "message": entry.message,
        "picture": entry.picture and url_for("pages.picture", name=entry.picture),
        "written": entry.written.isoformat(),
        "url": url_for("pages.entry", entry_id=entry.id),
    }
