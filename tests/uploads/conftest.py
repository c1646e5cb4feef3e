"""What the tests of uploads share: a set with a folder, small files of each kind."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from queue import Queue
from typing import IO, Any, NamedTuple
from urllib.request import Request, urlopen

import pytest
from werkzeug.datastructures import FileStorage

from erlen.uploads import IMAGES, UploadSet, configure_uploads

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU"
    b"\0\0\0\nIDATx\x9cc`\0\0\0\2\0\1H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82"
)

BOUNDARY = "frontier"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def upload(content: bytes = PNG, filename: str | None = "cat.png") -> FileStorage:
    return FileStorage(BytesIO(content), filename)


def files_below(folder: Path) -> set[str]:
    """Every file below a folder, temporary ones, too."""
    return {
        os.path.relpath(os.path.join(where, name), folder)
        for where, _, names in os.walk(folder)
        for name in names
    }


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of an S3 server on loopback: moto's, in a process of its own."""
    for module in ("moto", "flask_cors", "obstore"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
        env={k: v for k, v in os.environ.items() if not k.startswith(("ERLEN_", "FLASK_"))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    # What it prints later is read, too: a full pipe would stop it.
    found: Queue[str] = Queue()
    reader = threading.Thread(target=find_address, args=(server.stderr, found))
    reader.start()
    try:
        url = found.get(timeout=60)
        assert url, "the S3 server did not start"
        yield url
    finally:
        server.terminate()
        server.wait(30)
        reader.join(30)
        server.stderr.close()


def find_address(lines: IO[str], found: Queue[str]) -> None:
    for line in lines:
        if address := re.search(r"http://127\.0\.0\.1:\d+", line):
            found.put(address[0])
    found.put("")


class Bucket(NamedTuple):
    """A bucket of its own for each test."""

    url: str
    endpoint: str
    options: dict[str, Any]

    def uploads_under_way(self) -> int:
        """How many multipart uploads are neither completed nor aborted: they cost money."""
        with urlopen(f"{self.endpoint}/{self.url.removeprefix('s3://')}?uploads") as answer:
            return int(answer.read().count(b"<Upload>"))


@pytest.fixture
def bucket(s3: str) -> Bucket:
    name = f"bucket-{secrets.token_hex(6)}"
    urlopen(Request(f"{s3}/{name}", method="PUT")).close()
    options = {
        "endpoint": s3,
        "access_key_id": "key",
        "secret_access_key": "secret",
        "region": "us-east-1",
        "client_options": {"allow_http": True},
    }
    return Bucket(f"s3://{name}", s3, options)


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "photos"


@pytest.fixture
def photos(app: Any, dest: Path) -> Iterator[UploadSet]:
    """A set of images, configured on the app, in an application context."""
    photos = UploadSet("photos", IMAGES)
    app.config["UPLOADED_PHOTOS_DEST"] = str(dest)
    configure_uploads(app, photos)
    with app.app_context():
        yield photos
