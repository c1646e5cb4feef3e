"""Resumable uploads: a server of the tus protocol, version 1.0.

https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
import typing as t
from collections.abc import Callable, Mapping

from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import (
    BadRequest,
    ClientDisconnected,
    Conflict,
    HTTPException,
    PreconditionFailed,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)
from werkzeug.http import http_date

from ..blueprints import Blueprint
from ..globals import current_app, request
from ..helpers import url_for
from ..typing import App
from ..wrappers import Response
from ._content import HEAD, check_head
from ._errors import UploadNotAllowed, UploadTooLarge
from ._groups import extension
from ._partial import Partial, PartialStore
from ._sets import Saved, UploadSet
from ._storage import STALE, LocalStorage

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination,concatenation"
ALGORITHMS = ("sha256", "sha1", "md5")
_TYPE = "application/offset+octet-stream"
_CHUNK = 256 * 1024

#: Called with a completed upload and the client's metadata, in the last request of the upload;
#: what it returns are headers for the answer.
Completed: t.TypeAlias = Callable[[Saved, dict[str, str]], Mapping[str, str] | None]
CompletedT = t.TypeVar("CompletedT", bound=Completed)


class ChunkMismatch(HTTPException):
    """What a request brought is not what was sent, by its checksum: tus's own status."""

    code = 460
    description = "The checksum of this part is another one. Please send it again."

    @property
    def name(self) -> str:
        """The name of the status, which HTTP does not know."""
        return "Checksum Mismatch"


