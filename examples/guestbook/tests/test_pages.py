from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from erlen import Flask
from erlen.testing import FlaskClient


def sign(client: FlaskClient, name: str = "Ada", message: str = "Lovely.") -> TestResponse:
    return client.post("/", data={"name": name, "message": message})


def test_an_empty_book(client: FlaskClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "Nobody has signed yet" in answer.text


def test_signing_redirects_says_thanks_once_and_shows_the_entry(client: FlaskClient) -> None:
    answer = sign(client)
    assert (answer.status_code, answer.location) == (303, "/")
    book = client.get("/").text
    assert "Thank you, Ada." in book
    assert "Lovely." in book
    assert "Thank you" not in client.get("/").text


def test_what_visitors_write_is_escaped(client: FlaskClient) -> None:
    sign(client, "<b>Ada</b>", "<script>alert(1)</script>")
    book = client.get("/").text
    assert "&lt;b&gt;Ada&lt;/b&gt;" in book
    assert "<script>" not in book


def test_the_name_is_remembered_and_forgotten(client: FlaskClient) -> None:
    cookie = sign(client).headers["Set-Cookie"]
    assert "Expires=" in cookie  # it outlives the browser's window
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert 'value="Ada"' in client.get("/").text
    assert client.post("/forget").status_code == 303
    assert 'value="Ada"' not in client.get("/").text


@pytest.mark.parametrize(
    ("name", "message", "problem"),
    [
        ("  ", "Hello", "Please tell us your name."),
        ("Ada", "\r\n \r\n", "Please write a few words."),
        ("A" * 61, "Hello", "At most 60 characters, please: these are 61."),
        ("Ada", "x" * 1001, "At most 1000 characters, please: these are 1001."),
        ("Ada\x00", "Hello", "There are characters in it that cannot be shown."),
    ],
)
def test_a_bad_form_is_shown_again_with_the_problem(
    client: FlaskClient, name: str, message: str, problem: str
) -> None:
    answer = sign(client, name, message)
    assert answer.status_code == 422
    assert problem in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "0 entries" in answer.text


def test_what_was_typed_is_kept_in_a_bad_form(client: FlaskClient) -> None:
    assert "\nLong and dear words</textarea>" in sign(client, "", "Long and dear words").text


def test_text_from_all_over_the_world(client: FlaskClient) -> None:
    sign(client, "Zoë 👩‍👩‍👧", "שלום\r\nこんにちは")
    book = client.get("/").text
    assert "Zoë 👩‍👩‍👧" in book
    assert "שלום\nこんにちは" in book


def test_pages_newest_first(client: FlaskClient) -> None:
    for number in range(1, 6):
        sign(client, message=f"Message {number}")
    first, second = client.get("/").text, client.get("/?page=2").text
    assert first.index("Message 5") < first.index("Message 4") < first.index("Message 3")
    assert "Message 2" not in first
    assert "Message 2" in second
    assert "Page 2 of 2" in second
    assert "5 entries" in second


@pytest.mark.parametrize("number", ["0", "-1", "2", "9" * 40])
def test_a_page_that_is_not_there(client: FlaskClient, number: str) -> None:
    answer = client.get(f"/?page={number}")
    assert answer.status_code == 404
    assert f"The book has pages 1 to 1, but no page {number}." in answer.text


def test_a_page_number_that_is_none_means_the_first(client: FlaskClient) -> None:
    assert client.get("/?page=x").status_code == 200


def test_one_entry(client: FlaskClient) -> None:
    sign(client)
    answer = client.get("/entry/1")
    assert answer.status_code == 200
    assert "Lovely." in answer.text


@pytest.mark.parametrize("entry_id", ["1", "9" * 19, "9" * 5000])
def test_an_entry_that_is_not_there(client: FlaskClient, entry_id: str) -> None:
    assert client.get(f"/entry/{entry_id}").status_code == 404


def test_only_the_browser_that_signed_can_remove(app: Flask, client: FlaskClient) -> None:
    sign(client)
    other = app.test_client()
    assert "Remove" not in other.get("/").text
    assert other.post("/entry/1/remove").status_code == 403
    assert "Remove" in client.get("/").text
    assert client.post("/entry/1/remove").status_code == 303
    book = client.get("/").text
    assert "Your entry is removed." in book
    assert "Lovely." not in book


def test_a_removed_entry_number_is_not_given_again(client: FlaskClient) -> None:
    sign(client)
    client.post("/entry/1/remove")
    sign(client)
    assert client.get("/entry/1").status_code == 404
    assert client.get("/entry/2").status_code == 200


def test_static_files_and_headers(client: FlaskClient) -> None:
    with client.get("/static/style.css") as answer:
        assert answer.mimetype == "text/css"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")


def test_the_pages_need_nothing_from_elsewhere(app: Flask, client: FlaskClient) -> None:
    for file in (*Path(app.root_path).glob("templates/*"), *Path(app.root_path).glob("static/*")):
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text, file.name
    assert "style=" not in client.get("/").text  # the content security policy would drop it
