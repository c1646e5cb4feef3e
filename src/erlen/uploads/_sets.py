"""Upload sets: what is taken, where it goes, what it is called."""

from __future__ import annotations

import mimetypes
import os
import posixpath
import secrets
import typing as t
from collections.abc import Callable, Container, Iterable
from urllib.parse import quote

from blinker import Namespace
from werkzeug.datastructures import FileStorage

from ..globals import _cv_app, current_app
from ..helpers import url_for
from ..typing import App
from ..wrappers import Response
from ._cloud import CloudStorage
from ._config import UploadConfiguration, addslash, check_size, join_destination
from ._errors import BadTicket, ChecksumMismatch, UploadNotAllowed
from ._groups import DEFAULTS, extension, listed, lowercase_ext
from ._headers import is_inline
from ._intake import Intake
from ._names import refuse_bad_name, safe_folder, safe_name
from ._presigned import PresignedUpload, new_ticket, read_ticket, write_ticket
from ._serve import send_upload
from ._storage import LocalStorage, Temporary

#: Looks at a file, with its name, before it is accepted: raises :class:`UploadNotAllowed`, or
#: returns another file to keep in its place, or None to keep it as it is.
Check: t.TypeAlias = Callable[[t.IO[bytes], str], t.IO[bytes] | None]
View = t.TypeVar("View", bound=Callable[..., t.Any])

#: Sent by the application when a file was accepted, with ``upload_set`` and ``saved``.
upload_saved = Namespace().signal("upload-saved")

_CHUNK = 256 * 1024
# So many names with a number are tried, then a random one is taken.
_NUMBERED = 50
_MOST_TRIES = 100


class Saved(str):
    """The name that a file was saved under, with its folder: a ``str`` that knows more.

    :param name: the name.
    :param size: the file's bytes.
    :param sha256: its SHA-256, in hexadecimal.
    """

    size: int
    sha256: str

    def __new__(cls, name: str, size: int, sha256: str) -> Saved:
        saved = super().__new__(cls, name)
        saved.size = size
        saved.sha256 = sha256
        return saved

    # To copy and pickle it; str's own has the text alone.
    def __getnewargs__(  # type: ignore[override]
        self,
    ) -> tuple[str, int, str]:
        return str(self), self.size, self.sha256


class TestingFileStorage(FileStorage):
    """An upload for tests: a set takes it without writing, and leaves the path in ``saved``.

    :param stream: the content. Default: nothing.
    :param filename: the name that the client gave.
    :param name: the name of the form's field.
    :param content_type: the type that the client gave.
    :param content_length: how many bytes it told; -1 for none.
    :param headers: taken and not used, as in Flask-Uploads.
    """

    __test__ = False  # it is no test case

    def __init__(
        self,
        stream: t.IO[bytes] | None = None,
        filename: str | None = None,
        name: str | None = None,
        content_type: str = "application/octet-stream",
        content_length: int = -1,
        headers: t.Any = None,
    ) -> None:
        super().__init__(stream, filename, name, content_type, content_length)
        self.saved: str | None = None

    # Werkzeug's takes a file, too.
    def save(self, dst: t.Any, buffer_size: int = 16384) -> None:
        """Remember the path and write nothing."""
        self.saved = os.fspath(dst)


