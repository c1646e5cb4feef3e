"""What the tests of uploads share: a set with a folder, small files of each kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage

from erlen.uploads import IMAGES, UploadSet, configure_uploads

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU"
    b"\0\0\0\nIDATx\x9cc`\0\0\0\2\0\1H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82"
)


def upload(content: bytes = PNG, filename: str | None = "cat.png") -> FileStorage:
    return FileStorage(BytesIO(content), filename)


def files_below(folder: Path) -> set[str]:
    """Every file below a folder, temporary ones, too."""
    return {
        os.path.relpath(os.path.join(where, name), folder)
        for where, _, names in os.walk(folder)
        for name in names
    }


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "photos"


@pytest.fixture
def photos(app: Any, dest: Path) -> Iterator[UploadSet]:
    """A set of images, configured on the app, in an application context."""
    photos = UploadSet("photos", IMAGES)
    app.config["UPLOADED_PHOTOS_DEST"] = str(dest)
    configure_uploads(app, photos)
    with app.app_context():
        yield photos
