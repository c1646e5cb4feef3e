"""What is in an application that is no app itself: middleware keeps it under many names."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from functools import partial
from inspect import getattr_static
from types import FunctionType, MethodType, ModuleType

from ..cli.locate import is_app
from ..typing import App

# Enough for what is put around applications, and an end to what is not that.
_MOST = 10_000


def apps_within(application: t.Any) -> list[App]:
    """Find the apps in an application: itself, or those around which something is put."""
    return [value for value in _walk(application) if is_app(value)]


def reason_for_asgi(application: t.Any) -> str:
    """Tell what in an application that speaks both protocols is better served by ASGI, or ``""``.

    Middleware tells it by the attribute ``reason_for_asgi``.
    """
    reasons = (getattr_static(value, "reason_for_asgi", "") for value in _walk(application))
    return next((reason for reason in reasons if reason), "")


def _walk(application: t.Any) -> Iterator[t.Any]:
    """Yield an application and what it holds, down to apps, without running any of its code."""
    waiting, seen = [application], set[int]()
    while waiting and len(seen) < _MOST:
        value = waiting.pop(0)
        if id(value) in seen:
            continue
        seen.add(id(value))
        yield value
        if not is_app(value):
            waiting.extend(_held_by(value))


def _held_by(value: t.Any) -> list[t.Any]:
    kind = type(value)
    if issubclass(kind, dict):
        return list(value.values())
    if issubclass(kind, (list, tuple, set, frozenset)):
        return list(value)
    if issubclass(kind, FunctionType):
        cells = value.__closure__ or ()
        return [held for cell in cells if (held := _held_in(cell)) is not cell]
    if issubclass(kind, MethodType):
        return [value.__self__]
    if issubclass(kind, partial):
        return [value.func, *value.args, *value.keywords.values()]
    if issubclass(kind, (type, ModuleType)):
        return []
    try:
        return list(object.__getattribute__(value, "__dict__").values())
    except AttributeError:
        return []


def _held_in(cell: t.Any) -> t.Any:
    """Return what a cell holds; the cell itself where it is empty."""
    try:
        return cell.cell_contents
    except ValueError:
        return cell
