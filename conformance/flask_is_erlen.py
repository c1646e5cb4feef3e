"""A pytest plugin that fails a run whose ``flask`` was not erlen."""

from __future__ import annotations

import sys

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    if sys.modules["flask"] is not sys.modules["erlen"]:
        raise pytest.UsageError("these tests ran on the real flask, not on erlen")
