"""Which files belong to a project, and what they say."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..cli import NoAppException
from .reading import Reading, read

#: More files than these are not read: a folder that holds them is no project.
MOST_FILES = 5_000
#: A larger one takes long to read, and nobody has written it by hand.
LARGEST_FILE = 5_000_000
_SKIPPED = frozenset(
    {"__pycache__", "build", "dist", "env", "node_modules", "site-packages", "venv"}
)


@dataclass(frozen=True)
class Place:
    """Where a project is.

    :param app: what ``--app`` would say; None where ``wsgi.py`` or ``app.py`` is to be found.
    :param root: the folder whose files are read.
    :param package: the dotted name of ``root``; empty for a folder that is no package.
    """

    app: str | None
    root: Path
    package: str = ""


def split_app(app: str) -> tuple[str, str | None]:
    """Split what ``--app`` says into the module or path, and what is named in it."""
    # A colon before a slash belongs to a Windows drive.
    path, *name = re.split(r":(?![\\/])", app, maxsplit=1)
    return path, name[0] if name else None


def locate(app: str | None) -> Place:
    """Find the files of a project, importing nothing.

    :param app: the application, as ``--app`` takes it, or a folder with a ``wsgi.py`` or
        ``app.py``; None for that in the working directory.
    :raises NoAppException: there is no such module or folder.
    """
    here = Path.cwd()
    if app is None:
        return Place(None, here)
    name, _ = split_app(app)
    path = Path(os.path.realpath(name))
    if path.is_dir() and not (path / "__init__.py").exists():
        for file in ("wsgi.py", "app.py"):
            if (path / file).is_file():
                return Place(str(path / file), path)
        return Place(None, path) if path == here else Place(str(path / "app.py"), path)
    if path.exists() or path.with_name(f"{path.name}.py").is_file():
        return Place(app, _above_packages(path))
    top = name.partition(".")[0]
    if (here / f"{top}.py").is_file() or (here / top).is_dir():
        return Place(app, here)
    spec = find_spec(top) if top.isidentifier() else None
    if spec is None or spec.origin is None:
        raise NoAppException(f"Could not import {name!r}.")
    origin = Path(spec.origin)
    if spec.submodule_search_locations is None:
        return Place(app, origin)
    return Place(app, origin.parent, top)


def _above_packages(path: Path) -> Path:
    folder = path.parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


def python_files(root: Path) -> Iterator[Path]:
    """The Python files below a folder, sorted; none of environments, builds and hidden folders."""
    if root.is_file():
        yield root
        return
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _SKIPPED
            and not name.startswith(".")
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
        )
        for name in sorted(files):
            path = Path(folder, name)
            # No pipe or device: reading one may never end.
            if name.endswith(".py") and path.is_file():
                yield path


def shown(path: Path) -> str:
    """How a path is told: from the working directory, or from where packages are installed."""
    here = Path.cwd()
    if path.is_relative_to(here) and "site-packages" not in path.parts:
        return str(path.relative_to(here))
    for entry in sorted(map(Path, filter(None, sys.path)), key=lambda one: -len(str(one))):
        if path.is_relative_to(entry):
            return str(path.relative_to(entry))
    return str(path)


def read_file(path: Path, root: Path, package: str = "") -> Reading:
    """Read one file.

    :param root: the folder from which its module's name is told.
    :param package: the dotted name of that folder.
    """
    below = path.relative_to(root) if path != root else Path(path.name)
    parts = [*package.split("."), *below.with_suffix("").parts] if package else []
    parts = parts or list(below.with_suffix("").parts)
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    try:
        source = path.read_bytes()
    except OSError as error:
        return Reading(shown(path), module, error=error.strerror or str(error))
    if len(source) > LARGEST_FILE:
        return Reading(shown(path), module, error=f"it is larger than {LARGEST_FILE:,} bytes")
    return read(source, shown(path), module, is_package)


def read_project(place: Place) -> tuple[list[Reading], bool]:
    """Read all files of a project.

    :return: what they say, and whether there were more than :data:`MOST_FILES`.
    """
    readings: list[Reading] = []
    for path in python_files(place.root):
        if len(readings) == MOST_FILES:
            return readings, True
        readings.append(read_file(path, place.root, place.package))
    return readings, False
