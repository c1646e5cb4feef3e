"""The runner of the peers' tests: its lists, its comparison, and the proof of who was asked."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

FOLDER = Path(__file__).parents[1] / "conformance"


@pytest.fixture(scope="module")
def runner() -> Any:
    """The runner's modules."""
    names = ("catalogue", "environments", "execution", "report", "__main__")
    modules = {name: importlib.import_module(f"conformance.suites.{name}") for name in names}
    return SimpleNamespace(**modules)


def a_suite(runner: Any, **changes: Any) -> Any:
    return runner.catalogue.Suite(
        **{"name": "s", "project": "p", "version": "1", "passes": 1} | changes
    )


# The lists


def test_the_projects_lists(runner: Any) -> None:
    left_out = list(runner.catalogue.read_left_out((FOLDER / "deselected.txt").read_text()))
    assert {entry.suite for entry in left_out} <= set(runner.catalogue.SUITES)
    assert all(suite.passes > 0 for suite in runner.catalogue.SUITES.values())


def test_suites(runner: Any) -> None:
    text = '[a]\nproject = "p"\nversion = "1"\npasses = 3\ntests = ["x", "y"]\nquick = true\n'
    assert runner.catalogue.read_suites(text) == {
        "a": a_suite(runner, name="a", passes=3, tests=("x", "y"), quick=True)
    }


@pytest.mark.parametrize("wrong", ["pases = 1", "quick = 1", "tests = 'x'"])
def test_suites_refuse(runner: Any, wrong: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=wrong.partition(" ")[0]):
        runner.catalogue.read_suites(f'[a]\nproject = "p"\nversion = "1"\npasses = 3\n{wrong}\n')


def test_left_out(runner: Any) -> None:
    text = "# a comment\n\nflask  tests/a.py::b[c # d-e f]  # why\nwerkzeug x  # why not\n"
    assert [(e.suite, e.test, e.reason) for e in runner.catalogue.read_left_out(text)] == [
        ("flask", "tests/a.py::b[c # d-e f]", "why"),
        ("werkzeug", "x", "why not"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "flask tests/a.py::b",
        "flask tests/a.py::b  #  ",
        "other tests/a.py::b  # why",
        "flask  # why",
    ],
)
def test_left_out_refuses(runner: Any, line: str) -> None:
    with pytest.raises(SystemExit) as error:
        list(runner.catalogue.read_left_out(f"# first\n{line}\n"))
    assert str(error.value) == (f"deselected.txt:2: expected 'suite  test  # reason', got {line!r}")


def test_left_out_has_room_for_five_of_flask(runner: Any) -> None:
    lines = [f"flask tests/a.py::t{n}  # why\n" for n in range(6)]
    assert len(list(runner.catalogue.read_left_out("".join(lines[:5])))) == 5
    with pytest.raises(SystemExit) as error:
        list(runner.catalogue.read_left_out("".join(lines)))
    assert str(error.value) == (
        "deselected.txt: at most 5 of Flask's tests may be deselected, not 6: make erlen pass them"
    )


# The comparison


def a_result(runner: Any, flask: dict[str, str], erlen: dict[str, str], **changes: Any) -> Any:
    runs = (
        runner.execution.Run(framework, outcomes, 1.25)
        for framework, outcomes in (("flask", flask), ("erlen", erlen))
    )
    return runner.report.Result(a_suite(runner, **changes), *runs)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("passed", "passed"),
        ("failed", "failed"),
        ("skipped", "skipped"),
        ("failed", "passed"),
        ("failed", "skipped"),
        ("skipped", "passed"),
    ],
)
def test_no_worse_than_flask(runner: Any, was: str, now: str) -> None:
    result = a_result(runner, {"sane": "passed", "t": was}, {"sane": "passed", "t": now})
    assert list(result.problems()) == []
    assert str(result).endswith(": ok")


