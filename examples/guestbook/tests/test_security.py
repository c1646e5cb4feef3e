from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from guestbook import create_app
from guestbook.db import get_db

from erlen import Flask
from erlen.testing import FlaskClient

FORM = {"name": "Ada", "message": "Lovely."}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Origin": "https://localhost"},
    ],
)
def test_ones_own_form_is_taken(program: FlaskClient, headers: dict[str, str]) -> None:
    assert program.post("/", data=FORM, headers=headers).status_code == 303


def test_a_browser_that_does_not_say_where_it_comes_from_needs_the_token(
    program: FlaskClient,
) -> None:
    assert program.post("/", data=FORM).status_code == 400
    tokens = re.findall(r'name="csrf_token"[^>]* value="([^"]+)"', program.get("/").text)
    assert program.post("/", data=FORM | {"csrf_token": tokens[0]}).status_code == 303
    tokens = re.findall(r'name="csrf_token"[^>]* value="([^"]+)"', program.get("/").text)
    assert len(tokens) == 4  # sign, language, remove, forget
    for token, path in zip(tokens[1:], ["/language", "/entry/1/remove", "/forget"], strict=True):
        assert program.post(path).status_code == 400
        assert program.post(path, data={"csrf_token": token}).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "http://localhost.evil.example"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/"), ("POST", "/forget"), ("POST", "/entry/1/remove"), ("DELETE", "/api/entries/1")],
)
def test_what_another_site_sends_is_refused(
    program: FlaskClient, headers: dict[str, str], method: str, path: str
) -> None:
    program.post("/", data=FORM, headers={"Sec-Fetch-Site": "same-origin"})
    answer = program.open(path, method=method, headers=headers)
    assert answer.status_code == 400
    assert "The request came from another site." in answer.text
    assert "1 entry" in program.get("/").text


def test_a_link_from_another_site_is_followed(client: FlaskClient) -> None:
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_a_changed_cookie_is_worth_nothing(app: Flask, client: FlaskClient) -> None:
    client.post("/", data=FORM)
    cookie = client.get_cookie("session")
    assert cookie is not None
    other = app.test_client()
    other.set_cookie("session", "A" + cookie.value[1:])
    assert other.post("/entry/1/remove").status_code == 403


def test_the_mark_of_the_owner_is_told_to_nobody(app: Flask, client: FlaskClient) -> None:
    client.post("/", data=FORM)
    with client.session_transaction() as session:
        owner = session["owner"]
    for path in ("/", "/entry/1", "/api/entries", "/api/entries/1"):
        assert owner not in client.get(path).text


def test_init_db_makes_a_key_that_only_the_owner_can_read(tmp_path: Path) -> None:
    app = create_app({"TESTING": True, "DATA_FOLDER": tmp_path})
    with pytest.raises(RuntimeError, match="There is no secret key .* GUESTBOOK_SECRET_KEY"):
        app.test_client().get("/")

    result = app.test_cli_runner().invoke(args=["init-db"])
    assert result.exit_code == 0
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600

    app = create_app({"TESTING": True, "DATA_FOLDER": tmp_path})
    assert isinstance(app.secret_key, str)
    assert len(app.secret_key) == 64
    assert app.test_client().get("/").status_code == 200


def test_init_db_leaves_a_book_alone_unless_told(app: Flask, client: FlaskClient) -> None:
    client.post("/", data=FORM)
    runner = app.test_cli_runner()
    assert "left as it is" in runner.invoke(args=["init-db"]).output
    assert "1 entry" in client.get("/").text
    assert "Made the database" in runner.invoke(args=["init-db", "--reset"]).output
    assert "0 entries" in client.get("/").text


@pytest.mark.parametrize(
    ("folder", "failing", "why"),
    [
        ("a file/data", "a file/data", "Not a directory"),
        ("data", "data/guestbook.sqlite", "unable to open database file"),
    ],
)
def test_init_db_says_where_it_cannot_write(
    tmp_path: Path, folder: str, failing: str, why: str
) -> None:
    # The superuser may write everywhere, but not below a file nor where no folder is.
    (tmp_path / "a file").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "guestbook.sqlite").symlink_to(tmp_path / "nowhere" / "file")
    app = create_app({"TESTING": True, "DATA_FOLDER": tmp_path / folder, "SECRET_KEY": "k" * 32})
    result = app.test_cli_runner().invoke(args=["init-db"])
    assert result.exit_code == 1
    assert result.output == (
        f"Error: Cannot write {tmp_path / failing}: {why}. Have the folder {tmp_path / folder}"
        " writable for this user, or set GUESTBOOK_DATA_FOLDER to one that is.\n"
    )


def test_settings_from_file_and_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUESTBOOK_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("GUESTBOOK_TITLE", "Our wedding")
    monkeypatch.setenv("GUESTBOOK_SECRET_KEY", "a long random text of more than 32 letters")
    app = create_app()
    assert app.config["TITLE"] == "Our wedding"
    assert app.config["DATA_FOLDER"] == tmp_path
    assert "secret key" not in app.test_cli_runner().invoke(args=["init-db"]).output
    assert "Our wedding" in app.test_client().get("/").text


def test_the_connection_is_closed_also_after_an_error(app: Flask) -> None:
    connections = []

    def fail() -> str:
        connections.append(get_db())
        raise ZeroDivisionError

    app.add_url_rule("/fail", view_func=fail)
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/fail")
    with pytest.raises(Exception, match="Cannot operate on a closed database"):
        connections[0].execute("SELECT 1")
