"""Without Babel, the extra that brings it is told."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.erlen_only


@pytest.mark.parametrize("module", ["erlen.i18n", "erlen.forms"])
def test_babel_is_missing(module: str) -> None:
    script = f"import sys; sys.modules['babel'] = None; import {module}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.endswith(
        "This part of erlen needs 'babel', which is not installed."
        " Install it with: pip install 'erlen[i18n]'\n"
    )
