"""Uploads served by the application."""

from __future__ import annotations

import mimetypes
import posixpath

from werkzeug.exceptions import NotFound

from ..blueprints import Blueprint
from ..globals import current_app, request
from ..helpers import send_file, send_from_directory
from ..wrappers import Response
from ._config import UploadConfiguration
from ._groups import extension
from ._headers import HEADERS, is_inline
from ._storage import LocalStorage, Storage

#: Serves the sets that have no URL of their own, under ``/_uploads/<set>/<name>``.
uploads_mod = Blueprint("_uploads", __name__, url_prefix="/_uploads")


@uploads_mod.get("/<setname>/<path:filename>")
def uploaded_file(setname: str, filename: str) -> Response:
    """Answer with a file of a set that has no URL of its own."""
    config = current_app.extensions["uploads"].get(setname)
    if config is None or config.base_url is not None:
        raise NotFound
    return send_upload(config, filename)


def send_upload(config: UploadConfiguration, filename: str, max_age: int | None = None) -> Response:
    """Make the answer with a file: ranges, conditions, and headers that keep it from running.

    Pictures are shown (SVG is none that is safe); all else is an attachment.

    :param max_age: for how many seconds the answer may be kept; None to have it asked for anew.
    :raises werkzeug.exceptions.NotFound: there is no such file.
    """
    if any(part.startswith(".") for part in filename.split("/")):
        raise NotFound  # What is not accepted yet, and what a set never saved.
    inline = is_inline(extension(filename).lower())
    storage = config.storage
    if isinstance(storage, LocalStorage):
        response = send_from_directory(
            storage.destination, filename, as_attachment=not inline, max_age=max_age
        )
    else:
        response = _send_from_storage(storage, filename, inline, max_age)
    response.headers.update(HEADERS)
    return response


def _send_from_storage(
    storage: Storage, filename: str, inline: bool, max_age: int | None
) -> Response:
    try:
        stat = storage.stat(filename)
        file = storage.open(filename)
    except (FileNotFoundError, ValueError):  # the latter for what is no name at all
        raise NotFound from None
    response = send_file(
        file,
        as_attachment=not inline,
        download_name=posixpath.basename(filename),
        mimetype=mimetypes.guess_type(filename)[0] or "application/octet-stream",
        conditional=False,
        etag=stat.etag,
        last_modified=stat.modified,
        max_age=max_age,
    )
    response.content_length = stat.size
    response.make_conditional(request.environ, accept_ranges=True, complete_length=stat.size)
    return response
