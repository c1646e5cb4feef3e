"""Reading one Python file without running it: what it imports, and what it does with Flask."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

from . import known
from .names import ROOTS, missing


class When(Enum):
    """When a line runs."""

    IMPORT = 0  # as soon as the module is imported
    CALL = 1  # when a function is called
    MAYBE = 2  # under a condition that only the running program knows


@dataclass(frozen=True)
class Mark:
    """Something that a line says.

    :param kind: ``import`` (a module); ``name`` (a dotted name of Flask or its dependencies);
        and, where :mod:`.known` knows them: ``attribute`` (of what looks like an app or a
        blueprint), ``attribute of something``, ``assignment`` (to an attribute), ``setting`` (a
        key of the configuration, assigned or asked for), ``keyword`` (``function(keyword)`` of a
        call), ``text`` (a string, or a word for what was seen).
    """

    kind: str
    name: str
    line: int
    when: When


@dataclass
class Reading:
    """What one file says.

    :param path: how the file is called in the findings.
    :param module: its dotted name.
    :param error: why it could not be read; None where it was.
    """

    path: str
    module: str
    marks: list[Mark] = field(default_factory=list)
    error: str | None = None

    def of(self, kind: str) -> Iterator[Mark]:
        """The marks of one kind, in the order of the lines."""
        return (mark for mark in self.marks if mark.kind == kind)

    def place(self, mark: Mark) -> str:
        """``file:line``, as findings tell it."""
        return f"{self.path}:{mark.line}"


def read(source: bytes, path: str, module: str, is_package: bool = False) -> Reading:
    """Read the source of one file.

    :param path: how the file shall be called in the findings.
    :param module: its dotted name, from which relative imports are resolved.
    :param is_package: whether the file is an ``__init__.py``.
    """
    reading = Reading(path, module)
    try:
        with warnings.catch_warnings():
            # The parser's own, such as of an unknown escape: they are not about Flask.
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
            # PERF: most files of a large package speak of other things: then only imports count.
            whole = any(root in source for root in _ROOTS_IN_SOURCE)
            _Reader(reading, is_package, _bound_twice(tree) if whole else set(), whole).visit(tree)
    except SyntaxError as error:
        reading.error = f"{error.msg} in line {error.lineno}"
    except (ValueError, RecursionError, MemoryError) as error:
        # Null bytes, and source that nests too deep for the parser.
        reading.error = str(error)
    reading.marks.sort(key=lambda mark: mark.line)
    return reading


_ROOTS_IN_SOURCE = tuple(root.encode() for root in (*ROOTS, "erlen", "FLASK_ENV"))


def _bound_twice(tree: ast.AST) -> set[str]:
    """The names that stand for something else than one import: nothing is said of them."""
    bound: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                full = alias.name if alias.asname else alias.name.partition(".")[0]
                bound.setdefault(alias.asname or full, set()).add(full)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                bound.setdefault(alias.asname or alias.name, set()).add(full)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.setdefault(node.id, set()).add("variable")
        elif isinstance(node, ast.arg):
            bound.setdefault(node.arg, set()).add("parameter")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.setdefault(node.name, set()).add("definition")
    return {name for name, meanings in bound.items() if len(meanings) > 1}


_CAUGHT: Final = {"ImportError", "ModuleNotFoundError", "AttributeError"}
_CAUGHT_ALL: Final = {"Exception", "BaseException"}
_APPS: Final = {"app", "application", "current_app", "flask_app", "_app", "bp", "blueprint"}


# What is marked of each kind; all of the kinds that are not here.
_KNOWN: Final[dict[str, Container[str]]] = {
    "attribute": known.ATTRIBUTES,
    "attribute of something": known.ATTRIBUTES_OF_ANYTHING,
    "assignment": known.ATTRIBUTES,
    "keyword": known.KEYWORDS,
    "setting": known.SETTINGS,
    "text": {*known.DIFFERENT_TEXTS, "FLASK_ENV"},
}


class _Reader(ast.NodeVisitor):
    """Walks the tree of one file and leaves marks."""

    def __init__(
        self, reading: Reading, is_package: bool, bound_twice: set[str], whole: bool
    ) -> None:
        self.whole = whole
        self.marks = reading.marks
        self.package = reading.module.split(".")
        if not is_package:
            self.package.pop()
        self.bound_twice = bound_twice
        self.bound: dict[str, str] = {}
        self.apps = set(_APPS)
        self.when = When.IMPORT

    def visit(self, node: ast.AST) -> None:
        if self.whole or not isinstance(node, ast.expr):
            super().visit(node)

    def mark(self, kind: str, name: str, node: ast.stmt | ast.expr | ast.arg) -> None:
        table = _KNOWN.get(kind)
        if table is None or name in table:
            self.marks.append(Mark(kind, name, node.lineno, self.when))

    @contextmanager
    def at(self, when: When) -> Iterator[None]:
        """What is visited within runs later than what is around it, or under a condition."""
        before = self.when
        self.when = max(before, when, key=lambda one: one.value)
        yield
        self.when = before

    # Imports, and names by them.

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.mark("import", alias.name, node)
            if alias.name.partition(".")[0] in ROOTS:
                self.mark("name", alias.name, node)
                full = alias.name if alias.asname else alias.name.partition(".")[0]
                self.bind(alias.asname or full, full)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            above = self.package[: len(self.package) - node.level + 1]
            base = ".".join([*above, base] if base else above)
        self.mark("import", base, node)
        for alias in node.names:
            if alias.name == "*":
                continue
            if base.partition(".")[0] in ROOTS and not node.level:
                self.mark("name", f"{base}.{alias.name}", node)
                self.bind(alias.asname or alias.name, f"{base}.{alias.name}")
            else:
                # The name may be a module of its own.
                self.mark("import", f"{base}.{alias.name}", node)

    def bind(self, name: str, full: str) -> None:
        # What is missing is told once, where it is imported.
        if name not in self.bound_twice and missing(full) is None:
            self.bound[name] = full

    def dotted(self, node: ast.expr) -> str | None:
        """The full name of ``flask.json.x``, where its first part was imported."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.bound:
            return None
        return ".".join([self.bound[node.id], *reversed(parts)])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = self.dotted(node)
        if dotted is not None and dotted != "flask.current_app":
            self.mark("name", dotted, node)
        base = node.value
        name = base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")
        if name not in self.apps:
            self.mark("attribute of something", node.attr, node)
        else:
            kind = "attribute" if isinstance(node.ctx, ast.Load) else "assignment"
            self.mark(kind, node.attr, node)
        if dotted is None:
            self.visit(base)

    # What looks like an application.

    def visit_Assign(self, node: ast.Assign) -> None:
        made = self.dotted(node.value.func) if isinstance(node.value, ast.Call) else None
        for target in node.targets:
            if isinstance(target, ast.Name):
                if made in ("flask.Flask", "flask.Blueprint"):
                    self.apps.add(target.id)
                self.mark("setting", target.id, target)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.mark("setting", node.target.id, node)
        self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        annotation = node.annotation
        if annotation and self.dotted(annotation) in ("flask.Flask", "flask.Blueprint"):
            self.apps.add(node.arg)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function = self.dotted(node.func) or ""
        values: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                continue
            self.mark("setting", keyword.arg, keyword.value)
            if isinstance(keyword.value, ast.Constant):
                values[keyword.arg] = keyword.value.value
            self.mark("keyword", f"{function}({keyword.arg})", keyword.value)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "run":
            if values.get("debug") and values.get("host") in ("0.0.0.0", "::"):
                self.mark("text", "run(debug) for others", node)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            self.mark("setting", node.slice.value, node)
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key in node.keys:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                self.mark("setting", key.value, key)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.mark("text", node.value, node)

    # When a line runs.

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        routed = any(self._is_route(decorator) for decorator in node.decorator_list)
        if routed and isinstance(node, ast.AsyncFunctionDef):
            self.mark("text", "async view", node)
        for decorator in node.decorator_list:
            self.visit(decorator)
        self.visit(node.args)
        with self.at(When.CALL):
            for statement in node.body:
                self.visit(statement)

    visit_AsyncFunctionDef = visit_FunctionDef

    @staticmethod
    def _is_route(decorator: ast.expr) -> bool:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        return isinstance(function, ast.Attribute) and function.attr in (
            *("route", "get", "post", "put", "patch", "delete", "before_request", "after_request"),
        )

    def visit_If(self, node: ast.If) -> None:
        test = ast.unparse(node.test)
        self.visit(node.test)
        is_main = test.startswith("__name__ ==")
        if test not in ("TYPE_CHECKING", "typing.TYPE_CHECKING", "t.TYPE_CHECKING"):
            with self.at(When.IMPORT if is_main else When.MAYBE):
                for statement in node.body:
                    self.visit(statement)
        with self.at(When.MAYBE):
            for statement in node.orelse:
                self.visit(statement)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.visit(node.test)
        with self.at(When.MAYBE):
            self.visit(node.body)
            self.visit(node.orelse)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self.visit(node.values[0])
        with self.at(When.MAYBE):
            for value in node.values[1:]:
                self.visit(value)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            self.visit(item)
        suppressed = any(
            isinstance(item.context_expr, ast.Call)
            and "suppress" in ast.unparse(item.context_expr.func)
            for item in node.items
        )
        start = len(self.marks)
        for statement in node.body:
            self.visit(statement)
        if suppressed:
            self._forget_missing(start)

    def visit_Try(self, node: ast.Try) -> None:
        caught = {name for handler in node.handlers for name in _names_of(handler.type)}
        start = len(self.marks)
        for statement in node.body:
            self.visit(statement)
        if caught & (_CAUGHT | _CAUGHT_ALL):
            needed = self._forget_missing(start)
            # An `except ImportError` after names that all exist never runs. After other imports,
            # only the running program knows.
            others = any(
                mark.kind == "import" and mark.name.partition(".")[0] not in ROOTS
                for mark in self.marks[start:]
            )
            never = not needed and not others and not caught & _CAUGHT_ALL
            when = When.IMPORT if needed else When.MAYBE
        else:
            never, when = False, When.IMPORT
        if not never:
            with self.at(when):
                for handler in node.handlers:
                    self.visit(handler)
        for statement in (*node.orelse, *node.finalbody):
            self.visit(statement)

    def _forget_missing(self, start: int) -> bool:
        """Forget the names since a mark that do not exist: the program is ready for that.

        :return: whether there were any.
        """
        marks = self.marks[start:]
        kept = [m for m in marks if m.kind != "name" or missing(m.name) is None]
        # Whether there is what else it imports is not told here.
        self.marks[start:] = [
            replace(mark, when=When.MAYBE) if mark.kind == "import" else mark for mark in kept
        ]
        return len(kept) != len(marks)


def _names_of(caught: ast.expr | None) -> Iterator[str]:
    """The names of the exceptions behind an ``except``."""
    if caught is None:
        yield "BaseException"
    elif isinstance(caught, ast.Tuple):
        for one in caught.elts:
            yield from _names_of(one)
    else:
        yield ast.unparse(caught).rpartition(".")[2]
