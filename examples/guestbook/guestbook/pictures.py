"""Pictures that visitors upload: what is taken, and where it is kept."""

from __future__ import annotations

import secrets
from pathlib import PurePath

from werkzeug.datastructures import FileStorage

from erlen.forms import FileField, Form, ValidationError

from .db import picture_folder

# By extension, how the content must begin. SVG is left out: it can carry scripts.
SIGNATURES: dict[str, tuple[bytes, ...]] = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".gif": (b"GIF87a", b"GIF89a"),
    ".webp": (b"RIFF",),
}


def is_picture(form: Form, field: FileField) -> None:
    """Refuse what is no picture: its name and its content must tell the same."""
    upload = field.data
    if upload is None:
        return
    extension = _extension(upload)
    if extension not in SIGNATURES:
        raise ValidationError("Only PNG, JPEG, GIF and WebP pictures, please.")
    head = upload.stream.read(12)
    upload.stream.seek(0)
    if not head.startswith(SIGNATURES[extension]) or (
        extension == ".webp" and head[8:12] != b"WEBP"
    ):
        raise ValidationError(f"The file ends in {extension}, but there is no such picture in it.")


def save(upload: FileStorage) -> str:
    """Keep a picture under a random name: the visitor's own could clash or lead elsewhere."""
    name = secrets.token_hex(16) + _extension(upload)
    upload.save(picture_folder() / name)
    return name


def remove(name: str) -> None:
    (picture_folder() / name).unlink(missing_ok=True)


def _extension(upload: FileStorage) -> str:
    return PurePath(upload.filename or "").suffix.lower()
