"""The runner of the quickstarts: what it compares, and what it does not take for an answer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.quickstarts import __main__ as runner
from conformance.suites.environments import Unavailable

ON = "import os\nframework = 'erlen' if os.environ.get('ERLEN_AS_FLASK') else 'flask'\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The quickstarts of a test, run by this Python."""
    (tmp_path / "scripts").mkdir()
    monkeypatch.setattr(runner, "HERE", tmp_path)
    monkeypatch.setattr(runner, "interpreter", lambda home: sys.executable)
    monkeypatch.setattr(runner, "environment", lambda: tmp_path)
    return tmp_path


def broken(folder: Path, source: str) -> str:
    (folder / "scripts" / "it.py").write_text(ON + source)
    with pytest.raises(runner.Broken) as caught:
        runner.compare(folder, "it")
    return str(caught.value)


def test_alike(folder: Path) -> None:
    (folder / "lib").mkdir()
    (folder / "lib" / "helping.py").write_text("def show(): print('one\\ntwo')")
    # Its own name is no module's: `-P` keeps its folder off the path.
    (folder / "scripts" / "json.py").write_text(
        "import json, helping\njson.dumps(1)\nhelping.show()"
    )
    assert runner.compare(folder, "json") == "2 lines alike"


def test_a_set_is_printed_in_one_order(folder: Path) -> None:
    (folder / "scripts" / "it.py").write_text("print({chr(n) for n in range(97, 123)})")
    assert runner.compare(folder, "it") == "1 lines alike"


def test_each_runs_on_its_own(folder: Path) -> None:
    assert broken(folder, "print('same'); print('on', framework)") == (
        "differs:\n--- on flask\n+++ on erlen\n@@ -1,2 +1,2 @@\n same\n-on flask\n+on erlen"
    )


@pytest.mark.parametrize("framework", ["flask", "erlen"])
def test_fails_on_one(folder: Path, framework: str) -> None:
    words = broken(folder, f"print(1)\nif framework == {framework!r}: raise ValueError('no')")
    assert words.startswith(f"failed on {framework}, exit code 1:\n")
    assert "ValueError: no" in words


def test_silence_is_no_answer(folder: Path) -> None:
    assert broken(folder, "").startswith("failed on flask, exit code 0")


def test_takes_too_long(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "TIMEOUT", 0.01)
    assert broken(folder, "print(1)") == "not done on flask after 0.01 s"


def test_real_flask_on_erlen(folder: Path) -> None:
    source = (
        "print(1)\nif framework == 'erlen': open(os.environ['CONFORMANCE_RECORD'] + '.real', 'w')"
    )
    assert broken(folder, source) == "a process on erlen asked for the real flask"


def test_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "scripts" / "good.py").write_text("print(1)")
    (folder / "scripts" / "bad.py").write_text(ON + "print(framework)")
    monkeypatch.setattr(sys, "argv", ["quickstarts"])
    assert runner.main() == 1
    out = capsys.readouterr().out.splitlines()
    assert (out[0], out[-2]) == ("bad: differs:", "good: 1 lines alike")
    assert out[-1] == "1 of 2 quickstarts answer alike"
    monkeypatch.setattr(sys, "argv", ["quickstarts", "good"])
    assert runner.main() == 0
    assert "1 of 1" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["quickstarts", "none"])
    with pytest.raises(SystemExit):
        runner.main()
    assert "no such quickstart: none" in capsys.readouterr().err


def test_environment_that_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def environment() -> Path:
        raise Unavailable("pip said no")

    monkeypatch.setattr(runner, "environment", environment)
    monkeypatch.setattr(sys, "argv", ["quickstarts"])
    assert runner.main() == 1
    assert "pip said no" in capsys.readouterr().out
