"""A pytest plugin that fails a run whose ``flask`` was not erlen."""

from __future__ import annotations

import sys
import warnings

import pytest

_filterwarnings = warnings.filterwarnings
# Where a warning arises is told by the file that runs, which no alias renames: what the tests
# silence there, they mean to silence here.
_FILES = {"flask.app": "erlen.urls"}


def filterwarnings(
    action: warnings._ActionKind,
    message: str = "",
    category: type[Warning] = Warning,
    module: str = "",
    lineno: int = 0,
    append: bool = False,
) -> None:
    """The standard library's, with Flask's file names taken for erlen's."""
    _filterwarnings(action, message, category, _FILES.get(module, module), lineno, append)


def pytest_configure() -> None:
    warnings.filterwarnings = filterwarnings


def pytest_sessionfinish(session: pytest.Session) -> None:
    if sys.modules["flask"] is not sys.modules["erlen"]:
        raise pytest.UsageError("these tests ran on the real flask, not on erlen")
