"""A file on its way in: measured, hashed and looked at while it is written."""

from __future__ import annotations

import hashlib
import io
import typing as t

from jinja2.filters import do_filesizeformat

from ._content import HEAD, TAIL, check_head, check_tail, ends_archive
from ._errors import UploadNotAllowed, UploadTooLarge
from ._storage import Temporary


class Intake(io.RawIOBase):
    """Takes a file's bytes into its storage, and gives them back to read until it is closed.

    Refused bytes are dropped, what was written of them is removed, and :attr:`refused` says why,
    so that the rest of a form can still be read. Closing discards a file that was not accepted.

    :param destination: what it is destined for, to be recognised by.
    :param begin: begins a temporary file in the storage; called for the first bytes.
    :param ext: the extension that the content must agree with; None to accept any.
    :param max_size: how many bytes the file may have; None for no limit.
    :param refused: why the file is refused before its first byte.
    """

    def __init__(
        self,
        destination: object,
        begin: t.Callable[[], Temporary],
        ext: str | None,
        max_size: int | None,
        refused: UploadNotAllowed | None = None,
    ) -> None:
        self.destination = destination
        self.refused = refused
        self.size = 0
        self.temporary: Temporary | None = None
        self._begin = begin
        self._ext = ext
        self._max_size = max_size
        self._hash = hashlib.sha256()
        self._head = b""
        self._tail = b""
        self._is_archive = False
        self._reader: t.IO[bytes] | None = None
        self._completed = False

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was written, in hexadecimal."""
        return self._hash.hexdigest()

    def write(self, data: t.Any) -> int:
        """Take bytes in; those of a refused file are dropped."""
        if self.refused is None:
            try:
                self._take(bytes(data))
            except UploadNotAllowed as error:
                self.refuse(error)
        return len(data)

    def _take(self, data: bytes) -> None:
        self.size += len(data)
        if self._max_size is not None and self.size > self._max_size:
            raise UploadTooLarge(
                f"The file has more than {do_filesizeformat(self._max_size, binary=True)}."
            )
        self._hash.update(data)
        self._tail = data[-TAIL:] if len(data) >= TAIL else (self._tail + data)[-TAIL:]
        if self.temporary is None:
            # Nothing is written before enough is there to look at.
            data = self._head = self._head + data
            if len(data) < HEAD:
                return
            self._check_head(data)
            self.temporary = self._begin()
        self.temporary.write(data)

    def _check_head(self, head: bytes) -> None:
        self._head = head[:HEAD]
        if self._ext is not None:
            check_head(self._ext, self._head)

    def refuse(self, error: UploadNotAllowed) -> None:
        """Take no more of the file, and remove what was written."""
        self.refused = error
        self._discard()

    def finish(self, ext: str | None = None) -> Temporary:
        """Complete the file, to be accepted.

        :param ext: the extension that it will have; None where any content will do.
        :raises UploadNotAllowed: the file was refused on the way, or is now.
        """
        try:
            if self.refused is None:
                self._finish(ext)
        except UploadNotAllowed as error:
            self.refuse(error)
        if self.refused is not None:
            raise self.refused
        assert self.temporary is not None
        return self.temporary

    def _finish(self, ext: str | None) -> None:
        self._look_at_tail()
        if ext is not None:
            check_head(ext, self._head[:HEAD])
            check_tail(ext, self._is_archive)
        if self.temporary is None:
            self.temporary = self._begin()
            self.temporary.write(self._head)
        self._close_reader()
        self._complete()

    def _look_at_tail(self) -> None:
        """Keep what the end says instead of the end: there may be hundreds of files."""
        self._is_archive |= ends_archive(self._tail)
        self._tail = b""

    def _complete(self) -> None:
        self._look_at_tail()
        if self.temporary is not None and not self._completed:
            self._completed = True
            self.temporary.complete()

    # Read, as FileStorage, form fields and checks do it.

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to another place."""
        if self._reader is None and offset == 0 and whence == io.SEEK_SET:
            # The form parser does so at the end of each part: hundreds must not stay open.
            self._complete()
            return 0
        return self._read_from().seek(offset, whence)

    def tell(self) -> int:
        """Tell the place."""
        return self._reader.tell() if self._reader is not None else 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that one can move in it."""
        return True

    def writable(self) -> bool:
        """Tell whether it takes bytes still."""
        return not self._completed

    def readinto(self, buffer: t.Any) -> int:
        """Read into a buffer."""
        data = self._read_from().read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _read_from(self) -> t.IO[bytes]:
        if self._reader is None:
            if self.refused is not None:
                self._reader = io.BytesIO()
            elif self.temporary is None:
                self._reader = io.BytesIO(self._head)
            else:
                self._complete()
                self._reader = self.temporary.open()
        return self._reader

    def _discard(self) -> None:
        self._close_reader()
        if self.temporary is not None:
            self.temporary.discard()

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def close(self) -> None:
        """Discard the file, unless it was accepted."""
        if not self.closed:
            self._discard()
        super().close()
