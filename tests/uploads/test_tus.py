"""Resumable uploads, by the protocol's text and by a real client."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from serving import serve_here

from erlen.uploads import IMAGES, TEXT, TusServer, UploadSet, configure_uploads

from .conftest import PNG, Bucket, files_below

CONTENT = b"a line of text\n" * 50_000
TUS = {"Tus-Resumable": "1.0.0"}
PART = TUS | {"Content-Type": "application/offset+octet-stream"}


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


class Files(UploadSet):
    """The set under test, with its server and folder."""

    dest: Path
    server: TusServer


@pytest.fixture
def files(app: Any, tmp_path: Path) -> Files:
    files = Files("files", IMAGES + TEXT, max_size=2_000_000)
    files.dest = tmp_path / "files"
    app.config["UPLOADED_FILES_DEST"] = str(files.dest)
    configure_uploads(app, files)
    files.server = TusServer(files)
    files.server.init_app(app)
    return files


class Tus:
    """Requests of the protocol, by the test client."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def create(self, length: int = len(CONTENT), name: str = "a.txt", **headers: str) -> Any:
        sent = TUS | {"Upload-Length": str(length), "Upload-Metadata": f"filename {encoded(name)}"}
        sent |= {key.replace("_", "-"): value for key, value in headers.items()}
        return self.client.post("/tus", headers={k: v for k, v in sent.items() if v != "none"})

    def begun(self, length: int = len(CONTENT), name: str = "a.txt", **headers: str) -> str:
        answer = self.create(length, name, **headers)
        assert answer.status_code == 201, answer.text
        return str(urlsplit(answer.headers["Location"]).path)

    def patch(self, url: str, offset: int, data: bytes, **headers: str) -> Any:
        more = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.client.patch(
            url, data=data, headers=PART | {"Upload-Offset": str(offset)} | more
        )

    def offset(self, url: str) -> int:
        answer = self.client.head(url, headers=TUS)
        assert answer.status_code == 200
        return int(answer.headers["Upload-Offset"])


@pytest.fixture
def tus(client: Any, files: Files) -> Tus:
    return Tus(client)


def test_in_pieces(tus: Tus, files: Files) -> None:
    url = tus.begun()
    for offset in range(0, len(CONTENT), 300_000):
        assert tus.offset(url) == offset
        piece = CONTENT[offset : offset + 300_000]
        answer = tus.patch(url, offset, piece)
        assert (answer.status_code, answer.data) == (204, b"")
        assert answer.headers["Upload-Offset"] == str(offset + len(piece))
        assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert (files.dest / "a.txt").read_bytes() == CONTENT
    assert tus.offset(url) == len(CONTENT)
    assert [name for name in files_below(files.dest) if not name.endswith(".json")] == ["a.txt"]


def test_what_the_server_tells(tus: Tus, files: Files) -> None:
    answer = tus.client.options("/tus")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == "2000000"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha256,sha1,md5"
    assert answer.headers["Tus-Extension"] == (
        "creation,creation-with-upload,expiration,checksum,termination,concatenation"
    )
    url = tus.begun()
    assert tus.client.options(url).status_code == 204
    answer = tus.client.head(url, headers=TUS)
    assert answer.headers["Upload-Length"] == str(len(CONTENT))
    assert answer.headers["Upload-Metadata"] == f"filename {encoded('a.txt')}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Upload-Expires" in answer.headers


def test_completed(tus: Tus, files: Files, app: Any) -> None:
    seen: list[Any] = []

    @files.server.completed
    def done(saved: Any, metadata: dict[str, str]) -> dict[str, str]:
        seen.append((saved, saved.sha256, metadata))
        return {"X-Name": quote(saved)}

    metadata = f"filename {encoded('日本.txt')}, by {encoded('Ada')},empty"
    url = tus.begun(Upload_Metadata=metadata)
    answer = tus.patch(url, 0, CONTENT)
    assert answer.headers["X-Name"] == quote("日本.txt")
    expected = {"filename": "日本.txt", "by": "Ada", "empty": ""}
    assert seen == [("日本.txt", hashlib.sha256(CONTENT).hexdigest(), expected)]
    assert tus.patch(url, len(CONTENT), b"").status_code == 204
    assert len(seen) == 1


def test_with_its_creation(tus: Tus, files: Files) -> None:
    headers = PART | {"Upload-Length": "5", "Upload-Metadata": f"filename {encoded('a.txt')}"}
    answer = tus.client.post("/tus", data=b"hello", headers=headers)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "5")
    assert (files.dest / "a.txt").read_bytes() == b"hello"


def test_an_empty_file(tus: Tus, files: Files) -> None:
    url = tus.begun(0)
    assert (files.dest / "a.txt").read_bytes() == b""
    assert tus.offset(url) == 0