class UploadSet:
    """A set of uploaded files, of one purpose and in one place.

    The set holds no configuration: that is the application's, so one set serves many of them.
    The model is Flask-Uploads, whose names and behaviour it keeps.

    :param name: letters and digits; in upper case part of its configuration's keys.
    :param extensions: the extensions to take, in lower case, without the dot.
    :param default_dest: gives the destination for an application that configures none.
    :param max_size: the most bytes a file may have, where ``UPLOADED_<NAME>_MAX_SIZE`` says
        nothing else; None for no limit.
    :param check_content: refuse a file whose content is not what its extension says.
    :param checks: called in order for each file before it is accepted: a virus scanner, a
        converter.
    :raises ValueError: the name has other characters, or an extension has a dot or capitals.
    :raises TypeError: ``max_size`` is no whole number.
    """

    def __init__(
        self,
        name: str = "files",
        extensions: Container[str] = DEFAULTS,
        default_dest: Callable[[App], str] | None = None,
        *,
        max_size: int | None = None,
        check_content: bool = True,
        checks: Iterable[Check] = (),
    ) -> None:
        if not name.isalnum():
            raise ValueError(
                f"The name of an upload set consists of letters and digits, unlike {name!r}."
            )
        check_size(max_size, "max_size")
        self.name = name
        self.extensions = listed(extensions, "UploadSet")
        self.default_dest = default_dest
        self.max_size = max_size
        self.check_content = check_content
        self.checks = list(checks)
        # Set it to use the set without an application.
        self._config: UploadConfiguration | None = None

    @property
    def config(self) -> UploadConfiguration:
        """The set's configuration on the current application.

        :raises RuntimeError: ``configure_uploads`` was not called for the set.
        """
        if self._config is not None:
            return self._config
        configs = current_app.extensions.get("uploads", {})
        if self.name not in configs:
            raise RuntimeError(
                "The application is not properly configured. "
                "Please make sure to use `configure_uploads`."
                + (f" It was called, but not with the set {self.name!r}." if configs else "")
            )
        config: UploadConfiguration = configs[self.name]
        return config

    # What is taken.

    def file_allowed(self, storage: FileStorage, basename: str) -> bool:
        """Tell whether the set takes a file, by its extension. Override it to ask for more.

        :param storage: the file.
        :param basename: the name it is going to have.
        """
        return self.extension_allowed(extension(basename))

    def extension_allowed(self, ext: str) -> bool:
        """Tell whether the set takes an extension.

        :param ext: the extension in lower case, without the dot.
        """
        config = self.config
        return ext in config.allow or (ext in self.extensions and ext not in config.deny)

    def get_basename(self, filename: str) -> str:
        """Return the name that a file is going to have, from the one that the client gave.

        See :func:`safe_name` for what is mended; the extension is put in lower case.
        """
        return lowercase_ext(safe_name(filename))

    # Saving.

    def save(
        self,
        storage: FileStorage,
        folder: str | None = None,
        name: str | None = None,
        *,
        sha256: str | None = None,
    ) -> Saved:
        """Accept an upload into the set.

        :param storage: the upload, from ``request.files``.
        :param folder: the folder below the set's destination. Default: none.
        :param name: the name to give it instead of the client's; with a dot at its end, the
            client's extension follows. It may begin with a folder.
        :param sha256: what the content's SHA-256 has to be, in hexadecimal. Default: anything.
        :return: the name, folder included, to be kept and given to :meth:`url`.
        :raises UploadNotAllowed: the set does not take the file; nothing of it is left.
        :raises TypeError: ``storage`` is no upload.
        :raises ValueError: the upload has no name at all, or nothing can be made of ``name``.
        """
        if not isinstance(storage, FileStorage):
            raise TypeError(
                f"storage must be a werkzeug.FileStorage, from request.files, not {storage!r}."
            )
        if storage.filename is None:
            raise ValueError("Filename must not be empty!")
        basename = self.check_name(storage)
        place = self._place(basename, folder, name)
        if isinstance(storage, TestingFileStorage):
            return self._pretend(storage, *place)
        intake = self._intake_of(storage)
        try:
            return self._accept(intake, *place, extension(basename), sha256)
        finally:
            if intake is not t.cast(object, storage.stream):
                intake.close()

    def check_name(self, storage: FileStorage) -> str:
        """Return the name that a file is going to have, by what its client calls it.

        :raises UploadNotAllowed: the set takes no such files.
        """
        filename = storage.filename or ""
        refuse_bad_name(filename)
        basename = self.get_basename(filename)
        if not self.file_allowed(storage, basename):
            raise self._not_allowed(extension(basename))
        return basename

    def _not_allowed(self, ext: str) -> UploadNotAllowed:
        kind = f"of the type .{ext}" if ext else "without an extension"
        allowed = self.extensions
        told = f" Allowed are: {', '.join(allowed)}." if isinstance(allowed, (list, tuple)) else ""
        return UploadNotAllowed(f"Files {kind} are not allowed here.{told}")

    def validate(self, storage: FileStorage) -> None:
        """Refuse a file without saving it, as a form does that is shown again.

        :param storage: the upload, from ``request.files``.
        :raises UploadNotAllowed: the set does not take it. Checks that were given to the set run
            when it is saved.
        """
        ext = extension(self.check_name(storage))
        intake = self._intake_of(storage)
        try:
            intake.finish(ext if self.check_content else None)
        finally:
            if intake is not t.cast(object, storage.stream):
                intake.close()

    def _place(self, basename: str, folder: str | None, name: str | None) -> tuple[str, str]:
        """Return the folder and the name that a file is to have."""
        if folder is None and name is not None and "/" in name:
            folder, name = posixpath.split(name)
        if name:
            wanted = safe_name(name)
            if not wanted:
                raise ValueError(
                    f"Invalid filename after sanitization: nothing is left of {name!r}."
                )
            if name.rstrip().endswith("."):
                wanted = f"{wanted}.{extension(basename)}"
            basename = lowercase_ext(wanted)
            ext = extension(basename)
            if ext and not self.extension_allowed(ext):
                raise self._not_allowed(ext)
        return safe_folder(folder or ""), basename

    def _intake_of(self, storage: FileStorage) -> Intake:
        stream = storage.stream
        if isinstance(stream, Intake) and stream.destination is self.config:
            return stream
        # Others may have read in it, to validate it.
        if storage.seekable():
            storage.seek(0)
        return self._fill(stream, extension(self.get_basename(storage.filename or "")))

    def _fill(
        self, source: t.IO[bytes], ext: str, begin: Callable[[], Temporary] | None = None
    ) -> Intake:
        intake = self._intake(ext, begin=begin)
        try:
            while intake.refused is None and (chunk := source.read(_CHUNK)):
                intake.write(chunk)
        except BaseException:
            intake.close()
            raise
        return intake

    def _intake(
        self,
        ext: str,
        refused: UploadNotAllowed | None = None,
        begin: Callable[[], Temporary] | None = None,
    ) -> Intake:
        config = self.config

        def begin_anew() -> Temporary:
            content_type = mimetypes.types_map.get(f".{ext}", "application/octet-stream")
            return config.storage.begin(content_type, is_inline(ext))

        checked = ext if self.check_content else None
        return Intake(config, begin or begin_anew, checked, config.max_size, refused)

    def _accept(
        self, intake: Intake, folder: str, basename: str, ext: str, sha256: str | None
    ) -> Saved:
        # A name without extension keeps the content from being anything.
        ext = extension(basename) or ext
        temporary = intake.finish(ext if self.check_content else None)
        if sha256 is not None and sha256.lower() != intake.sha256:
            raise ChecksumMismatch(
                "The file did not arrive as it was sent: its SHA-256 is another one."
            )
        kept = intake
        try:
            for check in self.checks:
                kept.seek(0)
                other = check(t.cast(t.IO[bytes], kept), basename)
                if other is not None:
                    other.seek(0)
                    replaced, kept = kept, self._fill(other, ext)
                    replaced.close()
                temporary = kept.finish(ext if self.check_content else None)
            name = self._find_name(temporary.accept, folder, basename)
        finally:
            if kept is not intake:
                kept.close()
        saved = Saved(name, kept.size, kept.sha256)
        if _cv_app.get(None) is not None:
            upload_saved.send(current_app._get_current_object(), upload_set=self, saved=saved)
        return saved

    def _find_name(self, take: Callable[[str], bool], folder: str, basename: str) -> str:
        """Take the first name that is free, and return it with its folder."""
        name = posixpath.join(folder, basename)
        for _ in range(_MOST_TRIES):
            if take(name):
                return name
            target_folder = join_destination(self.config.destination, folder)
            name = posixpath.join(folder, self.resolve_conflict(target_folder, basename))
        raise RuntimeError(
            f"resolve_conflict of the set {self.name!r} gave names that are taken, the last of"
            f" them {name!r}. Let it return one that is not."
        )

    def _pretend(self, storage: TestingFileStorage, folder: str, basename: str) -> Saved:
        def take(name: str) -> bool:
            path = self.path(name)
            if os.path.exists(path):
                return False
            storage.save(path)
            return True

        return Saved(self._find_name(take, folder, basename), 0, "")

    def resolve_conflict(self, target_folder: str, basename: str) -> str:
        """Return another name for a file whose own is taken. Override it to choose otherwise.

        :param target_folder: where the file is to be, a path or a URL.
        :param basename: the name that is taken.
        :return: the name with ``_1``, ``_2`` and so on; after fifty of them with a random number.
        """
        stem, ext = os.path.splitext(basename)
        folder = target_folder.removeprefix(self.config.destination).strip("/")
        storage = self.config.storage
        for number in range(1, _NUMBERED + 1):
            candidate = f"{stem}_{number}{ext}"
            if not storage.exists(posixpath.join(folder, candidate)):
                return candidate
        return f"{stem}_{secrets.token_hex(8)}{ext}"

    # What was saved.

    def url(self, filename: str) -> str:
        """Return the URL of a saved file.

        :param filename: its name, as :meth:`save` returned it.
        :raises RuntimeError: nobody serves the set's files.
        """
        base = self.config.base_url
        if base is not None:
            return (addslash(base) if base else "") + quote(filename)
        if "_uploads" not in current_app.blueprints:
            raise RuntimeError(
                f"The files of the set {self.name!r} have no URL. Set UPLOADS_AUTOSERVE = True to"
                " let the application serve them to everybody, or"
                f" UPLOADED_{self.name.upper()}_URL where something else does."
            )
        return url_for(
            "_uploads.uploaded_file", setname=self.name, filename=filename, _external=True
        )

    def path(self, filename: str, folder: str | None = None) -> str:
        """Return the absolute path of a saved file.

        :param filename: its name, as :meth:`save` returned it.
        :param folder: a folder to look for it in.
        :raises ValueError: it would lead out of the set's folder.
        :raises RuntimeError: the set is kept in an object storage, where files have no path.
        """
        storage = self.config.storage
        if not isinstance(storage, LocalStorage):
            raise RuntimeError(
                f"The files of the set {self.name!r} are kept at {self.config.destination}, and"
                " have no path. Read them with open()."
            )
        return storage.path(posixpath.join(folder or "", filename))

    def send(self, filename: str, *, max_age: int | None = None) -> Response:
        """Answer with a saved file, from a view of one's own, so that nothing in it runs.

        Ranges and conditions are answered. Pictures are shown (SVG is none that is safe), all
        else is an attachment; a policy lets nothing in it run, nor its type be guessed.

        :param filename: its name, as :meth:`save` returned it, or as a client asks for it.
        :param max_age: for how many seconds the answer may be kept; None to have it asked for
            anew each time.
        :raises werkzeug.exceptions.NotFound: there is no such file.
        """
        return send_upload(self.config, filename, max_age)

    def exists(self, filename: str) -> bool:
        """Tell whether there is a file of this name in the set."""
        return self.config.storage.exists(filename)

    def open(self, filename: str) -> t.IO[bytes]:
        """Open a saved file to read.

        :raises FileNotFoundError: there is none of this name.
        """
        return self.config.storage.open(filename)

    def delete(self, filename: str) -> None:
        """Remove a saved file, where there is one of this name."""
        self.config.storage.delete(filename)

    # Past the application.

    def presigned_url(self, filename: str, expires: float = 3600) -> str:
        """Return a URL of a saved file at the object storage itself, for whoever has it.

        :param filename: its name, as :meth:`save` returned it.
        :param expires: for how many seconds.
        :raises RuntimeError: the storage signs no URLs.
        """
        return self._cloud().sign("GET", filename, expires)

    def presign_upload(self, filename: str, expires: float = 3600) -> PresignedUpload:
        """Let a client send a file to the object storage itself: one PUT, the file as its body.

        Nothing is looked at then. The file is the set's when :meth:`accept_upload` took it.

        :param filename: the name that the client gives it.
        :param expires: for how many seconds.
        :raises UploadNotAllowed: the set takes no such files.
        :raises RuntimeError: the storage signs no URLs.
        """
        self.check_name(FileStorage(filename=filename))
        ticket = new_ticket(self.name, filename)
        url = self._cloud().sign("PUT", ticket.key, expires)
        return PresignedUpload(url, write_ticket(ticket))

    def accept_upload(
        self,
        ticket: str,
        folder: str | None = None,
        name: str | None = None,
        *,
        sha256: str | None = None,
    ) -> Saved:
        """Accept a file that a client sent to the object storage itself.

        It is read once, checked as any other, and written to its place: what is sent to the URL
        later changes nothing. Parameters and errors are those of :meth:`save`.

        :param ticket: the ticket from :meth:`presign_upload`, brought back by the client.
        :raises BadTicket: it is none, or nothing was sent.
        """
        storage = self._cloud()
        found = read_ticket(ticket, self.name)
        try:
            file = storage.open(found.key)
        except FileNotFoundError:
            raise BadTicket("Nothing was sent, or it was accepted before.") from None
        try:
            return self.save(FileStorage(file, found.filename), folder, name, sha256=sha256)
        finally:
            storage.delete(found.key)

    def _cloud(self) -> CloudStorage:
        storage = self.config.storage
        if not isinstance(storage, CloudStorage):
            raise RuntimeError(
                f"The files of the set {self.name!r} are kept in {self.config.destination}, and"
                " only object storages sign URLs."
            )
        return storage

    # Straight into the storage.

    def receives(self, *fields: str) -> Callable[[View], View]:
        """Let a view's uploads go straight into the set's storage while the form is read.

        Without it a large upload is first written to the system's temporary folder, and copied
        when it is saved. With it the size is limited while the file comes in, and a file that the
        set does not take is not written at all: :meth:`save` says why. The view stays the same.

        :param fields: the names of the form's fields.
        :raises TypeError: none is named, as where the parentheses were forgotten.
        """
        if not fields or not all(isinstance(field, str) for field in fields):
            raise TypeError("receives() takes the names of fields: @photos.receives('photo').")

        def mark(view: View) -> View:
            known: dict[str, UploadSet] = getattr(view, RECEIVES, {})
            setattr(view, RECEIVES, known | dict.fromkeys(fields, self))
            return view

        return mark

    def receive(self, storage: FileStorage) -> Intake:
        """Begin to take a file in whose content is yet to come; what the form's parser calls."""
        refused = None
        try:
            self.check_name(storage)
        except UploadNotAllowed as error:
            refused = error
        return self._intake(extension(self.get_basename(storage.filename or "")), refused)

    def adopt(self, path: str, filename: str) -> FileStorage:
        """Make an upload of a file that lies on the set's own disk: saving it moves it,
        refusing it leaves it there.

        :param path: where the file is, below the set's destination.
        :param filename: what its client called it.
        :raises RuntimeError: the set is kept in an object storage.
        """
        storage = self.config.storage
        if not isinstance(storage, LocalStorage):
            raise RuntimeError(f"The files of the set {self.name!r} are on no disk.")
        with open(path, "rb") as file:
            ext = extension(self.get_basename(filename))
            intake = self._fill(file, ext, lambda: storage.adopt(path))
        return FileStorage(t.cast(t.IO[bytes], intake), filename)


#: The attribute of a view that names its fields, each with its set.
RECEIVES = "_receives_uploads"
