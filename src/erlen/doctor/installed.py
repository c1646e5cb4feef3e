"""What is installed beside a project, and what of it will run."""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from . import known
from .files import MOST_FILES, python_files, read_file
from .findings import Code, Finding, Verdict
from .known import canonical
from .names import ROOTS
from .project import missing_name
from .reading import Reading, When

_CORE = frozenset({*map(canonical, ROOTS), "erlen", "msgspec"})
_COMPILED = (".so", ".pyd")
_MOST_TOLD = 3


@dataclass(frozen=True)
class Package:
    """An installed distribution.

    :param modules: the top-level modules and packages that it brings.
    :param requires: the distributions that it needs, extras left out, in canonical form.
    """

    name: str
    version: str
    modules: frozenset[str]
    requires: frozenset[str]

    @property
    def key(self) -> str:
        """The canonical name."""
        return canonical(self.name)


def installed() -> list[Package]:
    """All distributions of this environment but erlen and what it stands on, by name."""
    modules: dict[str, set[str]] = {}
    for module, owners in importlib.metadata.packages_distributions().items():
        for owner in owners:
            modules.setdefault(canonical(owner), set()).add(module)
    packages: dict[str, Package] = {}
    for found in importlib.metadata.distributions():
        name: str | None = found.metadata["Name"]
        if not name or canonical(name) in _CORE:
            continue
        needs = (re.match(r"[\w.-]+", need) for need in found.requires or () if "extra" not in need)
        package = Package(
            name,
            found.version,
            frozenset(modules.get(canonical(name), ())) - {"tests", "test", "docs", "examples"},
            frozenset(canonical(need[0]) for need in needs if need),
        )
        # As the import system does: the first of a name is the one that counts.
        packages.setdefault(package.key, package)
    return sorted(packages.values(), key=lambda package: package.key)


def used_by(packages: Iterable[Package], modules: Collection[str]) -> set[str]:
    """The canonical names of what a project uses: what it imports, and what that requires.

    :param modules: the dotted names that it imports, or that were loaded with it.
    """
    by_key = {package.key: package for package in packages}
    tops = {module.partition(".")[0] for module in modules}
    waiting = [key for key, package in by_key.items() if package.modules & tops]
    used: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key not in used:
            used.add(key)
            waiting.extend(by_key[key].requires & by_key.keys())
    return used


def is_tested(package: Package) -> bool:
    """Tell whether this very version passes its own tests on erlen."""
    return (package.key, package.version) in {
        (canonical(name), version) for name, version in known.TESTED.items()
    }


@dataclass(frozen=True)
class Seen:
    """What was seen of a package by reading it.

    :param fails: what its import takes that does not exist: ``name (file:line)``.
    :param may_fail: the same of its functions, and of modules that need not be imported.
    :param takes: whether it takes anything from Flask at all.
    :param compiled: how many of its modules are compiled, and cannot be read.
    :param copy: the module of a copy of Flask in it; None where there is none.
    """

    fails: tuple[str, ...]
    may_fail: tuple[str, ...]
    takes: bool
    compiled: int
    copy: str | None


class _Files:
    """The modules of a package, each read when it is first asked for."""

    def __init__(self, package: Package) -> None:
        self.compiled = 0
        #: By the module's name: its path, the folder it is told from, and that folder's name.
        self.found: dict[str, tuple[Path, Path, str]] = {}
        self.readings: dict[str, Reading] = {}
        for top in sorted(package.modules):
            spec = find_spec(top) if top.isidentifier() else None
            if spec is not None and spec.origin is not None:
                self._add(top, Path(spec.origin), spec.submodule_search_locations is not None)

    def _add(self, top: str, origin: Path, is_package: bool) -> None:
        if not is_package:
            if origin.suffix == ".py":
                self.found[top] = origin, origin, ""
            self.compiled += origin.suffix in _COMPILED
            return
        root = origin.parent
        for path in islice(python_files(root), MOST_FILES):
            below = path.relative_to(root).with_suffix("").parts
            module = ".".join([top, *(below[:-1] if below[-1] == "__init__" else below)])
            self.found[module] = path, root, top
        self.compiled += sum(
            name.endswith(_COMPILED) for _, _, names in os.walk(root) for name in names
        )

    def reading(self, module: str) -> Reading:
        if module not in self.readings:
            self.readings[module] = read_file(*self.found[module])
        return self.readings[module]

    def imported_with(self, modules: Iterable[str]) -> set[str]:
        """What an import of some modules leads to within the package, conditions left out."""
        waiting = list(modules)
        certain: set[str] = set()
        while waiting:
            module = waiting.pop()
            if module in certain or module not in self.found:
                continue
            certain.add(module)
            waiting.append(module.rpartition(".")[0])
            marks = self.reading(module).of("import")
            waiting += [mark.name for mark in marks if mark.when is When.IMPORT]
        return certain


