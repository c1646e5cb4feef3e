"""The brief's code samples, each run."""

from __future__ import annotations

import importlib.util
import logging
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from serving import EXAMPLES, environment

import erlen

BRIEF = EXAMPLES / "brief"
Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Import a sample as its own program would: its folder comes first on the path."""

    def load(name: str) -> ModuleType:
        file = BRIEF / name
        is_package = file.name == "__init__.py"
        folder, module_name = (
            (file.parents[1], file.parent.name) if is_package else (file.parent, file.stem)
        )
        monkeypatch.syspath_prepend(folder)
        spec = importlib.util.spec_from_file_location(module_name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        for loaded in set(sys.modules):
            if loaded.partition(".")[0] == module_name:
                monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, module_name, module)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def run_call(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Run a sample as the program, and give the options that it calls `app.run` with."""

    def run_call(name: str) -> dict[str, Any]:
        calls: list[dict[str, Any]] = []
        monkeypatch.setattr(erlen.Flask, "run", lambda self, **options: calls.append(options))
        monkeypatch.syspath_prepend((BRIEF / name).parent)
        runpy.run_path(str(BRIEF / name), run_name="__main__")
        [options] = calls
        return options

    return run_call


def test_the_readme_lists_every_sample() -> None:
    listed = set(re.findall(r"^\| `(\S+)` \|", (BRIEF / "README.md").read_text(), re.M))
    # Beside those, only what belongs to one of them.
    parts = {
        "import_function/other_file.py",
        "shared_package/shop/views.py",
        "heroku/app/__init__.py",
        "heroku/app/main.py",
    }
    there = {file.relative_to(BRIEF).as_posix() for file in BRIEF.rglob("*.py")}
    assert listed == there - parts


def test_each_sample_says_its_statement_and_what_was_corrected() -> None:
    for file in BRIEF.rglob("*.py"):
        text = file.read_text()
        assert not text or re.match(r"# S\d+(, S\d+)*\. [A-Z].+\.\n", text), file.name


def test_hello_host_port(load: Load, run_call: Callable[[str], dict[str, Any]]) -> None:
    client = load("hello_host_port.py").app.test_client()
    assert client.get("/").text == "Hello, World!"
    assert run_call("hello_host_port.py") == {"host": "0.0.0.0", "port": 8080}


def test_hello(load: Load) -> None:
    client = load("hello.py").app.test_client()
    answer = client.get("/")
    assert (answer.status_code, answer.text) == (200, "Hello, World!")
    assert answer.content_type == "text/html; charset=utf-8"
    assert client.head("/").data == b""


def test_url_for_link(load: Load) -> None:
    client = load("url_for_link.py").app.test_client()
    text = client.get("/").text
    assert '<a href="/blog/post/5">Five &lt; six</a>' in text
    assert client.get("/blog/post/5").text == "<h1>Five &lt; six</h1>"
    assert client.get("/blog/post/6").status_code == 404


def test_blog_post(load: Load) -> None:
    client = load("blog_post.py").app.test_client()
    assert client.get("/blog/post/x1").text == "x1"
    assert client.get("/blog/post/<b>").text == "&lt;b&gt;"
    assert client.get("/blog/post/a/b").status_code == 404


