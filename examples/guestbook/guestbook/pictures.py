"""Pictures that visitors upload: what is taken, and where it is kept."""

from __future__ import annotations

import secrets
from pathlib import PurePath

from werkzeug.datastructures import FileStorage

from .db import picture_folder

# By extension, how the content must begin. SVG is left out: it can carry scripts.
SIGNATURES: dict[str, tuple[bytes, ...]] = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".gif": (b"GIF87a", b"GIF89a"),
    ".webp": (b"RIFF",),
}


def problem_with(upload: FileStorage) -> str | None:
    """Say why a picture is not taken, or None: its name and its content must tell the same."""
    extension = _extension(upload)
    if extension not in SIGNATURES:
        return "Only PNG, JPEG, GIF and WebP pictures, please."
    head = upload.stream.read(12)
    upload.stream.seek(0)
    if not head.startswith(SIGNATURES[extension]) or (
        extension == ".webp" and head[8:12] != b"WEBP"
    ):
        return f"The file ends in {extension}, but there is no such picture in it."
    return None


def save(upload: FileStorage) -> str:
    """Keep a picture under a random name: the visitor's own could clash or lead elsewhere."""
    name = secrets.token_hex(16) + _extension(upload)
    upload.save(picture_folder() / name)
    return name


def remove(name: str) -> None:
    (picture_folder() / name).unlink(missing_ok=True)


def _extension(upload: FileStorage) -> str:
    return PurePath(upload.filename or "").suffix.lower()
