"""The command as it is called: what it prints, and its exit code."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import get_args

import click.testing
import pytest

import erlen
from erlen.cli import ScriptInfo
from erlen.doctor import doctor_command, examine, installed, known
from erlen.doctor.findings import Code, Verdict

from .conftest import Install, Write

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the project nothing is installed, and the other process finds erlen."""
    monkeypatch.setattr(installed, "installed", lambda: [])
    monkeypatch.setenv("PYTHONPATH", str(Path(erlen.__file__ or "").parents[1]))
    monkeypatch.setattr(examine, "_has_start_line", lambda: True)


def doctor(*args: str, app: str | None = None) -> click.testing.Result:
    return click.testing.CliRunner().invoke(doctor_command, args, obj=ScriptInfo(app))


GOOD = "from flask import Flask\napp = Flask(__name__)\napp.secret_key = 'vR4p Qx9z mL2w Tk7'\n"

GOOD_TABLE = """\
{}: 1 file read; app:app, loaded

Verdict  What             Where
-------  ---------------  -----
set      ERLEN_AS_FLASK
         erlen run takes erlen for flask by itself. Other servers must be told.
         ERLEN_AS_FLASK=1 gunicorn "app:app", or ERLEN_AS_FLASK=1 granian
         --interface wsgi app:app.
runs     the application
         It has URL rules: 1.

Nothing found that will not run; 1 to set.
"""

PAGE = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text("utf-8")
# The page shows a project that cannot work, and what is told of it.
BAD, BAD_TABLE = re.findall(r"^```(?:python|text)\n(.*?)^```$", PAGE, re.M | re.S)


def test_a_project_that_runs(write: Write) -> None:
    folder = write({"app.py": GOOD})
    result = doctor()
    assert (result.exit_code, result.output) == (0, GOOD_TABLE.format(folder))


def test_a_project_that_cannot_work(write: Write) -> None:
    folder = write({"app.py": BAD})
    result = doctor()
    assert (result.exit_code, result.output) == (
        1,
        BAD_TABLE.replace("/home/ada/shop", str(folder)),
    )


def test_json(write: Write) -> None:
    folder = write({"app.py": BAD})
    result = doctor("--json", "--static")
    written = json.loads(result.output)
    assert (result.exit_code, written["exit_code"]) == (1, 1)
    assert (written["app"], written["root"], written["files"]) == (None, str(folder), 1)
    assert [(row["verdict"], row["code"], row["where"]) for row in written["findings"]] == [
        ("fails", "removed-attribute", ["app.py:9"]),
        ("fails", "removed-name", ["app.py:1"]),
        ("fails", "removed-name", ["app.py:2"]),
        ("fails", "removed-name", ["app.py:3"]),
        ("set", "ignored-setting", ["app.py:6"]),
        ("set", "start", []),
    ]


def test_each_code_and_verdict_is_documented() -> None:
    codes = PAGE.partition("| code | is about |\n")[2]
    assert set(re.findall(r"`([a-z-]+)`", codes)) == set(get_args(Code))
    assert [*re.findall(r"^\| `([a-z]+)` \|", PAGE, re.M)][: len(Verdict)] == list(Verdict)


def test_static_runs_nothing(write: Write) -> None:
    write({"app.py": "raise SystemExit(open('ran', 'w'))"})
    assert doctor("--static").exit_code == 0
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("args", "app"), [(("shop",), None), ((), "shop"), (("shop",), "other"), (("../project",), "x")]
)
def test_which_application(write: Write, args: tuple[str, ...], app: str | None) -> None:
    write({"shop.py": "app = 1", "other.py": "", "app.py": ""})
    read = json.loads(doctor("--static", "--json", *args, app=app).output)
    assert read["files"] == 3


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("nowhere",), "Could not import 'nowhere'."),
        (("--timeout", "0"), "Invalid value for '--timeout': 0.0 is not in the range x>0."),
        (("a", "b"), "Got unexpected extra argument (b)"),
    ],
)
def test_wrong_call(write: Write, args: tuple[str, ...], error: str) -> None:
    write({"app.py": GOOD})
    result = doctor(*args)
    assert result.exit_code == 2
    assert result.output.endswith(f"\nError: {error}\n")


def test_nothing_to_read(write: Write) -> None:
    folder = write({})
    result = doctor()
    assert result.exit_code == 2
    assert f"Error: There are no Python files in '{folder}'." in result.output


@pytest.mark.parametrize(
    ("target", "has_line", "fix"),
    [
        (
            "a:create_app()",
            True,
            'ERLEN_AS_FLASK=1 gunicorn "a:create_app()", or ERLEN_AS_FLASK=1 granian --interface'
            " wsgi --factory a:create_app.",
        ),
        ("a:make('x')", True, "ERLEN_AS_FLASK=1 gunicorn \"a:make('x')\"."),
        ("a:app", False, "gunicorn \"erlen.as_flask:load('a:app')\"."),
    ],
)
def test_how_to_start(
    monkeypatch: pytest.MonkeyPatch, target: str, has_line: bool, fix: str
) -> None:
    monkeypatch.setattr(examine, "_has_start_line", lambda: has_line)
    assert examine._start(target).fix == fix


def test_more_files_than_are_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from erlen.doctor import files

    write({"app.py": "", "b.py": ""})
    monkeypatch.setattr(files, "MOST_FILES", 1)
    monkeypatch.setattr(examine, "MOST_FILES", 1)
    found = json.loads(doctor("--static", "--json").output)["findings"]
    assert [(row["verdict"], row["code"], row["why"], row["fix"]) for row in found] == [
        (
            "check",
            "unread",
            "Only the first 1 Python files were read.",
            "Name the application, or start in its folder.",
        )
    ]


def test_an_installed_application_that_is_tested(
    write: Write, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({})
    install("shop", "1.0", {"shop.py": "import flask"})
    package = installed.Package("shop", "1.0", frozenset({"shop"}), frozenset({"flask"}))
    monkeypatch.setattr(installed, "installed", lambda: [package])
    monkeypatch.setattr(known, "TESTED", {"Shop": "1.0"})
    found = json.loads(doctor("shop", "--static", "--json").output)["findings"]
    assert [(row["code"], row["what"]) for row in found] == [
        ("start", "ERLEN_AS_FLASK"),
        ("tested-extension", "shop"),
    ]
    monkeypatch.setattr(known, "TESTED", {})
    found = json.loads(doctor("shop", "--static", "--json").output)["findings"]
    assert [row["code"] for row in found] == ["start"]


def test_the_guestbook(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write({})
    shutil.copytree(EXAMPLES / "guestbook" / "guestbook", folder / "guestbook")
    before = {str(path) for path in folder.rglob("*")}
    result = doctor("guestbook", "--json")
    found = json.loads(result.output)
    assert (result.exit_code, found["app"]) == (0, "guestbook:create_app()")
    assert [(row["verdict"], row["what"]) for row in found["findings"]] == [
        ("set", "SECRET_KEY"),
        ("slower", "after_request"),
        ("runs", "the application"),
    ]
    assert {str(path) for path in folder.rglob("*")} == before


def test_the_brief_s_examples() -> None:
    found = json.loads(doctor(str(EXAMPLES / "brief" / "hello.py"), "--json").output)
    assert (found["exit_code"], found["app"]) == (0, "hello:app")
    assert found["files"] == len(list((EXAMPLES / "brief").rglob("*.py"))) > 20
    assert [(row["verdict"], row["what"]) for row in found["findings"]] == [
        ("set", "SECRET_KEY"),
        ("runs", "the application"),
    ]
