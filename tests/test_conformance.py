"""The runner of the peers' tests: its list of what is left out, and how it reads pytest's word."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "conformance"


@pytest.fixture(scope="module")
def run() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("conformance_run", FOLDER / "run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look it up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_list_of_the_project(run: Any) -> None:
    listed = list(run.deselected((FOLDER / "deselected.txt").read_text()))
    assert len(listed) <= run.MOST_OF_FLASK


def test_list(run: Any) -> None:
    text = "# a comment\n\nflask  tests/a.py::b[c-d]  # why\nwerkzeug x  # why not\n"
    assert list(run.deselected(text)) == [("flask", "tests/a.py::b[c-d]"), ("werkzeug", "x")]


@pytest.mark.parametrize(
    "line",
    ["flask tests/a.py::b", "flask tests/a.py::b #  ", "other tests/a.py::b # why", "flask # why"],
)
def test_list_refuses(run: Any, line: str) -> None:
    with pytest.raises(SystemExit) as error:
        list(run.deselected(f"# first\n{line}\n"))
    assert str(error.value) == (f"deselected.txt:2: expected 'suite  test  # reason', got {line!r}")


def test_list_has_room_for_five(run: Any) -> None:
    lines = [f"flask tests/a.py::t{n}  # why\n" for n in range(6)]
    assert len(list(run.deselected("".join(lines[:5])))) == 5
    with pytest.raises(SystemExit) as error:
        list(run.deselected("".join(lines)))
    assert str(error.value) == (
        "deselected.txt: at most 5 of Flask's tests may be deselected, not 6: make erlen pass them"
    )


@pytest.mark.parametrize(
    ("last", "counts"),
    [
        ("488 passed, 1 deselected in 5.8s", (488, 0, 0, 0, 1)),
        ("1 failed, 2 passed, 3 skipped, 4 errors in 61.00s (0:01:01)", (2, 1, 4, 3, 0)),
        ("1 error in 0.1s", (0, 0, 1, 0, 0)),
        ("no tests ran in 0.01s", (0, 0, 0, 0, 0)),
    ],
)
def test_summary(run: Any, last: str, counts: tuple[int, ...]) -> None:
    words = ("passed", "failed", "error", "skipped", "deselected")
    assert run.summary(f"5 failed tests are told of above\n{last}\n") == dict(
        zip(words, counts, strict=True)
    )


def test_line(run: Any) -> None:
    suite = run.SUITES[0]
    counts = run.summary("2 passed, 1 deselected in 1s")
    line = "flask (flask 3.1.3): 2 passed, 0 failed, 0 error, 0 skipped, 1 deselected, 1.2 s: "
    assert str(run.Outcome(suite, counts, 1.23, "", None)) == line + "ok"
    assert str(run.Outcome(suite, counts, 1.23, "", "why")) == line + "FAILED: why"
