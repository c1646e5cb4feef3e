"""Uploads that are not complete yet, on a local disk: two files each, content and information."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import typing as t
from contextlib import suppress

import msgspec
from werkzeug.exceptions import Conflict, Gone, NotFound

_KEY = re.compile(r"[0-9a-f]{32}")


class Info(msgspec.Struct):
    """What is known of an upload besides its content."""

    length: int  # bytes, when it will be complete
    metadata: dict[str, str]  # as the client told it
    is_part: bool = False  # one of several that will be put together
    saved: str = ""  # the name in the set, when it was complete


class PartialStore:
    """A folder of unfinished uploads.

    :param folder: the folder; it is made with the first upload.
    :param expires: after how many seconds without progress an upload is gone.
    :param now: seconds since the epoch.
    """

    def __init__(self, folder: str, expires: float, now: float) -> None:
        self.folder = folder
        self.oldest = now - expires

    def new(self, length: int, metadata: dict[str, str], is_part: bool = False) -> Partial:
        """Make an upload that is not on the disk yet."""
        return Partial(self, secrets.token_hex(16), Info(length, metadata, is_part))

    def find(self, key: str) -> Partial:
        """Return an upload.

        :raises werkzeug.exceptions.NotFound: there is none of that key.
        :raises werkzeug.exceptions.Gone: there was too little progress.
        """
        if not _KEY.fullmatch(key):
            raise NotFound
        try:
            with open(os.path.join(self.folder, f"{key}.json"), "rb") as file:
                partial = Partial(self, key, msgspec.json.decode(file.read(), type=Info))
            expired = partial.written < self.oldest
        except FileNotFoundError:
            raise NotFound("There is no such upload, or no longer.") from None
        if expired:
            partial.remove()
            raise Gone("There was no progress for too long. Please begin the upload anew.")
        return partial

    def concatenate(self, keys: list[str], metadata: dict[str, str]) -> Partial:
        """Put complete parts together; they are used up.

        :raises werkzeug.exceptions.Conflict: one of them is none, or not complete.
        """
        parts = [self.find(key) for key in keys]
        if not parts or len(set(keys)) < len(keys):
            raise Conflict("A final upload consists of parts, each of them once.")
        for part in parts:
            if not part.is_part or part.size < part.length:
                raise Conflict("A final upload consists of complete parts.")
        whole = self.new(sum(part.length for part in parts), metadata)
        whole.create()
        os.replace(parts[0].path, whole.path)
        with open(whole.path, "ab") as file:
            for part in parts[1:]:
                with open(part.path, "rb") as more:
                    shutil.copyfileobj(more, file, 1 << 20)
        for part in parts:
            part.remove()
        return whole

    def remove_stale(self) -> None:
        """Remove the uploads without progress."""
        with suppress(FileNotFoundError):
            for entry in os.scandir(self.folder):
                path = os.path.join(self.folder, entry.name.partition(".")[0])
                if max(_modified(path), _modified(f"{path}.json")) < self.oldest:
                    with suppress(FileNotFoundError):  # another process sweeps, too
                        os.unlink(entry.path)


def _modified(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return 0.0


class Partial:
    """One upload.

    A request that was broken off may still be written while the client has come back already.
    Both write the same bytes to the same places, so there is nothing to lock.
    """

    def __init__(self, store: PartialStore, key: str, info: Info) -> None:
        self.key = key
        self.path = os.path.join(store.folder, key)
        self._info = info

    @property
    def length(self) -> int:
        """How many bytes it will have."""
        return self._info.length

    @property
    def metadata(self) -> dict[str, str]:
        """What the client told of it."""
        return self._info.metadata

    @property
    def is_part(self) -> bool:
        """Whether it is one of several that will be put together."""
        return self._info.is_part

    @property
    def saved(self) -> str:
        """Its name in the set; empty before it is complete."""
        return self._info.saved

    @property
    def size(self) -> int:
        """How many bytes are there."""
        return self.length if self.saved else os.stat(self.path).st_size

    @property
    def written(self) -> float:
        """When there was progress last, in seconds since the epoch."""
        return os.stat(f"{self.path}.json" if self.saved else self.path).st_mtime

    def create(self) -> None:
        """Put the upload on the disk, without content."""
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        open(self.path, "xb").close()
        self._write_info()

    def open_at(self, offset: int) -> t.IO[bytes]:
        """Open the content to write from an offset on."""
        file = open(self.path, "r+b")
        file.seek(offset)
        return file

    def truncate(self, size: int) -> None:
        """Forget what came behind a size."""
        os.truncate(self.path, size)

    def finish(self, saved: str) -> None:
        """Remember under which name the set has it."""
        self._info.saved = saved
        self._write_info()
        with suppress(FileNotFoundError):  # it may have been moved
            os.unlink(self.path)

    def remove(self) -> None:
        """Remove all of it."""
        for path in (self.path, f"{self.path}.json"):
            with suppress(FileNotFoundError):
                os.unlink(path)

    def _write_info(self) -> None:
        with open(f"{self.path}.new", "wb") as file:
            file.write(msgspec.json.encode(self._info))
        os.replace(f"{self.path}.new", f"{self.path}.json")
