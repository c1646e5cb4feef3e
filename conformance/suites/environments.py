"""Where a suite comes from and what it runs in: archives and environments, made once and kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import defaultdict
from pathlib import Path

from .catalogue import Suite

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "conformance"
# Flask's and Werkzeug's own tests, and others of that time, expect pytest before 9.
EVERYWHERE = ("flask==3.1.3", "werkzeug==3.1.9", "msgspec", "pytest<9")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")

_locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


class Unavailable(Exception):
    """An archive could not be fetched, or an environment not be made."""


def call(*command: str) -> None:
    """Run a command quietly.

    :raises Unavailable: it failed; with its output.
    """
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Unavailable(f"{' '.join(command)}\n{done.stdout}")


def digest(*parts: object) -> str:
    """A short name for what the parts say together."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:12]


def environment(suite: Suite) -> Path:
    """Make the environment of a suite, once.

    :return: its folder.
    :raises Unavailable: a requirement could not be installed.
    """
    requirements = [*EVERYWHERE, *suite.requires]
    home = CACHE / "environments" / f"{suite.project}-{digest(sys.version, requirements)}"
    with _locks[home]:
        ready = home / "ready"
        if not ready.exists():
            shutil.rmtree(home, ignore_errors=True)
            call(sys.executable, "-m", "venv", "--without-pip", str(home))
            call(*PIP, "--python", str(interpreter(home)), "install", "-q", *requirements)
            add_start_up(home)
            ready.touch()
    return home


def add_start_up(home: Path) -> Path:
    """Put into an environment what erlen's wheel puts there: subprocesses see the alias too.

    :return: the folder of its packages.
    """
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    told = subprocess.check_output((interpreter(home), "-c", code), text=True)
    packages = Path(told.strip())
    shutil.copy(ROOT / "src" / "erlen-as-flask.pth", packages)
    return packages


def interpreter(home: Path) -> Path:
    """The interpreter of an environment."""
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def archive(suite: Suite) -> Path:
    """Download the source distribution of a suite, once.

    :raises Unavailable: there is none.
    """
    folder = CACHE / "archives" / f"{suite.project}-{suite.version}"
    with _locks[folder]:
        if not folder.exists():
            coming = folder.with_name(folder.name + ".part")
            shutil.rmtree(coming, ignore_errors=True)
            call(
                *(*PIP, "download", "-q", "--no-deps", "--no-binary", suite.project),
                *("-d", str(coming), f"{suite.project}=={suite.version}"),
            )
            coming.rename(folder)
    (found,) = folder.iterdir()
    return found
