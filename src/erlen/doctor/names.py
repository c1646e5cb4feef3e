"""Whether a name exists that code takes from Flask or from what Flask stands on."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from functools import cache
from types import ModuleType
from typing import Any

from _erlen_as_flask import AliasFinder

#: The packages whose names are looked up: erlen under Flask's name, and its own dependencies.
ROOTS = frozenset({"flask", "werkzeug", "jinja2", "markupsafe", "itsdangerous", "click", "blinker"})


@cache
def missing(dotted: str) -> str | None:
    """Tell which part of a dotted name does not exist under the alias.

    :param dotted: a name below one of :data:`ROOTS`, such as ``flask.json.JSONEncoder``.
    :return: the shortest prefix that does not exist; None where all of it does. What lies inside
        of a class, a function or a value is not looked at.
    """
    parts = dotted.split(".")
    found: Any = _module(parts[0])
    for length in range(1, len(parts)):
        if not isinstance(found, ModuleType):
            return None
        prefix = ".".join(parts[: length + 1])
        try:
            with warnings.catch_warnings():
                # A deprecated name exists.
                warnings.simplefilter("ignore")
                found = getattr(found, parts[length])
        except AttributeError:
            found = _module(prefix)
            if found is None:
                return prefix
    return None


def _module(name: str) -> ModuleType | None:
    """Import a module of :data:`ROOTS`; ``flask.x`` is what the alias makes of it."""
    if name.partition(".")[0] != "flask":
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            return None
    # By the finder and not by its name: the alias need not be installed in this process.
    try:
        spec = AliasFinder().find_spec(name)
    except ModuleNotFoundError:
        # What is above it is a module and no package.
        return None
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
