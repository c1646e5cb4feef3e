"""The application of Flask's tutorial: register, log in, write, change and delete posts."""

from __future__ import annotations

from .application import Application, Visit
from .client import Client
from .compare import SESSION, Normalisation
from .environment import unpack
from .server import Place

ALICE = {"username": "alice", "password": "a long password"}
BOB = {"username": "bob <b>", "password": "another password"}


def prepare(place: Place) -> None:
    unpack("flask", "3.1.3", "examples/tutorial", place.folder)
    place.run("flask", "--app", "flaskr", "init-db")


def visit(visit: Visit) -> None:
    client = visit.client
    for target in ("/", "/hello", "/create", "/1/update", "/static/style.css", "/missing"):
        client.get(target)
    people(client)
    posts(client)


def people(client: Client) -> None:
    client.get("/auth/register")
    for form in ({}, {"username": "", "password": ""}, {"username": "x", "password": ""}):
        client.post("/auth/register", form)
    for form in (ALICE, ALICE, BOB):
        client.post("/auth/register", form)
    client.get("/auth/login")
    client.post("/auth/login", {"username": "nobody", "password": "x"})
    client.post("/auth/login", ALICE | {"password": "wrong"})
    client.post("/auth/login", ALICE)
    client.get("/").has("Log Out", "alice")
    session = client.cookies["session"]
    client.cookies["session"] = session[:-2] + ("AA" if session[-2:] != "AA" else "BB")
    client.get("/").has("Log In")  # the signature is wrong
    client.cookies["session"] = session
    client.request("PUT", "/auth/login")


def posts(client: Client) -> None:
    """At most one post at a time, for they are listed by the second of their creation."""
    client.get("/create")
    client.post("/create", {"title": "", "body": "no title"})
    client.post("/create", {"title": "First & <b>", "body": "Lines\r\nof “text”"})
    client.get("/").has("First &amp; &lt;b&gt;", "of “text”")
    client.get("/1/update")
    client.post("/1/update", {"title": "", "body": "x"})
    client.post("/1/update", {"title": "Changed", "body": "Déjà vu"})
    client.get("/").has("Changed", "Déjà vu")
    client.post("/7/update", {"title": "x", "body": "x"})
    client.get("/auth/logout")
    client.post("/1/update", {"title": "not logged in", "body": ""})
    client.post("/auth/login", BOB)
    client.get("/1/update").has(status=403)
    client.post("/1/delete")
    client.get("/auth/logout")
    client.post("/auth/login", ALICE)
    client.request("HEAD", "/1/update")
    client.get("/1/delete")
    client.post("/1/delete").has(status=302)
    client.post("/1/delete").has(status=404)
    client.get("/")


APPLICATION = Application(
    name="flaskr",
    title="flaskr of Flask 3.1.3",
    requirements=(),
    target="flaskr:create_app()",
    visit=visit,
    prepare=prepare,
    servers=("run", "gunicorn"),
    normalisations=(
        SESSION,
        Normalisation(
            "created", "a post tells the day it was made", r" on \d{4}-\d\d-\d\d<", " on <day><"
        ),
    ),
)
