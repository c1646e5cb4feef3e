"""A Dash application: its pages and callbacks over HTTP, then in a headless browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .application import SERVED, Application, Visit
from .client import Answer, Client
from .compare import Normalisation
from .server import Place

CHROMIUM = Path("/usr/bin/chromium")
GREET = {
    "output": "greeting.children",
    "outputs": {"id": "greeting", "property": "children"},
    "inputs": [{"id": "greet", "property": "n_clicks", "value": 3}],
    "changedPropIds": ["greet.n_clicks"],
    "state": [{"id": "name", "property": "value", "value": "Ada"}],
}


def prepare(place: Place) -> None:
    shutil.copy(SERVED / "board.py", place.folder)


def visit(visit: Visit) -> None:
    client = visit.client
    client.get("/").has("_dash-config")
    for target in (
        "/_dash-layout",
        "/_dash-dependencies",
        "/_favicon.ico",
        "/plain",
        "/any/page/of/the/browser",
        "/_dash-component-suites/dash/missing.js",
        "/_dash-component-suites/none/x.js",
        "/_reload-hash",
    ):
        client.get(target)
    client.request("POST", "/plain")
    callbacks(client)
    if CHROMIUM.exists():
        in_a_browser(visit)
    else:
        print(f"Dash is not looked at in a browser: {CHROMIUM} is missing.")


def callbacks(client: Client) -> None:
    path = "/_dash-update-component"
    client.send_json("POST", path, GREET).has("Hello Ada, for the 3. time")
    nobody = [{"id": "name", "property": "value", "value": ""}]
    client.send_json("POST", path, GREET | {"state": nobody}).has(status=204)
    client.send_json("POST", path, GREET | {"output": "none.children"})
    client.send_json("POST", path, {})
    client.request("POST", path, [("Content-Type", "application/json")], b"{broken")
    client.get(path)


def in_a_browser(visit: Visit) -> None:
    script = SERVED / "dash_browser.py"
    for said in json.loads(visit.place.run("python", script, str(visit.client.port))):
        body = said["body"].encode()
        visit.client.answers.append(Answer(said["asked"], said["status"], "", (), body))


APPLICATION = Application(
    name="dash",
    title="Dash 4.4.1",
    requirements=("dash==4.4.1", "playwright"),
    target="board:server",
    visit=visit,
    prepare=prepare,
    # A browser opens connections ahead, each of which would keep gunicorn's one worker waiting.
    servers=("waitress",),
    normalisations=(
        Normalisation(
            "end",
            "each page draws an identifier",
            r'"end_id":"[\w~-]+"',
            '"end_id":"<drawn>"',
        ),
    ),
)
