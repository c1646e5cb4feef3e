"""Applications are loaded in another process, whatever they do there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from erlen.doctor.loading import load

from .conftest import Write

TIMEOUT = 60.0


@pytest.fixture(autouse=True)
def erlen_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import erlen

    monkeypatch.setenv("PYTHONPATH", str(Path(erlen.__file__ or "").parents[1]))


def failure(app: str | None = None, timeout: float = TIMEOUT) -> tuple[str, tuple[str, ...]]:
    loaded = load(app, timeout)
    assert (loaded.target, loaded.modules) == (None, ())
    [finding] = loaded.findings
    assert (finding.verdict, finding.code) == ("fails", "not-loaded")
    return finding.why, finding.where


def test_an_application_that_prints_and_leaves_a_thread(write: Write) -> None:
    source = """
import os, sys, threading
from flask import Flask

print("{not json")
os.write(1, b"nor this")
assert sys.argv[1:] == [] and sys.stdin.read() == ""
app = Flask(__name__)
threading.Thread(target=threading.Event().wait).start()
app.run()
"""
    folder = write({"app.py": source})
    loaded = load(None, TIMEOUT)
    assert loaded.target == "app:app"
    assert {"app", "erlen.app", "flask"} <= set(loaded.modules)
    assert "the application" in [finding.what for finding in loaded.findings]
    assert [path.name for path in folder.iterdir()] == ["app.py"]


@pytest.mark.parametrize(
    ("app", "target"),
    [
        ("shop", "shop:create_app()"),
        ("shop:create_app", "shop:create_app()"),
        ("shop:create_app('x')", "shop:create_app('x')"),
        ("shop/views.py", "shop.views:named"),
    ],
)
def test_target(write: Write, app: str, target: str) -> None:
    factory = "from flask import Flask\ndef create_app(name='shop'): return Flask(name)\n"
    views = "from flask import Flask\nnamed = Flask('named')\n"
    write({"shop/__init__.py": factory, "shop/views.py": views})
    assert load(app, TIMEOUT).target == target


@pytest.mark.parametrize(
    ("source", "why", "where"),
    [
        (
            "\nfrom flask import Markup",
            "ImportError: cannot import name 'Markup' from 'erlen' (",
            ("app.py:2",),
        ),
        (
            "def f():\n raise ValueError('no')\nf()",
            "ValueError: no",
            ("app.py:2",),
        ),
        ("x = (\n", "SyntaxError: '(' was never closed", ("app.py:1",)),
        ("raise SystemExit('bye')", "SystemExit: bye", ("app.py:1",)),
        (
            "x = 1",
            "Failed to find Flask application or factory in module 'app'. Use 'app:name' to"
            " specify one.",
            (),
        ),
        ("import os; os._exit(3)", "It ended the process while it was loaded, with status 3.", ()),
        (
            "class Flask: pass\napp = Flask()",
            "It is made of app.Flask, a Flask that is not erlen.",
            (),
        ),
    ],
)
def test_why_not(write: Write, source: str, why: str, where: tuple[str, ...]) -> None:
    write({"app.py": source})
    told, places = failure()
    assert told.startswith(why) and "Traceback" not in told
    assert places == where


def test_no_application(write: Write) -> None:
    write({"other.py": ""})
    assert failure()[0].startswith("Could not locate a Flask application.")


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX")
def test_an_application_that_never_ends_loading(write: Write) -> None:
    source = """
import pathlib, subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
pathlib.Path("pid").write_text(str(child.pid))
threading.Event().wait()
"""
    folder = write({"app.py": source})
    assert failure(timeout=1.5)[0] == "It was not loaded within 1.5 seconds."
    # What it had started ended with it.
    if (folder / "pid").exists():
        shown = subprocess.run(
            ["ps", "-o", "stat=", "-p", (folder / "pid").read_text()], capture_output=True
        )
        assert shown.stdout.strip()[:1] in (b"", b"Z")


def test_the_real_flask_was_there_before(write: Write, tmp_path: Path) -> None:
    write({"app.py": ""})
    site = tmp_path / "early"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import sys, types\nsys.modules['flask'] = types")
    os.environ["PYTHONPATH"] += os.pathsep + str(site)
    assert failure()[0].startswith(
        "RuntimeError: 'flask' cannot be made another name for 'erlen': the real flask is imported"
    )


def test_starting_the_program_does_not_load_the_doctor() -> None:
    script = "import sys, erlen.__main__; print(sorted(m for m in sys.modules if 'doctor' in m))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "['erlen.doctor', 'erlen.doctor.command']\n", done.stderr
