"""What the files of a project say about how it will run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from . import known
from .files import read_file
from .findings import Code, Finding, Verdict
from .names import missing
from .reading import Mark, Reading, When

#: What a finding says of a name that its table does not know.
_DISTRIBUTIONS = {"jinja2": "Jinja2", "markupsafe": "MarkupSafe"}
_CONDITION = "Here it is taken under a condition."


def findings_of(readings: list[Reading], root: Path) -> Iterator[Finding]:
    """Tell what the files of a project come to."""
    importing = {one.module for one in readings if any(map(_is_flask, one.of("import")))}
    for reading in readings:
        if reading.error is not None:
            yield Finding(
                Verdict.CHECK,
                "unread",
                reading.path,
                f"This file was not read: {reading.error}.",
                where=(reading.path,),
            )
            continue
        yield from _missing_names(reading)
        yield from _late_alias(reading, importing)
        if any(mark.name.partition(".")[0] in ("flask", "erlen") for mark in reading.of("import")):
            yield from _removed(reading)
            yield from _different(reading)
    yield from _environment(readings, root)
    yield from _own_flask(root)


def missing_name(mark: Mark) -> tuple[str, str, str] | None:
    """Tell what a mark takes that does not exist: the name, why and what to do; else None."""
    name = missing(mark.name)
    if name is None:
        return None
    removed = known.NAMES.get(name)
    if removed is not None:
        return name, f"Removed in {removed.by}.", f"Instead: {removed.instead}."
    top = name.partition(".")[0]
    if top == "flask":
        return name, "erlen has no such name.", ""
    release = version(top)
    return name, f"{_DISTRIBUTIONS.get(top, top.capitalize())} {release} has no such name.", ""


def _missing_names(reading: Reading) -> Iterator[Finding]:
    for mark in reading.of("name"):
        lacking = missing_name(mark)
        if lacking is None:
            continue
        name, why, fix = lacking
        verdict = Verdict.FAILS
        if mark.when is When.MAYBE:
            verdict, why = Verdict.CHECK, f"{why} {_CONDITION}"
        yield Finding(verdict, "removed-name", name, why, fix, (reading.place(mark),))


def _removed(reading: Reading) -> Iterator[Finding]:
    """Attributes, keywords and settings that are no more."""
    for mark in reading.marks:
        place = (reading.place(mark),)
        if mark.kind.startswith("attribute"):
            removed = known.ATTRIBUTES[mark.name]
            yield _gone("removed-attribute", f"app.{mark.name}", removed, mark.when, place)
        elif mark.kind == "assignment":
            yield ignored_attribute(mark.name, place)
        elif mark.kind == "keyword":
            removed = known.KEYWORDS[mark.name]
            yield _gone("removed-keyword", mark.name, removed, mark.when, place)
        elif mark.kind == "setting":
            yield ignored_setting(mark.name, known.SETTINGS[mark.name], place)
        elif mark.kind == "text" and mark.name == "FLASK_ENV":
            yield ignored_setting("FLASK_ENV", known.FLASK_ENV, place)


def _gone(
    code: Code, what: str, removed: known.Removed, when: When, where: tuple[str, ...]
) -> Finding:
    why = f"Removed in {removed.by}."
    fix = f"Instead: {removed.instead}."
    if when is When.MAYBE:
        return Finding(Verdict.CHECK, code, what, f"{why} {_CONDITION}", fix, where)
    return Finding(Verdict.FAILS, code, what, why, fix, where)


def ignored_attribute(name: str, where: tuple[str, ...] = ()) -> Finding:
    """Tell that nobody reads an attribute that was set on an application or a blueprint."""
    removed = known.ATTRIBUTES[name]
    why = f"Not read since {removed.by}"
    verdict = Verdict.SET
    if name in ("json_encoder", "json_decoder"):
        verdict, why = Verdict.FAILS, f"{why}: JSON is written and read without it"
    fix = f"Instead: {removed.instead}."
    return Finding(verdict, "ignored-attribute", f"app.{name}", f"{why}.", fix, where)


def ignored_setting(key: str, removed: known.Removed, where: tuple[str, ...] = ()) -> Finding:
    """Tell that nobody reads a key of the configuration."""
    return Finding(
        Verdict.SET,
        "ignored-setting",
        key,
        f"Not read since {removed.by}.",
        f"Instead: {removed.instead}.",
        where,
    )


def _different(reading: Reading) -> Iterator[Finding]:
    """What erlen does otherwise on purpose."""
    for mark in reading.marks:
        if mark.kind == "name":
            name = mark.name
            while name not in known.DIFFERENT_NAMES and "." in name:
                name = name.rpartition(".")[0]
            difference = known.DIFFERENT_NAMES.get(name)
        elif mark.kind == "text":
            name, difference = mark.name, known.DIFFERENT_TEXTS.get(mark.name)
        else:
            continue
        if difference is not None:
            yield Finding(
                Verdict.DIFFERS,
                "difference",
                difference.heading,
                difference.why,
                where=(reading.place(mark),),
            )


def _late_alias(reading: Reading, importing: set[str]) -> Iterator[Finding]:
    """An ``import erlen.as_flask`` that something with Flask stands before.

    :param importing: the project's modules that import flask.
    """
    before: Mark | None = None
    for mark in reading.of("import"):
        if mark.name == "erlen.as_flask" and before is not None:
            yield Finding(
                Verdict.CHECK,
                "late-alias",
                "import erlen.as_flask",
                f"It stands below an import of {before.name} (line {before.line}). Started by"
                " anything but erlen run, it raises RuntimeError, for Flask is loaded by then.",
                "Move it to the top of the module that starts the program, or set"
                " ERLEN_AS_FLASK=1 in the environment.",
                (reading.place(mark),),
            )
            return
        if mark.when is When.IMPORT and (_is_flask(mark) or mark.name in importing):
            before = before or mark


def _is_flask(mark: Mark) -> bool:
    top = mark.name.partition(".")[0]
    return top == "flask" or top.startswith("flask_")


def _environment(readings: list[Reading], root: Path) -> Iterator[Finding]:
    """What comes from outside the program: variables, and code that runs before it."""
    if "FLASK_ENV" in os.environ:
        yield ignored_setting("FLASK_ENV", known.FLASK_ENV)
    folder = root if root.is_dir() else root.parent
    for name in (".flaskenv", ".env"):
        try:
            lines = (folder / name).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for number, line in enumerate(lines, 1):
            if line.removeprefix("export ").lstrip().startswith("FLASK_ENV"):
                where = (f"{name}:{number}",)
                yield ignored_setting("FLASK_ENV", known.FLASK_ENV, where)
    for reading in readings:
        if reading.path.endswith("gunicorn.conf.py"):
            yield from _early(reading)
    # Python imports these two at its start, from wherever they are.
    for name in ("sitecustomize", "usercustomize"):
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            yield from _early(read_file(Path(spec.origin), Path(spec.origin)))


def _early(reading: Reading) -> Iterator[Finding]:
    for mark in reading.of("import"):
        if _is_flask(mark):
            yield Finding(
                Verdict.SET,
                "early-import",
                reading.path,
                f"It imports {mark.name} before the application is loaded, so that"
                " erlen.as_flask, imported by the application, comes too late.",
                "Set ERLEN_AS_FLASK=1 in the environment.",
                (reading.place(mark),),
            )
            return


def _own_flask(root: Path) -> Iterator[Finding]:
    """Copies of Flask among the project's files."""
    if not root.is_dir():
        return
    for name in ("flask.py", "flask/__init__.py"):
        if (root / name).is_file():
            yield Finding(
                Verdict.CHECK,
                "own-flask",
                name,
                "The project has a module named flask of its own. Under the alias that name is"
                " erlen, and this one is not imported.",
                "Give it another name.",
            )
    for folder in ("_vendor", "vendor", "vendored", "third_party", "lib"):
        for found in sorted(root.glob(f"**/{folder}/flask/app.py")):
            if "site-packages" not in found.parts:
                yield Finding(
                    Verdict.CHECK,
                    "own-flask",
                    str(found.parent.relative_to(root)),
                    "A copy of Flask under another name. It stays Flask: an application made"
                    " from it does not run on erlen.",
                    "Import flask instead.",
                )


def uninstalled(readings: list[Reading]) -> Iterator[Finding]:
    """Extensions that the project imports and that this environment does not have."""
    own = {reading.module.partition(".")[0] for reading in readings}
    dead = {one.module: (name, one) for name, one in known.DEAD.items()}
    for reading in readings:
        for mark in reading.of("import"):
            top = mark.name.partition(".")[0]
            if not top.startswith("flask_") or mark.when is When.MAYBE:
                continue
            if top in own or find_spec(top) is not None:
                continue
            if top in dead:
                name, one = dead[top]
                why = f"Not installed; {name} {one.last}, the last release, cannot be imported."
                fix = f"Instead: {one.instead}."
            else:
                why, fix = "Not installed in this environment.", ""
            yield Finding(Verdict.FAILS, "not-installed", top, why, fix, (reading.place(mark),))
