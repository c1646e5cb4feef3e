"""Hostile uploads, served by the application, in a real browser: nothing in them runs."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from browser import PROGRAM, Browser, browse
from serving import one_door, serve_here
from werkzeug.datastructures import FileStorage

from erlen import Flask
from erlen.uploads import ALL, UploadSet, configure_uploads

pytestmark = one_door

SCRIPT = b"top.ran = true; window.ran = true; document.title = 'ran';"
FILES = {
    # A picture's first bytes, and a script: the bytes between are the picture's size.
    "both.gif": b"GIF89a/*" + bytes(20) + b"*/=1;" + SCRIPT,
    "page.html": b"<script>" + SCRIPT + b"</script>",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>"
    + SCRIPT
    + b"</script></svg>",
    "note.txt": b"<html><script>" + SCRIPT + b"</script></html>",
    "nothing": b"<html><script>" + SCRIPT + b"</script></html>",
    "code.js": SCRIPT,
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An application that serves these files, and a page that tries to run each."""
    app = Flask("hostile", root_path=str(tmp_path_factory.mktemp("hostile")))
    app.config.update(
        UPLOADED_FILES_DEST=str(tmp_path_factory.mktemp("files")), UPLOADS_AUTOSERVE=True
    )
    files = UploadSet("files", ALL)
    configure_uploads(app, files)

    @app.get("/")
    def page() -> str:
        # Scripts that somebody uploads as such are left out: a site that includes them means it.
        names = [name for name in FILES if name != "code.js"]
        parts = [f"<script src='/_uploads/files/{name}'></script>" for name in names]
        parts += [f"<iframe src='/_uploads/files/{name}'></iframe>" for name in FILES]
        parts += [f"<embed src='/_uploads/files/{name}'>" for name in FILES]
        parts += [f"<object data='/_uploads/files/{name}'></object>" for name in FILES]
        return f"<title>still</title>{''.join(parts)}"

    with app.app_context():
        for name, content in FILES.items():
            assert files.save(FileStorage(BytesIO(content), name)) == name
    with serve_here(app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("there is no chromium command")
    with browse(tmp_path / "profile") as browser:
        yield browser


def test_included_in_a_page(url: str, browser: Browser) -> None:
    browser.open(url)
    assert browser.evaluate("[window.ran ?? null, document.title]") == [None, "still"]
    # The page itself may run scripts, so it is the files that do not.
    assert browser.evaluate("window.ran = true; window.ran") is True


def test_opened_as_a_page(url: str, browser: Browser) -> None:
    browser.open(f"{url}/_uploads/files/both.gif")
    assert browser.evaluate("[window.ran ?? null, document.contentType]") == [None, "image/gif"]
