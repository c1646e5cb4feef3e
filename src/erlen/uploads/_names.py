"""File names that lead nowhere and mean the same on every system."""

from __future__ import annotations

import os
import unicodedata

from ._errors import BadFilename

#: The longest name in bytes of UTF-8: file systems take 255, a suffix against conflicts is added.
LONGEST = 200
_OTHERS = "_.-"
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN", "CONOUT"]
    + [f"{port}{digit}" for port in ("COM", "LPT") for digit in range(10)]
)


def safe_name(name: str) -> str:
    """Mend a name that somebody sent, so that it can be stored: no folder, nothing hidden.

    Letters, digits, marks and pictographs of all scripts stay, in Unicode's composed form (NFC).
    Separators and white space become underscores. Control and formatting characters (NUL and
    the overrides of direction among them) and punctuation go, and so do dots and underscores at
    both ends. A device name of Windows gets an underscore before it. For plain ASCII names it is
    what ``werkzeug.utils.secure_filename`` makes of them.

    :param name: the name as it came.
    :return: the mended name, at most 200 bytes long; empty where nothing is left.
    """
    name = unicodedata.normalize("NFC", name)
    name = "_".join(name.replace("/", " ").replace("\\", " ").split())
    name = "".join(filter(_is_kept, name))
    stem, dot, ext = name.rpartition(".")
    if dot and ext.isalnum() and not stem.strip("._"):
        name = f"file.{ext}"  # Only its extension is left of the name.
    # Composed anew: what stood between a letter and a mark may be gone.
    name = unicodedata.normalize("NFC", _shorten(name.strip("._")))
    if unicodedata.normalize("NFKC", name.split(".")[0]).upper() in _DEVICES:
        name = f"_{name}"
    return name


def safe_folder(folder: str) -> str:
    """Mend a folder below a set's destination, each part as a name, with ``/`` between them."""
    parts = map(safe_name, folder.replace("\\", "/").split("/"))
    return "/".join(filter(None, parts))


def refuse_bad_name(name: str) -> None:
    """Refuse a client's file name that no browser sends.

    :raises BadFilename: it is empty, or contains a NUL.
    """
    if not name:
        raise BadFilename("No file was chosen.")
    if "\0" in name:
        raise BadFilename("The name of the file contains a NUL character.")


def _is_kept(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LMN" or category == "So" or character in _OTHERS


def _shorten(name: str) -> str:
    stem, ext = os.path.splitext(name)
    room = LONGEST - len(ext.encode())
    if room < 1:
        stem, ext, room = name, "", LONGEST
    return stem.encode()[:room].decode(errors="ignore") + ext
