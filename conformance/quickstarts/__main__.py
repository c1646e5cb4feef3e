"""Run each quickstart on Flask and on erlen under its name, and compare what they print."""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from conformance.suites.environments import (
    CACHE,
    PIP,
    Unavailable,
    add_start_up,
    call,
    digest,
    interpreter,
)
from conformance.suites.execution import variables

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
TIMEOUT = 120  # seconds for one run of one quickstart
MOST_LINES = 60  # of a difference that is shown


class Broken(Exception):
    """A quickstart did not do on one framework what it is there for."""


def quickstarts() -> list[str]:
    """The names of the quickstarts, which are those of their files."""
    return sorted(path.stem for path in (HERE / "scripts").glob("*.py"))


def environment() -> Path:
    """Make the environment that all quickstarts share, once; return its folder.

    :raises Unavailable: a requirement could not be installed.
    """
    home = CACHE / "quickstarts" / digest(sys.version, REQUIREMENTS.read_text())
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        call(sys.executable, "-m", "venv", "--without-pip", str(home))
        call(*PIP, "--python", str(interpreter(home)), "install", "-q", "-r", str(REQUIREMENTS))
        add_start_up(home)
        (home / "ready").touch()
    return home


def answer(home: Path, name: str, framework: str) -> str:
    """Run a quickstart; return what it printed.

    :param framework: "flask" or "erlen".
    :raises Broken: it failed, printed nothing or was not on that framework.
    """
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "record")
        env = variables(home, framework, record)
        env["PYTHONPATH"] += f"{os.pathsep}{HERE / 'lib'}"
        env["PYTHONHASHSEED"] = "0"  # sets are printed in one order
        # -P: the file of a quickstart may have the name of a distribution.
        command = [
            str(interpreter(home)),
            "-P",
            "-W",
            "ignore",
            str(HERE / "scripts" / f"{name}.py"),
        ]
        try:
            done = subprocess.run(
                command, cwd=folder, env=env, capture_output=True, text=True, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            raise Broken(f"not done on {framework} after {TIMEOUT} s") from None
        if record.with_name("record.real").exists():
            raise Broken("a process on erlen asked for the real flask")
    if done.returncode or not done.stdout.strip():
        raise Broken(f"failed on {framework}, exit code {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


def compare(home: Path, name: str) -> str:
    """Run a quickstart on both; return what was compared.

    :raises Broken: the two differ, or one of them failed.
    """
    flask, erlen = (answer(home, name, framework) for framework in ("flask", "erlen"))
    if flask != erlen:
        lines = difflib.unified_diff(
            flask.splitlines(), erlen.splitlines(), "on flask", "on erlen", lineterm="", n=1
        )
        raise Broken("differs:\n" + "\n".join(list(lines)[:MOST_LINES]))
    return f"{len(flask.splitlines())} lines alike"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.quickstarts", description=__doc__)
    parser.add_argument("names", nargs="*", help="which ones; default: all")
    names = parser.parse_args().names or quickstarts()
    if unknown := set(names).difference(quickstarts()):
        parser.error(f"no such quickstart: {', '.join(sorted(unknown))}")
    try:
        home = environment()
    except Unavailable as error:
        print(f"The environment could not be made: {error}")
        return 1
    failed = 0
    for name in names:
        try:
            print(f"{name}: {compare(home, name)}", flush=True)
        except Broken as error:
            failed += 1
            print(f"{name}: {error}", flush=True)
    print(f"{len(names) - failed} of {len(names)} quickstarts answer alike")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