class TusServer:
    """Takes uploads for a set that can be interrupted and continued.

    Everybody who can reach its URLs may upload: put a check into ``blueprint.before_request``.
    An upload has a URL that nobody can guess. It becomes the set's file with its last byte,
    checked as any other.

    :param upload_set: the set; it has to be configured on the application.
    :param url_prefix: where uploads are begun.
    :param folder: where unfinished uploads are kept. Default: beside the set's files, where these
        are on a disk, else ``tus`` in the instance folder.
    :param expires: after how many seconds without progress an upload is removed.
    :param name: the name of the blueprint.
    """

    def __init__(
        self,
        upload_set: UploadSet,
        url_prefix: str = "/tus",
        *,
        folder: str | None = None,
        expires: float = STALE,
        name: str = "tus",
    ) -> None:
        self.upload_set = upload_set
        self.folder = folder
        self.expires = expires
        self.blueprint = blueprint = Blueprint(name, __name__, url_prefix=url_prefix)
        self._completed: list[Completed] = []
        blueprint.before_request(self._check_version)
        blueprint.after_request(self._add_headers)
        one = "/<string(length=32):key>"
        blueprint.add_url_rule("", "options", self._tell, methods=["OPTIONS"])
        blueprint.add_url_rule(one, "options_of_one", self._tell, methods=["OPTIONS"])
        blueprint.add_url_rule("", "create", self._create, methods=["POST"])
        methods = ["HEAD", "PATCH", "DELETE", "POST"]
        blueprint.add_url_rule(one, "upload", self._dispatch, methods=methods)

    def init_app(self, app: App) -> None:
        """Add the server's URLs to an application."""
        app.register_blueprint(self.blueprint)

    def completed(self, function: CompletedT) -> CompletedT:
        """Call a function with each completed upload and its metadata; a decorator."""
        self._completed.append(function)
        return function

    # What is asked for.

    def _check_version(self) -> None:
        if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
            words = f"This server speaks tus {VERSION}: send Tus-Resumable."
            raise PreconditionFailed(
                response=Response(words, 412, {"Tus-Version": VERSION}, "text/plain")
            )

    def _add_headers(self, response: Response) -> Response:
        response.headers["Tus-Resumable"] = VERSION
        response.headers["Cache-Control"] = "no-store"
        return response

    def _tell(self, key: str = "") -> Response:
        headers = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        }
        if (limit := self.upload_set.config.max_size) is not None:
            headers["Tus-Max-Size"] = str(limit)
        return Response(status=204, headers=headers)

    def _dispatch(self, key: str) -> Response:
        # Some proxies let neither PATCH nor DELETE pass.
        method = request.headers.get("X-HTTP-Method-Override", request.method).upper()
        if method == "HEAD":
            return self._head(key)
        if method == "PATCH":
            return self._patch(key)
        if method == "DELETE":
            self._store().find(key).remove()
            return Response(status=204)
        raise BadRequest("POST begins an upload. To continue one, send PATCH.")

    def _create(self) -> Response:
        store = self._store()
        store.remove_stale()
        metadata = _read_metadata(request.headers.get("Upload-Metadata", ""))
        concat = request.headers.get("Upload-Concat", "")
        if concat.startswith("final;"):
            self._check_filename(metadata)
            parts = [url.rpartition("/")[2] for url in concat.removeprefix("final;").split()]
            partial = store.concatenate(parts, metadata)
            self._check_length(partial)
        else:
            if concat not in ("", "partial"):
                raise BadRequest("Upload-Concat is 'partial', or 'final;' with the URLs of parts.")
            if not concat:
                self._check_filename(metadata)
            partial = store.new(_read_number("Upload-Length"), metadata, bool(concat))
            self._check_length(partial)
            partial.create()
        more = self._take(partial, 0) if request.mimetype == _TYPE else self._finish(partial)
        # Relative: what stands before it may be known to a proxy alone.
        location = url_for(f"{request.blueprint}.upload", key=partial.key)
        return self._answer(partial, 201, {"Location": location, **more})

    def _head(self, key: str) -> Response:
        partial = self._store().find(key)
        headers = {"Upload-Length": str(partial.length)}
        if partial.is_part:
            headers["Upload-Concat"] = "partial"
        if partial.metadata:
            headers["Upload-Metadata"] = _write_metadata(partial.metadata)
        return self._answer(partial, 200, headers)

    def _patch(self, key: str) -> Response:
        if request.mimetype != _TYPE:
            raise UnsupportedMediaType(f"Send the content as {_TYPE}.")
        partial = self._store().find(key)
        offset = _read_number("Upload-Offset")
        if offset != partial.size:
            raise Conflict(f"There are {partial.size} bytes here; the next one is expected.")
        return self._answer(partial, 204, self._take(partial, offset))

    def _answer(self, partial: Partial, status: int, headers: Mapping[str, str]) -> Response:
        response = Response(status=status, headers=dict(headers))
        response.headers["Upload-Offset"] = str(partial.size)
        if partial.size < partial.length:
            response.headers["Upload-Expires"] = http_date(partial.written + self.expires)
        return response

    # What is done.

    def _take(self, partial: Partial, offset: int) -> Mapping[str, str]:
        """Write what a request brings; of one that breaks off, keep what came."""
        if partial.saved:
            return {}
        checksum = _Checksum.of_request()
        # The upload has a limit of its own, whatever a request may have.
        request.max_content_length = partial.length - offset
        try:
            self._write(partial, offset, checksum)
        except (ClientDisconnected, RequestEntityTooLarge, ChunkMismatch) as error:
            if checksum is not None:  # What came cannot be verified.
                partial.truncate(offset)
            if isinstance(error, RequestEntityTooLarge):
                raise UploadTooLarge(
                    f"The upload has {partial.length} bytes, and more were sent."
                ) from None
            raise
        return self._finish(partial)

    def _write(self, partial: Partial, offset: int, checksum: _Checksum | None) -> None:
        with partial.open_at(offset) as file:
            while chunk := request.stream.read(_CHUNK):
                file.write(chunk)
                if checksum is not None:
                    checksum.hash.update(chunk)
                if offset < HEAD <= offset + len(chunk):
                    file.flush()
                    self._check_head(partial)
                offset += len(chunk)
        if checksum is not None:
            checksum.verify()

    def _finish(self, partial: Partial) -> Mapping[str, str]:
        """Make a complete upload a file of the set."""
        if partial.is_part or partial.saved or partial.size < partial.length:
            return {}
        filename = partial.metadata["filename"]
        try:
            if self.folder is None and self.upload_set.config.is_local:
                storage = self.upload_set.adopt(partial.path, filename)
            else:
                storage = FileStorage(open(partial.path, "rb"), filename)
            with storage.stream:
                saved = self.upload_set.save(storage)
        except UploadNotAllowed:
            partial.remove()
            raise
        partial.finish(str(saved))
        headers: dict[str, str] = {}
        for function in self._completed:
            headers.update(function(saved, partial.metadata) or {})
        return headers

    def _check_filename(self, metadata: dict[str, str]) -> None:
        """Refuse at once what would be refused at the end."""
        if "filename" not in metadata:
            raise BadRequest("Upload-Metadata has to tell the filename.")
        self.upload_set.check_name(FileStorage(filename=metadata["filename"]))

    def _check_length(self, partial: Partial) -> None:
        limit = self.upload_set.config.max_size
        if limit is not None and partial.length > limit:
            partial.remove()
            raise UploadTooLarge(
                f"The upload has {partial.length} bytes, and at most {limit} are allowed."
            )

    def _check_head(self, partial: Partial) -> None:
        if partial.is_part or not self.upload_set.check_content:
            return
        basename = self.upload_set.get_basename(partial.metadata["filename"])
        with open(partial.path, "rb") as file:
            head = file.read(HEAD)
        try:
            check_head(extension(basename), head)
        except UploadNotAllowed:
            partial.remove()
            raise

    def _store(self) -> PartialStore:
        folder = self.folder
        if folder is None:
            storage = self.upload_set.config.storage
            if isinstance(storage, LocalStorage):
                folder = os.path.join(storage.destination, ".tus")
            else:
                folder = os.path.join(current_app.instance_path, "tus", self.upload_set.name)
        return PartialStore(folder, self.expires, time.time())


