"""Pictures that visitors upload: what is taken, and where it is kept."""

from __future__ import annotations

import secrets
from pathlib import PurePath

from werkzeug.datastructures import FileStorage

from erlen import Flask, Response
from erlen.forms import FileField, Form, ValidationError
from erlen.i18n import gettext as _
from erlen.uploads import UploadNotAllowed, UploadSet, configure_uploads

# SVG is left out: it can carry scripts.
uploads = UploadSet(
    "pictures",
    ("png", "jpg", "jpeg", "gif", "webp"),
    default_dest=lambda app: str(app.config["DATA_FOLDER"] / "pictures"),
)


def is_picture(form: Form, field: FileField) -> None:
    """Refuse what is no picture: its name and its content must tell the same."""
    if field.data is not None:
        try:
            uploads.validate(field.data)
        except UploadNotAllowed as error:
            raise ValidationError(_fault(field.data)) from error


def _fault(upload: FileStorage) -> str:
    ending = PurePath(upload.filename or "").suffix.lower()
    if uploads.extension_allowed(ending[1:]):
        return _("The file ends in %(ending)s, but there is no such picture in it.", ending=ending)
    return _("Only PNG, JPEG, GIF and WebP pictures, please.")


def save(upload: FileStorage) -> str:
    """Keep a picture under a random name, as nobody shall learn the visitor's own."""
    return uploads.save(upload, name=f"{secrets.token_hex(16)}.")


def remove(name: str) -> None:
    uploads.delete(name)


def send(name: str) -> Response:
    """Answer with a picture. A name is never used twice, so a browser may keep it for good."""
    return uploads.send(name, max_age=365 * 24 * 60 * 60)


def init_app(app: Flask) -> None:
    configure_uploads(app, uploads)
