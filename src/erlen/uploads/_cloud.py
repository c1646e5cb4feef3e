"""Files in an object storage: S3, Google Cloud Storage, Azure, by URL."""

from __future__ import annotations

import io
import queue
import secrets
import threading
import typing as t
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta

from .._extras import missing_extra
from ._storage import INCOMING, Stat

# Pieces on their way to the storage; each is as large as what the form's parser reads.
_WAITING = 4
# Parts of 5 MiB that are in memory and on their way at a time.
_PARALLEL = 2
# How often a writer looks whether the storage still takes anything.
_LOOK = 1.0


class CloudStorage:
    """The objects of a bucket, or those below a prefix in it.

    :param url: as ``"s3://bucket/prefix"``, ``"gs://…"``, ``"az://…"``.
    :param options: what obstore's ``store.from_url`` takes: credentials, region, endpoint.
        Default: what the environment says, ``AWS_ACCESS_KEY_ID`` and so on.
    :raises ModuleNotFoundError: obstore is not installed; the message names the extra.
    :raises ValueError: obstore knows no such URL, or does not take the options.

    https://developmentseed.org/obstore/latest/
    """

    def __init__(self, url: str, options: Mapping[str, t.Any] | None = None) -> None:
        try:
            import obstore
            import obstore.store
        except ModuleNotFoundError as error:
            raise missing_extra("uploads", error) from error
        self._obstore: t.Any = obstore
        self._store: t.Any = self._open(url, options or {})

    def _open(self, url: str, options: Mapping[str, t.Any]) -> t.Any:
        try:
            return self._obstore.store.from_url(url, **options)
        except BaseException as error:
            # Of an option in the wrong place obstore makes a panic, which is no Exception.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            # The names alone: among the values are secrets.
            names = ", ".join(sorted(options)) or "none"
            reason = str(error).partition("\n")[0]
            raise ValueError(
                f"obstore cannot open {url!r} with its options ({names}): {reason}"
                " What it takes is told at https://developmentseed.org/obstore/latest/api/store/;"
                " what is about its HTTP client stands in 'client_options'."
            ) from error

    def begin(self, content_type: str, inline: bool) -> CloudTemporary:
        """Begin an object under a temporary key."""
        key = f"{INCOMING}/{secrets.token_hex(16)}"
        attributes = {"Content-Type": content_type}
        if not inline:
            attributes["Content-Disposition"] = "attachment"
        return CloudTemporary(self, key, attributes)

    def exists(self, name: str) -> bool:
        """Tell whether there is such an object."""
        try:
            self._obstore.head(self._store, _key(name))
        except FileNotFoundError:
            return False
        return True

    def stat(self, name: str) -> Stat:
        """Tell about an object.

        :raises FileNotFoundError: there is none.
        """
        head = self._obstore.head(self._store, _key(name))
        etag = (head["e_tag"] or f"{head['size']:x}").strip('"')
        return Stat(head["size"], head["last_modified"], etag)

    def open(self, name: str) -> t.IO[bytes]:
        """Open an object to read and seek.

        :raises FileNotFoundError: there is none.
        """
        return t.cast("t.IO[bytes]", _Reader(self._obstore.open_reader(self._store, _key(name))))

    def delete(self, name: str) -> None:
        """Remove an object, where there is one."""
        with suppress(FileNotFoundError):
            self._obstore.delete(self._store, _key(name))

    def sign(self, method: str, name: str, seconds: float) -> str:
        """Return a URL that allows everybody who has it one kind of request for a while.

        :raises RuntimeError: this kind of storage has no such URLs.
        """
        key = _key(name)
        try:
            url: str = self._obstore.sign(self._store, method, key, timedelta(seconds=seconds))
        except (TypeError, ValueError) as error:
            raise RuntimeError(f"{self._store!r} signs no URLs: {error}") from error
        return url

    def put(self, key: str, chunks: t.Any, **options: t.Any) -> None:
        """Write an object; where the chunks raise, nothing of it is left."""
        self._obstore.put(self._store, key, chunks, **options)

    def take(self, name: str) -> bool:
        """Make an empty object, unless there is one of that name."""
        try:
            self.put(name, b"", mode="create")
        except self._obstore.exceptions.AlreadyExistsError:
            return False
        return True

    def move(self, key: str, name: str) -> None:
        """Give an object another name, within the storage."""
        self._obstore.copy(self._store, key, name)
        self.delete(key)


def _key(name: str) -> str:
    """Return the key of a name.

    :raises ValueError: it leads elsewhere, or can be no key.
    """
    if not name.isprintable() or not {"", ".", ".."}.isdisjoint(name.split("/")):
        raise ValueError(
            f"Path traversal: {name!r} is no name of a set. Use names as save() returned them."
        )
    return name


class CloudTemporary:
    """An object under a temporary key; what is written goes there in a thread of its own.

    obstore aborts an upload when the iterator that it reads from raises, and only then, so
    what is pushed in here has to be pulled by it.
    """

    def __init__(self, storage: CloudStorage, key: str, attributes: dict[str, str]) -> None:
        self._storage = storage
        self._key = key
        self._accepted = False
        self._error: BaseException | None = None
        self._queue: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._aborted = False
        self._thread: threading.Thread | None = threading.Thread(
            target=self._put, args=(attributes,), name="erlen-upload", daemon=True
        )
        self._thread.start()

    def _put(self, attributes: dict[str, str]) -> None:
        try:
            self._storage.put(
                self._key, self._chunks(), attributes=attributes, max_concurrency=_PARALLEL
            )
        except BaseException as error:
            self._error = error

    def _chunks(self) -> Iterator[bytes]:
        while (chunk := self._queue.get()) is not None:
            yield chunk
        if self._aborted:
            raise _Aborted

    def write(self, data: bytes) -> None:
        """Append bytes.

        :raises RuntimeError: the storage does not take them; its own error is the cause.
        """
        self._send(data)

    def _send(self, chunk: bytes | None) -> None:
        assert self._thread is not None
        while True:
            if not self._thread.is_alive():
                raise RuntimeError("The storage took no more of the upload.") from self._error
            with suppress(queue.Full):
                self._queue.put(chunk, timeout=_LOOK)
                return

    def complete(self) -> None:
        """Say that no more bytes come, and wait until the storage has them all."""
        if self._thread is not None:
            self._send(None)
            self._thread.join()
            self._thread = None
            if self._error is not None:
                raise self._error

    def open(self) -> t.IO[bytes]:
        """Open what was written, to read and seek."""
        return self._storage.open(self._key)

    def accept(self, name: str) -> bool:
        """Give the object its name; False where that is taken."""
        if not self._storage.take(name):
            return False
        try:
            self._storage.move(self._key, name)
        except BaseException:
            self._storage.delete(name)
            raise
        self._key, self._accepted = name, True
        return True

    def discard(self) -> None:
        """Remove the object, unless it was accepted."""
        if self._thread is not None:
            self._aborted = True
            with suppress(RuntimeError):
                self._send(None)
            self._thread.join()
            self._thread = None
        elif not self._accepted and self._error is None:
            self._storage.delete(self._key)


class _Aborted(Exception):
    """Ends an upload that is not wanted any more."""


class _Reader(io.RawIOBase):
    """An object as a Python file: obstore's reads have a bytes type of their own."""

    def __init__(self, reader: t.Any) -> None:
        self._reader = reader

    def readinto(self, buffer: t.Any) -> int:
        data = self._reader.read(len(buffer))
        buffer[: len(data)] = memoryview(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position: int = self._reader.seek(offset, whence)
        return position

    def tell(self) -> int:
        position: int = self._reader.tell()
        return position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