class _Checksum:
    """What the client says that a request's content hashes to."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        self.hash = hashlib.new(algorithm, usedforsecurity=False)
        self.expected = expected

    @classmethod
    def of_request(cls) -> _Checksum | None:
        """Read the header ``Upload-Checksum``; None where there is none."""
        header = request.headers.get("Upload-Checksum")
        if header is None:
            return None
        algorithm, _, digest = header.partition(" ")
        if algorithm not in ALGORITHMS:
            raise BadRequest(f"Upload-Checksum is by one of: {', '.join(ALGORITHMS)}.")
        return cls(algorithm, _decode(digest, "Upload-Checksum"))

    def verify(self) -> None:
        """Compare it with what came.

        :raises ChunkMismatch: it is another one.
        """
        if not hmac.compare_digest(self.hash.digest(), self.expected):
            raise ChunkMismatch


def _read_number(header: str) -> int:
    value = request.headers.get(header, "")
    # As many digits as a file's size can have: int() is slow for many more.
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise BadRequest(f"{header} has to be a number of bytes.")
    return int(value)


def _read_metadata(header: str) -> dict[str, str]:
    metadata = {}
    for pair in filter(None, map(str.strip, header.split(","))):
        key, _, value = pair.partition(" ")
        metadata[key] = _decode(value, "Upload-Metadata").decode(errors="replace")
    return metadata


def _write_metadata(metadata: dict[str, str]) -> str:
    pairs = ((key, base64.b64encode(value.encode()).decode()) for key, value in metadata.items())
    return ",".join(f"{key} {value}".strip() for key, value in pairs)


def _decode(text: str, header: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:  # binascii.Error is one, and so is what it raises for other letters
        raise BadRequest(f"{header} has to be encoded in Base64.") from None
