"""``typing.get_type_hints`` answers for what is public, though much is imported late."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType
from typing import Any, get_type_hints

import pytest

MODULES = """
    app blueprints cli config ctx debughelpers globals helpers json json.provider json.tag logging
    sessions signals templating testing typing views wrappers
""".split()

# Their annotations name what Werkzeug and Click do not import at run time, in bases of theirs.
FOREIGN = (NameError, TypeError)


def hints(thing: Any) -> dict[str, Any]:
    # A lazy attribute is asked for the hints of what makes it.
    for name in ("fget", "__func__", "func", "make"):
        made = inspect.getattr_static(thing, name, None)
        if isinstance(made, FunctionType):
            return get_type_hints(made)
    return get_type_hints(thing)


def is_answered(thing: Any) -> bool:
    try:
        return isinstance(hints(thing), dict)
    except FOREIGN:
        return False


def annotated(value: object) -> bool:
    names = ("fget", "__func__", "func", "make")
    return isinstance(value, FunctionType) or any(
        isinstance(inspect.getattr_static(value, name, None), FunctionType) for name in names
    )


def of_class(cls: type) -> Iterator[tuple[str, Any]]:
    """The functions, methods and properties of a class, those of its bases too."""
    for name in dir(cls):
        value = inspect.getattr_static(cls, name)
        if annotated(value):
            yield name, value


def names_of(module: Any) -> Iterator[tuple[str, Any]]:
    for name, value in vars(module).items():
        home = getattr(value, "__module__", None)
        if isinstance(value, (type, FunctionType)) and str(home).startswith("flask"):
            yield name, value


@pytest.mark.peer
@pytest.mark.parametrize("module", ["", *MODULES])
def test_what_flask_answers_is_answered(module: str) -> None:
    theirs = importlib.import_module(f"flask.{module}".rstrip("."))
    ours = importlib.import_module(f"erlen.{module}".rstrip("."))
    silent = []
    for name, value in names_of(theirs):
        mine = getattr(ours, name, None)
        if mine is None:
            continue
        if is_answered(value) and not is_answered(mine):
            silent.append(name)
        if isinstance(value, type):
            silent += [
                f"{name}.{attribute}"
                for attribute, member in of_class(value)
                if is_answered(member)
                and annotated(found := inspect.getattr_static(mine, attribute, None))
                and not is_answered(found)
            ]
    assert silent == []


def rooms() -> Iterator[Any]:
    package = importlib.import_module("erlen")
    for found in pkgutil.walk_packages(package.__path__, "erlen."):
        # A private room has no public names, the alias turns every import of flask, and what
        # `erlen new` copies is an application's.
        private = any(part.startswith("_") for part in found.name.split("."))
        if not private and not found.name.startswith(("erlen.as_flask", "erlen.new.template")):
            yield importlib.import_module(found.name)


def inherits_silence(cls: type) -> bool:
    foreign = [base for base in cls.__mro__ if base.__module__.split(".")[0] != "erlen"]
    return not all(is_answered(base) for base in foreign)


@pytest.mark.peer
def test_every_public_name_of_erlen_is_answered() -> None:
    silent = []
    asked = 0
    for room in rooms():
        for name, value in vars(room).items():
            is_mine = getattr(value, "__module__", None) == room.__name__
            if name.startswith("_") or not is_mine or not isinstance(value, (type, FunctionType)):
                continue
            members: list[tuple[str, Any]] = [(name, value)] if not isinstance(value, type) else []
            if isinstance(value, type):
                members += [] if inherits_silence(value) else [(name, value)]
                members += [
                    (f"{name}.{attribute}", member)
                    for attribute, member in vars(value).items()
                    if annotated(member) and not attribute.startswith("_")
                ]
            asked += len(members)
            silent += [f"{room.__name__}: {n}" for n, member in members if not is_answered(member)]
    assert silent == []
    assert asked > 500


def test_what_is_imported_late_is_found(flask: Any) -> None:
    import jinja2

    found = get_type_hints(flask.render_template)["template_name_or_list"]
    assert jinja2.Template in found.__args__
    assert get_type_hints(flask.Flask.create_jinja_environment)["return"] is (
        flask.templating.Environment
    )
