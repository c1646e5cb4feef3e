"""Names that lead nowhere, held against Werkzeug's where the two agree."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from werkzeug.utils import secure_filename

from erlen.uploads import BadFilename, safe_name
from erlen.uploads._names import LONGEST, refuse_bad_name, safe_folder


@pytest.mark.parametrize(
    ("name", "mended"),
    [
        ("cat.jpg", "cat.jpg"),
        ("../../etc/passwd", "etc_passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/abs/olute.png", "abs_olute.png"),
        ("C:\\fakepath\\cat.png", "C_fakepath_cat.png"),
        ("日本 の 猫.jpg", "日本_の_猫.jpg"),
        ("Žluťoučký kůň.png", "Žluťoučký_kůň.png"),
        ("cafe\u0301.txt", "caf\u00e9.txt"),
        ("💥.png", "💥.png"),
        ("cat.png. . ", "cat.png"),
        (".htaccess", "file.htaccess"),
        ("???.jpg", "file.jpg"),
        ("a\0b\x07c\x7f\r\n.txt", "abc_.txt"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),  # shown as "invoiceexe.png"
        ("a\u200bb\ufeff.txt", "ab.txt"),
        ("a<b>:\"|?*'`$;&.txt", "ab.txt"),
        ("cat\u2024php", "catphp"),  # looks like a dot
        ("\uff0e\uff0e\uff0fx", "x"),  # full width ../
        ("...", ""),
        ("", ""),
        ("\ud800.txt", "file.txt"),
    ],
)
def test_mended(name: str, mended: str) -> None:
    assert safe_name(name) == mended


@pytest.mark.parametrize(
    "name", ["con", "PRN.txt", "aux.tar.gz", "Nul", "com1.png", "LPT9", "com¹.txt", "conin$"]
)
def test_device_names_of_windows_are_files(name: str) -> None:
    assert safe_name(name) == "_" + name.replace("$", "")


def test_a_long_name_keeps_its_extension() -> None:
    assert safe_name("a" * 300 + ".jpeg") == "a" * (LONGEST - 5) + ".jpeg"
    mended = safe_name("é" * 300 + ".png")
    assert mended == "é" * ((LONGEST - 4) // 2) + ".png"
    assert len(safe_name("a." + "é" * 300).encode()) <= LONGEST


@given(st.text(st.characters(max_codepoint=126, exclude_characters="\\"), max_size=40))
def test_ascii_names_are_as_werkzeug_makes_them(name: str) -> None:
    theirs = secure_filename(name)
    ours = safe_name(name)
    # Where nothing but an extension is left, the name is given one; devices are mended anywhere.
    assume(not ours.startswith(("file.", "_")))
    assert ours == theirs


@given(st.text(max_size=300))
def test_what_every_name_has(name: str) -> None:
    mended = safe_name(name)
    assert safe_name(mended) == mended
    assert unicodedata.is_normalized("NFC", mended)
    assert len(mended.encode()) <= LONGEST + 1
    assert not mended.startswith(".") and not mended.endswith(".")
    assert not set(mended) & set('/\\\0:*?"<>|\r\n\t ')
    assert all(unicodedata.category(c)[0] not in "CZ" for c in mended)


@pytest.mark.parametrize(
    ("folder", "mended"),
    [("a/b", "a/b"), ("../a/./b//c", "a/b/c"), ("a\\..\\b", "a/b"), ("/", ""), ("con", "_con")],
)
def test_folders(folder: str, mended: str) -> None:
    assert safe_folder(folder) == mended


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "No file was chosen."),
        ("a.png\0.txt", "The name of the file contains a NUL character."),
    ],
)
def test_refused(name: str, words: str) -> None:
    with pytest.raises(BadFilename) as caught:
        refuse_bad_name(name)
    assert (str(caught.value), caught.value.code) == (words, 400)
