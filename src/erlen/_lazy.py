"""What comes when it is first asked for: an attribute, and a module that an annotation names."""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from importlib import import_module

T = t.TypeVar("T")


class LateModule:
    """Stands for a module in annotations, and imports it when one of them is evaluated.

    ``typing.get_type_hints`` evaluates an annotation among the names of the module where it is
    written, and there a ``__getattr__`` of that module is not asked. So the module that is slow
    to import stands among them, once as itself for type checkers and once as this.

    :param name: the module's full name.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> t.Any:
        return getattr(import_module(self._name), name)


class _Lazy(t.Generic[T]):
    """Make an attribute at the first look, and let it be a plain one from then on.

    Unlike ``property`` it has no ``__set__``, so the value that the first look leaves on the
    instance is found without a call, and an assignment simply replaces it. Unlike
    ``functools.cached_property`` it goes through ``setattr``, which keeps the instance's compact
    layout, and takes no lock on any Python.
    """

    def __init__(self, make: Callable[[t.Any], T]) -> None:
        self.make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @t.overload
    def __get__(self, instance: None, owner: type) -> t.Self: ...
    @t.overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> t.Self | T:
        if instance is None:
            return self
        value = self.make(instance)
        setattr(instance, self.name, value)
        return value


if t.TYPE_CHECKING:
    # To a checker it is what it takes the place of on Werkzeug's request.
    from werkzeug.utils import cached_property

    lazy = cached_property
else:
    lazy = _Lazy