def look_at(package: Package, imported: Collection[str], loaded: Collection[str]) -> Seen:
    """Read a package's files.

    :param imported: the dotted names that the project imports.
    :param loaded: the modules that were loaded with the application: their imports did not fail.
    """
    files = _Files(package)
    speaking = [module for module, (path, _, _) in files.found.items() if _speaks_of_flask(path)]
    copy = next((module for module in files.found if module.endswith(".flask.app")), None)
    if not speaking:
        return Seen((), (), False, files.compiled, copy)
    certain = files.imported_with({*package.modules, *imported})
    readings = {module: files.reading(module) for module in sorted({*speaking, *certain})}

    fails: list[str] = []
    may_fail: list[str] = []
    for module, reading in readings.items():
        for name, line, when in _lacking(reading):
            told = f"{name} ({reading.path}:{line})"
            if when is When.IMPORT and module in loaded:
                continue  # it was imported, so somebody was ready for that
            at_once = when is When.IMPORT and module in certain
            (fails if at_once else may_fail).append(told)
    takes = any(
        mark.name.partition(".")[0] == "flask"
        for reading in readings.values()
        for mark in reading.of("import")
    )
    return Seen(tuple(fails), tuple(may_fail), takes, files.compiled, copy)


def _lacking(reading: Reading) -> Iterator[tuple[str, int, When]]:
    """What a file takes that does not exist, conditions left out: it knows of more than one Flask.

    :return: the name, the line, and when it is taken.
    """
    for mark in reading.marks:
        if mark.when is When.MAYBE:
            continue
        if mark.kind == "name" and (lacking := missing_name(mark)):
            yield lacking[0], mark.line, mark.when
        elif mark.kind.startswith("attribute") and mark.name in known.ATTRIBUTES_OF_ANYTHING:
            yield f"app.{mark.name}", mark.line, mark.when


def _speaks_of_flask(path: Path) -> bool:
    try:
        source = path.read_bytes()
    except OSError:
        return False
    return b"flask" in source or b"werkzeug" in source


def findings_of(
    packages: Iterable[Package],
    used: Collection[str],
    imported: Collection[str],
    loaded: Collection[str],
) -> Iterator[Finding]:
    """Tell what becomes of the installed packages that a project uses.

    :param used: their canonical names.
    :param imported: the dotted names that the project imports.
    :param loaded: the modules that were loaded with the application; none where it was not.
    """
    tested = {canonical(name): version for name, version in known.TESTED.items()}
    dead = {canonical(name): one for name, one in known.DEAD.items()}
    for package in packages:
        if package.key in known.EARLY:
            yield _early(package)
        if package.key not in used:
            continue
        mine = {module for module in imported if module.partition(".")[0] in package.modules}
        if package.key in dead and not _later(package.version, dead[package.key].last):
            one = dead[package.key]
            yield Finding(
                Verdict.FAILS,
                "dead-extension",
                package.name,
                f"Cannot be imported beside Flask 3: {one.reason}.",
                f"Instead: {one.instead}.",
                version=package.version,
            )
        elif is_tested(package):
            yield Finding(
                Verdict.RUNS,
                "tested-extension",
                package.name,
                "Of its own tests, all that pass on Flask pass on erlen.",
                version=package.version,
            )
        elif package.key in tested or "flask" in package.requires or mine:
            yield from _judge(
                package, tested.get(package.key), look_at(package, mine, loaded or ())
            )


def _judge(package: Package, tested: str | None, seen: Seen) -> Iterator[Finding]:
    """Tell what was seen of a package whose very version nobody has tested."""
    if seen.copy is not None:
        yield Finding(
            Verdict.CHECK,
            "own-flask",
            seen.copy,
            f"{package.name} has a copy of Flask in it, which stays Flask.",
            version=package.version,
        )
    unreadable = seen.compiled and "flask" in package.requires
    if not seen.takes and tested is None and not unreadable:
        return
    known_of = f"Version {tested} is tested with erlen, not this one." if tested else "Not tested."
    told = f"{known_of} All that it takes from flask and werkzeug exists."
    code: Code = "unknown-extension"
    verdict, fix = Verdict.UNKNOWN, ""
    if seen.fails:
        code, verdict, fix = "failing-extension", Verdict.FAILS, "Look for a newer version."
        told = f"Cannot be imported, for these do not exist: {_some(seen.fails)}."
    elif seen.may_fail:
        verdict = Verdict.CHECK
        told = (
            f"{known_of} Some of what its functions or further modules take does not exist:"
            f" {_some(seen.may_fail)}."
        )
    if seen.compiled and not seen.fails:
        told += f" {seen.compiled} compiled modules could not be read."
    yield Finding(verdict, code, package.name, told, fix, version=package.version)


def _some(names: Sequence[str]) -> str:
    told = ", ".join(names[:_MOST_TOLD])
    more = len(names) - _MOST_TOLD
    return f"{told} and {more} more" if more > 0 else told


def _later(version: str, than: str) -> bool:
    def numbers(text: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", text)]

    return numbers(version) > numbers(than)


def _early(package: Package) -> Finding:
    return Finding(
        Verdict.SET,
        "early-import",
        package.name,
        f"{known.EARLY[package.key]} imports flask before the application is loaded, so that"
        " erlen.as_flask, imported by the application, comes too late.",
        "Set ERLEN_AS_FLASK=1 in the environment.",
        version=package.version,
    )
