"""What a set is told by the application's configuration."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Mapping
from functools import cached_property

from ._cloud import CloudStorage
from ._storage import LocalStorage, Storage


class UploadConfiguration:
    """How one set is configured on one application. The arguments are attributes, too.

    :param destination: the folder of the files, or the URL of an object storage, such as
        ``"s3://bucket/prefix"``.
    :param base_url: the URL that the files have, up to their names; None to have them served by
        the application.
    :param allow: extensions to take besides the set's own.
    :param deny: extensions not to take even if they are the set's own.
    :param max_size: the most bytes a file may have; None for no limit.
    :param store_options: what obstore is told besides the URL: credentials, region, endpoint.
    """

    def __init__(
        self,
        destination: str,
        base_url: str | None = None,
        allow: t.Iterable[str] = (),
        deny: t.Iterable[str] = (),
        max_size: int | None = None,
        store_options: Mapping[str, t.Any] | None = None,
    ) -> None:
        self.destination = destination
        self.base_url = base_url
        self.allow = tuple(allow)
        self.deny = tuple(deny)
        self.max_size = max_size
        self.store_options = dict(store_options or {})

    @property
    def tuple(self) -> t.Any:
        """All of it, to compare."""
        plain = (self.destination, self.base_url, self.allow, self.deny)
        return (*plain, self.max_size, self.store_options)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UploadConfiguration):
            return NotImplemented
        return bool(self.tuple == other.tuple)

    __hash__ = None  # type: ignore[assignment]  # it can change

    @property
    def is_local(self) -> bool:
        """Whether the files are on a disk of this machine."""
        return "://" not in self.destination

    @cached_property
    def storage(self) -> Storage:
        """Where the files are kept."""
        if self.is_local:
            return LocalStorage(self.destination)
        return CloudStorage(self.destination, self.store_options)


def check_size(size: object, what: str) -> None:
    """Refuse a limit that is no number of bytes.

    :param what: what it is called where it was written.
    :raises TypeError: it is no whole number, and not None.
    """
    if size is not None and (not isinstance(size, int) or isinstance(size, bool)):
        raise TypeError(f"{what} is a number of bytes or None, not {size!r}.")


def addslash(url: str) -> str:
    """Return a URL with a slash at its end."""
    return url if url.endswith("/") else url + "/"


def join_destination(destination: str, name: str) -> str:
    """Return what lies below a destination, a folder or a URL."""
    if "://" in destination:
        return addslash(destination) + name if name else destination
    return os.path.join(destination, name)
