"""What the tests of the command line share: a runner, programs, and an environment put back."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click.testing
import pytest

from .program import Program, clean_environ

HELLO = """
from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def index():
    return "Hello, World!"


@app.get("/fail")
def fail():
    number = 42
    return str(number / 0)


@app.post("/length")
def length():
    return str(len(request.get_data()))


@app.get("/environ")
def environ():
    return repr(request.environ.get(request.args["key"]))
"""


@pytest.fixture
def cli(flask: Any) -> Any:
    """The module flask.cli of the door."""
    __import__(f"{flask.__name__}.cli")
    return sys.modules[f"{flask.__name__}.cli"]


@pytest.fixture
def runner() -> click.testing.CliRunner:
    return click.testing.CliRunner()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Commands set variables, import modules and change the path of imports: all put back."""
    for name in list(os.environ):
        if name.startswith(("FLASK_", "ERLEN_", "WERKZEUG_")):
            monkeypatch.delenv(name)
    before, path, modules = dict(os.environ), sys.path[:], set(sys.modules)
    monkeypatch.chdir(tmp_path)
    yield
    os.environ.clear()
    os.environ.update(before)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def programs(flask: Any, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts Python with arguments in the empty folder of the test; ends it with the test."""
    if "erlen.as_flask" in sys.modules:
        pytest.skip("the same program as in the door erlen")
    started: list[Program] = []

    def start(*args: str, env: dict[str, str] | None = None) -> Program:
        program = Program(list(args), tmp_path, clean_environ(flask) | (env or {}))
        started.append(program)
        return program

    yield start
    for program in started:
        program.stop()


@pytest.fixture
def command(flask: Any, programs: Callable[..., Program], tmp_path: Path) -> Any:
    """Starts the command line beside ``hello.py``, an application written for Flask."""
    (tmp_path / "hello.py").write_text(HELLO)

    def start(*args: str, env: dict[str, str] | None = None) -> Program:
        return programs("-m", flask.__name__, *args, env=env)

    return start
