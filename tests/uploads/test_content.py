"""The extension and the content must agree."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import plistlib
import sys
import tarfile
import wave
import zipfile

import pytest

from erlen.uploads import UploadNotAllowed
from erlen.uploads._content import HEAD, check_head, check_tail, ends_archive, import_puremagic

from .conftest import PNG


def archive(first: str = "a.txt", content: bytes = b"x", comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(first, content)
        file.comment = comment
    return buffer.getvalue()


def tape() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        file.addfile(tarfile.TarInfo("a"))
    return buffer.getvalue()


def sound() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(100))
    return buffer.getvalue()


OFFICE = archive("[Content_Types].xml")
OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)
GOOD: dict[str, bytes] = {
    **dict.fromkeys(("jpg", "jpe", "jpeg"), b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(20)),
    "png": PNG,
    "gif": b"GIF89a" + bytes(20),
    "bmp": b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0" + bytes(40),
    "webp": b"RIFF\x10\0\0\0WEBPVP8 " + bytes(20),
    "svg": b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "wav": sound(),
    "mp3": b"\xff\xfb\x90\x44" + bytes(40),
    "aac": b"\xff\xf1\x50\x80" + bytes(20),
    "ogg": b"OggS\0\2" + bytes(40),
    "oga": b"OggS\0\2" + bytes(40),
    "flac": b"fLaC" + bytes(40),
    "mp4": b"\0\0\0\x20ftypisom" + bytes(20),
    "pdf": b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n",
    "rtf": b"{\\rtf1\\ansi hello}",
    **dict.fromkeys(("docx", "xlsx"), OFFICE),
    **dict.fromkeys(("ods", "odf"), archive("mimetype")),
    **dict.fromkeys(("doc", "xls"), OLE),
    "abw": b'<?xml version="1.0"?><abiword/>',
    "gnumeric": gzip.compress(b"<gnm:Workbook/>"),
    "zip": archive(),
    "tar": tape(),
    "gz": gzip.compress(b"x"),
    "tgz": gzip.compress(tape()),
    "bz2": bz2.compress(b"x"),
    "txz": lzma.compress(tape()),
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(30),
    "exe": b"MZ\x90\0" + bytes(60),
    "dll": b"MZ\x90\0" + bytes(60),
    "so": b"\x7fELF\2\1\1" + bytes(60),
    "txt": "Grüße\tund\r\nmehr".encode(),
    "csv": b"BM,PK,GIF\n1,2,3\n",
    "ini": b"[section]\nkey = value\n",
    "json": b'{"a": 1}',
    "xml": b'<?xml version="1.0"?><a/>',
    "yaml": b"a: 1\n",
    "yml": b"",
    "plist": plistlib.dumps({"a": 1}),
    "py": b"import os\n",
    "sh": b"#!/bin/sh\n",
    "php": b"<?php echo 1;",
    "c": b"int main(void) { return 0; }",
}
# The same in another writing, so no disagreement.
TEXTS = {"txt", "csv", "ini", "json", "xml", "yaml", "yml", "plist", "py", "sh", "php", "c", "abw"}
SAME = [
    {"jpg", "jpe", "jpeg"},
    {"docx", "xlsx", "ods", "odf", "zip"},
    {"doc", "xls"},
    {"ogg", "oga"},
    {"gz", "tgz", "gnumeric"},
    {"exe", "dll"},
    TEXTS | {"svg", "rtf", "gnumeric"},
]


@pytest.mark.parametrize("ext", GOOD)
def test_what_agrees_is_taken(ext: str) -> None:
    check_head(ext, GOOD[ext])


def test_nothing_else_is() -> None:
    taken = {
        (content, ext)
        for content in GOOD
        for ext in GOOD
        if content != ext and agrees(ext, content)
    }
    assert {pair for pair in taken if not any(same.issuperset(pair) for same in SAME)} == set()


def agrees(ext: str, content: str) -> bool:
    try:
        check_head(ext, GOOD[content])
    except UploadNotAllowed:
        return False
    return True


def test_other_writings_of_the_same_kind() -> None:
    check_head("mp3", b"ID3\x04" + bytes(40))
    check_head("svg", b"<svg/>")
    check_head("svg", b"\xef\xbb\xbf<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'>\n<svg/>")
    check_head("bmp", b"BM" + bytes(12) + b"\x7c\0\0\0" + bytes(200))


def test_binary_plists_and_utf_16_texts() -> None:
    check_head("plist", plistlib.dumps({"a": 1}, fmt=plistlib.FMT_BINARY))
    check_head("txt", "Grüße".encode("utf-16"))
    check_head("txt", ("ü" * HEAD).encode("utf-16"))
    with pytest.raises(UploadNotAllowed):
        check_head("txt", b"\xff\xfe\0\xd8\0\0")


@pytest.mark.parametrize(
    ("ext", "content", "words"),
    [
        ("png", b"", "The file ends in .png, but it is empty."),
        ("png", b"<script>", "The file ends in .png, but its content is not of that kind."),
        ("svg", b"<html><svg/></html>", "The file ends in .svg, but its content is not"),
        ("txt", b"MZ\0\0", "The file ends in .txt, but its content is not of that kind."),
    ],
)
def test_the_words(ext: str, content: bytes, words: str) -> None:
    with pytest.raises(UploadNotAllowed) as caught:
        check_head(ext, content)
    assert str(caught.value).startswith(words) and caught.value.code == 415


def test_an_unknown_extension_is_not_compared() -> None:
    check_head("dat", b"MZ\x90\0")
    check_head("", b"MZ\x90\0")


@pytest.mark.parametrize("comment", [b"", b"PK\5\6", b"c" * 65_535])
def test_an_archive_behind_a_picture_is_refused(comment: bytes) -> None:
    both = GOOD["gif"] + archive(comment=comment)
    check_head("gif", both)
    with pytest.raises(UploadNotAllowed, match="there is an archive in it, too"):
        check_tail("gif", ends_archive(both))
    check_tail("zip", ends_archive(both))


def test_a_picture_may_contain_what_only_looks_like_an_archive() -> None:
    assert not ends_archive(GOOD["gif"] + b"PK\5\6" + bytes(200))
    assert not ends_archive(GOOD["gif"] + b"PK\5\6")


def test_without_puremagic_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "puremagic", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'erlen\[uploads\]'"):
        import_puremagic()
