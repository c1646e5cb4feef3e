"""The whole examination: the files, what is installed, the application."""

from __future__ import annotations

import sys
from pathlib import Path

from ..cli import NoAppException
from . import installed, project
from .files import MOST_FILES, locate, read_project, shown
from .findings import Finding, Report, Verdict, in_order
from .loading import load

TIMEOUT = 60.0


def examine(app: str | None = None, *, static: bool = False, timeout: float = TIMEOUT) -> Report:
    """Look at a project, and tell what of it runs on erlen.

    Nothing is imported into this process. Without ``static``, the application is loaded in
    another one, which runs its code.

    :param app: the application, as ``--app`` takes it, or a folder with a ``wsgi.py`` or
        ``app.py``; None for that in the working directory.
    :param static: only read files.
    :param timeout: how many seconds the application may take to load.
    :raises erlen.cli.NoAppException: there is nothing where ``app`` says.
    """
    place = locate(app)
    readings, more = read_project(place)
    if not readings:
        raise NoAppException(f"There are no Python files in '{place.root}'.")
    loaded = None if static else load(place.app, timeout)

    imported = {mark.name for reading in readings for mark in reading.of("import")}
    own = {reading.module.partition(".")[0] for reading in readings}
    packages = [
        package
        for package in installed.installed()
        # Of the project itself all is said by its files.
        if not package.modules & own or installed.is_tested(package)
    ]
    modules = loaded.modules if loaded is not None else ()
    used = installed.used_by(packages, imported.union(modules, own))

    findings: list[Finding] = list(project.findings_of(readings, place.root))
    findings += project.uninstalled(readings)
    findings += installed.findings_of(packages, used, imported, modules)
    if loaded is not None:
        findings += loaded.findings
    target = loaded.target if loaded is not None else None
    needing = any(package.key in used and "flask" in package.requires for package in packages)
    if "erlen.as_flask" not in imported and (needing or "flask" in imported):
        findings.append(_start(target))
    if more:
        findings.append(_unfinished(place.root))
    unused = [
        (package.name, package.version)
        for package in packages
        # Of one whose modules are not known, such as the project itself, nobody can tell.
        if package.modules and package.key not in used and "flask" in package.requires
    ]
    return Report(target, str(place.root), len(readings), in_order(findings), unused)


def _start(target: str | None) -> Finding:
    """How to start the application so that its ``flask`` is erlen."""
    app = target or "MODULE:APP"
    ways = [f'ERLEN_AS_FLASK=1 gunicorn "{app}"']
    if app.endswith("()"):
        ways.append(f"ERLEN_AS_FLASK=1 granian --interface wsgi --factory {app[:-2]}")
    elif not app.endswith(")"):
        ways.append(f"ERLEN_AS_FLASK=1 granian --interface wsgi {app}")
    if not _has_start_line():
        # Nobody obeys the variable here.
        ways = [f"gunicorn \"erlen.as_flask:load('{app}')\""]
    return Finding(
        Verdict.SET,
        "start",
        "ERLEN_AS_FLASK",
        "erlen run takes erlen for flask by itself. Other servers must be told.",
        f"{', or '.join(ways)}.",
    )


def _has_start_line() -> bool:
    return any(Path(entry, "erlen-as-flask.pth").is_file() for entry in sys.path if entry)


def _unfinished(root: Path) -> Finding:
    return Finding(
        Verdict.CHECK,
        "unread",
        shown(root),
        f"Only the first {MOST_FILES:,} Python files were read.",
        "Name the application, or start in its folder.",
    )
