"""Uploads served by the application, so that nothing in them runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from erlen.uploads import ALL, UploadSet, configure_uploads

from .conftest import PNG, upload

CSP = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@pytest.fixture(params=["local", "memory"])
def files(request: pytest.FixtureRequest, app: Any, tmp_path: Path) -> UploadSet:
    """A set of anything, served by the app."""
    if request.param == "memory":
        pytest.importorskip("obstore", reason="obstore is not installed")
    files = UploadSet("files", ALL)
    dest = str(tmp_path / "files") if request.param == "local" else "memory:///"
    app.config.update(UPLOADED_FILES_DEST=dest, UPLOADS_AUTOSERVE=True)
    configure_uploads(app, files)
    return files


def save(app: Any, files: UploadSet, content: bytes, filename: str) -> str:
    """Save a file and return the path of its URL."""
    with app.test_request_context():
        url = files.url(files.save(upload(content, filename)))
    assert url.startswith("http://localhost/_uploads/files/")
    return url.removeprefix("http://localhost")


@pytest.mark.parametrize(
    ("filename", "content", "content_type", "shown"),
    [
        ("a.png", PNG, "image/png", True),
        ("a.svg", b"<svg onload='alert(1)'/>", "image/svg+xml", False),
        ("a.html", b"<script>alert(1)</script>", "text/html", False),
        ("a.pdf", b"%PDF-1.4\n", "application/pdf", False),
        ("a.txt", b"<script>alert(1)</script>", "text/plain", False),
        ("a.unknown", b"<script>alert(1)</script>", "application/octet-stream", False),
        ("a", b"<script>alert(1)</script>", "application/octet-stream", False),
    ],
)
def test_headers(
    app: Any,
    client: Any,
    files: UploadSet,
    filename: str,
    content: bytes,
    content_type: str,
    shown: bool,
) -> None:
    with client.get(save(app, files, content, filename)) as answer:
        assert (answer.status_code, answer.data) == (200, content)
        assert answer.mimetype == content_type
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == CSP
        disposition = "inline" if shown else "attachment"
        assert answer.headers["Content-Disposition"] == f"{disposition}; filename={filename}"
        assert answer.content_length == len(content)


def test_a_name_in_another_script(app: Any, client: Any, files: UploadSet) -> None:
    with client.get(save(app, files, b"x", "日本.txt")) as answer:
        assert answer.data == b"x"
        assert "filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt" in answer.headers["Content-Disposition"]


def test_ranges_and_conditions(app: Any, client: Any, files: UploadSet) -> None:
    url = save(app, files, bytes(range(256)) * 4096, "a.dat")
    with client.get(url, headers={"Range": "bytes=700000-700009"}) as answer:
        assert answer.status_code == 206
        assert answer.data == (bytes(range(256)) * 4096)[700000:700010]
        assert answer.headers["Content-Range"] == "bytes 700000-700009/1048576"
        assert answer.headers["Content-Security-Policy"] == CSP
    with client.get(url, headers={"Range": "bytes=9999999-"}) as answer:
        assert answer.status_code == 416
    with client.get(url) as answer:
        etag, modified = answer.headers["ETag"], answer.headers["Last-Modified"]
        assert answer.headers["Accept-Ranges"] == "bytes"
    with client.get(url, headers={"If-None-Match": etag}) as answer:
        assert (answer.status_code, answer.data) == (304, b"")
    with client.get(url, headers={"If-Modified-Since": modified}) as answer:
        assert answer.status_code == 304
    with client.head(url) as answer:
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.content_length == 1048576


@pytest.mark.parametrize(
    "path",
    [
        "files/none.png",
        "files/../files/a.png",
        "files/%2e%2e/secret",
        "files/..%2fsecret",
        "files/..%5csecret",
        "files/%2fetc/passwd",
        "files/.incoming/x",
        "files/a/.hidden",
        "files/a%00.png",
        "other/a.png",
    ],
)
def test_nothing_else_is_served(app: Any, client: Any, files: UploadSet, path: str) -> None:
    save(app, files, PNG, "a.png")
    (Path(app.root_path) / "secret").write_text("secret")
    assert client.get(f"/_uploads/{path}", follow_redirects=True).status_code == 404


def test_only_when_told(app: Any, client: Any, photos: UploadSet) -> None:
    photos.save(upload())
    assert client.get("/_uploads/photos/cat.png").status_code == 404


@pytest.mark.parametrize("base", ["", "http://elsewhere/"])
def test_not_what_is_served_elsewhere(app: Any, client: Any, tmp_path: Path, base: str) -> None:
    app.config.update(UPLOADS_DEFAULT_DEST=str(tmp_path), UPLOADS_AUTOSERVE=True)
    app.config["UPLOADED_PHOTOS_URL"] = base
    photos = UploadSet("photos")
    configure_uploads(app, [photos, UploadSet("others")])
    with app.app_context():
        photos.save(upload())
    assert client.get("/_uploads/photos/cat.png").status_code == 404


def test_by_a_view_of_ones_own(app: Any, client: Any, tmp_path: Path) -> None:
    photos = UploadSet("photos")
    app.config["UPLOADED_PHOTOS_DEST"] = str(tmp_path)
    configure_uploads(app, photos)
    app.add_url_rule("/photos/<name>", "photo", lambda name: photos.send(name, max_age=60))
    with app.app_context():
        photos.save(upload())
    with client.get("/photos/cat.png") as answer:
        assert answer.data == PNG
        assert answer.headers["Content-Security-Policy"] == CSP
        assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert client.get("/photos/none.png").status_code == 404
