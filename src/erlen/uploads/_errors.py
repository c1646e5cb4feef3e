"""Why an upload is not taken. Each is an HTTP answer, for the views that do not catch it."""

from __future__ import annotations

from werkzeug.exceptions import HTTPException


class UploadNotAllowed(HTTPException):
    """The set does not take this file: status 415, unless a subclass says otherwise.

    ``str(error)`` is a sentence to show to who sent the file. A view that does not catch the
    error answers with its status.

    :param description: that sentence.
    """

    code = 415
    description = "This file is not allowed here."

    @property
    def name(self) -> str:
        """The short name of the status."""
        return "Upload Not Allowed"

    def __str__(self) -> str:
        return self.description or ""


class BadFilename(UploadNotAllowed):
    """The file has no name, or one that nothing can be made of: status 400."""

    code = 400


class UploadTooLarge(UploadNotAllowed):
    """The file has more bytes than the set takes: status 413."""

    code = 413


class ChecksumMismatch(UploadNotAllowed):
    """What arrived is not what was sent, by its SHA-256: status 422."""

    code = 422


class BadTicket(UploadNotAllowed):
    """The ticket of a pre-signed upload is not ours, too old, or nothing was sent: status 400."""

    code = 400
