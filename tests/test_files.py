"""Files as responses, held against Werkzeug's own functions."""

from __future__ import annotations

import errno
import gc
import mimetypes
import os
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

import pytest
import werkzeug.http
import werkzeug.utils
import werkzeug.wrappers.response
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.exceptions import NotFound
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response as BaseResponse

from erlen import Flask, Response, _files

NOW = 1_700_000_000.75
CONTENT = b"some content\n" * 1000
CHANGED = 1_600_000_000.123456

NAMES = [
    "style.css",
    "script.js",
    "page.html",
    "picture.svg",
    "photo.JPG",
    "data.json",
    "archive.gz",
    "archive.tar.gz",
    "page.html.br",
    "no-suffix",
    "unknown.suffix",
    ".hidden",
    "two words.txt",
    'quo"ted.txt',
    "semi;colon.txt",
    "back\\slash.txt",
    "per%20cent.txt",
    "Äpfel & Öl.txt",
    "日本語.txt",
    "e\u0301.txt",
    "data:text,x",
]


@pytest.fixture(autouse=True, scope="module")
def still() -> Iterator[None]:
    """A clock that stands still, for erlen and for Werkzeug."""
    http_date = werkzeug.http.http_date
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_files, "time", lambda: NOW)
        patch.setattr(werkzeug.utils, "time", lambda: NOW)
        patch.setattr(werkzeug.wrappers.response, "http_date", lambda: http_date(NOW))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name in NAMES:
        (folder / name).write_bytes(CONTENT)
        os.utime(folder / name, (CHANGED, CHANGED))
    (folder / "empty.txt").touch()
    (folder / "inner").mkdir()
    (folder / "inner" / "deep.txt").write_bytes(b"deep")
    return folder


def environ_of(method: str = "GET", **more: Any) -> dict[str, Any]:
    builder = EnvironBuilder("/", method=method)
    environ: dict[str, Any] = builder.get_environ()
    builder.close()
    return environ | more


