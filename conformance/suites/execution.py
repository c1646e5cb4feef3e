"""One run of a suite: on the real Flask, or on erlen under its name."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec

from .catalogue import Suite
from .environments import EVERYWHERE, ROOT, digest, interpreter

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"
TIMEOUT = 3600  # seconds for one run
NO_TESTS = 5  # pytest's exit code for it


@dataclass(frozen=True)
class Run:
    """What became of each test of a suite on one framework."""

    framework: str
    outcomes: dict[str, str]
    seconds: float
    output: str = ""
    problem: str | None = None  # why the outcomes are no answer

    def __str__(self) -> str:
        counts = Counter(self.outcomes.values())
        told = ", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "skipped"))
        return f"{self.framework} {told}, {self.seconds:.1f} s"


def run(
    suite: Suite, home: Path, archive: Path, framework: str, left_out: list[str], keyword: str
) -> Run:
    """Run a suite in a freshly unpacked copy of its distribution.

    :param home: the folder of its environment.
    :param framework: "flask" or "erlen".
    :param left_out: the tests that are deselected.
    :param keyword: pytest's ``-k``.
    """
    command = [str(interpreter(home)), "-m", "pytest", "-q", "--tb=short", "-p", "witness"]
    command += ["--rootdir=.", "--continue-on-collection-errors"]
    for plugin in suite.plugins:
        command += ["-p", plugin]
    command += [*suite.tests, *(f"--deselect={test}" for test in left_out)]
    command += ["-k", keyword] if keyword else []
    # Outside the project, or its settings for pytest would be theirs.
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "record.json")
        started = time.perf_counter()
        try:
            done = subprocess.run(
                command,
                cwd=unpacked(archive, Path(folder, "sdist")) / suite.folder,
                env=variables(home, framework, record),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired as error:
            output = (error.output or b"").decode(errors="replace")
            return Run(framework, {}, TIMEOUT, output, f"not done after {TIMEOUT} s")
        seconds = time.perf_counter() - started
        outcomes, problem = read(record, framework, left_out if not keyword else [])
    if problem is None and done.returncode > 1 and not (keyword and done.returncode == NO_TESTS):
        problem = f"pytest ended with code {done.returncode}"
    return Run(framework, outcomes, seconds, done.stdout, problem)


def unpacked(archive: Path, folder: Path) -> Path:
    """Unpack a source distribution; return the one folder in it."""
    with tarfile.open(archive) as file:
        # Python before 3.11.4 has no filters, Python 3.12 warns where none is named.
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        file.extractall(folder, **safe)  # type: ignore[arg-type]
    (top,) = folder.iterdir()
    return top


def variables(home: Path, framework: str, record: Path) -> dict[str, str]:
    """The environment variables of a run, subprocesses of the tests included."""
    ours = ("FLASK_", "ERLEN_", "PYTEST_", "PYTHON", "VIRTUAL_ENV", "COLUMNS")
    env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    env["PATH"] = os.pathsep.join((str(interpreter(home).parent), env.get("PATH", "")))
    env["PYTHONPATH"] = os.pathsep.join((str(ROOT / "src"), str(PLUGINS)))
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    env["CONFORMANCE_RECORD"] = str(record)
    env["CONFORMANCE_FRAMEWORK"] = framework
    if framework == "erlen":
        env["ERLEN_AS_FLASK"] = "1"
    return env


def read(record: Path, framework: str, left_out: list[str]) -> tuple[dict[str, str], str | None]:
    """Read what the witness wrote.

    :return: the outcome of each test, and what makes them worthless, if anything does.
    """
    if not record.exists():
        return {}, "pytest ended before it told of its tests"
    told = json.loads(record.read_text())
    real = record.with_name(record.name + ".real")
    problem = None
    if told["framework"] != framework:
        problem = f"the tests were to run on {framework}, and ran on {told['framework']}"
    elif real.exists():
        problem = f"a process asked for the real flask: {real.read_text()}"
    elif unknown := set(left_out).difference(told["deselected"]):
        problem = f"deselected, but no such test: {', '.join(sorted(unknown))}"
    return told["outcomes"], problem


def baseline(suite: Suite, home: Path, archive: Path, left_out: list[str], keyword: str) -> Run:
    """What passes on the real Flask: run once, and again when anything changed that could matter.

    The environment holds the versions of all that is installed, so the answer is kept in it.
    """
    sources = [path.read_text() for path in sorted(PLUGINS.glob("*.py"))]
    here = Path(__file__).read_text()
    up = [service for service in suite.services if is_there(service)]
    parts = (msgspec.to_builtins(suite), EVERYWHERE, left_out, keyword, sources, here, up)
    kept = home / f"{suite.name}-{digest(*parts)}.json"
    if kept.exists():
        return Run(**json.loads(kept.read_text()))
    found = run(suite, home, archive, "flask", left_out, keyword)
    if found.problem is None and not keyword:
        kept.write_text(json.dumps(dataclasses.asdict(found)))
    return found


def is_there(service: str) -> bool:
    """Whether something listens at ``host:port``, or a program is installed."""
    host, colon, port = service.partition(":")
    if not colon:
        return shutil.which(service) is not None
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
