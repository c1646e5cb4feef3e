"""What an upload set takes, how it names it, and what it tells of it."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import pickle
import re
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage

from erlen.uploads import (
    ALL,
    IMAGES,
    SCRIPTS,
    TEXT,
    AllExcept,
    ChecksumMismatch,
    Saved,
    TestingFileStorage,
    UploadConfiguration,
    UploadNotAllowed,
    UploadSet,
    UploadTooLarge,
    upload_saved,
)

from .conftest import PNG, files_below, upload

TEXT_FILE = b"some words\n" * 1000


@pytest.fixture
def notes(tmp_path: Path) -> UploadSet:
    """A set of texts, configured by itself, outside of an application."""
    notes = UploadSet("notes", TEXT)
    notes._config = UploadConfiguration(str(tmp_path / "notes"))
    return notes


def note(content: bytes = b"a note", filename: str = "note.txt") -> FileStorage:
    return upload(content, filename)


class TestSave:
    def test_under_its_own_name(self, photos: UploadSet, dest: Path) -> None:
        assert photos.save(upload(filename="Cat.PNG")) == "Cat.png"
        assert files_below(dest) == {"Cat.png"}
        assert (dest / "Cat.png").read_bytes() == PNG

    @pytest.mark.parametrize("size", [0, 1, 8191, 8192, 300_000, 600_000])
    def test_of_every_size(self, notes: UploadSet, size: int) -> None:
        content = (TEXT_FILE * 60)[:size]
        saved = notes.save(note(content))
        assert Path(notes.path(saved)).read_bytes() == content
        assert (saved.size, saved.sha256) == (size, hashlib.sha256(content).hexdigest())

    @pytest.mark.parametrize(
        ("folder", "name", "expected"),
        [
            ("albums", None, "albums/cat.png"),
            ("albums/2024", None, "albums/2024/cat.png"),
            ("../up", None, "up/cat.png"),
            (None, "me.png", "me.png"),
            (None, "me.", "me.png"),
            (None, "users/7/me.", "users/7/me.png"),
            (None, "../../me.PNG", "me.png"),
            ("users", "me.", "users/me.png"),
            ("users", "a/b.png", "users/a_b.png"),
            (None, "me", "me"),
            (None, "", "cat.png"),
        ],
    )
    def test_folder_and_name(
        self, photos: UploadSet, dest: Path, folder: str | None, name: str | None, expected: str
    ) -> None:
        assert photos.save(upload(), folder, name) == expected
        assert files_below(dest) == {expected}

    def test_all_of_a_file_that_was_read_before(self, notes: UploadSet) -> None:
        storage = note()
        storage.read()
        assert Path(notes.path(notes.save(storage))).read_bytes() == b"a note"

    def test_a_stream_that_only_goes_forward(self, notes: UploadSet) -> None:
        class Pipe(io.BytesIO):
            def seekable(self) -> bool:
                return False

            def seek(self, offset: int, whence: int = 0) -> int:
                raise io.UnsupportedOperation

        saved = notes.save(FileStorage(Pipe(b"words"), "a.txt"))
        assert saved.size == 5

    def test_the_process_decides_who_may_read_it(self, notes: UploadSet, tmp_path: Path) -> None:
        usual = tmp_path / "usual"
        usual.touch()
        assert Path(notes.path(notes.save(note()))).stat().st_mode == usual.stat().st_mode

    def test_sends_a_signal(self, app: Any, photos: UploadSet) -> None:
        seen: list[Any] = []

        def receive(sender: Any, **values: Any) -> None:
            seen.append((sender, values))

        with upload_saved.connected_to(receive):
            saved = photos.save(upload())
        assert seen == [(app, {"upload_set": photos, "saved": saved})]

    @pytest.mark.parametrize("stream", [None, "text", b"bytes", io.BytesIO()])
    def test_only_uploads(self, notes: UploadSet, stream: Any) -> None:
        with pytest.raises(TypeError, match=r"must be a werkzeug.FileStorage, from request.files"):
            notes.save(stream)

    def test_a_name_is_needed(self, notes: UploadSet) -> None:
        with pytest.raises(ValueError, match="Filename must not be empty"):
            notes.save(FileStorage(io.BytesIO(b"x")))
        with pytest.raises(
            ValueError, match="Invalid filename after sanitization: nothing is left"
        ):
            notes.save(note(), name="...")


class TestSaved:
    saved = Saved("a/b.txt", 3, "abc")

    def test_is_a_string(self) -> None:
        assert self.saved == "a/b.txt" and self.saved in {"a/b.txt"}
        assert json.dumps([self.saved]) == '["a/b.txt"]'
        with closing(sqlite3.connect(":memory:")) as database:
            row = database.execute("SELECT ?", (self.saved,)).fetchone()
        assert row == ("a/b.txt",)

    @pytest.mark.parametrize("again", [copy.copy, lambda it: pickle.loads(pickle.dumps(it))])
    def test_keeps_what_it_knows(self, again: Callable[[Saved], Saved]) -> None:
        other = again(self.saved)
        assert (other, other.size, other.sha256) == ("a/b.txt", 3, "abc")

    def test_in_json(self, flask: Any, app: Any) -> None:
        with app.app_context():
            assert flask.json.dumps({"name": self.saved}) == '{"name": "a/b.txt"}'


class TestRefused:
    def refuses(
        self, upload_set: UploadSet, storage: FileStorage, dest: Path, **options: Any
    ) -> UploadNotAllowed:
        """Save, which must be refused and leave nothing."""
        with pytest.raises(UploadNotAllowed) as caught:
            upload_set.save(storage, **options)
        assert files_below(dest) == set()
        return caught.value

    @pytest.mark.parametrize(
        ("filename", "words", "code"),
        [
            ("cat.exe", "Files of the type .exe are not allowed here. Allowed are: jpg, jpe,", 415),
            ("cat", "Files without an extension are not allowed here. Allowed are", 415),
            ("", "No file was chosen.", 400),
            ("a\0.png", "The name of the file contains a NUL character.", 400),
        ],
    )
    def test_by_name(
        self, photos: UploadSet, dest: Path, filename: str, words: str, code: int
    ) -> None:
        error = self.refuses(photos, upload(filename=filename), dest)
        assert str(error).startswith(words) and error.code == code

    def test_another_extension_by_name(self, photos: UploadSet, dest: Path) -> None:
        error = self.refuses(photos, upload(), dest, name="shell.PHP")
        assert str(error).startswith("Files of the type .php are not allowed here.")

    def test_by_content(self, photos: UploadSet, dest: Path) -> None:
        error = self.refuses(photos, upload(b"<script>alert(1)</script>"), dest)
        assert "its content is not of that kind" in str(error)

    def test_content_of_another_allowed_kind(self, photos: UploadSet, dest: Path) -> None:
        self.refuses(photos, upload(filename="cat.gif"), dest)
        self.refuses(photos, upload(), dest, name="cat.gif")

    def test_content_under_a_name_without_extension(self, photos: UploadSet, dest: Path) -> None:
        self.refuses(photos, upload(b"#!/bin/sh"), dest, name="me")

    def test_content_unless_told_not_to_look(self, tmp_path: Path) -> None:
        anything = UploadSet("any", IMAGES, check_content=False)
        anything._config = UploadConfiguration(str(tmp_path / "any"))
        assert anything.save(upload(b"no picture")) == "cat.png"

    @pytest.mark.parametrize("size", [11, 100_000])
    def test_by_size(self, notes: UploadSet, tmp_path: Path, size: int) -> None:
        notes.config.max_size = 10
        error = self.refuses(notes, note(b"x" * size), tmp_path / "notes")
        assert isinstance(error, UploadTooLarge) and error.code == 413
        assert str(error) == "The file has more than 10 Bytes."
        assert notes.save(note(b"x" * 10)).size == 10

    def test_a_large_one_is_not_read_to_its_end(self, notes: UploadSet, tmp_path: Path) -> None:
        class Endless(io.RawIOBase):
            def read(self, size: int = -1) -> bytes:
                return b"x" * size

        notes.config.max_size = 1024 * 1024
        self.refuses(notes, FileStorage(Endless(), "a.txt"), tmp_path / "notes")  # type: ignore[arg-type]

    def test_by_checksum(self, notes: UploadSet, tmp_path: Path) -> None:
        digest = hashlib.sha256(b"a note").hexdigest()
        error = self.refuses(notes, note(b"another"), tmp_path / "notes", sha256=digest)
        assert isinstance(error, ChecksumMismatch) and error.code == 422
        assert str(error) == "The file did not arrive as it was sent: its SHA-256 is another one."
        assert notes.save(note(), sha256=digest.upper()).sha256 == digest

    def test_a_reading_error_leaves_nothing(self, notes: UploadSet, tmp_path: Path) -> None:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                data = super().read(size)
                if not data:
                    raise OSError("the disk is gone")
                return data

        with pytest.raises(OSError, match="the disk is gone"):
            notes.save(FileStorage(Broken(TEXT_FILE * 50), "a.txt"))
        assert files_below(tmp_path / "notes") == set()

    def test_what_a_view_answers_that_does_not_catch_it(self, app: Any, photos: UploadSet) -> None:
        app.add_url_rule("/", "add", lambda: photos.save(upload(b"no picture")))
        answer = app.test_client().get("/")
        assert answer.status_code == 415
        assert "The file ends in .png, but its content is not of that kind." in answer.text


class TestValidate:
    def test_saves_nothing(self, photos: UploadSet, dest: Path) -> None:
        good = upload()
        photos.validate(good)
        for bad in (upload(b"no picture"), upload(filename="a.exe"), upload(filename="")):
            with pytest.raises(UploadNotAllowed):
                photos.validate(bad)
        assert files_below(dest) == set()
        assert photos.save(good) == "cat.png"
        assert (dest / "cat.png").read_bytes() == PNG


class TestChecks:
    def test_may_refuse(self, notes: UploadSet, tmp_path: Path) -> None:
        def scan(file: Any, name: str) -> None:
            if b"EICAR" in file.read():
                raise UploadNotAllowed(f"There is a virus in {name}.")

        notes.checks.append(scan)
        assert notes.save(note()) == "note.txt"
        with pytest.raises(UploadNotAllowed, match=r"There is a virus in bad\.txt\."):
            notes.save(note(TEXT_FILE + b"EICAR", "bad.txt"))
        assert files_below(tmp_path / "notes") == {"note.txt"}

    def test_may_replace(self, notes: UploadSet, tmp_path: Path) -> None:
        notes.checks += [
            lambda file, name: io.BytesIO(file.read().upper()),
            lambda file, name: io.BytesIO(file.read() + b"!"),
        ]
        saved = notes.save(note())
        assert (tmp_path / "notes" / saved).read_bytes() == b"A NOTE!"
        assert (saved.size, saved.sha256) == (7, hashlib.sha256(b"A NOTE!").hexdigest())
        assert files_below(tmp_path / "notes") == {"note.txt"}

    def test_a_replacement_is_looked_at_too(self, notes: UploadSet, tmp_path: Path) -> None:
        notes.checks.append(lambda file, name: io.BytesIO(b"MZ\0\0"))
        with pytest.raises(UploadNotAllowed):
            notes.save(note(TEXT_FILE))
        assert files_below(tmp_path / "notes") == set()

    def test_an_error_after_a_replacement_leaves_nothing(
        self, notes: UploadSet, tmp_path: Path
    ) -> None:
        notes.checks += [
            lambda file, name: io.BytesIO(TEXT_FILE),
            lambda file, name: 1 / 0,  # type: ignore[list-item,return-value]
        ]
        with pytest.raises(ZeroDivisionError):
            notes.save(note(TEXT_FILE))
        assert files_below(tmp_path / "notes") == set()

    def test_an_error_leaves_nothing(self, notes: UploadSet, tmp_path: Path) -> None:
        notes.checks.append(lambda file, name: 1 / 0)  # type: ignore[arg-type,return-value]
        with pytest.raises(ZeroDivisionError):
            notes.save(note(TEXT_FILE))
        assert files_below(tmp_path / "notes") == set()


class TestConflicts:
    def test_numbers(self, notes: UploadSet) -> None:
        names = [notes.save(note(), "f") for _ in range(3)]
        assert names == ["f/note.txt", "f/note_1.txt", "f/note_2.txt"]

    def test_a_random_number_after_fifty(self, notes: UploadSet) -> None:
        names = {notes.save(note()) for _ in range(55)}
        assert len(names) == 55 and "note_50.txt" in names
        lengths = [len(name) for name in names if len(name) > len("note_50.txt")]
        assert lengths == [len("note_.txt") + 16] * 4

    def test_a_way_of_ones_own(self, tmp_path: Path) -> None:
        class Dated(UploadSet):
            def resolve_conflict(self, target_folder: str, basename: str) -> str:
                assert Path(target_folder) == tmp_path / "f"
                return f"2024-{basename}"

        dated = Dated("dated", TEXT)
        dated._config = UploadConfiguration(str(tmp_path))
        assert [dated.save(note(), "f") for _ in range(2)] == ["f/note.txt", "f/2024-note.txt"]
        with pytest.raises(RuntimeError, match="of the set 'dated' gave names that are taken"):
            dated.save(note(), "f")

    def test_of_many_threads_each_gets_its_own(self, notes: UploadSet) -> None:
        names: list[str] = []

        def save(content: bytes) -> None:
            saved = notes.save(note(content))
            assert Path(notes.path(saved)).read_bytes() == content
            names.append(saved)

        threads = [threading.Thread(target=save, args=(b"%d" % n,)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(names)) == 20


class TestRules:
    def test_groups(self) -> None:
        assert "exe" in ALL and "" in ALL
        assert "exe" in AllExcept(SCRIPTS) and "php" not in AllExcept(SCRIPTS)

    @pytest.mark.parametrize("kind", [UploadSet, AllExcept])
    @pytest.mark.parametrize(
        ("extensions", "wrong"),
        [((".png",), "'.png'"), (["txt", "PNG"], "'PNG'"), ("jpg, png", "'jpg, png'"), ({5}, "5")],
    )
    def test_extensions_that_no_file_has(self, kind: Any, extensions: Any, wrong: str) -> None:
        told = f"{kind.__name__} has {wrong}: write a list of extensions, in lower case"
        with pytest.raises(ValueError, match=f"^{re.escape(told)}"):
            kind(**{"extensions" if kind is UploadSet else "items": extensions})

    def test_files_without_an_extension(self) -> None:
        assert "" in UploadSet(extensions=("txt", "")).extensions

    @pytest.mark.parametrize("limit", ["4 MiB", 4.5, True])
    def test_a_limit_that_is_no_number_of_bytes(self, limit: Any) -> None:
        with pytest.raises(TypeError, match="^max_size is a number of bytes or None, not "):
            UploadSet(max_size=limit)

    @pytest.mark.parametrize("fields", [(), (lambda: "a view",)])
    def test_receives_takes_the_names_of_fields(self, notes: UploadSet, fields: Any) -> None:
        with pytest.raises(TypeError, match=r"@photos.receives\('photo'\)"):
            notes.receives(*fields)

    def test_configuration_adds_and_denies(self, notes: UploadSet) -> None:
        notes._config = UploadConfiguration("x", allow=("md",), deny=("txt",))
        assert notes.extension_allowed("md") and not notes.extension_allowed("txt")
        assert notes.file_allowed(note(), "a.md") and not notes.file_allowed(note(), "a.txt")

    def test_of_ones_own(self, tmp_path: Path) -> None:
        class Short(UploadSet):
            def file_allowed(self, storage: FileStorage, basename: str) -> bool:
                return super().file_allowed(storage, basename) and len(basename) < 8

        short = Short("short", TEXT)
        short._config = UploadConfiguration(str(tmp_path))
        assert short.save(note(filename="a.txt")) == "a.txt"
        with pytest.raises(UploadNotAllowed):
            short.save(note(filename="long-name.txt"))

    @pytest.mark.parametrize("name", ["", "a_b", "a-b", "a/b", "a b"])
    def test_the_name_of_a_set(self, name: str) -> None:
        with pytest.raises(ValueError, match="consists of letters and digits, unlike"):
            UploadSet(name)

    def test_of_no_application(self, app: Any, photos: UploadSet) -> None:
        with pytest.raises(RuntimeError, match="but not with the set 'other'"):
            _ = UploadSet("other").config


class TestFiles:
    def test_path(self, photos: UploadSet, dest: Path) -> None:
        assert photos.path("a.png") == str(dest / "a.png")
        assert photos.path("a.png", "b") == photos.path("b/a.png") == str(dest / "b" / "a.png")

    @pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
    def test_no_name_leads_out(self, photos: UploadSet, name: str) -> None:
        for call in (photos.path, photos.open, photos.exists, photos.delete):
            with pytest.raises(ValueError, match="Path traversal: .* leads out of"):
                call(name)

    def test_no_symbolic_link_leads_out(
        self, photos: UploadSet, dest: Path, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        dest.mkdir()
        (dest / "link").symlink_to(outside)
        with pytest.raises(ValueError, match="Path traversal"):
            photos.save(upload(), "link")
        assert files_below(outside) == files_below(dest) == set()

    def test_open_exists_delete(self, photos: UploadSet) -> None:
        saved = photos.save(upload())
        with photos.open(saved) as file:
            assert file.read() == PNG
        assert photos.exists(saved)
        photos.delete(saved)
        photos.delete(saved)
        assert not photos.exists(saved)
        with pytest.raises(FileNotFoundError):
            photos.open(saved)

    @pytest.mark.parametrize(
        ("base", "name", "url"),
        [
            ("http://cdn.example/p/", "a/b.png", "http://cdn.example/p/a/b.png"),
            ("http://cdn.example/p", "日 本.png", "http://cdn.example/p/%E6%97%A5%20%E6%9C%AC.png"),
            ("", "a.png", "a.png"),
        ],
    )
    def test_url_elsewhere(self, photos: UploadSet, base: str, name: str, url: str) -> None:
        photos.config.base_url = base
        assert photos.url(name) == url

    def test_url_of_nothing(self, photos: UploadSet) -> None:
        with pytest.raises(RuntimeError, match="have no URL. Set UPLOADS_AUTOSERVE = True to"):
            photos.url("a.png")


class TestTestingFileStorage:
    def test_nothing_is_written(self, photos: UploadSet, dest: Path) -> None:
        storage = TestingFileStorage(filename="../Cat.PNG")
        assert photos.save(storage, "f") == "f/Cat.png"
        assert storage.saved == str(dest / "f" / "Cat.png")
        assert files_below(dest) == set()

    def test_conflicts_are_seen(self, photos: UploadSet) -> None:
        photos.save(upload())
        assert photos.save(TestingFileStorage(filename="cat.png")) == "cat_1.png"