def options_of(folder: Path, environ: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the app hands to Werkzeug's functions."""
    return {
        "environ": environ,
        "max_age": None,
        "use_x_sendfile": False,
        "response_class": Response,
        "_root_path": str(folder),
    } | more


def answer(send: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What the client of a response gets, in full; or what was raised."""
    try:
        response = send(*args, **options)
    except Exception as e:
        return type(e), str(e)
    assert type(response) is options["response_class"]
    assert response.direct_passthrough
    started: list[Any] = []
    body = response(options["environ"], lambda *args: started.extend(args))
    try:
        return started, b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()


def assert_same(folder: Path, name: Any, **options: Any) -> Any:
    """Both ways into a file answer as Werkzeug's do."""
    options.setdefault("environ", environ_of())
    options = options_of(folder, **options)
    ours = answer(_files.send_file, name, **options)
    assert ours == answer(werkzeug.utils.send_file, name, **options)
    ours = answer(_files.send_from_directory, str(folder), name, **options)
    assert ours == answer(werkzeug.utils.send_from_directory, str(folder), name, **options)
    return ours


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The files that Werkzeug was asked to send; it stays empty on the short way."""
    asked: list[Any] = []
    send_file = werkzeug.utils.send_file

    def spy(path_or_file: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(path_or_file, BytesIO):  # of which the headers are learnt
            asked.append(path_or_file)
        return send_file(path_or_file, *args, **kwargs)

    monkeypatch.setattr(werkzeug.utils, "send_file", spy)
    monkeypatch.setattr(_files, "_send_file", spy)  # not one that stands in for Werkzeug's
    return asked


# The same bytes as Werkzeug


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("as_attachment", [False, True])
@pytest.mark.parametrize("name", [*NAMES, "empty.txt", "inner/deep.txt"])
def test_names(folder: Path, name: str, as_attachment: bool, method: str) -> None:
    environ = environ_of(method)
    (status, headers), body = assert_same(
        folder, name, as_attachment=as_attachment, environ=environ
    )
    assert status == "200 OK"
    assert dict(headers)["Content-Length"] == str((folder / name).stat().st_size)
    assert (folder / name).read_bytes() == body or method == "HEAD"


@pytest.mark.parametrize("max_age", [None, 0, 1, 60, -1, 10**9, True, 1.5])
@pytest.mark.parametrize("by", [lambda age: age, lambda age: lambda path: age])
def test_max_age(folder: Path, max_age: Any, by: Callable[[Any], Any]) -> None:
    assert_same(folder, "style.css", max_age=by(max_age))


def test_max_age_is_asked_once_with_the_path(folder: Path) -> None:
    asked: list[Any] = []

    def max_age(path: str) -> float:
        asked.append(path)
        return 2.5  # which the short way does not take

    answer(_files.send_file, "style.css", **options_of(folder, environ_of(), max_age=max_age))
    assert asked == [str(folder / "style.css")]


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_RANGE": "bytes=2-5"},
        {"HTTP_RANGE": "bytes=-5"},
        {"HTTP_RANGE": "bytes=99999-"},
        {"HTTP_RANGE": "nonsense"},
        {"HTTP_RANGE": "bytes=2-5", "HTTP_IF_RANGE": '"other"'},
        {"HTTP_IF_RANGE": '"other"'},
        {"HTTP_IF_NONE_MATCH": "*"},
        {"HTTP_IF_NONE_MATCH": '"other"'},
        {"HTTP_IF_MATCH": '"other"'},
        {"HTTP_IF_MODIFIED_SINCE": "Wed, 01 Jan 2025 00:00:00 GMT"},
        {"HTTP_IF_MODIFIED_SINCE": "Wed, 01 Jan 2020 00:00:00 GMT"},
        {"HTTP_IF_UNMODIFIED_SINCE": "Wed, 01 Jan 2020 00:00:00 GMT"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions(folder: Path, headers: dict[str, str], method: str) -> None:
    for name in ("style.css", "empty.txt"):
        assert_same(folder, name, environ=environ_of(method, **headers))


def test_the_etag_of_an_answer_is_taken_back(folder: Path) -> None:
    (status, headers), _ = assert_same(folder, "style.css")
    environ = environ_of(HTTP_IF_NONE_MATCH=dict(headers)["ETag"])
    (status, _), body = assert_same(folder, "style.css", environ=environ)
    assert (status, body) == ("304 NOT MODIFIED", b"")


@pytest.mark.parametrize(
    "options",
    [
        {"conditional": False},
        {"etag": False},
        {"etag": "own"},
        {"last_modified": 0},
        {"use_x_sendfile": True},
        {"mimetype": "text/x-own"},
        {"mimetype": ""},
        {"download_name": "other.pdf"},
        {"download_name": ""},
        {"download_name": "ö" * 300, "as_attachment": True},
        {"as_attachment": 1},
        {"no_such_option": True},
    ],
)
def test_options(folder: Path, options: dict[str, Any]) -> None:
    assert_same(folder, "archive.tar.gz", **options)


@pytest.mark.parametrize(
    "options",
    [
        {"max_age": 10**12},
        {"max_age": "60"},
        {"etag": 'un"quotable'},
        {"download_name": 7},
        {"download_name": "line\nend"},
        {"mimetype": "text/plain\n"},
    ],
)
def test_what_werkzeug_refuses(folder: Path, options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        # Werkzeug leaves the file to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        error, _ = assert_same(folder, "style.css", **options)
        gc.collect()
    assert issubclass(error, Exception)


@given(
    name=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="/\0\r\n"),
        min_size=1,
        max_size=40,
    ).filter(lambda name: name not in (".", "..")),
    size=st.integers(0, 20000),
    changed=st.floats(0, 4e9),
    as_attachment=st.booleans(),
    max_age=st.one_of(st.none(), st.integers(-100, 10**9)),
    method=st.sampled_from(["GET", "HEAD"]),
)
@example("a.txt", 1, 1.9999996, False, None, "GET")
def test_random_files(
    folder: Path,
    name: str,
    size: int,
    changed: float,
    as_attachment: bool,
    max_age: int | None,
    method: str,
) -> None:
    file = folder / "inner" / name
    file.write_bytes(b"x" * size)
    os.utime(file, (changed, changed))
    try:
        (status, _), body = assert_same(
            folder / "inner",
            name,
            environ=environ_of(method),
            as_attachment=as_attachment,
            max_age=max_age,
        )
    finally:
        file.unlink()
    assert status == "200 OK"
    assert len(body) == (size if method == "GET" else 0)


@pytest.mark.parametrize(
    "path",
    ["missing", "inner", ".", "", "..", "../files", "/etc/passwd", "inner/../style.css", "a\0"]
    + ["inner//deep.txt", "./style.css", "style.css/", "style.css/x", "a" * 300, "..\\style.css"],
)
def test_paths(folder: Path, path: str) -> None:
    assert_same(folder, path)
    assert_same(folder, Path(path))


def test_paths_of_other_types(folder: Path) -> None:
    class Odd:
        def __fspath__(self) -> str:
            return "style.css"

    (status, _), body = assert_same(folder, Odd())
    assert (status, body) == ("200 OK", CONTENT)
    assert_same(folder, b"style.css")
    assert_same(folder, 7)


def test_a_directory_below_the_root(folder: Path) -> None:
    options = options_of(folder, environ_of())
    for directory in ("inner", "inner/", "./inner", Path("inner"), str(folder / "inner"), ""):
        ours = answer(_files.send_from_directory, directory, "deep.txt", **options)
        assert ours == answer(werkzeug.utils.send_from_directory, directory, "deep.txt", **options)
    assert ours == (NotFound, str(NotFound()))


def test_a_relative_root_is_werkzeugs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    options = options_of(Path("inner"), environ_of())
    ours = answer(_files.send_from_directory, "", "deep.txt", **options)
    assert ours == answer(werkzeug.utils.send_from_directory, "", "deep.txt", **options)


def test_a_type_that_is_made_known_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, before = assert_same(folder, "unknown.suffix")[0]
    monkeypatch.setitem(mimetypes.types_map, ".suffix", "text/x-later")
    _, after = assert_same(folder, "unknown.suffix")[0]
    assert dict(before)["Content-Type"] == "application/octet-stream"
    assert dict(after)["Content-Type"] == "text/x-later; charset=utf-8"


def test_a_file_that_changes(folder: Path) -> None:
    file = folder / "changing.txt"
    for content in (b"one", b"two and more"):
        file.write_bytes(content)
        (_, headers), body = assert_same(folder, "changing.txt")
        assert body == content
        assert dict(headers)["Content-Length"] == str(len(content))


# What the short way takes, and what not


def test_the_short_way_is_taken(folder: Path, short: list[Any]) -> None:
    class Own(Response):
        default_mimetype = "text/x-own"

    for cls in (Response, Own):
        for name in ("style.css", Path("style.css"), "Äpfel & Öl.txt", "empty.txt"):
            options = options_of(folder, environ_of(), response_class=cls, max_age=60)
            answer(_files.send_file, name, **options)
            answer(_files.send_from_directory, folder, name, as_attachment=True, **options)
    assert short == []


def test_response_classes(folder: Path, short: list[Any]) -> None:
    class Cold(Response):
        def make_conditional(self, *args: Any, **kwargs: Any) -> Any:
            self.headers["X-Cold"] = "yes"
            return super().make_conditional(*args, **kwargs)

    class Marked(Response):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.headers["X-Marked"] = "yes"

    class Created(Response):
        default_status = 201

    for number, cls in enumerate((Cold, Marked, Created, BaseResponse), 1):
        assert_same(folder, "style.css", response_class=cls)
        assert len(short) == 4 * number


def test_the_servers_file_wrapper(folder: Path) -> None:
    environ = environ_of() | {"wsgi.file_wrapper": FileWrapper}
    (status, _), body = assert_same(folder, "style.css", environ=environ)
    assert body == CONTENT
    response: Any = _files.send_file("style.css", **options_of(folder, environ))
    body = response(environ, lambda *args: None)
    assert type(body) is FileWrapper
    assert body.filelike.name == str(folder / "style.css")
    assert os.fstat(body.filelike.fileno()).st_size == len(CONTENT)
    body.close()
    assert body.filelike.closed


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_named_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(NotFound):
        _files.send_from_directory(folder, "pipe", **options_of(folder, environ_of()))


def test_what_cannot_be_opened_is_werkzeugs(
    folder: Path, short: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    (status, _), body = assert_same(folder, "style.css")
    assert body == CONTENT
    assert len(short) == 4


def test_windows_device_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CON", "nul.txt", "com1.css", "inner/aux"):
        (folder / name).touch()
        _files._join.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(os, "name", "nt")
            ours = answer(
                _files.send_from_directory, str(folder), name, **options_of(folder, environ_of())
            )
        _files._join.cache_clear()
        (folder / name).unlink()
        assert ours == (NotFound, str(NotFound()))


# Nothing stays open


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[FileIO]:
    """The files that were opened on the short way."""
    opened: list[FileIO] = []

    class Recorded(FileIO):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            opened.append(self)

    monkeypatch.setattr(_files, "FileIO", Recorded)
    return opened


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_closed_with_the_response(folder: Path, files: list[FileIO], method: str) -> None:
    environ = environ_of(method)
    response: Any = _files.send_file("style.css", **options_of(folder, environ))
    body = response(environ, lambda *args: None)
    assert not files[0].closed
    body.close()  # without having been read
    assert files[0].closed


def test_closed_when_something_fails(folder: Path, files: list[FileIO]) -> None:
    def max_age(path: str) -> int:
        raise LookupError("no age")

    with pytest.raises(LookupError):
        _files.send_file("style.css", **options_of(folder, environ_of(), max_age=max_age))
    assert [file.closed for file in files] == [True]
    with pytest.raises(ValueError, match="newline"):
        options = options_of(folder, environ_of(), mimetype="a\nb")
        _files.send_file("style.css", **options)
    assert [file.closed for file in files] == [True, True]
    options = options_of(folder, environ_of(), max_age=1.5)
    answer(_files.send_file, "style.css", **options)  # handed over
    assert [file.closed for file in files] == [True, True, True]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are not listed")
def test_no_descriptor_is_left(folder: Path) -> None:
    gc.collect()
    before = set(os.listdir("/proc/self/fd"))
    for name in ("style.css", "missing", "inner", "..", "a\0"):
        for method in ("GET", "HEAD"):
            assert_same(folder, name, environ=environ_of(method))
    assert set(os.listdir("/proc/self/fd")) == before


# In an app


@pytest.fixture
def client(folder: Path) -> Any:
    app = Flask("tested", root_path=str(folder.parent), static_folder=folder.name)
    app.config["TESTING"] = True
    return app.test_client()


def test_static_files(client: Any, folder: Path) -> None:
    options = options_of(folder, environ_of())
    for age in (None, 0, 3600, timedelta(hours=2)):
        client.application.config["SEND_FILE_MAX_AGE_DEFAULT"] = age
        options["max_age"] = 7200 if isinstance(age, timedelta) else age
        for name in ("style.css", "two words.txt", "inner/deep.txt"):
            (status, headers), body = answer(
                werkzeug.utils.send_from_directory, folder, name, **options
            )
            for method in ("GET", "HEAD"):
                response = client.open(f"/{folder.name}/{name}", method=method)
                assert (response.status, response.headers.to_wsgi_list()) == (status, headers)
                assert response.data == (body if method == "GET" else b"")
                response.close()


def test_static_files_of_a_blueprint(flask: Any, folder: Path) -> None:
    app = flask.Flask("tested", root_path=str(folder.parent), static_folder=None)
    bp = flask.Blueprint("bp", "tested", root_path=str(folder.parent), static_folder=folder.name)
    bp.get_send_file_max_age = lambda filename: 5 if filename == "style.css" else None
    app.register_blueprint(bp, url_prefix="/bp")
    client = app.test_client()
    for name, cache_control in [("style.css", "public, max-age=5"), ("script.js", "no-cache")]:
        response = client.get(f"/bp/{folder.name}/{name}")
        assert response.data == CONTENT
        assert response.headers["Cache-Control"] == cache_control
        response.close()
    assert client.get(f"/bp/{folder.name}/missing").status_code == 404
    assert client.get(f"/bp/{folder.name}/%2e%2e/x").status_code == 404


def test_hooks_may_change_the_headers(client: Any, folder: Path) -> None:
    def change(response: Response) -> Response:
        response.headers["X-Added"] = "yes"
        response.headers["Cache-Control"] = "private"
        response.set_cookie("seen", "1")
        return response

    client.application.after_request(change)
    response = client.get(f"/{folder.name}/style.css")
    assert response.data == CONTENT
    assert response.headers["X-Added"] == "yes"
    assert response.headers["Cache-Control"] == "private"
    assert response.headers["Set-Cookie"] == "seen=1; Path=/"
    response.close()