def test_a_method_in_a_header(tus: Tus, files: Files) -> None:
    url = tus.begun()
    headers = PART | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert tus.client.post(url, data=CONTENT, headers=headers).status_code == 204
    assert (files.dest / "a.txt").exists()
    assert tus.client.post(url, headers=TUS).status_code == 400


def test_termination(tus: Tus, files: Files) -> None:
    url = tus.begun()
    tus.patch(url, 0, CONTENT[:100])
    assert tus.client.delete(url, headers=TUS).status_code == 204
    assert tus.client.head(url, headers=TUS).status_code == 404
    assert files_below(files.dest) == set()


class TestChecksum:
    @pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
    def test_right(self, tus: Tus, files: Files, algorithm: str) -> None:
        digest = encoded(hashlib.new(algorithm, CONTENT).digest())
        answer = tus.patch(tus.begun(), 0, CONTENT, Upload_Checksum=f"{algorithm} {digest}")
        assert answer.status_code == 204 and (files.dest / "a.txt").exists()

    def test_wrong(self, tus: Tus, files: Files) -> None:
        url = tus.begun()
        tus.patch(url, 0, CONTENT[:1000])
        digest = encoded(hashlib.sha1(b"other").digest())
        answer = tus.patch(url, 1000, CONTENT[1000:], Upload_Checksum=f"sha1 {digest}")
        assert answer.status_code == 460
        assert "The checksum of this part is another one" in answer.text
        assert tus.offset(url) == 1000

    @pytest.mark.parametrize("value", ["crc32 AAAA", "", "sha1", "sha1 ä", "sha1 !!!!"])
    def test_unreadable(self, tus: Tus, value: str) -> None:
        url = tus.begun()
        expected = 460 if value == "sha1" else 400
        assert tus.patch(url, 0, CONTENT, Upload_Checksum=value).status_code == expected
        assert tus.offset(url) == 0


class TestConcatenation:
    def test_of_parts(self, tus: Tus, files: Files) -> None:
        middle = len(CONTENT) // 2
        urls = [
            tus.begun(len(part), Upload_Concat="partial", Upload_Metadata="none")
            for part in (CONTENT[:middle], CONTENT[middle:])
        ]
        tus.patch(urls[1], 0, CONTENT[middle:])
        answer = tus.create(Upload_Length="none", Upload_Concat=f"final;{' '.join(urls)}")
        assert answer.status_code == 409 and "of complete parts" in answer.text
        tus.patch(urls[0], 0, CONTENT[:middle])
        assert tus.client.head(urls[0], headers=TUS).headers["Upload-Concat"] == "partial"
        answer = tus.create(Upload_Length="none", Upload_Concat=f"final;{' '.join(urls)}")
        assert answer.status_code == 201
        assert (files.dest / "a.txt").read_bytes() == CONTENT

    def test_is_refused_as_a_whole(self, tus: Tus, files: Files) -> None:
        length = 1_500_000
        options = {"Upload_Concat": "partial", "Upload_Metadata": "none"}
        urls = [tus.begun(length, **options) for _ in range(2)]
        for url in urls:
            assert tus.patch(url, 0, b"x" * length).status_code == 204
        answer = tus.create(Upload_Length="none", Upload_Concat=f"final;{' '.join(urls)}")
        assert answer.status_code == 413
        assert files_below(files.dest) == set()

    @pytest.mark.parametrize(
        "value", ["final;", "final;/tus/x", "final; ", "some", "final;{0} {0}"]
    )
    def test_of_nothing(self, tus: Tus, value: str) -> None:
        url = tus.begun(0, Upload_Concat="partial", Upload_Metadata="none")
        answer = tus.create(Upload_Length="none", Upload_Concat=value.format(url))
        assert answer.status_code in (400, 404, 409)


class TestExpiration:
    def age(self, files: Files, seconds: float) -> None:
        for file in (files.dest / ".tus").iterdir():
            stamp = file.stat().st_mtime - seconds
            os.utime(file, (stamp, stamp))

    def test_after_a_day(self, tus: Tus, files: Files) -> None:
        url = tus.begun()
        self.age(files, 86_000)
        assert tus.offset(url) == 0
        self.age(files, 1_000)
        answer = tus.client.head(url, headers=TUS)
        assert answer.status_code == 410
        assert files_below(files.dest) == set()

    def test_others_are_swept(self, tus: Tus, files: Files) -> None:
        tus.begun()
        tus.patch(tus.begun(), 0, CONTENT)
        self.age(files, 90_000)
        url = tus.begun()
        key = url.rpartition("/")[2]
        assert files_below(files.dest) == {"a.txt", f".tus/{key}", f".tus/{key}.json"}

    def test_progress_counts(self, tus: Tus, files: Files) -> None:
        url = tus.begun()
        self.age(files, 86_000)
        tus.patch(url, 0, CONTENT[:10])
        self.age(files, 1_000)
        tus.begun()
        assert tus.offset(url) == 10


