"""Whether a file's content is what its extension says."""

from __future__ import annotations

import re
import typing as t

from .._extras import missing_extra
from ._errors import UploadNotAllowed
from ._groups import SCRIPTS, SOURCE

#: As many bytes of a file's beginning are looked at.
HEAD = 8192
#: As many bytes of its end: the directory of a ZIP archive may have 64 KiB of comment behind it.
TAIL = 65_557

_TEXT = frozenset(
    ("txt", "csv", "tsv", "ini", "json", "xml", "yaml", "yml", "toml", "md", "rst", "log")
    + ("abw", "html", "htm", "css", "srt", "vtt", "ics", "vcf", "sql", "tex")
    + (SCRIPTS + SOURCE)
)
_ZIPPED = ("docx", "xlsx", "pptx", "odt", "ods", "odp", "odf", "zip", "epub", "jar", "apk")
_BOXES = {"mp4", "m4a", "m4v", "mov", "3gp"}
# By extension: what puremagic may call the content. What is not listed here and is no text (an
# unknown extension) is not compared: there is nothing to compare it with.
_FORMATS: dict[str, set[str]] = {
    **dict.fromkeys(("jpg", "jpe", "jpeg", "jfif"), {"jpg"}),
    **{name: {name} for name in ("png", "gif", "ico", "avif", "psd", "flac", "pdf", "rtf")},
    **dict.fromkeys(("tif", "tiff"), {"tif", "tiff"}),
    **dict.fromkeys(("heic", "heif"), {"heic", "heif"}),
    **{name: {name} for name in ("tar", "7z", "bz2", "zip", "aac")},
    **dict.fromkeys(("ogg", "oga", "ogv", "opus"), {"ogg", "oga", "ogv", "opus"}),
    **dict.fromkeys(_BOXES, _BOXES),
    **dict.fromkeys(("mkv", "webm"), {"mkv", "webm"}),
    **dict.fromkeys(_ZIPPED, {"zip"}),
    **dict.fromkeys(("doc", "xls", "ppt"), {"doc", "xls", "ppt"}),
    **dict.fromkeys(("gz", "tgz"), {"gz"}),
    **dict.fromkeys(("xz", "txz"), {"xz"}),
    **dict.fromkeys(("exe", "dll"), {"exe"}),
}
# What puremagic does not know, or finds in too much: two letters in a text, any RIFF file.
_OWN = {
    "gnumeric": re.compile(rb"\x1f\x8b|<\?xml|<gnm:"),
    "so": re.compile(rb"\x7fELF"),
    "bmp": re.compile(rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.S),
    # Tags, or a frame of layer III.
    "mp3": re.compile(rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
    "webp": re.compile(rb"RIFF.{4}WEBP", re.S),
    "wav": re.compile(rb"RIFF.{4}WAVE", re.S),
    "avi": re.compile(rb"RIFF.{4}AVI ", re.S),
}
# White space, declaration, comments and document type may stand before the first tag.
_SVG = re.compile(rb"(?:\s+|<\?xml\b.*?\?>|<!--.*?-->|<!DOCTYPE svg\b[^>]*>)*<svg\b", re.S)
_IMAGES = frozenset({"jpg", "jpe", "jpeg", "jfif", "png", "gif", "bmp", "webp", "ico", "avif"})
# Control characters that no text has; \x1b begins the colours of a log.
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_NO_TEXT_TYPES = ("image/", "audio/", "video/", "application/pdf", "application/zip")


def import_puremagic() -> t.Any:
    """Import the library that knows signatures.

    :raises ModuleNotFoundError: it is not installed; the message names the extra.
    """
    try:
        import puremagic
    except ModuleNotFoundError as error:
        raise missing_extra("uploads", error) from error
    return puremagic


def check_head(ext: str, head: bytes) -> None:
    """Refuse a file whose beginning is not of the kind that its extension says.

    :param ext: the extension, in lower case, without the dot.
    :param head: its first bytes, at most :data:`HEAD` of them are looked at.
    :raises UploadNotAllowed: the two disagree.
    """
    head = head[:HEAD]
    if not _agrees(ext, head):
        raise UploadNotAllowed(
            f"The file ends in .{ext}, but its content is not of that kind."
            if head
            else f"The file ends in .{ext}, but it is empty."
        )


def check_tail(ext: str, is_archive: bool) -> None:
    """Refuse a picture that is a ZIP archive, too, which is read from its end.

    :param is_archive: what :func:`ends_archive` says of the file.
    :raises UploadNotAllowed: an archive ends where the picture does.
    """
    if is_archive and ext in _IMAGES:
        raise UploadNotAllowed(f"The file ends in .{ext}, but there is an archive in it, too.")


def ends_archive(tail: bytes) -> bool:
    """Tell whether a ZIP archive's last record is there, whose comment ends where the file does.

    :param tail: the file's last bytes, :data:`TAIL` of them or all.
    """
    at = tail.rfind(b"PK\5\6")
    while at >= 0:
        if len(tail) - at >= 22:
            comment = int.from_bytes(tail[at + 20 : at + 22], "little")
            if at + 22 + comment == len(tail):
                return True
        at = tail.rfind(b"PK\5\6", 0, at)
    return False


def _agrees(ext: str, head: bytes) -> bool:
    if ext in _TEXT:
        return _is_text(head)
    if ext == "svg":
        return _is_text(head) and _SVG.match(head.removeprefix(b"\xef\xbb\xbf")) is not None
    if ext == "plist" and not head.startswith(b"bplist"):
        return _is_text(head)
    if ext in _OWN:
        return _OWN[ext].match(head) is not None
    formats = _FORMATS.get(ext)
    return formats is None or not formats.isdisjoint(found.extension[1:] for found in _find(head))


def _find(head: bytes) -> list[t.Any]:
    """What puremagic takes a beginning for; it is not told the end, which could mislead it."""
    puremagic = import_puremagic()
    try:
        found: list[t.Any] = puremagic.magic_string(head) if head else []
    except puremagic.PureError:  # Before version 2 it raised where it found nothing.
        return []
    return [match for match in found if match.offset >= 0 and match.byte_match]


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        even = len(head) & ~1
        text = head[:even].decode("utf-16", "replace")
        return _NO_TEXT.search(text.encode()) is None and "\ufffd" not in text[:-1]
    if _NO_TEXT.search(head) is not None:
        return False
    return not any(
        match.confidence >= 0.4
        and match.mime_type.startswith(_NO_TEXT_TYPES)
        and "svg" not in match.mime_type
        for match in _find(head)
    )
