"""Forms whose files go straight into the set's storage."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.exceptions import ClientDisconnected

from erlen import request
from erlen.uploads import IMAGES, UploadNotAllowed, UploadSet, configure_uploads
from erlen.views import MethodView

from .conftest import CONTENT_TYPE, PNG, files_below, form, part

LARGE = PNG + bytes(1024 * 1024)


@pytest.fixture
def post(app: Any, photos: UploadSet, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Send a body to a view that saves the field "photo"; nothing may go to a temporary folder."""

    @app.post("/")
    @photos.receives("photo")
    def add() -> Any:
        words = request.form.get("words")
        try:
            saved = [photos.save(file) for file in request.files.getlist("photo")]
        except UploadNotAllowed as error:
            return {"refused": str(error), "words": words}, 422
        others = {
            name: file.read().decode() for name, file in request.files.items() if name != "photo"
        }
        return {"saved": saved, "sizes": [s.size for s in saved], "words": words, **others}

    def fail(*args: Any, **options: Any) -> Any:
        raise AssertionError("a temporary file outside of the storage")

    client = app.test_client()

    def post(body: bytes, **options: Any) -> Any:
        options = {"content_type": CONTENT_TYPE, "data": body, **options}
        with monkeypatch.context() as patch:
            patch.setattr(tempfile, "_get_candidate_names", fail)
            return client.post("/", **options)

    return post


@pytest.mark.parametrize("content", [PNG, LARGE], ids=["small", "large"])
def test_straight_into_the_storage(post: Any, dest: Path, content: bytes) -> None:
    answer = post(form(part("words", b"hello"), part("photo", content, "Cat.PNG")))
    assert answer.json == {"saved": ["Cat.png"], "sizes": [len(content)], "words": "hello"}
    assert files_below(dest) == {"Cat.png"}
    assert (dest / "Cat.png").read_bytes() == content


def test_other_files_are_left_to_the_request(post: Any, dest: Path) -> None:
    answer = post(form(part("photo", PNG, "a.png"), part("other", b"words", "o.txt")))
    assert answer.json["saved"] == ["a.png"] and answer.json["other"] == "words"
    assert files_below(dest) == {"a.png"}


def test_repeated_and_missing_fields(post: Any, dest: Path) -> None:
    answer = post(form(*(part("photo", LARGE, "a.png") for _ in range(3))))
    assert answer.json["saved"] == ["a.png", "a_1.png", "a_2.png"]
    assert post(form(part("words", b"none"))).json["saved"] == []
    assert post(form(part("photo", b"", ""))).json["refused"] == "No file was chosen."
    assert files_below(dest) == {"a.png", "a_1.png", "a_2.png"}


def test_hundreds_of_files_do_not_stay_open(
    app: Any, photos: UploadSet, dest: Path, post: Any
) -> None:
    resource = pytest.importorskip("resource", reason="this system has no such limits")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        answer = post(form(*(part("photo", PNG + bytes(9000), "a.png") for _ in range(100))))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(answer.json["saved"]) == 100


@pytest.mark.parametrize(
    ("filename", "content", "words"),
    [
        ("a.exe", LARGE, "Files of the type .exe are not allowed here."),
        ("a\0.png", LARGE, "The name of the file contains a NUL character."),
        ("a.png", bytes(1024 * 1024), "The file ends in .png, but its content is not"),
        ("a.png", b"", "The file ends in .png, but it is empty."),
        ("a.png", LARGE + bytes(1024 * 1024), "The file has more than 1.5 MiB."),
    ],
    ids=["extension", "name", "content", "empty", "size"],
)
def test_refused_without_being_written(
    post: Any, photos: UploadSet, dest: Path, filename: str, content: bytes, words: str
) -> None:
    photos.config.max_size = 3 * 512 * 1024
    answer = post(form(part("photo", content, filename), part("words", b"kept")))
    assert answer.status_code == 422
    assert answer.json["refused"].startswith(words)
    assert answer.json["words"] == "kept"  # a form can be shown again
    assert files_below(dest) == set()


