"""The public promise to type checkers: `typing/` holds what they must accept and refuse."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src"
PROMISES = sorted((HERE / "typing").glob("*.py"))

pytestmark = pytest.mark.erlen_only  # the promises import erlen by its name


def check(command: list[str], *, cwd: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def strict(tmp_path: Path) -> Any:
    """Run mypy --strict on files, following imports into the package in silence."""
    pytest.importorskip("mypy", reason="mypy comes with `make check`")

    def run(*files: Path) -> tuple[int, str]:
        (tmp_path / "mypy.ini").write_text(
            f"[mypy]\nstrict = true\nmypy_path = {SOURCE}\ncache_dir = {tmp_path / 'cache'}\n"
            "[mypy-erlen.*]\nfollow_imports = silent\n"
        )
        return check(["mypy", *map(str, files)], cwd=tmp_path)

    return run


def test_promises_hold(strict: Any) -> None:
    code, output = strict(*PROMISES)
    assert code == 0, output
    assert f"no issues found in {len(PROMISES)} source files" in output


def test_wrong_code_is_found(strict: Any, tmp_path: Path) -> None:
    """Else the promises would hold because everything is Any."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from erlen import Flask, request, url_for\n"
        "app = Flask(1)\n"
        "length: int = request.path\n"
        "url_for()\n"
        "app.no_such_method()\n"
        "app.add_url_rule('/', view_func=5)\n"
    )
    code, output = strict(wrong)
    assert code == 1
    lines = [int(line.split(":")[1]) for line in output.splitlines() if ": error:" in line]
    assert lines == [2, 3, 4, 5, 6], output


def test_package_is_marked_as_typed(flask: Any) -> None:
    assert (Path(flask.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda path: path.stem)
def test_promises_run(promise: Path) -> None:
    """What the type checker believes can also be imported."""
    assert "app" in runpy.run_path(str(promise), run_name=promise.stem)
