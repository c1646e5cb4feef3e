from __future__ import annotations

from typing import Any

import pytest

from erlen import Flask
from erlen.testing import FlaskClient

ENTRY = {"name": "Ada", "message": "Lovely."}


def test_add_show_list(client: FlaskClient) -> None:
    added = client.post("/api/entries", json=ENTRY)
    assert (added.status_code, added.location) == (201, "/api/entries/1")
    assert added.json is not None
    assert {**added.json, "written": None} == {
        "id": 1,
        "name": "Ada",
        "message": "Lovely.",
        "picture": None,
        "written": None,
        "url": "/entry/1",
    }
    assert client.get("/api/entries/1").json == added.json
    assert client.get("/api/entries").json == {
        "entries": [added.json],
        "page": 1,
        "pages": 1,
        "total": 1,
        "next": None,
        "previous": None,
    }
    assert "Lovely." in client.get("/").text


def test_a_program_can_follow_the_pages(client: FlaskClient) -> None:
    for number in range(7):
        client.post("/api/entries", json={**ENTRY, "message": str(number)})
    answer: Any = client.get("/api/entries").json
    seen = [entry["message"] for entry in answer["entries"]]
    while answer["next"]:
        answer = client.get(answer["next"]).json
        seen += [entry["message"] for entry in answer["entries"]]
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert answer["previous"] == "/api/entries?page=2"


def test_a_program_that_is_no_browser_needs_no_token(program: FlaskClient) -> None:
    assert program.post("/api/entries", json=ENTRY).status_code == 201
    assert program.delete("/api/entries/1").status_code == 204


def test_only_the_session_that_wrote_can_remove(app: Flask, client: FlaskClient) -> None:
    client.post("/api/entries", json=ENTRY)
    refused = app.test_client().delete("/api/entries/1")
    assert refused.status_code == 403
    assert refused.json == {
        "error": {
            "status": 403,
            "message": "Only who wrote an entry can remove it: send the session cookie along.",
        }
    }
    removed = client.delete("/api/entries/1")
    assert (removed.status_code, removed.data) == (204, b"")
    assert client.get("/api/entries/1").status_code == 404


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({}, {"name": "Please tell us your name.", "message": "Please write a few words."}),
        ({"name": 5, "message": []}, {"message": "Please write a few words."}),
        ({**ENTRY, "name": "\a"}, {"name": "There are characters in it that cannot be shown."}),
    ],
)  # fmt: skip
def test_fields_that_are_not_right(
    client: FlaskClient, data: dict[str, Any], fields: dict[str, str]
) -> None:
    answer = client.post("/api/entries", json=data)
    assert answer.status_code == 422
    assert answer.json == {
        "error": {"status": 422, "message": "Some fields are not right.", "fields": fields}
    }


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("POST", "/api/entries", {"json": ["Ada"]}, 400),
        ("POST", "/api/entries", {"data": "{", "content_type": "application/json"}, 400),
        ("POST", "/api/entries", {"data": ENTRY}, 415),
        ("GET", "/api/entries/1", {}, 404),
        ("GET", "/api/entries?page=2", {}, 404),
        ("GET", "/api/nothing", {}, 404),
        ("PUT", "/api/entries", {}, 405),
    ],
)
def test_errors_are_json(
    client: FlaskClient, method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    answer = client.open(path, method=method, **sent)
    assert answer.status_code == status
    assert answer.mimetype == "application/json"
    assert answer.json is not None
    assert answer.json["error"]["status"] == status
    assert answer.json["error"]["message"]


def test_405_still_says_what_is_allowed(client: FlaskClient) -> None:
    assert client.put("/api/entries").allow.as_set() == {"get", "head", "options", "post"}
