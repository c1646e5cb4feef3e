from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from erlen import Flask
from erlen.testing import FlaskClient

PICTURES = {
    "cat.png": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "cat.JPG": b"\xff\xd8\xff\xe0" + bytes(20),
    "cat.jpeg": b"\xff\xd8\xff\xe1" + bytes(20),
    "cat.gif": b"GIF89a" + bytes(20),
    "cat.webp": b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(20),
}


def upload(client: FlaskClient, filename: str, content: bytes) -> TestResponse:
    data = {"name": "Ada", "message": "Look!", "picture": (BytesIO(content), filename)}
    return client.post("/", data=data)


def stored(app: Flask) -> list[Path]:
    """Every file in the folder, what is not accepted yet, too."""
    folder = Path(app.config["DATA_FOLDER"]) / "pictures"
    return [file for file in folder.rglob("*") if file.is_file()]


@pytest.mark.parametrize("filename", PICTURES)
def test_a_picture_is_kept_and_served(app: Flask, client: FlaskClient, filename: str) -> None:
    assert upload(client, filename, PICTURES[filename]).status_code == 303
    [file] = stored(app)
    assert f'src="/pictures/{file.name}"' in client.get("/").text
    with client.get(f"/pictures/{file.name}") as answer:
        assert answer.data == PICTURES[filename]
        assert answer.headers["Content-Type"].startswith("image/")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].endswith("sandbox")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000"


@pytest.mark.parametrize(
    ("filename", "content", "problem"),
    [
        ("cat.svg", b"<svg/>", "Only PNG, JPEG, GIF and WebP pictures, please."),
        ("cat", PICTURES["cat.png"], "Only PNG, JPEG, GIF and WebP pictures, please."),
        ("cat.png", b"<script>alert(1)</script>", "ends in .png, but there is no such picture"),
        ("cat.gif", PICTURES["cat.png"], "ends in .gif, but there is no such picture"),
        (
            "cat.webp",
            b"RIFF\x10\x00\x00\x00WAVEfmt ",
            "ends in .webp, but there is no such",
        ),
        ("cat.png", b"", "ends in .png, but there is no such picture"),
    ],
)
def test_what_is_no_picture_is_refused(
    app: Flask, client: FlaskClient, filename: str, content: bytes, problem: str
) -> None:
    answer = upload(client, filename, content)
    assert answer.status_code == 422
    assert problem in answer.text
    assert stored(app) == []


def test_the_name_of_the_upload_leads_nowhere(app: Flask, client: FlaskClient) -> None:
    upload(client, "../../evil.png", PICTURES["cat.png"])
    [file] = stored(app)
    assert "evil" not in file.name


def test_no_picture_is_kept_with_a_bad_form(app: Flask, client: FlaskClient) -> None:
    picture = (BytesIO(PICTURES["cat.png"]), "cat.png")
    answer = client.post("/", data={"name": "", "message": "Hello", "picture": picture})
    assert answer.status_code == 422
    assert "choose it again" in answer.text
    assert stored(app) == []


def test_no_picture_is_kept_without_its_entry(app: Flask, client: FlaskClient) -> None:
    (Path(app.config["DATA_FOLDER"]) / "guestbook.sqlite").unlink()
    with pytest.raises(RuntimeError, match="There is no database at"):
        upload(client, "cat.png", PICTURES["cat.png"])
    assert stored(app) == []


def test_a_picture_goes_with_its_entry(app: Flask, client: FlaskClient) -> None:
    upload(client, "cat.png", PICTURES["cat.png"])
    client.post("/entry/1/remove")
    assert stored(app) == []


@pytest.mark.parametrize("name", ["none.png", "..%2fguestbook.sqlite", "%2e%2e/secret_key"])
def test_nothing_but_pictures_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/pictures/{name}").status_code == 404


def test_too_large_an_upload(app: Flask, client: FlaskClient) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 2048
    answer = upload(client, "cat.png", PICTURES["cat.png"] + bytes(2048))
    assert answer.status_code == 413
    assert "That is too large" in answer.text
    assert "2.0 KiB" in answer.text
    assert stored(app) == []
