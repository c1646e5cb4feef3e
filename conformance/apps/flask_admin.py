"""Flask-Admin with SQLAlchemy: create, edit, delete, search, filter, export, files."""

from __future__ import annotations

import shutil

from .application import SERVED, Application, Visit
from .client import Answer, Client
from .compare import SESSION, Normalisation
from .server import Place

BOOKS = (
    {"title": "Alice’s Adventures", "year": "1865", "in_print": "y", "author": "1"},
    {"title": "The Hunting of the Snark", "year": "1876", "in_print": "y", "author": "1"},
    {"title": "Emma", "year": "1815", "author": "2"},
    {"title": "=1+1, a formula", "year": "", "author": "__None"},
)


def prepare(place: Place) -> None:
    shutil.copy(SERVED / "library.py", place.folder)
    place.run("flask", "--app", "library", "make")


def visit(visit: Visit) -> None:
    client = visit.client
    client.get("/admin/").has("Library")
    for target in ("/", "/admin", "/admin/author/", "/admin/book/", "/admin/missing/"):
        client.get(target)
    client.get("/admin/static/admin/css/bootstrap4/admin.css")
    for number in ("3", "x"):
        client.get(f"/admin/notes/{number}")
    client.get("/admin/notes/")
    fill(client)
    look(client)
    change(client)
    files(client)


def submit(client: Client, target: str, form: dict[str, str]) -> Answer:
    """Send a form without its token, then with it."""
    token = client.get(target).field("csrf_token")
    client.post(target, form)
    return client.post(target, form | {"csrf_token": token})


def fill(client: Client) -> None:
    for name in ("Lewis Carroll", "Jane Austen"):
        submit(client, "/admin/author/new/", {"name": name}).has(status=302)
    submit(client, "/admin/author/new/", {"name": "Jane Austen"})  # is not unique
    inline = {"name": "Inline", "books-0-title": "A book of hers", "books-0-year": "1900"}
    submit(client, "/admin/author/new/?url=/admin/author/", inline).has(status=302)
    for book in BOOKS:
        submit(client, "/admin/book/new/", book).has(status=302)
    submit(client, "/admin/book/new/", BOOKS[0] | {"title": "", "year": "none"})
    submit(client, "/admin/book/new/", BOOKS[0] | {"title": "Again", "_add_another": "1"})
    client.get("/admin/book/new/?modal=True")


def look(client: Client) -> None:
    client.get("/admin/book/?search=Snark").has("The Hunting of the Snark")
    for query in (
        "search=carroll",
        "search=nothing",
        "search=%25",
        "sort=1&desc=1",
        "page=1",
        "page=99",
        "page=-1",
        "page=x",
        "page_size=20",
        "flt0_0=1865",
        "flt0_2=1850&flt1_8=1",
        "flt0_999=x",
    ):
        client.get(f"/admin/book/?{query}")
    client.get("/admin/book/details/?id=2").has("1865")
    client.get("/admin/book/details/?id=99")
    client.get("/admin/book/export/csv/").has("Title,Year", "Emma")
    client.get("/admin/book/export/csv/?search=Emma&sort=0")
    client.get("/admin/book/export/json/")
    client.get("/admin/book/export/pdf/")
    client.get("/admin/author/export/csv/")
    client.get("/admin/author/ajax/lookup/?name=books&query=E")


def change(client: Client) -> None:
    submit(client, "/admin/book/edit/?id=4", BOOKS[2] | {"title": "Persuasion"}).has(status=302)
    submit(client, "/admin/book/edit/?id=4", BOOKS[2] | {"_continue_editing": "1"})
    client.get("/admin/book/edit/?id=99")
    client.get("/admin/book/edit/")
    token = client.get("/admin/book/").field("csrf_token")
    token_field = {"csrf_token": token}
    for form in (
        {"list_form_pk": "1", "title": "Changed in the list"},
        {"list_form_pk": "99", "title": "x"},
        {"list_form_pk": "1", "title": ""},
        {"list_form_pk": "1", "year": "no column of the list"},
    ):
        client.post("/admin/book/ajax/update/", form | token_field)
    client.post("/admin/book/delete/", {"id": "3"})
    client.post("/admin/book/delete/", {"id": "3"} | token_field).has(status=302)
    client.post("/admin/book/delete/", {"id": "3"} | token_field)
    client.get("/admin/book/delete/?id=1")
    client.post("/admin/book/action/", {"action": "delete", "rowid": "5"} | token_field)
    client.post("/admin/book/action/", {"action": "unknown", "rowid": "1"} | token_field)
    client.get("/admin/book/").has("Changed in the list")


def files(client: Client) -> None:
    """The folder that is managed is the application's instance folder."""
    client.get("/admin/files/").has("library.sqlite")
    client.get("/admin/files/mkdir/")
    client.post("/admin/files/mkdir/", {"name": "notes"})
    client.get("/admin/files/upload/notes")
    client.upload("/admin/files/upload/notes", {"upload": ("n.txt", "text/plain", b"a note")})
    client.get("/admin/files/download/notes/n.txt").has("a note")
    client.get("/admin/files/download/notes/n.txt?x=../../library.py")
    client.get("/admin/files/download/../library.py")
    client.get("/admin/files/rename/?path=notes/n.txt")
    client.post("/admin/files/rename/?path=notes/n.txt", {"name": "m.txt", "path": "notes/n.txt"})
    client.get("/admin/files/b/notes").has("m.txt")
    client.post("/admin/files/delete/", {"path": "notes/m.txt"})
    client.post("/admin/files/delete/", {"path": "../library.py"})


APPLICATION = Application(
    name="flask_admin",
    title="Flask-Admin 2.2.1",
    requirements=(
        "flask-admin[sqlalchemy,export]==2.2.1",
        "flask-sqlalchemy==3.1.1",
        "sqlalchemy<2.1",
        "wtforms<3.3",
    ),
    target="library:create_app()",
    visit=visit,
    prepare=prepare,
    servers=("waitress",),
    normalisations=(
        SESSION,
        Normalisation(
            "CSRF secret",
            "each session draws one",
            r'"csrf":"[0-9a-f]{40}"',
            '"csrf":<secret>',
        ),
        Normalisation(
            "CSRF token",
            "a token tells until when it is good, and is signed",
            r'"\d{14}##[0-9a-f]{40}"',
            '"<token>"',
        ),
        Normalisation(
            "time",
            "an export is named by the time, a file is listed with its own",
            r"\d{4}-\d\d-\d\d[ _]\d\d[:-]\d\d[:-]\d\d\b",
            "<time>",
        ),
        Normalisation(
            "age of the upload",
            "the file was written in this run",
            r'\A(GET /admin/files/download/(?:.+\n)+Etag: ")[\d.]+(-.*\n)Last-Modified: .*\n',
            r"\1<time>\2Last-Modified: <time>\n",
        ),
    ),
)
