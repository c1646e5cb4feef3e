"""An environment for each application, with erlen in it as users install it: from its wheel."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "conformance"
# The framework that the applications were written for, and the servers that they run on.
COMMON = ("flask==3.1.3", "werkzeug==3.1.9", "gunicorn", "granian", "waitress")


def pip(python: Path | str, *arguments: str | Path) -> None:
    """Run pip; what it says is shown where it fails.

    :raises RuntimeError: it failed.
    """
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"pip failed: {done.stdout[-4000:]}")


@cache
def wheel() -> Path:
    """Build erlen's wheel from the tree as it is; return its path."""
    folder = CACHE / "apps" / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


def environment(name: str, requirements: Sequence[str]) -> Path:
    """Make the environment of an application where it is missing; put today's erlen in it.

    :param name: the application's.
    :param requirements: what pip installs beside Flask and the servers.
    :return: the folder of its commands.
    """
    wanted = "\n".join((*COMMON, *requirements))
    mark = hashlib.sha256(wanted.encode()).hexdigest()[:8]
    home = CACHE / "apps" / f"{name}-{sys.implementation.cache_tag}-{mark}"
    commands = home / "bin"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        pip(commands / "python", "install", *COMMON, *requirements)
        (home / "ready").touch()
    pip(commands / "python", "install", "--force-reinstall", "--no-deps", wheel())
    pip(commands / "python", "install", wheel())  # what erlen itself needs
    return commands


def unpack(project: str, version: str, inner: str, folder: Path) -> None:
    """Copy a folder of a source distribution on the index into another.

    :param inner: the folder in the distribution whose content is copied.
    :param folder: where to; made if it is missing.
    """
    store = CACHE / "sdist"
    stem = f"{project.replace('-', '_')}-{version}"
    archive = store / f"{stem}.tar.gz"
    if not archive.exists():
        only_source = ["--no-binary", ":all:", "--no-deps"]
        pip(sys.executable, "download", *only_source, "-d", store, f"{project}=={version}")
    opened = folder.parent / f"{folder.name}.sdist"
    with tarfile.open(archive) as tar:
        # Python before 3.11.4 has no filters, Python 3.12 warns where none is named.
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(opened, **safe)  # type: ignore[arg-type]
    shutil.copytree(opened / stem / inner, folder, dirs_exist_ok=True)
    shutil.rmtree(opened)


def clean_environ() -> dict[str, str]:
    """This process's environment without what would configure Flask, erlen or Python's path."""
    ours = ("FLASK_", "ERLEN_", "PYTHON", "VIRTUAL_ENV")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)}
