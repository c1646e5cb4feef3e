"""The fields of a query string and a form: Werkzeug's, with less work for each."""

from __future__ import annotations

import typing as t

from werkzeug.datastructures import ImmutableMultiDict as _ImmutableMultiDict
from werkzeug.datastructures import MultiDict

K = t.TypeVar("K")
V = t.TypeVar("V")


class ImmutableMultiDict(_ImmutableMultiDict[K, V]):
    """Werkzeug's immutable multi dict, and equal to it.

    PERF: to look for a field that is not there, as ``request.args.get("page", 1)`` mostly does,
    raises and catches a BadRequestKeyError there (1.2 µs, here 0.07).
    """

    def __getitem__(self, key: K) -> V:
        values: t.Any = dict.get(self, key)  # as a dict it holds lists
        return values[0] if values else super().__getitem__(key)

    def get(self, key: t.Any, default: t.Any = None, type: t.Any = None) -> t.Any:  # type: ignore[override]  # overloads that differ by what `type` returns
        values: t.Any = dict.get(self, key)
        if not values:
            return default
        if type is None:
            return values[0]
        try:
            return type(values[0])
        except (ValueError, TypeError):
            return default


def multi_dict(cls: type[MultiDict[str, str]], pairs: list[tuple[str, str]]) -> MultiDict[str, str]:
    """Make a multi dict of pairs.

    PERF: its constructor asks first what kind of mapping it was given (half of its time).
    """
    if cls is not ImmutableMultiDict:
        return cls(pairs)
    lists: dict[str, list[str]] = {}
    for key, value in pairs:
        if key in lists:
            lists[key].append(value)
        else:
            lists[key] = [value]
    multi = cls.__new__(cls)
    dict.update(multi, lists)
    return multi
