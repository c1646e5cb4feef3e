"""Which files are a project's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from erlen.cli import NoAppException
from erlen.doctor import files
from erlen.doctor.files import (
    Place,
    locate,
    python_files,
    read_file,
    read_project,
    shown,
    split_app,
)

from .conftest import Install, Write


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        ("hello", ("hello", None)),
        ("hello:app", ("hello", "app")),
        ("hello:create_app('a:b')", ("hello", "create_app('a:b')")),
        ("C:\\shop\\hello.py:app", ("C:\\shop\\hello.py", "app")),
    ],
)
def test_split(app: str, expected: tuple[str, str | None]) -> None:
    assert split_app(app) == expected


@pytest.mark.parametrize(
    ("app", "told", "below"),
    [
        (None, None, ""),
        ("hello", "hello", ""),
        ("hello.py:app", "hello.py:app", ""),
        ("shop", "shop", ""),
        ("shop.views:app", "shop.views:app", ""),
        ("src/inner.py", "src/inner.py", "src"),
        (".", "{}/hello_there/../app.py", ""),
        ("sub", "{}/sub/wsgi.py", "sub"),
        ("src", "{}/src/app.py", "src"),
    ],
)
def test_locate_below_the_working_directory(
    write: Write, app: str | None, told: str | None, below: str
) -> None:
    names = ["hello.py", "app.py", "shop/__init__.py", "shop/views.py", "src/inner.py"]
    folder = write(dict.fromkeys([*names, "sub/wsgi.py", "sub/app.py"], ""))
    if told is not None:
        told = told.format(folder).replace("hello_there/../", "")
    assert locate(app) == Place(told, folder / below)


def test_locate_elsewhere(write: Write, tmp_path: Path) -> None:
    write({"app.py": ""})
    other = tmp_path / "other" / "shop"
    other.mkdir(parents=True)
    (other / "__init__.py").touch()
    (other / "views.py").touch()
    assert locate(f"{other}/views.py:app").root == tmp_path / "other"
    assert locate(str(other)).root == tmp_path / "other"


def test_locate_installed(write: Write, install: Install) -> None:
    write({"app.py": ""})
    site = install("shop", "1.0", {"shop/__init__.py": "", "single.py": ""})
    assert locate("shop.views:app") == Place("shop.views:app", site / "shop", "shop")
    assert locate("single") == Place("single", site / "single.py")


@pytest.mark.parametrize(
    "app", ["nowhere", "no where", "nowhere:app", "no/such.py", "/no/such", "no*"]
)
def test_locate_nothing(write: Write, app: str) -> None:
    write({"app.py": ""})
    with pytest.raises(NoAppException) as error:
        locate(app)
    assert error.value.message == f"Could not import {app.partition(':')[0]!r}."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_files_of_a_project(write: Write) -> None:
    kept = ["a.py", "b/c.py", "tests/test_a.py"]
    environment = ["mine/x.py", "venv/x.py", "b/node_modules/x.py"]
    other = [".hidden/x.py", "__pycache__/x.py", "build/x.py", "readme.md", "mine/pyvenv.cfg"]
    folder = write(dict.fromkeys([*kept, *environment, *other], ""))
    # To open it would wait for ever.
    os.mkfifo(folder / "pipe.py")
    (folder / "dead.py").symlink_to(folder / "gone.py")
    (folder / "b" / "loop").symlink_to(folder)
    assert [str(path.relative_to(folder)) for path in python_files(folder)] == kept


def test_more_files_than_are_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write({"a.py": "", "b.py": "", "c.py": ""})
    monkeypatch.setattr(files, "MOST_FILES", 2)
    readings, more = read_project(Place(None, folder))
    assert ([reading.path for reading in readings], more) == (["a.py", "b.py"], True)
    monkeypatch.setattr(files, "MOST_FILES", 3)
    assert read_project(Place(None, folder))[1] is False


def test_names_of_modules(write: Write, install: Install) -> None:
    folder = write({"a.py": "", "shop/__init__.py": "", "shop/views.py": ""})
    readings, _ = read_project(Place(None, folder))
    assert [reading.module for reading in readings] == ["a", "shop", "shop.views"]
    site = install("other", "1.0", {"other/__init__.py": "", "other/sub/x.py": ""})
    readings, _ = read_project(Place("other", site / "other", "other"))
    assert [reading.module for reading in readings] == ["other", "other.sub.x"]
    assert [reading.path for reading in readings] == ["other/__init__.py", "other/sub/x.py"]


def test_files_that_cannot_be_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write({"a.py": "x = 1\n"})
    monkeypatch.setattr(files, "LARGEST_FILE", 5)
    assert read_file(folder / "a.py", folder).error == "it is larger than 5 bytes"
    assert read_file(folder / "gone.py", folder).error == "No such file or directory"


def test_path_outside(write: Write) -> None:
    write({})
    assert shown(Path("/nowhere/a.py")) == "/nowhere/a.py"
