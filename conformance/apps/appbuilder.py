"""Flask-AppBuilder's example quickhowto: log in, list, search, add, edit and delete contacts."""

from __future__ import annotations

import shutil

from .application import SERVED, Application, Visit
from .client import Answer, Client
from .compare import CSRF, SESSION, Normalisation
from .environment import unpack
from .server import Place

PASSWORD = "a long password"
CONTACT = {
    "name": "Alice <Liddell>",
    "gender": "2",
    "contact_group": "1",
    "address": "Christ Church, Oxford",
    "birthday": "1852-05-04",
    "personal_phone": "1",
    "personal_celphone": "2",
}


def prepare(place: Place) -> None:
    unpack("flask-appbuilder", "5.3.0", "examples/quickhowto", place.folder)
    shutil.copytree(SERVED / "quickhowto", place.folder / "app", dirs_exist_ok=True)
    person = ["--firstname", "Ad", "--lastname", "Min", "--email", "admin@app.test"]
    admin = ["--username", "admin", "--password", PASSWORD, *person]
    place.run("flask", "--app", "app", "fab", "create-admin", *admin)


def visit(visit: Visit) -> None:
    client = visit.client
    for target in ("/", "/contactmodelview/list/", "/users/list/", "/missing", "/api/v1/menu/"):
        client.get(target)
    log_in(client)
    for view in "contactmodelview groupmodelview users roles groups permissions viewmenus".split():
        client.get(f"/{view}/list/")
        client.get(f"/{view}/add")
    contacts(client)
    for target in (
        "/contacttimechartview/chart/",
        "/userstatschartview/chart/",
        "/users/userinfo/",
        "/resetmypassword/form",
        "/users/show/1",
        "/roles/edit/1",
        "/api/v1/menu/",
        "/static/appbuilder/css/ab.css",
        "/back",
    ):
        client.get(target)
    for language in ("pt", "de", "xx", "en"):
        client.get(f"/lang/{language}")
        client.get("/contactmodelview/list/")
    client.get("/logout/")
    client.get("/contactmodelview/list/")
    the_api(client)


def log_in(client: Client) -> None:
    token = client.get("/login/").field("csrf_token")
    client.post("/login/", {"username": "admin", "password": PASSWORD})
    for password in ("wrong", "", PASSWORD):
        form = {"csrf_token": token, "username": "admin", "password": password}
        client.post("/login/", form)
    client.get("/").has("Ad Min")


def contacts(client: Client) -> None:
    def submit(target: str, form: dict[str, str]) -> Answer:
        token = client.get(target).field("csrf_token")
        client.post(target, form)
        return client.post(target, form | {"csrf_token": token})

    submit("/groupmodelview/add", {"name": "Friends"}).has(status=302)
    submit("/groupmodelview/add", {"name": "Friends"})
    submit("/groupmodelview/add", {"name": "Family"}).has(status=302)
    submit("/contactmodelview/add", CONTACT).has(status=302)
    submit("/contactmodelview/add", CONTACT | {"birthday": "no date"})
    submit("/contactmodelview/add", CONTACT | {"name": "Bob", "contact_group": "77"})
    submit("/contactmodelview/add", CONTACT | {"name": "Bob", "contact_group": "2"})
    submit("/contactmodelview/edit/1", CONTACT | {"name": "Alice Pleasance"}).has(status=302)
    submit("/contactmodelview/edit/1", CONTACT | {"name": ""}).has("This field is required")
    client.get("/contactmodelview/list/").has("Alice Pleasance", "Bob")
    for target in (
        "/contactmodelview/list/",
        "/contactmodelview/list/?_flt_0_name=Ali",
        "/contactmodelview/list/?_flt_0_name=nobody",
        "/contactmodelview/list/?_oc_ContactModelView=name&_od_ContactModelView=desc",
        "/contactmodelview/list/?page_ContactModelView=9&psize_ContactModelView=1",
        "/contactmodelview/show/1",
        "/contactmodelview/show/99",
        "/contactmodelview/edit/99",
        "/groupmodelview/show/1",
        "/contacttimechartview/chart/",
    ):
        client.get(target)
    token = client.get("/contactmodelview/add").field("csrf_token")
    client.post("/contactmodelview/delete/1", {"csrf_token": token}).has(status=302)
    client.get("/contactmodelview/delete/2").has(status=302)
    client.post("/contactmodelview/delete/99", {"csrf_token": token})
    client.post("/contactmodelview/action_post", {"csrf_token": token, "action": "none"})
    client.post("/groupmodelview/delete/2", {"csrf_token": token})
    client.get("/contactmodelview/list/")


def the_api(client: Client) -> None:
    login = {"username": "admin", "password": "wrong", "provider": "db", "refresh": True}
    client.send_json("POST", "/api/v1/security/login", login)
    client.send_json("POST", "/api/v1/security/login", {"username": "admin"})
    given = client.send_json("POST", "/api/v1/security/login", login | {"password": PASSWORD})
    bearer = [("Authorization", f"Bearer {given.json()['access_token']}")]
    client.get("/api/v1/menu/", bearer)
    client.get("/api/v1/menu/", [("Authorization", "Bearer not.a.token")])
    refresh = [("Authorization", f"Bearer {given.json()['refresh_token']}")]
    client.send_json("POST", "/api/v1/security/refresh", {}, refresh)


APPLICATION = Application(
    name="appbuilder",
    title="Flask-AppBuilder 5.3.0",
    requirements=("flask-appbuilder==5.3.0", "marshmallow<4"),
    target="app:create_app()",
    visit=visit,
    prepare=prepare,
    normalisations=(
        SESSION,
        *CSRF,
        Normalisation(
            "time",
            "a user's page and the fields of a search tell times of this run",
            r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?\b",
            "<time>",
        ),
        Normalisation(
            "JWT",
            "an access token holds the time and drawn values",
            r'"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\.[\w-]+\.[\w-]{43}"',
            "<JWT>",
        ),
    ),
)
