"""Sets in an object storage, on an S3 server that runs on loopback."""

from __future__ import annotations

import hashlib
import io
import sys
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock
from urllib.request import Request, urlopen

import pytest

from erlen import request
from erlen.uploads import (
    IMAGES,
    TEXT,
    BadTicket,
    UploadNotAllowed,
    UploadSet,
    UploadTooLarge,
    configure_uploads,
)
from erlen.uploads._cloud import CloudStorage

from .conftest import CONTENT_TYPE, PNG, Bucket, form, part, upload

LARGE = b"some text\n" * 1_200_000  # 12 MB: more than two parts of a multipart upload
BODY = form(part("file", LARGE, "a.txt"))


@pytest.fixture
def pictures(app: Any, bucket: Bucket) -> Iterator[UploadSet]:
    pictures = UploadSet("pictures", IMAGES + TEXT)
    app.config.update(
        UPLOADED_PICTURES_DEST=f"{bucket.url}/some/prefix",
        UPLOADED_PICTURES_STORE_OPTIONS=bucket.options,
    )
    configure_uploads(app, pictures)
    with app.app_context():
        yield pictures


def stored(bucket: Bucket) -> dict[str, bytes]:
    """Every object in the bucket, and its content."""
    import obstore
    from obstore.store import S3Store

    store: Any = S3Store.from_url(bucket.url, **bucket.options)
    keys = [meta["path"] for batch in obstore.list(store) for meta in batch]
    return {key: bytes(obstore.get(store, key).bytes()) for key in keys}


def test_save_open_delete(pictures: UploadSet, bucket: Bucket) -> None:
    saved = pictures.save(upload(filename="Cat.PNG"), folder="cats")
    assert saved == "cats/Cat.png"
    assert stored(bucket) == {"some/prefix/cats/Cat.png": PNG}
    assert pictures.exists(saved)
    with pictures.open(saved) as file:
        file.seek(-4, io.SEEK_END)
        assert (file.tell(), file.read()) == (len(PNG) - 4, PNG[-4:])
    pictures.delete(saved)
    pictures.delete(saved)
    assert not pictures.exists(saved)
    with pytest.raises(FileNotFoundError):
        pictures.open(saved)


def test_a_large_file_in_parts(pictures: UploadSet, bucket: Bucket) -> None:
    saved = pictures.save(upload(LARGE, "a.txt"))
    assert (saved.size, saved.sha256) == (len(LARGE), hashlib.sha256(LARGE).hexdigest())
    assert stored(bucket) == {"some/prefix/a.txt": LARGE}


def test_conflicts(pictures: UploadSet, bucket: Bucket) -> None:
    names = [pictures.save(upload(), "f") for _ in range(3)]
    assert names == ["f/cat.png", "f/cat_1.png", "f/cat_2.png"]
    assert len(stored(bucket)) == 3


@pytest.mark.parametrize(
    ("content", "filename"), [(b"no picture", "a.png"), (LARGE, "b.txt")], ids=["head", "size"]
)
def test_what_is_refused_leaves_nothing(
    pictures: UploadSet, bucket: Bucket, content: bytes, filename: str
) -> None:
    pictures.config.max_size = 11_000_000
    with pytest.raises(UploadNotAllowed):
        pictures.save(upload(content, filename))
    assert stored(bucket) == {} and bucket.uploads_under_way() == 0


def test_checks_see_all_of_it(pictures: UploadSet, bucket: Bucket) -> None:
    pictures.checks.append(lambda file, name: io.BytesIO(file.read().upper()))
    saved = pictures.save(upload(LARGE, "a.txt"))
    assert stored(bucket) == {f"some/prefix/{saved}": LARGE.upper()}


def test_a_move_that_fails_leaves_nothing(pictures: UploadSet, bucket: Bucket) -> None:
    with mock.patch.object(CloudStorage, "move", side_effect=OSError("gone")):
        with pytest.raises(OSError, match="gone"):
            pictures.save(upload())
    assert stored(bucket) == {}