@pytest.mark.parametrize(("was", "now"), [("passed", "failed"), ("passed", "skipped")])
def test_worse_than_flask(runner: Any, was: str, now: str) -> None:
    result = a_result(runner, {"sane": "passed", "t": was}, {"sane": "passed", "t": now})
    assert list(result.problems()) == [f"t: {was} on flask, {now} on erlen"]
    assert str(result).endswith(": FAILED")


def test_equal_counts_of_other_tests(runner: Any) -> None:
    result = a_result(runner, {"a": "passed", "b": "failed"}, {"a": "failed", "b": "passed"})
    assert list(result.problems()) == ["a: passed on flask, failed on erlen"]


def test_a_test_that_is_only_on_one(runner: Any) -> None:
    result = a_result(runner, {"a": "passed", "b": "passed"}, {"a": "passed", "c": "failed"})
    assert list(result.problems()) == [
        "b: passed on flask, absent on erlen",
        "c: absent on flask, failed on erlen",
    ]


def test_a_baseline_that_proves_nothing(runner: Any) -> None:
    result = a_result(runner, {"a": "passed"}, {"a": "passed"}, passes=2)
    assert list(result.problems()) == ["on flask: 1 passed, of at least 2"]


def test_line(runner: Any) -> None:
    result = a_result(runner, {"a": "passed", "b": "skipped"}, {"a": "passed", "b": "skipped"})
    assert str(result) == (
        "s (p 1): flask 1 passed, 0 failed, 1 skipped, 1.2 s;"
        " erlen 1 passed, 0 failed, 1 skipped, 1.2 s: ok"
    )


def test_page(runner: Any) -> None:
    result = a_result(runner, {"a": "passed"}, {"a": "passed", "b": "failed"})
    left_out = [
        runner.catalogue.LeftOut("s", "t[x]", "It waits."),
        runner.catalogue.LeftOut("other", "u", "Not run now."),
    ]
    page = runner.report.page([result], left_out)
    assert "\n| s | 1 | 1 | 0 | 0 | 1.2 | 1 | 1 | 0 | 1.2 |\n" in page
    assert page.endswith("\n- s: `t[x]`: It waits.\n")


def test_command_line(runner: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.__main__.options(["flask", "-k", "x"]).suites == ["flask"]
    with pytest.raises(SystemExit):
        runner.__main__.options(["flusk"])
    assert "no suite flusk; there are flask, tutorial, " in capsys.readouterr().err


# The proof


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A source distribution with tests that tell the frameworks apart."""
    source = """
import subprocess, sys
import pytest
flask = pytest.importorskip("flask")

def test_passes():
    assert flask.Flask("a").test_client().get("/").status_code == 404

def test_is_flask():
    assert flask.Flask.__module__ == "flask.app"

def test_is_erlen_below_too():
    code = "import flask; print(flask.Flask.__module__)"
    below = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert below.stdout.strip() == b"erlen.app"

def test_skipped():
    pytest.skip("always")

@pytest.fixture
def broken():
    yield
    raise ValueError

def test_teardown(broken):
    pass
"""
    path = tmp_path / "p-1.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        for name, text in (("tests/test_it.py", source), ("tests/test_bad.py", "import nowhere_")):
            member = tarfile.TarInfo(f"p-1/{name}")
            member.size = len(text)
            file.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def home(runner: Any, tmp_path: Path) -> Path:
    """An environment that sees the packages of this one, and erlen's start-up file."""
    home = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    packages: Path = runner.environments.add_start_up(home)
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "_ours.pth").write_text("\n".join(ours) + "\n")
    return home


