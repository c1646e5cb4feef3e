"""The reloader on watchfiles: a save restarts the server within a fraction of a second."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source
from types import ModuleType

from watchfiles import Change, watch
from watchfiles.main import FileChange

# Werkzeug has no public way to add a reloader. This is the least of the private ones: its base
# class, which starts the child and logs, and the table where `reloader_type` is looked up. All
# else goes through `run_simple(reloader_type="watchfiles")`.
from werkzeug._reloader import ReloaderLoop, reloader_loops

_STDLIB = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
_PACKAGES = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
# Not searched for sources; the packages that are imported from there are watched nevertheless.
_INSTALLED = (*_STDLIB, *_PACKAGES)
_NO_SOURCES = {
    *("__pycache__", "node_modules"),
    *(".git", ".hg", ".tox", ".nox", ".pytest_cache", ".mypy_cache", ".ruff_cache"),
}


class WatchfilesReloaderLoop(ReloaderLoop):
    """Reloads when a Python file, an imported file or one of ``extra_files`` is saved."""

    name = "watchfiles"

    def __enter__(self) -> ReloaderLoop:
        """Begin to watch, before the first request is served."""
        self._imported = 0
        self._directories: set[str] = set()
        self._changes: Iterator[set[FileChange]] = iter([set()])
        self._follow_imports()
        return self

    def run(self) -> None:
        """Wait for changes until one counts, then leave the process."""
        while True:
            self._reload(next(self._changes))
            self._follow_imports()

    def _follow_imports(self) -> None:
        """Watch the directories from which modules were imported since the last time, too."""
        if len(sys.modules) == self._imported:
            return
        self._imported = len(sys.modules)
        directories = self._look_around()
        if directories != self._directories:
            self._directories = directories
            before, self._changes = self._changes, self._watch(directories)
            # A watch begins at the first step of its generator, and lasts between the steps: the
            # one before is asked a last time when the new one has begun.
            self._reload(next(self._changes))
            self._reload(next(before))
        self._reload_if_outdated()

    def _watch(self, directories: set[str]) -> Iterator[set[FileChange]]:
        return watch(
            *directories,
            # Each by itself: below them may lie what nobody needs, such as node_modules.
            recursive=False,
            watch_filter=self._counts,
            rust_timeout=1,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )

    def _reload(self, changes: set[FileChange]) -> None:
        for _, path in sorted(changes):
            self.trigger_reload(path)

    def trigger_reload(self, filename: str) -> None:
        """Log the change and leave with the status at which the parent starts a new process."""
        # Python takes bytecode for fresh by the second and the size of the source: two quick saves
        # may agree in both.
        with suppress(OSError, NotImplementedError):
            os.unlink(cache_from_source(filename))
        super().trigger_reload(filename)

    def _counts(self, change: Change, path: str) -> bool:
        # A deleted file has nothing to load; editors delete before they write anew.
        if change is Change.deleted or self._excluded(path):
            return False
        return path.endswith(".py") or path in self._files

    def _excluded(self, path: str) -> bool:
        return any(fnmatch(path, pattern) for pattern in self.exclude_patterns)

    def _look_around(self) -> set[str]:
        """The directories to watch. Notes the files in them that count whatever their suffix."""
        files = {module.__file__ for module in _own_modules() if module.__file__}
        roots = {path for path in map(os.path.abspath, sys.path) if not _is_below(path, _INSTALLED)}
        for path in self.extra_files:
            (roots if os.path.isdir(path) else files).add(path)
        # The system may tell a change by the path behind a link.
        self._files = files | {os.path.realpath(path) for path in files}
        directories = {os.path.dirname(path) for path in self._files}
        for root in roots:
            directories.update(_source_directories(root))
        return {path for path in directories if os.path.isdir(path)}

    def _reload_if_outdated(self) -> None:
        """Reload if a module was saved between its import and the moment the watch began."""
        for module in _own_modules():
            path = module.__file__
            if path and _is_outdated(module) and not self._excluded(path):
                self.trigger_reload(path)


def _is_below(path: str, directories: tuple[str, ...]) -> bool:
    return any(
        path == directory or path.startswith(directory + os.sep) for directory in directories
    )


def _own_modules() -> Iterator[ModuleType]:
    """The imported modules that come from a file outside the standard library."""
    # A list, because another thread may import meanwhile.
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and (_is_below(path, _PACKAGES) or not _is_below(path, _STDLIB)):
            yield module


def _source_directories(root: str) -> Iterator[str]:
    """The directories below ``root`` that may hold Python sources, itself included."""
    has_source = {os.path.dirname(root): True}
    for directory, names, files in os.walk(root):
        has_source[directory] = any(name.endswith(".py") for name in files)
        if not (has_source[directory] or has_source[os.path.dirname(directory)]):
            # Two levels without Python: a tree of something else.
            names.clear()
            continue
        names[:] = [
            name
            for name in names
            if name not in _NO_SOURCES
            and not os.path.exists(os.path.join(directory, name, "pyvenv.cfg"))
        ]
        yield directory


def _is_outdated(module: ModuleType) -> bool:
    """Whether the source has changed since the module was imported from it.

    Importing writes the time and size of the source into the bytecode (PEP 552), so these tell
    what was imported. Where no bytecode is written, there is no telling.
    """
    spec = getattr(module, "__spec__", None)
    if sys.dont_write_bytecode or spec is None or not isinstance(spec.loader, SourceFileLoader):
        return False
    try:
        with open(spec.cached, "rb") as bytecode:
            header = bytecode.read(16)
        source = os.stat(spec.origin)
    except (OSError, TypeError):
        return False
    if header[4:8] != b"\0\0\0\0" or not os.access(os.path.dirname(spec.cached), os.W_OK):
        return False
    imported = [int.from_bytes(header[at : at + 4], "little") for at in (8, 12)]
    return imported != [int(source.st_mtime) & 0xFFFFFFFF, source.st_size & 0xFFFFFFFF]


def register() -> str:
    """Make the reloader known to Werkzeug.

    :return: its name, for the parameter ``reloader_type`` of ``run_simple``.
    """
    reloader_loops[WatchfilesReloaderLoop.name] = WatchfilesReloaderLoop
    return WatchfilesReloaderLoop.name
