"""Run the tests that others wrote for Flask and Werkzeug against erlen.

The tests come from the source distributions on the package index. They are kept, with an
environment to run them in, in ``.cache/conformance``, which is never committed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = ROOT / ".cache" / "conformance"
DESELECTED = HERE / "deselected.txt"
MOST_OF_FLASK = 5
TIMEOUT = 900  # seconds for one suite
COUNTS = ("passed", "failed", "error", "skipped", "deselected")
ALIAS = ("-p", "erlen.as_flask", "-p", "flask_is_erlen")


@dataclass(frozen=True)
class Suite:
    """One set of tests in a source distribution."""

    name: str
    project: str
    version: str
    folder: str  # below the unpacked distribution
    tests: tuple[str, ...]
    plugins: tuple[str, ...]  # what puts erlen in the tests' way; left out for the baseline

    @property
    def archive(self) -> Path:
        return CACHE / "sdist" / f"{self.project}-{self.version}.tar.gz"


SUITES = (
    Suite("flask", "flask", "3.1.3", ".", ("tests",), ALIAS),
    Suite("tutorial", "flask", "3.1.3", "examples/tutorial", ("tests",), ALIAS),
    Suite(
        "werkzeug",
        "werkzeug",
        "3.1.9",
        ".",
        # Their conftest serves tests of the development server only, and needs a package for it.
        ("--noconftest", "tests/test_wrappers.py", "tests/test_routing.py")
        + ("tests/test_test.py", "tests/test_formparser.py", "tests/test_exceptions.py"),
        ("-p", "werkzeug_plugin"),
    ),
)


@dataclass(frozen=True)
class Outcome:
    """What became of one suite."""

    suite: Suite
    counts: dict[str, int]
    seconds: float
    output: str
    problem: str | None

    def __str__(self) -> str:
        told = ", ".join(f"{self.counts[word]} {word}" for word in COUNTS)
        line = f"{self.suite.name} ({self.suite.project} {self.suite.version}): {told}"
        verdict = f"FAILED: {self.problem}" if self.problem else "ok"
        return f"{line}, {self.seconds:.1f} s: {verdict}"


def deselected(text: str) -> Iterator[tuple[str, str]]:
    """Read the pairs of suite and test that are not to be run.

    :param text: the lines of the file: a suite, a test, "#" and the reason.
    :raises SystemExit: a line has no reason or no known suite, or Flask has too many.
    """
    of_flask = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, hash_sign, reason = line.partition("#")
        words = name.split()
        if len(words) != 2 or words[0] not in {s.name for s in SUITES} or not reason.strip():
            raise SystemExit(
                f"{DESELECTED.name}:{number}: expected 'suite  test  # reason', got {line!r}"
            )
        of_flask += words[0] == "flask"
        yield words[0], words[1]
    if of_flask > MOST_OF_FLASK:
        raise SystemExit(
            f"{DESELECTED.name}: at most {MOST_OF_FLASK} of Flask's tests may be deselected,"
            f" not {of_flask}: make erlen pass them"
        )


def environment() -> Path:
    """Make the environment of the peers' tests, once; return its interpreter."""
    requirements = HERE / "requirements.txt"
    mark = hashlib.sha256(requirements.read_bytes()).hexdigest()[:8]
    home = CACHE / f"venv-{sys.implementation.cache_tag}-{mark}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = home / "ready"
    if not ready.exists():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
        subprocess.run([*pip, "-r", str(requirements)], check=True)
        ready.touch()
    return python


def fetch(suite: Suite, python: Path) -> None:
    """Download the source distribution of a suite, once."""
    if not suite.archive.exists():
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "download", "-q"]
        subprocess.run(
            [*pip, "--no-binary", ":all:", "--no-deps", "-d", str(suite.archive.parent)]
            + [f"{suite.project}=={suite.version}"],
            check=True,
        )


def run(suite: Suite, python: Path, skipped: list[str], baseline: bool, keyword: str) -> Outcome:
    """Run one suite in a freshly unpacked copy of its distribution."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("FLASK_", "ERLEN_"))}
    env["PYTHONPATH"] = os.pathsep.join((str(ROOT / "src"), str(HERE)))
    if baseline:
        env["ERLEN_TEST_DOOR"] = "flask"
    plugins = () if baseline and suite.plugins == ALIAS else suite.plugins
    command = [str(python), "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"]
    command += [*plugins, *suite.tests, *(f"--deselect={test}" for test in skipped)]
    command += ["-k", keyword] if keyword else []
    with tempfile.TemporaryDirectory(dir=CACHE) as copy:
        with tarfile.open(suite.archive) as archive:
            # Python before 3.11.4 has no filters, Python 3.12 warns where none is named.
            safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            archive.extractall(copy, **safe)  # type: ignore[arg-type]
        started = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=Path(copy, f"{suite.project}-{suite.version}", suite.folder),
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
        )
    seconds = time.perf_counter() - started
    counts = summary(done.stdout)
    problem = None
    nothing_chosen = keyword and done.returncode == 5  # pytest's code for "no tests"
    if done.returncode and not nothing_chosen:
        problem = f"pytest ended with code {done.returncode}"
    elif not keyword and counts["deselected"] != len(skipped):
        problem = f"{len(skipped)} tests are named in {DESELECTED.name}"
    return Outcome(suite, counts, seconds, done.stdout, problem)


def summary(output: str) -> dict[str, int]:
    """The counts in the last line of pytest's output."""
    last = output.strip().rpartition("\n")[2]
    found = {word.removesuffix("s"): int(n) for n, word in re.findall(r"(\d+) ([a-z]+)", last)}
    return {word: found.get(word, 0) for word in COUNTS}


def main() -> int:
    """Run the suites asked for; return 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", action="append", choices=[suite.name for suite in SUITES])
    parser.add_argument("-k", dest="keyword", default="", help="pytest's -k")
    parser.add_argument("--baseline", action="store_true", help="run on the real Flask instead")
    options = parser.parse_args()
    listed = list(deselected(DESELECTED.read_text()))
    CACHE.mkdir(parents=True, exist_ok=True)
    python = environment()
    failed = False
    for suite in SUITES:
        if options.suite and suite.name not in options.suite:
            continue
        fetch(suite, python)
        skipped = [test for name, test in listed if name == suite.name]
        outcome = run(suite, python, skipped, options.baseline, options.keyword)
        if outcome.problem:
            failed = True
            print(outcome.output)
        print(outcome, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
