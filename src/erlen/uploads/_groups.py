"""Groups of extensions, under the names that Flask-Uploads gave them."""

from __future__ import annotations

import os
import re
import typing as t
from collections.abc import Container

TEXT = ("txt",)
DOCUMENTS = tuple("rtf odf ods gnumeric abw doc docx xls xlsx pdf".split())
#: Among them SVG, which can carry scripts: it is served as an attachment.
IMAGES = tuple("jpg jpe jpeg png gif svg bmp webp".split())
AUDIO = tuple("wav mp3 aac ogg oga flac".split())
DATA = tuple("csv ini json plist xml yaml yml".split())
SCRIPTS = tuple("js php pl py rb sh".split())
ARCHIVES = tuple("gz bz2 zip tar tgz txz 7z".split())
SOURCE = tuple(
    "c cpp c++ h hpp h++ cxx hxx hdl ada rs go f for f90 f95 f03 d dd di java hs cs fs cbl cob"
    " asm s".split()
)
EXECUTABLES = tuple("so exe dll".split())
#: What a set takes that names no extensions.
DEFAULTS = TEXT + DOCUMENTS + IMAGES + DATA

_EXTENSION = re.compile(r"[^\s.,;A-Z]*")


def listed(extensions: t.Any, what: str) -> Container[str]:
    """Return extensions as they were given, and a text alone as a list of one.

    :param extensions: a list, a tuple, a set, or another container, which may be anything.
    :param what: what it is called where it was written.
    :raises ValueError: one of a list would never be that of a file.
    """
    if isinstance(extensions, str):
        extensions = (extensions,)
    if isinstance(extensions, (list, tuple, set, frozenset)):
        for extension in extensions:
            if not isinstance(extension, str) or not _EXTENSION.fullmatch(extension):
                raise ValueError(
                    f"{what} has {extension!r}: write a list of extensions, in lower case, without"
                    " the dot."
                )
    return t.cast("Container[str]", extensions)


class All:
    """The group that holds every extension; ``ALL`` is one."""

    def __contains__(self, item: object) -> bool:
        return True


ALL = All()


class AllExcept:
    """The group of every extension but some, as ``AllExcept(SCRIPTS + EXECUTABLES)``.

    :param items: the extensions to leave out, in lower case, without the dot.
    :raises ValueError: one of them has a dot or capitals.
    """

    def __init__(self, items: Container[str]) -> None:
        self.items = listed(items, "AllExcept")

    def __contains__(self, item: t.Any) -> bool:
        return item not in self.items


def extension(filename: str) -> str:
    """Return a name's extension without the dot: ``"gz"`` of ``"a.tar.gz"``; ``""`` without one."""
    return os.path.splitext(filename)[1][1:]


def lowercase_ext(filename: str) -> str:
    """Return a name with its extension in lower case, and the rest as it is."""
    stem, ext = os.path.splitext(filename)
    return stem + ext.lower()