class TestRefused:
    def test_another_version(self, tus: Tus) -> None:
        answer = tus.create(Tus_Resumable="0.2.2")
        assert answer.status_code == 412
        assert answer.headers["Tus-Version"] == "1.0.0"

    @pytest.mark.parametrize(
        ("headers", "status", "words"),
        [
            ({"Upload_Length": "none"}, 400, "Upload-Length has to be a number of bytes"),
            ({"Upload_Length": "-1"}, 400, "Upload-Length has to be a number"),
            ({"Upload_Length": "9" * 5000}, 400, "Upload-Length has to be a number"),
            ({"Upload_Length": "3000000"}, 413, "has 3000000 bytes, and at most 2000000"),
            ({"Upload_Metadata": "none"}, 400, "has to tell the filename"),
            ({"Upload_Metadata": "filename ä"}, 400, "has to be encoded in Base64"),
            ({"Upload_Metadata": f"filename {encoded('a.exe')}"}, 415, "type .exe"),
            ({"Upload_Metadata": "filename"}, 400, "No file was chosen"),
            ({"Upload_Metadata": f"filename {encoded(b'a%c.txt' % 0)}"}, 400, "a NUL character"),
            ({"Upload_Concat": "other"}, 400, "Upload-Concat is"),
        ],
    )
    def test_creation(
        self, tus: Tus, files: Files, headers: dict[str, Any], status: int, words: str
    ) -> None:
        answer = tus.create(**headers)
        assert answer.status_code == status and words in answer.text
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert files_below(files.dest) == set()

    def test_content_at_once(self, tus: Tus, files: Files) -> None:
        url = tus.begun(1_000_000, "a.png")
        answer = tus.patch(url, 0, CONTENT[:9000])
        assert answer.status_code == 415
        assert "but its content is not of that kind" in answer.text
        assert tus.client.head(url, headers=TUS).status_code == 404
        assert files_below(files.dest) == set()

    def test_content_at_the_end(self, tus: Tus, files: Files) -> None:
        url = tus.begun(100, "a.png")
        assert tus.patch(url, 0, PNG[:50]).status_code == 204
        files.checks.append(lambda file, name: 1 / 0)  # type: ignore[arg-type,return-value]
        with pytest.raises(ZeroDivisionError):
            tus.patch(url, 50, bytes(50))
        assert tus.offset(url) == 100  # an error of ours loses nothing
        files.checks.clear()
        assert tus.patch(url, 100, b"").status_code == 204
        assert (files.dest / "a.png").exists()

    def test_another_offset(self, tus: Tus) -> None:
        url = tus.begun()
        answer = tus.patch(url, 5, CONTENT)
        assert answer.status_code == 409 and "There are 0 bytes here" in answer.text
        assert tus.patch(url, 0, CONTENT, Upload_Offset="x").status_code == 400

    def test_another_type(self, tus: Tus) -> None:
        answer = tus.patch(tus.begun(), 0, CONTENT, Content_Type="text/plain")
        assert answer.status_code == 415 and "application/offset+octet-stream" in answer.text

    @pytest.mark.parametrize("chunked", [False, True])
    def test_more_than_was_told(self, tus: Tus, files: Files, chunked: bool) -> None:
        url = tus.begun(1000)
        environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""} if chunked else {}
        answer = tus.client.patch(
            url,
            data=CONTENT,
            headers=PART | {"Upload-Offset": "0"},
            environ_overrides=environ,
        )
        assert answer.status_code == 413 and "The upload has 1000 bytes" in answer.text
        assert not (files.dest / "a.txt").exists()
        assert tus.offset(url) <= 1000

    @pytest.mark.parametrize(
        "key", ["0" * 32, "x", "../" * 10 + "xx", "..%2f" * 6 + "xx", "A" * 32]
    )
    def test_unknown(self, tus: Tus, files: Files, key: str) -> None:
        tus.begun()
        for method in ("HEAD", "PATCH", "DELETE"):
            headers = PART | {"Upload-Offset": "0"}
            answer = tus.client.open(f"/tus/{key}", method=method, headers=headers)
            assert answer.status_code == 404

    def test_a_limit_of_other_requests_is_not_in_the_way(self, app: Any, tus: Tus) -> None:
        app.config["MAX_CONTENT_LENGTH"] = 1000
        assert tus.patch(tus.begun(), 0, CONTENT).status_code == 204

    def test_a_check_of_ones_own(self, flask: Any, app: Any, tmp_path: Path) -> None:
        files = UploadSet("files", TEXT)
        app.config["UPLOADED_FILES_DEST"] = str(tmp_path / "files")
        configure_uploads(app, files)
        server = TusServer(files, "/private", name="private")
        server.blueprint.before_request(lambda: flask.abort(401))
        server.init_app(app)
        assert app.test_client().post("/private", headers=TUS).status_code == 401


