"""The pages that people see."""

from __future__ import annotations

from datetime import datetime

from erlen import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from erlen.i18n import format_date, format_time
from erlen.i18n import gettext as _
from erlen.typing import ResponseReturnValue

from . import entries, pictures
from .forms import EntryForm

bp = Blueprint("pages", __name__)

# SQLite counts to 2**63 - 1: a larger number in a URL is an unknown entry, not an error.
ENTRY_ID = "<int(max=9223372036854775807):entry_id>"


@bp.app_template_filter("when")
def when(moment: datetime) -> str:
    return f"{format_date(moment, 'long')}, {format_time(moment, 'short')} UTC"


@bp.get("/")
def index() -> str:
    return _book(EntryForm(name=session.get("name")))


@bp.post("/")
@pictures.uploads.receives("picture")
def sign() -> ResponseReturnValue:
    form = EntryForm()
    if not form.validate():
        return _book(form), 422

    picture = pictures.save(form.picture.data) if form.picture.data else None
    try:
        entries.add(form.name.data or "", form.message.data or "", picture)
    except BaseException:
        if picture:
            pictures.remove(picture)
        raise
    thanks = _("Thank you, %(name)s. Your entry is in the book.", name=form.name.data)
    flash(thanks, "good")
    # 303: the browser goes on with GET, and a reload does not sign twice.
    return redirect(url_for(".index"), code=303)


@bp.get(f"/entry/{ENTRY_ID}")
def entry(entry_id: int) -> str:
    return render_template("entry.html", entry=entries.find(entry_id))


@bp.post(f"/entry/{ENTRY_ID}/remove")
def remove(entry_id: int) -> ResponseReturnValue:
    entry = entries.find(entry_id)
    if not entry.is_mine:
        abort(403, _("Only who wrote an entry can remove it, from the same browser."))
    entries.remove(entry)
    flash(_("Your entry is removed."), "good")
    return redirect(url_for(".index"), code=303)


@bp.post("/language")
def choose_language() -> ResponseReturnValue:
    # What is none of LANGUAGES is passed over when a language is looked for.
    session["locale"] = request.form.get("language")
    return redirect(url_for(".index"), code=303)


@bp.post("/forget")
def forget() -> ResponseReturnValue:
    session.clear()
    flash(_("This browser no longer knows who you are."), "good")
    return redirect(url_for(".index"), code=303)


@bp.get("/pictures/<name>")
def picture(name: str) -> Response:
    return pictures.send(name)


def _book(form: EntryForm) -> str:
    page = entries.page(request.args.get("page", 1, type=int))
    return render_template("index.html", page=page, form=form)
