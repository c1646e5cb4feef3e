"""Each heading of ``docs/coming-from-flask-uploads.md``."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from werkzeug.datastructures import FileStorage

from erlen.uploads import (
    ALL,
    IMAGES,
    AllExcept,
    BadFilename,
    UploadNotAllowed,
    UploadSet,
    configure_uploads,
    patch_request_class,
)
from erlen.uploads._storage import LocalTemporary

from .conftest import PNG, files_below, upload

PAGE = Path(__file__).parents[2] / "docs" / "coming-from-flask-uploads.md"


def test_each_heading_is_held() -> None:
    headings = re.findall(r"^## (.+)$", PAGE.read_text("utf-8"), re.M)
    wanted = {"test_" + heading.lower().replace(" ", "_") for heading in headings}
    here = {name for name in globals() if name.startswith("test_")}
    assert len(headings) > 10
    assert here - {"test_each_heading_is_held"} == wanted


def test_the_content_must_agree(app: Any, photos: UploadSet) -> None:
    with pytest.raises(UploadNotAllowed):
        photos.save(upload(b"no picture"))
    anything = UploadSet("photos", IMAGES, check_content=False)
    configure_uploads(app, anything)
    assert anything.save(upload(b"no picture")) == "cat.png"


def test_a_text_is_one_extension(app: Any, dest: Path) -> None:
    notes = UploadSet("notes", "txt")
    app.config.update(UPLOADED_NOTES_DEST=str(dest), UPLOADED_NOTES_DENY="svg")
    configure_uploads(app, notes)
    with app.app_context():
        assert [it for it in ("txt", "xt", "t", "svg") if notes.extension_allowed(it)] == ["txt"]
    assert "s" in AllExcept("svg") and "svg" not in AllExcept("svg")
    with pytest.raises(ValueError, match=r"^UploadSet has '.png': "):
        UploadSet("pictures", (".png",))


def test_names_keep_their_letters(photos: UploadSet) -> None:
    assert photos.save(upload(filename="日本.PNG")) == "日本.png"
    assert photos.save(upload(filename="aux.png")) == "_aux.png"


def test_folders_may_be_nested(photos: UploadSet, dest: Path) -> None:
    assert photos.save(upload(), folder="a/../b") == "a/b/cat.png"
    assert files_below(dest) == {"a/b/cat.png"}


def test_a_nul_is_refused(photos: UploadSet) -> None:
    with pytest.raises(BadFilename):
        photos.save(upload(filename="cat.php\0.png"))


def test_no_file_was_chosen(app: Any, photos: UploadSet) -> None:
    everything = UploadSet("photos", ALL)
    configure_uploads(app, everything)
    with pytest.raises(BadFilename, match=r"^No file was chosen\.$"):
        everything.save(upload(filename=""))


def test_errors_are_answers(app: Any, photos: UploadSet) -> None:
    app.add_url_rule("/", "add", lambda: photos.save(upload(filename="a.exe")))
    answer = app.test_client().get("/")
    assert answer.status_code == 415 and "Files of the type .exe are not allowed" in answer.text


def test_what_is_saved_knows_more(photos: UploadSet) -> None:
    saved = photos.save(upload())
    assert (saved, saved.size, len(saved.sha256)) == ("cat.png", len(PNG), 64)
    with pytest.raises(TypeError):
        msgspec.json.encode(saved)
    assert msgspec.json.encode(str(saved)) == b'"cat.png"'


def test_files_appear_when_they_are_complete(
    photos: UploadSet, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    accept = LocalTemporary.accept

    def look(self: LocalTemporary, name: str) -> bool:
        seen.append(files_below(dest))
        return accept(self, name)

    monkeypatch.setattr(LocalTemporary, "accept", look)
    photos.save(upload())
    [names] = seen
    assert len(names) == 1 and "cat.png" not in names
    assert files_below(dest) == {"cat.png"}


def test_conflicts_stop_counting(photos: UploadSet) -> None:
    names = [photos.save(upload()) for _ in range(52)]
    assert names[50] == "cat_50.png"
    assert re.fullmatch(r"cat_[0-9a-f]{16}\.png", names[51])


def test_all_of_a_file_is_saved(photos: UploadSet) -> None:
    storage = upload()
    assert storage.read(4) == PNG[:4]
    assert photos.save(storage).size == len(PNG)


def test_paths_are_absolute_and_stay_inside(
    app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app.config["UPLOADED_PHOTOS_DEST"] = "photos"
    photos = UploadSet("photos")
    configure_uploads(app, photos)
    with app.app_context():
        assert photos.path("a.png") == str(tmp_path / "photos" / "a.png")
        with pytest.raises(ValueError, match="Path traversal"):
            photos.path("../a.png")


def test_urls_are_quoted(photos: UploadSet) -> None:
    photos.config.base_url = "http://cdn.example"
    assert photos.url("f/é.png") == "http://cdn.example/f/%C3%A9.png"


def test_a_url_that_nobody_serves(photos: UploadSet) -> None:
    with pytest.raises(RuntimeError, match=r"UPLOADS_AUTOSERVE .*UPLOADED_PHOTOS_URL"):
        photos.url("a.png")


def test_served_files_do_not_run(app: Any, tmp_path: Path) -> None:
    files = UploadSet("files", ALL)
    app.config.update(UPLOADED_FILES_DEST=str(tmp_path / "files"), UPLOADS_AUTOSERVE=True)
    configure_uploads(app, files)
    with app.app_context():
        files.save(FileStorage(io.BytesIO(b"<script>alert(1)</script>"), "page.html"))
    with app.test_client().get("/_uploads/files/page.html") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].endswith("sandbox")
        assert answer.headers["Content-Disposition"].startswith("attachment")


def test_the_request_class_is_left_alone(app: Any) -> None:
    before = app.request_class
    patch_request_class(app)
    assert app.request_class is before
    assert app.config["MAX_CONTENT_LENGTH"] == 64 * 1024 * 1024
