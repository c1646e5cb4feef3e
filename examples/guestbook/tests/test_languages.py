from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo

from erlen import Flask
from erlen.i18n import Translations
from erlen.testing import FlaskClient
from erlen.translate import translate_command

GERMAN = {"Accept-Language": "de-CH,de;q=0.9,en;q=0.5"}


def test_the_language_of_the_browser(client: FlaskClient) -> None:
    page = client.get("/", headers=GERMAN)
    assert '<html lang="de">' in page.text
    assert "Noch hat niemand geschrieben." in page.text
    assert "Unser Gästebuch" in page.text
    assert "PNG, JPEG, GIF oder WebP, bis 4.0 MiB." in page.text
    assert "Accept-Language" in page.vary
    assert '<html lang="en">' in client.get("/", headers={"Accept-Language": "fr"}).text


@pytest.mark.parametrize(
    ("language", "name", "required", "long"),
    [
        ("de", "Ihr Name", "Bitte sagen Sie uns Ihren Namen.", "Bitte höchstens 1000 Zeichen"),
        ("en", "Your name", "Please tell us your name.", "At most 1000 characters, please"),
    ],
)
def test_the_form_and_its_errors(
    client: FlaskClient, language: str, name: str, required: str, long: str
) -> None:
    data = {"name": "", "message": "x" * 1001}
    answer = client.post("/", data=data, headers={"Accept-Language": language})
    assert answer.status_code == 422
    assert f">{name}</label>" in answer.text
    assert f"<li>{required}</li>" in answer.text
    assert long in answer.text
    answer = client.post("/api/entries", json=data, headers={"Accept-Language": language})
    assert answer.get_json()["error"]["fields"]["name"] == required


def test_a_visitor_chooses(client: FlaskClient) -> None:
    assert client.post("/language", data={"language": "de"}).status_code == 303
    book = client.get("/", headers={"Accept-Language": "en"}).text
    assert '<html lang="de">' in book
    assert re.search(r'value="de" lang="de" aria-current="true">Deutsch', book)


@pytest.mark.parametrize("language", ["fr", "../../etc/passwd", "", "x" * 5000])
def test_what_is_no_language_of_the_book(client: FlaskClient, language: str) -> None:
    client.post("/language", data={"language": language})
    assert '<html lang="de">' in client.get("/", headers=GERMAN).text


def test_dates_and_names_in_german(client: FlaskClient) -> None:
    data = {"name": "<Ada>", "message": "Schön."}
    client.post("/", data=data, headers=GERMAN)
    book = client.get("/", headers=GERMAN).text
    assert "Danke, &lt;Ada&gt;. Ihr Eintrag steht im Buch." in book
    assert "Hallo, <bdi>&lt;Ada&gt;</bdi>" in book
    assert re.search(r">\d{1,2}\. \w+ \d{4}, \d\d:\d\d UTC</time>", book)


def test_the_catalog_is_complete_and_compiled(app: Flask, tmp_path: Path) -> None:
    """As 'erlen translate update' and 'compile' would make it of the source."""
    folder = Path(app.root_path) / "translations"
    copy = tmp_path / "translations"
    shutil.copytree(folder, copy)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(copy)
    Translations(app)
    runner = app.test_cli_runner()
    words = runner.invoke(translate_command, ["update", "--no-fuzzy"]).output
    done = re.fullmatch(r"de: (\d+) of (\d+) messages translated\n", words)
    assert done and done[1] == done[2]
    assert "\n#~ " not in (copy / "de/LC_MESSAGES/messages.po").read_text("utf-8")
    assert runner.invoke(translate_command, ["compile"]).exit_code == 0
    assert compiled(copy) == compiled(folder)


def compiled(folder: Path) -> list[tuple[object, object]]:
    """The messages that the application reads; another Babel writes another head."""
    with (folder / "de/LC_MESSAGES/messages.mo").open("rb") as file:
        return [(message.id, message.string) for message in read_mo(file) if message.id]
