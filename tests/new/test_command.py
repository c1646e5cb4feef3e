"""``erlen new``: the project it makes runs, and is safe."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.erlen_only

SRC = Path(__file__).parents[2] / "src"


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    # A project stands in a folder of its own: nothing of this one's settings reaches it.
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ERLEN_", "FLASK_", "PYTEST_"))
    }
    return subprocess.run(
        [sys.executable, *args],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_its_own_tests_pass_and_its_routes_are_there(tmp_path: Path) -> None:
    made = run(tmp_path, "-m", "erlen", "new", "my-site")
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "my-site"
    assert made.stdout == (
        f"Made {folder}. Now:\n\n  cd {folder}\n  erlen --app my_site run --debug\n"
        "  python -m pytest\n"
    )
    assert not any("website" in file.read_text() for file in folder.rglob("*") if file.is_file())
    assert "instance/" in (folder / ".gitignore").read_text().splitlines()
    tests = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "5 passed" in tests.stdout, tests.stdout + tests.stderr
    routes = run(folder, "-m", "erlen", "--app", "my_site", "routes")
    assert "pages.index" in routes.stdout, routes.stderr


def test_each_project_has_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run(tmp_path, "-m", "erlen", "new", name).returncode == 0
    keys = [tmp_path / name / "instance" / "config.py" for name in ("one", "two")]
    assert keys[0].read_text() != keys[1].read_text()
    assert len(keys[0].read_text()) > 64
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_what_is_missing_is_to_be_installed_first(tmp_path: Path) -> None:
    folder = tmp_path / "a b" / "site1"
    # As without the extra: nothing of that name can be found.
    script = "import sys; sys.modules['wtforms'] = None; from erlen.__main__ import main; main()"
    made = run(tmp_path, "-c", script, "new", str(folder))
    assert made.stdout == (
        f"Made {folder}. Now:\n\n  cd '{folder}'\n"
        '  pip install "erlen[forms]" pytest\n'
        "  erlen --app site1 run --debug\n  python -m pytest\n"
    ), made.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("2nd", "'2nd' cannot be a package's name. Take letters, digits and underscores, and"),
        ("class", "'class' cannot be a package's name."),
        ("json", "A package 'json' would hide another one of this name. Choose another name."),
        ("erlen", "A package 'erlen' would hide another one of this name. Choose another name."),
        ("instance", "A package 'instance' would hide another one of this name."),
        ("wtforms", "A package 'wtforms' would hide another one of this name."),
        ("file/site1", "file/site1 cannot be written: [Errno 20] Not a directory"),
        ("full", "is not empty. Choose a folder that is not there yet."),
    ],
)
def test_what_cannot_be_made(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("kept")
    (tmp_path / "file").touch()
    refused = run(tmp_path, "-m", "erlen", "new", name)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert said in refused.stderr
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.*")] == ["full/mine.txt"]