@pytest.mark.wsgi  # it watches the server's stream, which ASGI has none of
def test_no_more_than_the_limit_is_on_disk(
    app: Any, photos: UploadSet, dest: Path, post: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos.config.max_size = 512 * 1024
    most = 0

    class Watched(io.BytesIO):
        def readinto(self, buffer: Any) -> int:
            nonlocal most
            sizes = [file.stat().st_size for file in dest.rglob("*") if file.is_file()]
            most = max(most, sum(sizes))
            return super().readinto(buffer)

    body = form(part("photo", LARGE * 4, "a.png"))
    answer = post(body, environ_overrides={"wsgi.input": Watched(body)})
    assert answer.json["refused"] == "The file has more than 512.0 KiB."
    assert 0 < most <= 512 * 1024


def test_what_nobody_saves_is_gone_with_the_request(
    app: Any, photos: UploadSet, dest: Path
) -> None:
    seen: list[Any] = []

    @app.post("/look")
    @photos.receives("photo")
    def look() -> str:
        file = request.files["photo"]
        seen.append((files_below(dest), file.read(8), file.seek(0, 2), file.tell()))
        file.seek(0)
        return hashlib.sha256(file.read()).hexdigest()

    answer = app.test_client().post(
        "/look", data=form(part("photo", LARGE, "a.png")), content_type=CONTENT_TYPE
    )
    assert answer.text == hashlib.sha256(LARGE).hexdigest()
    [(there, start, end, position)] = seen
    assert len(there) == 1 and start == PNG[:8] and end == position == len(LARGE)
    assert files_below(dest) == set()


def test_validated_and_then_saved(app: Any, photos: UploadSet, dest: Path) -> None:
    @app.post("/validated")
    @photos.receives("photo")
    def validated() -> str:
        file = request.files["photo"]
        photos.validate(file)
        assert len(files_below(dest)) == 1
        return photos.save(file)

    answer = app.test_client().post(
        "/validated", data=form(part("photo", LARGE, "a.png")), content_type=CONTENT_TYPE
    )
    assert answer.text == "a.png" and files_below(dest) == {"a.png"}


def test_also_when_a_hook_reads_the_form_first(app: Any, post: Any, dest: Path) -> None:
    app.before_request(lambda: request.form.get("token") and None)
    assert post(form(part("photo", LARGE, "a.png"))).json["saved"] == ["a.png"]


@pytest.mark.parametrize("where", ["class", "method"])
def test_class_based_views(app: Any, photos: UploadSet, dest: Path, where: str) -> None:
    def save(self: Any) -> str:
        assert len(files_below(dest)) == 0
        file = request.files["photo"]
        assert len(files_below(dest)) == 1
        return photos.save(file)

    marked = photos.receives("photo")
    members = {"post": save, "decorators": [marked]} if where == "class" else {"post": marked(save)}
    view: Any = type("Add", (MethodView,), members)
    app.add_url_rule("/add", view_func=view.as_view("add"))
    answer = app.test_client().post(
        "/add", data=form(part("photo", LARGE, "a.png")), content_type=CONTENT_TYPE
    )
    assert answer.text == "a.png"


def test_two_sets_in_one_form(app: Any, photos: UploadSet, tmp_path: Path) -> None:
    docs = UploadSet("docs", ("txt",))
    app.config["UPLOADED_DOCS_DEST"] = str(tmp_path / "docs")
    configure_uploads(app, docs)

    @app.post("/both")
    @photos.receives("photo")
    @docs.receives("text")
    def both() -> Any:
        return [photos.save(request.files["photo"]), docs.save(request.files["text"])]

    body = form(part("photo", LARGE, "a.png"), part("text", b"x" * 10_000, "a.txt"))
    answer = app.test_client().post("/both", data=body, content_type=CONTENT_TYPE)
    assert answer.json == ["a.png", "a.txt"]
    assert files_below(tmp_path / "docs") == {"a.txt"}


def test_another_set_may_save_it(app: Any, photos: UploadSet, tmp_path: Path) -> None:
    other = UploadSet("other", IMAGES)
    app.config["UPLOADED_OTHER_DEST"] = str(tmp_path / "other")
    configure_uploads(app, other)
    app.add_url_rule(
        "/other",
        "other",
        photos.receives("photo")(lambda: other.save(request.files["photo"])),
        methods=["POST"],
    )
    answer = app.test_client().post(
        "/other", data=form(part("photo", LARGE, "a.png")), content_type=CONTENT_TYPE
    )
    assert answer.text == "a.png"
    assert (tmp_path / "other" / "a.png").read_bytes() == LARGE


class TestBroken:
    @pytest.mark.parametrize(
        "body",
        [
            form(part("photo", LARGE, "a.png"))[:-30],
            part("photo", LARGE, "a.png"),
            form(part("photo", LARGE, "a.png"), b"--frontier\r\nContent-Type: x\r\n\r\n"),
        ],
        ids=["cut", "no end", "no disposition"],
    )
    def test_a_form_is_empty_as_with_werkzeug(self, post: Any, dest: Path, body: bytes) -> None:
        assert post(body).json == {"saved": [], "sizes": [], "words": None}
        assert files_below(dest) == set()

    @pytest.mark.parametrize(
        "content_type", ["multipart/form-data", "multipart/form-data; boundary=ü"]
    )
    def test_no_boundary(self, post: Any, content_type: str) -> None:
        body = form(part("photo", PNG, "a.png"))
        assert post(body, content_type=content_type).json["saved"] == []

    def test_another_kind_of_form(self, post: Any) -> None:
        answer = post(b"words=hello", content_type="application/x-www-form-urlencoded")
        assert answer.json["words"] == "hello"

    @pytest.mark.wsgi  # under ASGI nobody is called before the body is there
    def test_a_client_that_goes_away(self, app: Any, post: Any, dest: Path) -> None:
        body = form(part("photo", LARGE, "a.png"))
        answer = post(body, environ_overrides={"wsgi.input": io.BytesIO(body[:-1000])})
        assert answer.status_code == 400
        assert ClientDisconnected().description in answer.text
        assert files_below(dest) == set()

    def test_too_large_a_request(self, app: Any, post: Any, dest: Path) -> None:
        app.config["MAX_CONTENT_LENGTH"] = 500_000
        body = form(part("photo", LARGE, "a.png"))
        assert post(body).status_code == 413
        environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
        assert post(body, environ_overrides=environ).status_code == 413
        assert files_below(dest) == set()

    def test_too_many_parts(self, app: Any, post: Any, dest: Path) -> None:
        app.config["MAX_FORM_PARTS"] = 5
        parts = [part("photo", PNG + bytes(9000), "a.png") for _ in range(6)]
        assert post(form(*parts)).status_code == 413
        assert files_below(dest) == set()

    def test_too_large_a_field(self, app: Any, post: Any, dest: Path) -> None:
        app.config["MAX_FORM_MEMORY_SIZE"] = 10_000
        large = part("photo", LARGE, "a.png")
        assert post(form(large, part("words", b"x" * 9_000))).json["saved"] == ["a.png"]
        assert post(form(large, part("words", b"x" * 11_000))).status_code == 413
        assert files_below(dest) == {"a.png"}

    def test_a_full_disk(
        self, post: Any, photos: UploadSet, dest: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def write(self: Any, data: bytes) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("erlen.uploads._storage.LocalTemporary.write", write)
        with pytest.raises(OSError, match="No space left"):
            post(form(part("photo", LARGE, "a.png")))
        assert files_below(dest) == set()