@pytest.mark.peer
def test_run_on_both(runner: Any, home: Path, archive: Path) -> None:
    ran = {
        framework: runner.execution.run(a_suite(runner), home, archive, framework, [], "")
        for framework in ("flask", "erlen")
    }
    same = {
        "tests/test_bad.py": "failed",
        "tests/test_it.py::test_passes": "passed",
        "tests/test_it.py::test_skipped": "skipped",
        "tests/test_it.py::test_teardown": "failed",
    }
    telling = ("tests/test_it.py::test_is_flask", "tests/test_it.py::test_is_erlen_below_too")
    for framework, told in (("flask", ("passed", "failed")), ("erlen", ("failed", "passed"))):
        assert ran[framework].problem is None, ran[framework].output
        assert ran[framework].outcomes == same | dict(zip(telling, told, strict=True))
    assert "2 errors" in ran["flask"].output


@pytest.mark.peer
def test_run_without_the_alias_is_found_out(runner: Any, home: Path, archive: Path) -> None:
    (runner.environments.add_start_up(home) / "erlen-as-flask.pth").unlink()
    ran = runner.execution.run(a_suite(runner), home, archive, "erlen", [], "")
    # The tests would have gone on: they skip themselves where flask cannot be imported.
    assert ran.problem == "the tests were to run on erlen, and ran on none"


@pytest.mark.peer
def test_deselected_by_a_name_that_is_not_there(runner: Any, home: Path, archive: Path) -> None:
    names = ["tests/test_it.py::test_skipped", "tests/test_it.py::test_gone"]
    ran = runner.execution.run(a_suite(runner), home, archive, "flask", names, "")
    assert ran.problem == "deselected, but no such test: tests/test_it.py::test_gone"
    assert names[0] not in ran.outcomes


def test_baseline_is_kept_until_something_changes(
    runner: Any, tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []

    def run(suite: Any, home: Path, archive: Path, framework: str, *rest: Any) -> Any:
        runs.append(suite.version)
        return runner.execution.Run(framework, {"a": "passed"}, 1.5)

    monkeypatch.setattr(runner.execution, "run", run)
    suites = [a_suite(runner), a_suite(runner), a_suite(runner, version="2")]
    found = [runner.execution.baseline(s, tmp_path, archive, [], "") for s in suites]
    assert runs == ["1", "2"]
    assert found == [runner.execution.Run("flask", {"a": "passed"}, 1.5)] * 3
    runner.execution.baseline(suites[0], tmp_path, archive, ["tests/a.py::b"], "")
    assert runs == ["1", "2", "1"]


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ("erlen", None),
        ("flask", "the tests were to run on erlen, and ran on flask"),
        ("both", "the tests were to run on erlen, and ran on both"),
    ],
)
def test_record(runner: Any, tmp_path: Path, told: str, problem: str | None) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"framework": told, "outcomes": {}, "deselected": []}))
    assert runner.execution.read(record, "erlen", []) == ({}, problem)


def test_record_missing(runner: Any, tmp_path: Path) -> None:
    told = runner.execution.read(tmp_path / "record.json", "erlen", [])
    assert told == ({}, "pytest ended before it told of its tests")


def test_a_process_that_asked_for_the_real_flask(runner: Any, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"framework": "erlen", "outcomes": {}, "deselected": []}))
    below = subprocess.run(
        [sys.executable, "-S", "-c", "import sitecustomize, flask"],
        env={
            "PYTHONPATH": str(FOLDER / "plugins"),
            "ERLEN_AS_FLASK": "1",
            "CONFORMANCE_RECORD": str(record),
            **({"SYSTEMROOT": os.environ["SYSTEMROOT"]} if os.name == "nt" else {}),
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "ImportError: this run is on erlen, and the real flask was about to be" in below.stderr
    _, problem = runner.execution.read(record, "erlen", [])
    assert re.match(r"a process asked for the real flask: \['-c'\]", problem)


def test_what_is_missing_is_told(runner: Any) -> None:
    with pytest.raises(runner.environments.Unavailable, match=r"(?s)import nowhere_\n.*nowhere_"):
        runner.environments.call(sys.executable, "-c", "import nowhere_")


def test_services(runner: Any) -> None:
    assert not runner.execution.is_there("no-such-program-anywhere")
    assert not runner.execution.is_there("127.0.0.1:1")
