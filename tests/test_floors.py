"""Imports point downward only: the floors of the package, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SRC = Path(__file__).parents[1] / "src" / "erlen"
FLOORS = [
    "typing signals globals config _ending _headers _multidict _signing _paths _lazy _background"
    " _extras _listen",
    "routing debughelpers logging views _http _request _response wrappers json sessions ctx",
    "_files _jinja _returned dispatch",
    "helpers errors urls templating scaffold",
    "cli blueprints testing asgi _serving app",
    "as_flask _flask_names doctor new server translate globals.pyi __init__ __main__",
    # The batteries: ordinary extensions over the whole framework, which imports none of them.
    "middleware i18n sse",
    "forms uploads channels",
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms.split()}
MOST_LINES = 600

# Function-level imports of erlen inside erlen: (importing file, imported room) -> the reason.
LAZY = {
    ("as_flask.py", "cli"): "only load() finds an application; the alias alone does not",
    ("server/application.py", "as_flask"): "only the process that looks at an application may",
    ("server/worker.py", "as_flask"): "only the process that serves an application may",
    ("__init__.py", "cli"): "a worker that serves needs neither click nor the command line",
    ("app.py", "cli"): "a worker that serves needs neither click nor the command line",
    ("app.py", "testing"): "a worker that serves needs no test client",
    ("blueprints.py", "cli"): "a worker that serves needs neither click nor the command line",
    ("doctor/command.py", "doctor"): "every command line loads it, and one command needs the rest",
    ("server/command.py", "server"): "every command line loads it, and one command needs the rest",
    ("translate/command.py", "translate"): "every command line loads it; Babel is slow to import",
    ("cli/serve.py", "cli"): "only debug mode needs the debugger and the reloader",
    ("templating.py", "_jinja"): "Jinja is slow to import; an API has no templates",
    ("_response.py", "_background"): "asyncio is slow to import; most apps await nothing",
    ("sessions.py", "_signing"): "itsdangerous is slow to import; many apps have no session",
    ("_serving.py", "cli"): "a worker that serves needs neither click nor the command line",
    ("app.py", "asgi"): "asyncio is slow to import, and WSGI needs none of it",
    ("ctx.py", "_background"): "asyncio is slow to import; most apps await nothing",
    ("_serving.py", "testing"): "a worker that serves needs no test client",
    ("_serving.py", "asgi"): "asyncio is slow to import, and WSGI needs none of it",
    ("testing.py", "asgi"): "asyncio is slow to import, and most tests need none of it",
    ("templating.py", "_background"): "asyncio is slow to import; most apps await nothing",
    ("dispatch.py", "_background"): "asyncio is slow to import; most apps await nothing",
}


def room_of(file: Path) -> str:
    return file.relative_to(SRC).parts[0].removesuffix(".py")


def imports_of(file: Path, tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Each import of erlen in a file, in functions and under TYPE_CHECKING too, and its room."""
    package = ["erlen", *file.relative_to(SRC).parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            full = [*base, *(node.module or "").split(".")] if node.module else base
            names = [".".join([*full, alias.name]) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        parts = (name.split(".") for name in names)
        rooms = {path[1] if len(path) > 1 else "" for path in parts if path[0] == "erlen"}
        for room in sorted(rooms):
            yield node, room if room in FLOOR else "__init__"


def check(file: Path, source: str) -> Iterator[str]:
    """What is wrong with a file of the package, in words."""
    tree = ast.parse(source)
    here, name = room_of(file), str(file.relative_to(SRC))
    if here not in FLOOR:
        yield f"{name} stands on no floor"
        return
    if (lines := len(source.splitlines())) > MOST_LINES:
        yield f"{name} has {lines} lines"
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    lazy = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, functions)
        for inner in ast.walk(outer)
    }
    for node, room in imports_of(file, tree):
        if FLOOR[room] > FLOOR[here]:
            yield f"{name}:{node.lineno} imports {room}, which stands above"
        elif id(node) in lazy and (name, room) not in LAZY:
            yield f"{name}:{node.lineno} imports {room} in a function"


def test_imports_point_downward_and_files_are_short() -> None:
    # What `erlen new` copies is an application's, and stands on none of these floors.
    made = SRC / "new" / "template"
    files = [file for file in SRC.rglob("*.py") if not file.is_relative_to(made)]
    files += SRC.glob("*.pyi")
    assert FLOOR.keys() >= {"app"} and len(files) > 20
    assert [word for file in sorted(files) for word in check(file, file.read_text("utf-8"))] == []


def test_the_check_finds_each_fault() -> None:
    def faults(file: str, source: str) -> list[str]:
        return list(check(SRC / file, source))

    assert faults("globals.py", "from .ctx import AppContext") == [
        "globals.py:1 imports ctx, which stands above"
    ]
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from erlen.app import Flask"
    assert faults("ctx.py", typed) == ["ctx.py:3 imports app, which stands above"]
    assert faults("json/tag.py", "from ..sessions import x") == []
    assert faults("json/tag.py", "from .. import Flask") == [
        "json/tag.py:1 imports __init__, which stands above"
    ]
    assert faults("app.py", "def f():\n    from .ctx import AppContext") == [
        "app.py:2 imports ctx in a function"
    ]
    assert faults("app.py", "x = 1\n" * 601) == ["app.py has 601 lines"]
    assert faults("elsewhere.py", "") == ["elsewhere.py stands on no floor"]


def test_every_listed_lazy_import_is_there_and_has_a_reason() -> None:
    for (name, room), reason in LAZY.items():
        file = SRC / name
        assert room in {found for _, found in imports_of(file, ast.parse(file.read_text("utf-8")))}
        assert len(reason) > 20
