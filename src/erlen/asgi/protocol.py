"""Which of the two protocols an application speaks."""

from __future__ import annotations

import inspect
import typing as t

Protocol: t.TypeAlias = t.Literal["WSGI", "ASGI"]
BOTH: t.Final[frozenset[Protocol]] = frozenset({"WSGI", "ASGI"})


def protocols(app: object) -> frozenset[Protocol]:
    """Tell which protocols an application speaks, by the arguments that it takes.

    Two make it WSGI, three ASGI; one that takes either speaks both. An application that hides
    its arguments (``*args``) counts as both.

    :raises TypeError: it cannot be called.
    """
    # Middleware takes the arguments of both, and says which it speaks.
    said: frozenset[Protocol] | None = getattr(app, "speaks", None)
    if isinstance(said, frozenset):
        return said
    if not callable(app):
        raise TypeError(f"An application is a WSGI or ASGI callable, not {app!r}.")
    try:
        signature = inspect.signature(app)
    except ValueError:  # some callables written in C do not tell
        return BOTH
    found: set[Protocol] = set()
    if _takes(signature, 2):
        found.add("WSGI")
    if _takes(signature, 3):
        found.add("ASGI")
    if not found:
        raise TypeError(
            f"{app!r} takes {signature}: neither WSGI's two arguments nor ASGI's three."
            " Pass the application itself, not the function that makes it."
        )
    return frozenset(found)


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True
