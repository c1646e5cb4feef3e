from __future__ import annotations

import os

import pytest

HERE = os.path.dirname(__file__)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests ask the ASGI callable themselves: once is enough."""
    door = os.environ.get("ERLEN_TEST_DOOR", "erlen")
    other = pytest.mark.skip(reason="tests of ASGI itself run at the door erlen")
    for item in items:
        if str(item.path).startswith(HERE) and door != "erlen":
            item.add_marker(other)
