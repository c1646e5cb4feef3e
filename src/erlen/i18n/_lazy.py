"""Text that is looked up when it is shown, not where it stands."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator
from functools import total_ordering


@total_ordering
class LazyString:
    """Text of a function that is called each time it is needed: a message, whose language is not
    known yet where a module is imported.

    It has the methods and operators of ``str``, which give plain text. It is no ``str`` to
    ``isinstance``, and ``str()`` makes one of it. As it is text and not HTML, templates escape it.

    :param function: returns the text.
    :param args: its arguments.
    :param kwargs: its keywords.
    """

    __slots__ = ("_args", "_function", "_kwargs")

    def __init__(self, function: Callable[..., str], *args: t.Any, **kwargs: t.Any) -> None:
        self._function = function
        self._args = args
        self._kwargs = kwargs

    def __str__(self) -> str:
        return self._function(*self._args, **self._kwargs)

    def __repr__(self) -> str:
        return f"LazyString({str(self)!r})"

    def __getattr__(self, name: str) -> t.Any:
        # What has underscores belongs to protocols: copies, pickles, __html__.
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(str(self), name)

    def __eq__(self, other: object) -> bool:
        return str(self) == (str(other) if isinstance(other, LazyString) else other)

    def __lt__(self, other: object) -> bool:
        return str(self) < str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __bool__(self) -> bool:
        return bool(str(self))

    def __len__(self) -> int:
        return len(str(self))

    def __iter__(self) -> Iterator[str]:
        return iter(str(self))

    def __contains__(self, part: str) -> bool:
        return part in str(self)

    def __getitem__(self, index: t.SupportsIndex | slice) -> str:
        return str(self)[index]

    def __add__(self, other: object) -> str:
        return str(self) + str(other)

    def __radd__(self, other: object) -> str:
        return str(other) + str(self)

    def __mod__(self, values: t.Any) -> str:
        text: str = str(self) % values
        return text

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)
