"""Sets meet an application."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from erlen.uploads import (
    UploadConfiguration,
    UploadSet,
    configure_uploads,
    patch_request_class,
)


def configured(app: Any, *sets: UploadSet, **settings: Any) -> dict[str, UploadConfiguration]:
    app.config.update(settings)
    configure_uploads(app, sets)
    assert app.upload_set_config is app.extensions["uploads"]
    configs: dict[str, UploadConfiguration] = app.upload_set_config
    return configs


def test_each_set_has_its_settings(app: Any) -> None:
    configs = configured(
        app,
        UploadSet("photos", max_size=1),
        UploadSet("files", max_size=2),
        UPLOADED_PHOTOS_DEST=Path("/var/photos"),
        UPLOADED_PHOTOS_URL="http://localhost/photos/",
        UPLOADED_PHOTOS_ALLOW=("tiff",),
        UPLOADED_PHOTOS_DENY=("svg",),
        UPLOADED_PHOTOS_MAX_SIZE=1000,
        UPLOADED_FILES_DEST="/var/files",
    )
    photos = UploadConfiguration(
        "/var/photos", "http://localhost/photos/", ("tiff",), ("svg",), 1000
    )
    assert configs == {"photos": photos, "files": UploadConfiguration("/var/files", max_size=2)}


def test_defaults(app: Any) -> None:
    options = {"region": "eu-central-1"}
    configs = configured(
        app,
        UploadSet("photos"),
        UploadSet("files", default_dest=lambda app: app.config["MINE"]),
        MINE="/mine",
        UPLOADS_DEFAULT_DEST="s3://bucket",
        UPLOADS_DEFAULT_URL="http://cdn.example",
        UPLOADS_DEFAULT_STORE_OPTIONS=options,
    )
    assert configs["photos"].destination == "s3://bucket/photos"
    assert configs["photos"].base_url == "http://cdn.example/photos/"
    assert configs["photos"].store_options == options
    assert (configs["files"].destination, configs["files"].base_url) == ("/mine", None)


def test_no_destination(app: Any) -> None:
    with pytest.raises(RuntimeError, match="set UPLOADED_FILES_DEST or UPLOADS_DEFAULT_DEST"):
        configure_uploads(app, UploadSet())


@pytest.mark.parametrize(
    ("setting", "error", "told"),
    [
        ({"UPLOADED_FILES_DENY": "svg,php"}, ValueError, "UPLOADED_FILES_DENY has 'svg,php'"),
        ({"UPLOADED_FILES_ALLOW": [".md"]}, ValueError, "UPLOADED_FILES_ALLOW has '.md'"),
        ({"UPLOADED_FILES_MAX_SIZE": "1 MB"}, TypeError, "UPLOADED_FILES_MAX_SIZE is a number"),
    ],
)
def test_a_setting_that_cannot_be(
    app: Any, setting: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=f"^{told}"):
        configured(app, UploadSet(), UPLOADED_FILES_DEST="/x", **setting)


def test_twice(app: Any) -> None:
    configured(app, UploadSet("a"), UPLOADS_DEFAULT_DEST="/x", UPLOADS_AUTOSERVE=True)
    assert set(configured(app, UploadSet("b"))) == {"a", "b"}
    assert len(app.url_value_preprocessors[None]) == 1


def test_one_set_on_two_applications(flask: Any, tmp_path: Path) -> None:
    photos = UploadSet("photos")
    for name in ("one", "two"):
        app = flask.Flask(name, root_path=str(tmp_path))
        configured(app, photos, UPLOADS_DEFAULT_DEST=f"/{name}")
        with app.app_context():
            assert photos.config.destination == f"/{name}/photos"


@pytest.mark.parametrize(("size", "limit"), [(1000, 1000), (None, 5)])
def test_patch_request_class(app: Any, size: int | None, limit: int) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 5
    patch_request_class(app, size)
    assert app.config["MAX_CONTENT_LENGTH"] == limit


@pytest.mark.parametrize(
    ("dyno", "dest", "warned"),
    [("web.1", "/app/files", True), ("", "/app/files", False), ("web.1", "memory:///", False)],
)
def test_a_disk_that_is_emptied(
    app: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    dyno: str,
    dest: str,
    warned: bool,
) -> None:
    monkeypatch.setenv("DYNO", dyno)
    with caplog.at_level(logging.WARNING, logger=app.logger.name):
        configured(app, UploadSet(), UPLOADED_FILES_DEST=dest)
    told = [record.getMessage() for record in caplog.records]
    words = (
        "Uploads of the set 'files' are kept in /app/files, on a disk that Heroku empties at least"
        " once a day. Keep them in an object storage: UPLOADED_FILES_DEST = 's3://bucket/prefix'."
    )
    assert told == ([words] if warned else [])


def test_a_missing_library_is_told_at_once(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "puremagic", None)
    app.config["UPLOADED_FILES_DEST"] = "x"
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'erlen\[uploads\]'"):
        configure_uploads(app, UploadSet())
    configure_uploads(app, UploadSet(check_content=False))


def test_neither_library_is_loaded_before_it_is_used() -> None:
    script = "import sys, erlen.uploads; print({'obstore', 'puremagic'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