def test_log_request_info(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    app = load("log_request_info.py").app
    with caplog.at_level(logging.DEBUG, logger=app.logger.name):
        answer = app.test_client().post("/", data={"a": "1"})
    headers, body = (record.getMessage() for record in caplog.records)
    assert headers.startswith("Headers: ")
    assert "Host: localhost" in headers
    assert body == "Body: b'a=1'"
    assert answer.json == {"a": "1"}


def test_checkboxes(load: Load) -> None:
    client = load("checkboxes.py").app.test_client()
    assert client.get("/").text.count('name="my_checkbox"') == 3
    assert client.post("/", data={"my_checkbox": ["X", "Z"]}).json == ["X", "Z"]
    assert client.post("/", data={}).json == []


@pytest.mark.parametrize(
    ("user_id", "status", "found"),
    [(None, 302, "/"), (2, 302, "/"), (3, 302, "/"), (1, 200, "Welcome, Ada.")],
)
def test_admin_only(load: Load, user_id: int | None, status: int, found: str) -> None:
    client = load("admin_only.py").app.test_client()
    if user_id is not None:
        with client.session_transaction() as session:
            session["user_id"] = user_id
    answer = client.get("/admin")
    assert answer.status_code == status
    assert found == (answer.location or answer.text)
    assert client.get("/").text == "Everybody may read this."


def test_request_headers(load: Load, run_call: Callable[[str], dict[str, Any]]) -> None:
    client = load("request_headers.py").app.test_client()
    text = client.get("/", headers={"X-Evil": "<script>"}).text
    assert text.startswith("Request headers:\n")
    assert "Host: localhost\r\n" in text
    assert "X-Evil: &lt;script&gt;\r\n" in text
    assert run_call("request_headers.py") == {"host": "127.1.0.1", "port": 8080}


def test_static_url(load: Load) -> None:
    client = load("static_url.py").app.test_client()
    assert '<link rel="stylesheet" href="/static/static_file_name.css">' in client.get("/").text
    with client.get("/static/static_file_name.css") as answer:
        assert answer.content_type == "text/css; charset=utf-8"
        assert answer.text == "h1 { color: teal; }\n"
        etag = answer.headers["ETag"]
    again = {"If-None-Match": etag}
    with client.get("/static/static_file_name.css", headers=again) as answer:
        assert answer.status_code == 304


def test_query_string(load: Load) -> None:
    client = load("query_string.py").app.test_client()
    assert client.get("/query?a=1&a=2&n=x").json == {"a": ["1", "2"], "n": ["x"]}
    assert client.get("/query").json == {}


def test_pickling(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(BRIEF / "pickling.py"), run_name="__main__")
    assert capsys.readouterr().out == "bytes True True\n"


def test_upload(load: Load, tmp_path: Path) -> None:
    app = load("upload.py").app
    app.config["UPLOAD_FOLDER"] = tmp_path / "uploads"
    app.config["MAX_CONTENT_LENGTH"] = 2000
    client = app.test_client()
    assert 'enctype="multipart/form-data"' in client.get("/").text

    answer = client.post("/uploader", data={"file": (BytesIO(b"hello"), "../x.txt")})
    assert answer.text == "Kept as x.txt."
    assert [file.read_bytes() for file in (tmp_path / "uploads").iterdir()] == [b"hello"]
    assert list(tmp_path.iterdir()) == [tmp_path / "uploads"]

    nameless = client.post("/uploader", data={"file": (BytesIO(b"hello"), "..")})
    assert nameless.status_code == 400
    assert client.post("/uploader", data={"file": "x.txt"}).status_code == 400  # no enctype
    too_large = client.post("/uploader", data={"file": (BytesIO(bytes(2000)), "x.txt")})
    assert too_large.status_code == 413


def test_import_function(load: Load, run_call: Callable[[str], dict[str, Any]]) -> None:
    app = load("import_function/main.py").app
    assert app.test_client().get("/").text == "from the other file"
    assert app.test_client().get("/index").text == "from the other file"
    with app.test_request_context():
        assert erlen.url_for("index") == "/index"
    assert run_call("import_function/main.py") == {"debug": True}


def test_debug_run(load: Load, run_call: Callable[[str], dict[str, Any]]) -> None:
    answer = load("debug_run.py").app.test_client().get("/fail")
    assert answer.status_code == 500  # imported, as a production server does: nothing is shown
    assert "look at me" not in answer.text
    assert run_call("debug_run.py") == {"host": "127.0.0.1", "debug": True}


def test_shared_package(load: Load) -> None:
    shop = load("shared_package/shop/__init__.py")
    assert shop.app.test_client().get("/").text == "Welcome to the shop"
    assert shop.views.app is shop.app


@pytest.mark.parametrize(
    ("debug", "levels"), [(False, ["WARNING", "ERROR"]), (True, ["WARNING", "ERROR", "INFO"])]
)
def test_log_levels(debug: bool, levels: list[str]) -> None:
    script = "from log_levels import app; app.test_client().get('/')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=BRIEF,
        env=environment({"FLASK_DEBUG": str(int(debug))}),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    lines = [re.fullmatch(r"\[.+\] (\w+) in log_levels: .+", li) for li in done.stderr.splitlines()]
    assert [line and line.group(1) for line in lines] == levels


def test_jsonify_users(load: Load) -> None:
    answer = load("jsonify_users.py").app.test_client().get("/users")
    assert answer.mimetype == "application/json"
    assert answer.data == b'[{"id":1,"name":"Ada"},{"id":2,"name":"Bob"}]\n'


def test_schema_sql(load: Load, tmp_path: Path) -> None:
    module = load("schema_sql/notes.py")
    app = module.app
    app.config["DATABASE"] = tmp_path / "instance" / "notes.sqlite"
    assert app.test_cli_runner().invoke(args=["init-db"]).exit_code == 0
    assert app.test_client().get("/").json == ["made by schema.sql"]
    with app.app_context():
        connection = module.get_db()
    with pytest.raises(Exception, match="Cannot operate on a closed database"):
        connection.execute("SELECT 1")


@pytest.mark.parametrize(
    ("query", "status", "log"),
    [
        ("", 200, ["before", "view", "after 200", "teardown None"]),
        ("?stop", 403, ["before", "after 403", "teardown None"]),
        (
            "?fail",
            500,
            ["before", "view", "after 500", "teardown ZeroDivisionError('division by zero')"],
        ),
    ],
)
def test_hooks(load: Load, query: str, status: int, log: list[str]) -> None:
    module = load("hooks.py")
    answer = module.app.test_client().get(f"/{query}")
    assert answer.status_code == status
    assert answer.headers["X-Hook"] == "was here"
    assert module.log == log


def test_hooks_when_the_error_is_let_through(load: Load) -> None:
    module = load("hooks.py")
    module.app.testing = True
    with pytest.raises(ZeroDivisionError):
        module.app.test_client().get("/?fail")
    assert module.log == ["before", "view", "teardown ZeroDivisionError('division by zero')"]


def heroku_complaints(folder: Path) -> list[str]:
    """What Heroku's Python buildpack would refuse, or could not start."""
    has = {path.name for path in folder.iterdir()}
    found = []
    managers = has & {"requirements.txt", "Pipfile.lock", "poetry.lock", "uv.lock"}
    if len(managers) != 1:
        found.append(f"exactly one package manager's file is needed, not {len(managers)}")
    if "Pipfile" in has and "Pipfile.lock" not in has:
        found.append("a Pipfile without its lock")
    if "runtime.txt" in has:
        found.append("runtime.txt is deprecated")
    version = folder / ".python-version"
    if not version.exists() or not re.fullmatch(r"3\.1[1-4]\n?", version.read_text()):
        found.append(".python-version names no supported Python")
    if has & {".venv", "venv"}:
        found.append("a virtual environment is committed")
    procfile = folder / "Procfile"
    if not procfile.exists() or not re.search(r"^web: .*\$PORT\b", procfile.read_text(), re.M):
        found.append("no web process that listens on $PORT")
    return found


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        (None, "", None),
        ("uv.lock", "", "exactly one package manager's file is needed, not 2"),
        ("Pipfile", "", "a Pipfile without its lock"),
        ("runtime.txt", "python-3.13", "runtime.txt is deprecated"),
        (".python-version", "3.8", ".python-version names no supported Python"),
        ("venv", "", "a virtual environment is committed"),
        ("Procfile", "web: gunicorn --bind 0.0.0.0:8000 wsgi:app", "no web process that listens"),
    ],
)
def test_heroku_files(
    tmp_path: Path, file: str | None, content: str, complaint: str | None
) -> None:
    for source in (BRIEF / "heroku").iterdir():
        if source.is_file():
            (tmp_path / source.name).write_bytes(source.read_bytes())
    if file:
        (tmp_path / file).write_text(content)
    complaints = heroku_complaints(tmp_path)
    assert (complaint is None) == (complaints == [])
    assert complaint is None or complaints[0].startswith(complaint)


def test_heroku_wsgi(load: Load) -> None:
    assert load("heroku/wsgi.py").app.test_client().get("/").text == "Hello from a dyno!"