class TestElsewhere:
    def test_in_a_folder_of_its_own(self, app: Any, files: Files, tmp_path: Path) -> None:
        server = TusServer(files, "/other", folder=str(tmp_path / "unfinished"), name="other")
        server.init_app(app)
        client = app.test_client()
        headers = PART | {"Upload-Length": "5", "Upload-Metadata": f"filename {encoded('a.txt')}"}
        assert client.post("/other", data=b"hello", headers=headers).status_code == 201
        assert (files.dest / "a.txt").read_bytes() == b"hello"
        assert [f for f in files_below(tmp_path / "unfinished") if not f.endswith(".json")] == []

    def test_into_an_object_storage(self, flask: Any, tmp_path: Path, bucket: Bucket) -> None:
        app = flask.Flask("cloud", instance_path=str(tmp_path))
        files = UploadSet("files", TEXT)
        app.config.update(
            UPLOADED_FILES_DEST=bucket.url, UPLOADED_FILES_STORE_OPTIONS=bucket.options
        )
        configure_uploads(app, files)
        TusServer(files).init_app(app)
        tus = Tus(app.test_client())
        url = tus.begun()
        tus.patch(url, 0, CONTENT[:1000])
        assert len(files_below(tmp_path / "tus" / "files")) == 2
        assert tus.patch(url, 1000, CONTENT[1000:]).status_code == 204
        with app.app_context(), files.open("a.txt") as file:
            assert file.read() == CONTENT
        assert len(files_below(tmp_path / "tus" / "files")) == 1  # what is known of it


@pytest.fixture
def served(app: Any, files: Files) -> Iterator[str]:
    """The address of a real server."""
    with serve_here(app) as port:
        yield f"http://127.0.0.1:{port}/tus"


class TestRealClient:
    @pytest.fixture
    def uploader(self, served: str) -> Callable[..., Any]:
        client = pytest.importorskip("tusclient.client", reason="tuspy is not installed")

        def uploader(content: bytes, name: str, **options: Any) -> Any:
            return client.TusClient(served).uploader(
                file_stream=io.BytesIO(content), metadata={"filename": name}, **options
            )

        return uploader

    @pytest.mark.parametrize("options", [{}, {"chunk_size": 200_000, "upload_checksum": True}])
    def test_uploads(
        self, files: Files, uploader: Callable[..., Any], options: dict[str, Any]
    ) -> None:
        uploader(CONTENT, "a.txt", **options).upload()
        assert (files.dest / "a.txt").read_bytes() == CONTENT

    def test_resumes(self, files: Files, uploader: Callable[..., Any]) -> None:
        first = uploader(CONTENT, "a.txt", chunk_size=100_000)
        first.upload_chunk()
        second = uploader(CONTENT, "a.txt", url=first.url)
        assert second.offset == 100_000
        second.upload()
        assert (files.dest / "a.txt").read_bytes() == CONTENT

    def test_is_refused(self, uploader: Callable[..., Any]) -> None:
        from tusclient.exceptions import TusCommunicationError

        with pytest.raises(TusCommunicationError) as caught:
            uploader(CONTENT, "a.exe").upload()
        assert caught.value.status_code == 415


@pytest.mark.parametrize("checksum", [False, True])
def test_a_connection_that_breaks(served: str, tus: Tus, files: Files, checksum: bool) -> None:
    """What came is kept, to be continued; with a checksum it cannot be verified, and is not."""
    url = tus.begun()
    address = urlsplit(served)
    assert address.hostname is not None
    lines = [f"PATCH {url} HTTP/1.1", "Host: localhost", f"Content-Length: {len(CONTENT)}"]
    lines += [f"{key}: {value}" for key, value in PART.items()] + ["Upload-Offset: 0"]
    if checksum:
        lines.append(f"Upload-Checksum: sha1 {encoded(hashlib.sha1(CONTENT).digest())}")
    with socket.create_connection((address.hostname, address.port or 80), timeout=10) as client:
        client.sendall("\r\n".join([*lines, "", ""]).encode() + CONTENT[:300_000])
        client.shutdown(socket.SHUT_WR)
        answer = client.recv(1000)
    assert b" 400 " in answer
    offset = tus.offset(url)
    assert offset == (0 if checksum else 300_000)
    assert tus.patch(url, offset, CONTENT[offset:]).status_code == 204
    assert (files.dest / "a.txt").read_bytes() == CONTENT