class TestStreaming:
    @pytest.fixture
    def post(self, app: Any, pictures: UploadSet) -> Any:
        @app.post("/")
        @pictures.receives("file")
        def add() -> str:
            return pictures.save(request.files["file"])

        return app.test_client().post

    def test_into_the_storage(self, post: Any, bucket: Bucket) -> None:
        assert post("/", data=BODY, content_type=CONTENT_TYPE).text == "a.txt"
        assert stored(bucket) == {"some/prefix/a.txt": LARGE}

    def test_a_client_that_goes_away(self, post: Any, bucket: Bucket) -> None:
        answer = post(
            "/",
            data=BODY,
            content_type=CONTENT_TYPE,
            environ_overrides={"wsgi.input": io.BytesIO(BODY[:-1000])},
        )
        assert answer.status_code == 400
        assert stored(bucket) == {} and bucket.uploads_under_way() == 0

    def test_what_nobody_saves(self, app: Any, pictures: UploadSet, bucket: Bucket) -> None:
        view = pictures.receives("file")(lambda: request.files["file"].read(9))
        app.add_url_rule("/look", "look", view, methods=["POST"])
        answer = app.test_client().post("/look", data=BODY, content_type=CONTENT_TYPE)
        assert answer.data == LARGE[:9]
        assert stored(bucket) == {}

    def test_a_storage_that_fails(self, app: Any, post: Any, bucket: Bucket) -> None:
        def put(self: CloudStorage, key: str, chunks: Any, **options: Any) -> None:
            next(chunks)
            raise OSError("the storage is gone")

        app.config["PROPAGATE_EXCEPTIONS"] = True
        with mock.patch.object(CloudStorage, "put", put):
            with pytest.raises(RuntimeError, match="The storage took no more of the upload"):
                post("/", data=BODY, content_type=CONTENT_TYPE)
            with pytest.raises(OSError, match="the storage is gone"):
                post("/", data=form(part("file", b"s", "a.txt")), content_type=CONTENT_TYPE)


