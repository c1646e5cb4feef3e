from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .program import TIMEOUT, clean_environ

pytestmark = pytest.mark.erlen_only

ALIASED = """
import os, subprocess, sys
import click, flask

app = flask.Flask(__name__)


@app.cli.command()
def who():
    child = [sys.executable, "-c", "import os; print(os.environ['ERLEN_AS_FLASK'])"]
    below = subprocess.run(child, capture_output=True, text=True, check=True).stdout.strip()
    click.echo(f"{flask.__spec__.name} {os.environ['ERLEN_AS_FLASK']} {below}")
"""


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args],
        cwd=folder,
        env=clean_environ(importlib.import_module("erlen")),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


def test_flask_is_erlen_for_the_application_and_what_it_starts(tmp_path: Path) -> None:
    (tmp_path / "aliased.py").write_text(ALIASED)
    done = run(tmp_path, "-m", "erlen", "--app", "aliased", "who")
    assert done.stdout == "erlen 1 1\n", done.stderr


def test_an_application_s_own_translate(tmp_path: Path) -> None:
    """As in Flask's best known tutorial."""
    (tmp_path / "aliased.py").write_text(ALIASED.replace("def who", "def translate"))
    done = run(tmp_path, "-m", "erlen", "--app", "aliased", "translate")
    assert done.stdout == "erlen 1 1\n", done.stderr


def test_the_program_is_named_as_it_was_called(tmp_path: Path) -> None:
    (tmp_path / "aliased.py").write_text(ALIASED)
    done = run(tmp_path, "-m", "erlen", "--app", "aliased", "--help")
    assert done.stdout.startswith("Usage: python -m erlen [OPTIONS] COMMAND [ARGS]...\n")
    assert "  who" in done.stdout
    call = "import sys; sys.argv[:] = ['/bin/erlen', 'routes', '--help']; from erlen.__main__"
    done = run(tmp_path, "-c", f"{call} import main; main()")
    assert done.stdout.startswith("Usage: erlen routes [OPTIONS]\n"), done.stderr


def test_the_entry_of_flask_s_program(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/flask", "--version"])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    assert leaving.value.code == 0
