from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.exceptions import NotFound


@pytest.fixture
def folder(app: Any) -> Path:
    """The app's folder, with a static file and a text file in it."""
    static = Path(app.static_folder)
    static.mkdir()
    (static / "a.css").write_text("body {}")
    (static / "inner").mkdir()
    (static / "inner" / "b.js").write_text("1")
    root = Path(app.root_path)
    (root / "note.txt").write_text("0123456789")
    return root


@pytest.fixture
def request_context(app: Any) -> Iterator[Any]:
    with app.test_request_context("/") as ctx:
        yield ctx


class TestMakeResponse:
    def test_arguments(self, flask: Any, app: Any, request_context: Any) -> None:
        empty = flask.make_response()
        assert (empty.status_code, empty.data, empty.mimetype) == (200, b"", "text/html")
        assert flask.make_response("x").data == b"x"
        assert flask.make_response("x", 404).status_code == 404
        assert flask.make_response(("x", 404)).status_code == 404
        full = flask.make_response("x", 201, {"X-A": "1"})
        assert (full.status_code, full.headers["X-A"]) == (201, "1")
        response = flask.Response("y")
        assert flask.make_response(response) is response
        assert flask.make_response({"a": 1}).json == {"a": 1}

    def test_uses_the_apps_class(self, flask: Any, app: Any, request_context: Any) -> None:
        class Mine(flask.Response):
            pass

        app.response_class = Mine
        assert type(flask.make_response()) is Mine
        assert type(flask.make_response("x")) is Mine
        assert type(flask.make_response(flask.Response("x"))) is Mine

    def test_outside(self, flask: Any) -> None:
        with pytest.raises(RuntimeError, match=r"^Working outside of application context\."):
            flask.make_response("x")


class TestRedirect:
    @pytest.mark.parametrize(
        ("location", "header"),
        [
            ("/x", "/x"),
            ("/é?q=ü#ñ", "/%C3%A9?q=%C3%BC#%C3%B1"),
            ("http://é.example/", "http://xn--9ca.example/"),
            ("//h.example/x", "//h.example/x"),
            ("relative", "relative"),
            ("/a b", "/a%20b"),
            ("/%2F", "/%2F"),
            ("", ""),
        ],
    )
    def test_location(self, flask: Any, app: Any, client: Any, location: str, header: str) -> None:
        app.add_url_rule("/", "index", lambda: flask.redirect(location))
        response = client.get("/")
        assert (response.status_code, response.headers["Location"]) == (302, header)

    @pytest.mark.parametrize("code", [301, 302, 303, 305, 307, 308])
    def test_code(self, flask: Any, app: Any, client: Any, code: int) -> None:
        app.add_url_rule("/", "index", lambda: flask.redirect("/x", code))
        response = client.get("/")
        assert response.status_code == code
        assert '<a href="/x">/x</a>' in response.text

    def test_body_is_escaped(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: flask.redirect("/<script>"))
        assert "<script>" not in client.get("/").text

    def test_the_apps_own(self, flask: Any, app: Any, client: Any) -> None:
        app.redirect = lambda location, code: flask.Response(f"{location} {code}", 299)
        app.add_url_rule("/", "index", lambda: flask.redirect("/x", code=307))
        assert client.get("/").text == "/x 307"

    def test_without_an_app(self, flask: Any) -> None:
        response = flask.redirect("/x", 303)
        assert (response.status_code, response.location) == (303, "/x")

    def test_class_of_the_response(self, flask: Any, app: Any, request_context: Any) -> None:
        class Mine(flask.Response):
            pass

        app.response_class = Mine
        assert type(flask.redirect("/x")) is Mine


