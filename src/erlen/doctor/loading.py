"""Loading the application, in a process of its own.

An application may print, block, write byte code, end the process or change what others see. None
of that shall reach the report, nor keep it from being made.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .findings import Finding, Verdict


@dataclass(frozen=True)
class Loaded:
    """What came of loading an application.

    :param target: where it is, as a server takes it; None where it could not be loaded.
    :param findings: what it says, or why it could not be loaded.
    :param modules: the modules that were loaded with it; empty where it was not.
    """

    target: str | None
    findings: Sequence[Finding]
    modules: Sequence[str] = ()


def load(app: str | None, timeout: float) -> Loaded:
    """Load an application in a new process, under the alias, and ask it.

    What it prints goes to standard error.

    :param app: where it is, as ``--app`` takes it; None for ``wsgi.py`` or ``app.py``.
    :param timeout: how many seconds it may take.
    """
    # -P: the working directory is no place to find erlen's own imports in.
    command = [sys.executable, "-P", "-m", "erlen.doctor", *([app] if app else [])]
    environ = os.environ | {
        "ERLEN_AS_FLASK": "1",
        "FLASK_RUN_FROM_CLI": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # A file and no pipe: a process that the application leaves behind would keep a pipe open.
    with tempfile.TemporaryFile() as answer:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=answer,
            env=environ,
            start_new_session=True,
        )
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            return failed(
                f"It was not loaded within {timeout:g} seconds.",
                "Give it longer with --timeout, or leave it out with --static.",
            )
        finally:
            _end(process)
        answer.seek(0)
        return _understood(answer.read(), status)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that has not ended, and what it started."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


def failed(why: str, fix: str = "", where: tuple[str, ...] = ()) -> Loaded:
    """Say why an application could not be loaded."""
    return Loaded(None, [Finding(Verdict.FAILS, "not-loaded", "the application", why, fix, where)])


def _understood(answer: bytes, status: int) -> Loaded:
    try:
        found: dict[str, Any] = json.loads(answer)
    except ValueError:
        return failed(f"It ended the process while it was loaded, with status {status}.")
    findings = [
        Finding(**{**row, "verdict": Verdict(row["verdict"]), "where": tuple(row["where"])})
        for row in found["findings"]
    ]
    return Loaded(found["target"], findings, tuple(found["modules"]))
