"""Where files are kept: what a storage does, and the one on a local disk."""

from __future__ import annotations

import io
import os
import secrets
import time
import typing as t
from contextlib import suppress
from datetime import UTC, datetime

#: The folder below a destination for what is not accepted yet; names in a set begin with no dot.
INCOMING = ".incoming"
#: Temporary files of processes that were killed are removed after so many seconds.
STALE = 24 * 60 * 60


class Temporary(t.Protocol):
    """A file that is not accepted yet, in its storage already."""

    def write(self, data: bytes) -> None:
        """Append bytes."""
        ...

    def complete(self) -> None:
        """Say that no more bytes come; called once before ``open`` and ``accept``."""
        ...

    def open(self) -> t.IO[bytes]:
        """Open what was written, to read and seek."""
        ...

    def accept(self, name: str) -> bool:
        """Give the file its name in the storage; False where that is taken."""
        ...

    def discard(self) -> None:
        """Remove the file, unless it was accepted; may be called often."""
        ...


class Stat(t.NamedTuple):
    """What a storage tells of a file."""

    size: int  # bytes
    modified: datetime
    etag: str  # without quotes


class Storage(t.Protocol):
    """A place for the files of one set; names have ``/`` between folders."""

    def begin(self, content_type: str, inline: bool) -> Temporary:
        """Begin a file; type and disposition are kept by storages that serve files themselves."""
        ...

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file."""
        ...

    def stat(self, name: str) -> Stat:
        """Tell about a file.

        :raises FileNotFoundError: there is none.
        """
        ...

    def open(self, name: str) -> t.IO[bytes]:
        """Open a file to read and seek.

        :raises FileNotFoundError: there is none.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove a file, where there is one."""
        ...


class LocalStorage:
    """Files in a folder, each put under its name when all of it is there.

    :param destination: the folder; it is made with the first file.
    """

    def __init__(self, destination: str) -> None:
        self.destination = os.path.abspath(destination)
        self._swept = False

    def begin(self, content_type: str, inline: bool) -> LocalTemporary:
        """Begin a file beside the others, on the same disk, so that no copy follows."""
        incoming = os.path.join(self.destination, INCOMING)
        os.makedirs(incoming, exist_ok=True)
        if not self._swept:
            self._swept = True
            remove_stale(incoming)
        return LocalTemporary(self, os.path.join(incoming, secrets.token_hex(16)))

    def adopt(self, path: str) -> AdoptedFile:
        """Take a file on the same disk for a temporary one."""
        return AdoptedFile(self, path)

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return os.path.exists(self.path(name))

    def stat(self, name: str) -> Stat:
        """Tell about a file.

        :raises FileNotFoundError: there is none.
        """
        found = os.stat(self.path(name))
        modified = datetime.fromtimestamp(found.st_mtime, UTC)
        return Stat(found.st_size, modified, f"{found.st_mtime_ns:x}-{found.st_size:x}")

    def open(self, name: str) -> t.IO[bytes]:
        """Open a file to read and seek.

        :raises FileNotFoundError: there is none.
        """
        return open(self.path(name), "rb")

    def delete(self, name: str) -> None:
        """Remove a file, where there is one."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(name))

    def path(self, name: str) -> str:
        """Return a file's path.

        :raises ValueError: it leads out of the destination, over a symbolic link too.
        """
        path = os.path.join(self.destination, name)
        inside = os.path.realpath(self.destination)
        if os.path.commonpath([os.path.realpath(path), inside]) != inside:
            raise ValueError(
                f"Path traversal: {name!r} leads out of {self.destination!r}."
                " Use names as save() returned them."
            )
        return path


class LocalTemporary:
    """A file in the incoming folder; of hundreds in one request, few are open at a time."""

    def __init__(self, storage: LocalStorage, path: str) -> None:
        self._storage = storage
        self._path = path
        self._accepted = False
        self._file = self._create()

    def _create(self) -> io.FileIO | None:
        # Unbuffered: what comes are large chunks. The process's umask decides who may read it.
        return open(self._path, "xb", buffering=0)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        assert self._file is not None
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def complete(self) -> None:
        """Say that no more bytes come."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def open(self) -> t.IO[bytes]:
        """Open what was written, to read and seek."""
        return open(self._path, "rb")

    def accept(self, name: str) -> bool:
        """Give the file its name in the storage; False where that is taken."""
        target = self._storage.path(name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            # Taken before it is replaced, so that of two requests only one gets the name.
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        try:
            os.replace(self._path, target)
        except BaseException:
            os.unlink(target)
            raise
        self._path, self._accepted = target, True
        return True

    def discard(self) -> None:
        """Remove the file, unless it was accepted."""
        self.complete()
        if not self._accepted:
            with suppress(FileNotFoundError):
                os.unlink(self._path)


class AdoptedFile(LocalTemporary):
    """A file that was there before, and stays there unless it is accepted."""

    def _create(self) -> None:
        return None

    def write(self, data: bytes) -> None:
        """Leave the bytes where they are."""

    def discard(self) -> None:
        """Leave the file to who made it."""


def remove_stale(folder: str, seconds: float = STALE) -> None:
    """Remove the files of a folder that nobody has written to for so many seconds."""
    oldest = time.time() - seconds
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError):  # another process sweeps, too
            if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < oldest:
                os.unlink(entry.path)
