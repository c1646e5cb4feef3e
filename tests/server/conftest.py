"""What the tests of ``erlen serve`` share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .driver import APP, STEERING


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands set variables, import modules and change the path of imports: all put back."""
    for name in list(os.environ):
        if name.startswith(STEERING):
            monkeypatch.delenv(name)
    before, path, modules = dict(os.environ), sys.path[:], set(sys.modules)
    yield
    os.environ.clear()
    os.environ.update(before)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name in ("wsgi", "app"):
            del sys.modules[name]


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an application written for Flask in ``wsgi.py``."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "wsgi.py").write_text(APP)
    return folder
