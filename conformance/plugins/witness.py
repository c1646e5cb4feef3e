"""A pytest plugin that writes down what became of each test, and which flask it ran on."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

_outcomes: dict[str, str] = {}
_deselected: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what became of the test itself, or that something around it failed."""
    if report.failed:
        _outcomes[report.nodeid] = "failed"
    elif report.skipped or report.when == "call":
        _outcomes.setdefault(report.nodeid, report.outcome)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A module that cannot be imported is one failure."""
    if report.failed:
        _outcomes[report.nodeid] = "failed"


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    _deselected.extend(item.nodeid for item in items)


def framework() -> str:
    """The module that this process knows as flask: "flask", "erlen", "both" or "none"."""
    modules: dict[str, Any] = sys.modules
    erlen = modules.get("erlen")
    flask = modules.get("flask", erlen)
    if flask is None:
        return "none"
    if erlen is None:
        return "flask"
    return "erlen" if flask is erlen else "both"


def pytest_unconfigure() -> None:
    record = {"framework": framework(), "outcomes": _outcomes, "deselected": _deselected}
    Path(os.environ["CONFORMANCE_RECORD"]).write_text(json.dumps(record))