class TestPresigned:
    def put(self, url: str, content: bytes, content_type: str = "text/html") -> None:
        headers = {"Content-Type": content_type}
        urlopen(Request(url, content, headers, method="PUT")).close()

    def test_get(self, pictures: UploadSet) -> None:
        saved = pictures.save(upload(b"words", "a.txt"))
        with urlopen(pictures.presigned_url(saved, expires=60)) as answer:
            assert answer.read() == b"words"
            assert answer.headers["Content-Type"] == "text/plain"
            assert answer.headers["Content-Disposition"] == "attachment"
        with urlopen(pictures.presigned_url(pictures.save(upload()))) as answer:
            assert answer.headers["Content-Type"] == "image/png"
            assert answer.headers["Content-Disposition"] is None

    def test_put(self, pictures: UploadSet, bucket: Bucket) -> None:
        url, ticket = pictures.presign_upload("Cat.PNG", expires=60)
        assert "X-Amz-Expires=60" in url
        self.put(url, PNG)
        saved = pictures.accept_upload(ticket, "cats", sha256=hashlib.sha256(PNG).hexdigest())
        assert (saved, saved.size) == ("cats/Cat.png", len(PNG))
        assert stored(bucket) == {"some/prefix/cats/Cat.png": PNG}
        # The type is the set's, not what the client said.
        with urlopen(pictures.presigned_url(saved)) as answer:
            assert answer.headers["Content-Type"] == "image/png"

    @pytest.mark.parametrize("content", [b"<script>", LARGE], ids=["content", "size"])
    def test_what_is_refused(self, pictures: UploadSet, bucket: Bucket, content: bytes) -> None:
        pictures.config.max_size = 1000
        presigned = pictures.presign_upload("a.png" if content == b"<script>" else "a.txt")
        self.put(presigned.url, content)
        expected = UploadTooLarge if content == LARGE else UploadNotAllowed
        with pytest.raises(expected):
            pictures.accept_upload(presigned.ticket)
        assert stored(bucket) == {}

    def test_the_name_is_looked_at_before(self, pictures: UploadSet) -> None:
        with pytest.raises(UploadNotAllowed, match=r"type \.exe"):
            pictures.presign_upload("a.exe")

    def test_a_ticket_is_good_once(self, pictures: UploadSet) -> None:
        url, ticket = pictures.presign_upload("cat.png")
        with pytest.raises(BadTicket, match="Nothing was sent, or it was accepted before"):
            pictures.accept_upload(ticket)
        self.put(url, PNG)
        pictures.accept_upload(ticket)
        with pytest.raises(BadTicket) as caught:
            pictures.accept_upload(ticket)
        assert caught.value.code == 400

    def test_a_ticket_that_is_not_ours(self, app: Any, pictures: UploadSet, bucket: Bucket) -> None:
        ticket = pictures.presign_upload("cat.png").ticket
        for forged in ("", "x", ticket[:-1], "a" + ticket):
            with pytest.raises(BadTicket, match="was not made here"):
                pictures.accept_upload(forged)
        other = UploadSet("others", IMAGES)
        other._config = pictures.config
        with pytest.raises(BadTicket, match="was made for other files"):
            other.accept_upload(ticket)
        with mock.patch("time.time", return_value=time.time() + 2 * 86_400):
            with pytest.raises(BadTicket, match="begun too long ago"):
                pictures.accept_upload(ticket)

    def test_a_ticket_signed_with_an_older_key(self, app: Any, pictures: UploadSet) -> None:
        url, ticket = pictures.presign_upload("cat.png")
        self.put(url, PNG)
        app.config.update(SECRET_KEY_FALLBACKS=[app.secret_key], SECRET_KEY="another" * 5)
        assert pictures.accept_upload(ticket) == "cat.png"

    def test_a_key_is_needed(self, app: Any, pictures: UploadSet) -> None:
        app.config["SECRET_KEY"] = None
        with pytest.raises(RuntimeError, match="the application needs a SECRET_KEY"):
            pictures.presign_upload("cat.png")

    def test_storages_that_sign_nothing(self, app: Any, photos: UploadSet) -> None:
        with pytest.raises(RuntimeError, match="only object storages sign URLs"):
            photos.presigned_url("a.png")
        app.config["UPLOADED_MEMORY_DEST"] = "memory:///"
        memory = UploadSet("memory")
        configure_uploads(app, memory)
        with pytest.raises(RuntimeError, match="signs no URLs"):
            memory.presigned_url("a.png")


def test_files_have_no_path(pictures: UploadSet) -> None:
    with pytest.raises(RuntimeError, match=r"kept at s3://.*, and have no path. Read them with"):
        pictures.path("a.png")


@pytest.mark.parametrize("name", ["../x", "a/../x", "a\0b", "", "a//b"])
def test_no_name_leads_out(pictures: UploadSet, name: str) -> None:
    for call in (pictures.exists, pictures.open, pictures.delete, pictures.presigned_url):
        with pytest.raises(ValueError, match="Path traversal: .* is no name of a set"):
            call(name)


@pytest.mark.parametrize(
    ("url", "options", "told"),
    [
        ("foo://bucket", {}, "obstore cannot open 'foo://bucket' with its options (none): "),
        (
            "s3://bucket",
            {"secret_access_key": "s3cr3t", "nonsense": "x"},
            "'nonsense' is not valid",
        ),
        ("s3://bucket", {"allow_http": "true"}, "stands in 'client_options'"),
        ("s3://bucket", {"region": 5}, "(region): 'int' object"),
    ],
)
def test_what_obstore_does_not_take_is_told(url: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match="obstore cannot open") as caught:
        CloudStorage(url, options)
    assert told in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_without_obstore_the_extra_is_named(
    app: Any, pictures: UploadSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'erlen\[uploads\]'"):
        CloudStorage("s3://bucket")