class TestFlash:
    def test_once(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/flash", "flash", lambda: (flask.flash("ä"), "ok")[1])
        app.add_url_rule("/show", "show", lambda: flask.get_flashed_messages())
        client.get("/flash")
        client.get("/flash")
        assert client.get("/show").json == ["ä", "ä"]
        assert client.get("/show").json == []

    def test_categories(self, flask: Any, app: Any, request_context: Any) -> None:
        flask.flash("plain")
        flask.flash("bad", "error")
        flask.flash("so", "info")
        get = flask.get_flashed_messages
        assert get() == ["plain", "bad", "so"]
        assert get() == ["plain", "bad", "so"]  # the same ones all through the request
        assert get(with_categories=True) == [("message", "plain"), ("error", "bad"), ("info", "so")]
        assert get(category_filter=["error", "info"]) == ["bad", "so"]
        assert get(True, ["info"]) == [("info", "so")]
        assert "_flashes" not in flask.session

    def test_signal(self, flask: Any, app: Any, request_context: Any) -> None:
        seen: list[Any] = []

        def receive(sender: Any, message: str, category: str) -> None:
            seen.append((sender, message, category))

        with flask.message_flashed.connected_to(receive, app):
            flask.flash("hello", "info")
        assert seen == [(app, "hello", "info")]

    def test_in_templates(self, flask: Any, app: Any, request_context: Any) -> None:
        flask.flash("<b>")
        text = flask.render_template_string("{{ get_flashed_messages()[0] }}")
        assert text == "&lt;b&gt;"

    def test_outside(self, flask: Any) -> None:
        with pytest.raises(RuntimeError, match=r"^Working outside of request context\."):
            flask.flash("x")
        with pytest.raises(RuntimeError, match=r"^Working outside of request context\."):
            flask.get_flashed_messages()


class TestSendFile:
    def test_path(self, flask: Any, app: Any, client: Any, folder: Path) -> None:
        app.add_url_rule("/", "index", lambda: flask.send_file("note.txt"))
        response = client.get("/")
        assert response.data == b"0123456789"
        assert response.content_type == "text/plain; charset=utf-8"
        assert response.headers["Content-Length"] == "10"
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["Content-Disposition"] == "inline; filename=note.txt"
        modified = datetime.fromtimestamp(int((folder / "note.txt").stat().st_mtime), UTC)
        assert response.last_modified == modified
        etag = response.headers["ETag"]
        response.close()
        cached = client.get("/", headers={"If-None-Match": etag})
        assert (cached.status_code, cached.data) == (304, b"")
        cached.close()
        cached = client.get("/", headers={"If-Modified-Since": response.headers["Last-Modified"]})
        assert cached.status_code == 304
        cached.close()

    @pytest.mark.parametrize(
        ("range_header", "status", "body", "content_range"),
        [
            ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
            ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
            ("bytes=-2", 206, b"89", "bytes 8-9/10"),
            ("bytes=0-99", 206, b"0123456789", "bytes 0-9/10"),
            ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ],
    )
    def test_range(
        self,
        flask: Any,
        app: Any,
        client: Any,
        folder: Path,
        range_header: str,
        status: int,
        body: bytes,
        content_range: str,
    ) -> None:
        app.add_url_rule("/", "index", lambda: flask.send_file("note.txt"))
        response = client.get("/", headers={"Range": range_header})
        assert (response.status_code, response.data) == (status, body)
        assert response.headers["Content-Range"] == content_range
        assert response.headers["Accept-Ranges"] == "bytes"
        response.close()

    @pytest.mark.parametrize("range_header", ["bytes=10-", "bytes=99-100", "nonsense"])
    def test_range_that_cannot_be_served(
        self, flask: Any, app: Any, client: Any, folder: Path, range_header: str
    ) -> None:
        app.add_url_rule("/", "index", lambda: flask.send_file("note.txt"))
        response = client.get("/", headers={"Range": range_header})
        assert response.status_code == 416
        assert response.headers["Content-Range"] == "bytes */10"

    def test_download(self, flask: Any, app: Any, client: Any, folder: Path) -> None:
        @app.get("/<name>")
        def index(name: str) -> Any:
            return flask.send_file("note.txt", as_attachment=True, download_name=name)

        for name, header in [
            ("plain.txt", "attachment; filename=plain.txt"),
            ("a b.txt", 'attachment; filename="a b.txt"'),
            ("Vögel.txt", "attachment; filename=Vogel.txt; filename*=UTF-8''V%C3%B6gel.txt"),
            ("世.txt", "attachment; filename=.txt; filename*=UTF-8''%E4%B8%96.txt"),
        ]:
            response = client.get(f"/{name}")
            assert response.headers["Content-Disposition"] == header
            response.close()

    def test_file_objects(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule(
            "/", "index", lambda: flask.send_file(io.BytesIO(b"memory"), "application/x-own")
        )
        response = client.get("/")
        assert (response.data, response.content_type) == (b"memory", "application/x-own")
        assert "ETag" not in response.headers
        assert client.get("/", headers={"Range": "bytes=0-1"}).data == b"me"

    def test_wrong_arguments(self, flask: Any, request_context: Any) -> None:
        with pytest.raises(ValueError, match="Files must be opened in binary mode"):
            flask.send_file(io.StringIO("text"), mimetype="text/plain")
        with pytest.raises(TypeError, match="No name provided for attachment"):
            flask.send_file(io.BytesIO(b""), "text/plain", as_attachment=True)
        with pytest.raises(TypeError, match="Unable to detect the MIME type"):
            flask.send_file(io.BytesIO(b""))
        with pytest.raises(FileNotFoundError):
            flask.send_file("missing.txt")

    def test_options(self, flask: Any, app: Any, client: Any, folder: Path) -> None:
        @app.get("/")
        def index() -> Any:
            return flask.send_file(
                folder / "note.txt",
                mimetype="text/x-own",
                etag="mine",
                last_modified=datetime(2020, 1, 2, tzinfo=UTC),
                max_age=60,
            )

        response = client.get("/")
        assert response.headers["ETag"] == '"mine"'
        assert response.headers["Last-Modified"] == "Thu, 02 Jan 2020 00:00:00 GMT"
        assert response.headers["Cache-Control"] == "public, max-age=60"
        assert response.mimetype == "text/x-own"
        response.close()

    def test_not_conditional(self, flask: Any, app: Any, client: Any, folder: Path) -> None:
        app.add_url_rule(
            "/", "index", lambda: flask.send_file("note.txt", conditional=False, etag=False)
        )
        response = client.get("/", headers={"Range": "bytes=0-1"})
        assert response.status_code == 200
        assert "ETag" not in response.headers
        response.close()

    def test_x_sendfile(self, flask: Any, app: Any, client: Any, folder: Path) -> None:
        app.config["USE_X_SENDFILE"] = True
        app.add_url_rule("/", "index", lambda: flask.send_file("note.txt"))
        response = client.get("/")
        assert response.headers["X-Sendfile"] == str(folder / "note.txt")
        assert response.data == b""

    def test_paths_are_relative_to_the_app(
        self, flask: Any, app: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir("/")
        with app.test_request_context():
            response = flask.send_file("note.txt")
            response.direct_passthrough = False
            assert response.data == b"0123456789"
            response.close()

    @pytest.mark.parametrize(
        ("value", "header"),
        [
            (None, "no-cache"),
            (3600, "public, max-age=3600"),
            (timedelta(hours=1), "public, max-age=3600"),
            (0, "no-cache, max-age=0"),
        ],
    )
    def test_default_max_age(
        self, app: Any, client: Any, folder: Path, value: Any, header: str
    ) -> None:
        app.config["SEND_FILE_MAX_AGE_DEFAULT"] = value
        response = client.get("/static/a.css")
        assert response.headers["Cache-Control"] == header
        response.close()

    def test_max_age_of_the_app(self, flask: Any, app: Any, client: Any, folder: Path) -> None:
        names: list[str | None] = []

        def max_age(filename: str | None) -> int:
            names.append(filename)
            return 10

        app.get_send_file_max_age = max_age
        app.add_url_rule("/", "index", lambda: flask.send_file("note.txt"))
        for path in ("/static/a.css", "/"):
            response = client.get(path)
            assert response.cache_control.max_age == 10
            response.close()
        assert names[0] == "a.css"
        assert os.path.basename(str(names[-1])) == "note.txt"


class TestSendFromDirectory:
    @pytest.mark.parametrize(
        "path",
        [
            "../note.txt",
            "/etc/passwd",
            "..",
            ".",
            "",
            "inner",
            "missing.css",
            "inner/../../note.txt",
            "a.css/x",
            "a\x00.css",
            "..\\note.txt",
        ],
    )
    def test_outside_or_absent(
        self, flask: Any, app: Any, folder: Path, request_context: Any, path: str
    ) -> None:
        with pytest.raises(NotFound):
            flask.send_from_directory(app.static_folder, path)

    def test_a_path_by_another_name(
        self, flask: Any, app: Any, folder: Path, request_context: Any
    ) -> None:
        with pytest.raises(TypeError, match="got multiple values for argument 'path_or_file'"):
            flask.send_from_directory("static", "a.css", path_or_file="note.txt")

    def test_inside(self, flask: Any, app: Any, client: Any, folder: Path) -> None:
        app.add_url_rule(
            "/f/<path:name>",
            "f",
            lambda name: flask.send_from_directory("static", name, as_attachment=True),
        )
        response = client.get("/f/inner/b.js")
        assert response.data == b"1"
        assert response.headers["Content-Disposition"] == "attachment; filename=b.js"
        response.close()


class TestStatic:
    def test_file(self, flask: Any, app: Any, client: Any, folder: Path) -> None:
        response = client.get("/static/a.css")
        assert response.content_type == "text/css; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["ETag"]
        assert response.headers["Last-Modified"]
        response.close()
        with app.test_request_context():
            assert flask.url_for("static", filename="a.css") == "/static/a.css"

    @pytest.mark.parametrize(
        "path",
        [
            "/static/",
            "/static/missing",
            "/static/inner",
            "/static/../note.txt",
            "/static/..%2Fnote.txt",
            "/static/%2e%2e/note.txt",
            "/static/inner/../../note.txt",
            "/static//etc/passwd",
            "/static/a.css%00",
            "/static/..%5Cnote.txt",
        ],
    )
    def test_not_found(self, client: Any, folder: Path, path: str) -> None:
        response = client.get(path, follow_redirects=False)
        assert response.status_code in (404, 308)
        assert b"0123456789" not in response.data
        response.close()

    def test_head(self, client: Any, folder: Path) -> None:
        response = client.head("/static/a.css")
        assert (response.status_code, response.headers["Content-Length"]) == (200, "7")
        assert response.data == b""
        response.close()

    def test_post_is_not_allowed(self, client: Any, folder: Path) -> None:
        assert client.post("/static/a.css").status_code == 405

    def test_of_a_blueprint(self, flask: Any, app: Any, client: Any, folder: Path) -> None:
        bp = flask.Blueprint("bp", "bp", root_path=str(folder), static_folder="static")
        app.register_blueprint(bp, url_prefix="/bp")
        response = client.get("/bp/static/inner/b.js")
        assert response.data == b"1"
        response.close()
        with app.test_request_context("/bp/"):
            assert flask.url_for("bp.static", filename="x") == "/bp/static/x"

    def test_made_after_the_app(self, app: Any, client: Any) -> None:
        assert client.get("/static/later.txt").status_code == 404
        Path(app.static_folder).mkdir()
        Path(app.static_folder, "later.txt").write_text("x")
        response = client.get("/static/later.txt")
        assert response.status_code == 200
        response.close()


def test_get_template_attribute(flask: Any, app: Any) -> None:
    templates = Path(app.root_path, "templates")
    templates.mkdir()
    (templates / "_m.html").write_text("{% macro hello(n) %}Hello {{ n }}!{% endmacro %}")
    with app.app_context():
        assert flask.get_template_attribute("_m.html", "hello")("World") == "Hello World!"


def test_get_debug_flag(flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"": False, "0": False, "False": False, "No": False, "True": True, "other": True}
    for value, expected in values.items():
        monkeypatch.setenv("FLASK_DEBUG", value)
        assert flask.helpers.get_debug_flag() is expected


def test_get_load_dotenv(flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"": True, "0": True, "False": True, "1": False, "true": False}
    for value, expected in values.items():
        monkeypatch.setenv("FLASK_SKIP_DOTENV", value)
        assert flask.helpers.get_load_dotenv() is expected
    monkeypatch.delenv("FLASK_SKIP_DOTENV")
    assert flask.helpers.get_load_dotenv(False) is False
