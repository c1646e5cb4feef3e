"""The end of serving, of which is told what would go on for ever: event streams, WebSockets."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: Where the scope of a WebSocket has the worker's, for what stands beside the app.
IN_SCOPE = "erlen.ending"


class Ending:
    """Whether a worker is about to end, and who is to hear of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = False
        self._funcs: set[Callable[[], object]] = set()

    def tell(self, func: Callable[[], object]) -> None:
        """Have a function called when the end begins, in any thread; at once if it has begun."""
        with self._lock:
            self._funcs.add(func)
            begun = self._begun
        if begun:
            func()

    def forget(self, func: Callable[[], object]) -> None:
        """Have a function called no more."""
        with self._lock:
            self._funcs.discard(func)

    def begin(self) -> None:
        """Tell everybody."""
        with self._lock:
            self._begun = True
            funcs = list(self._funcs)
        for func in funcs:
            func()

    def is_awaited(self) -> bool:
        """Tell whether something has still to end that was told to."""
        with self._lock:
            return bool(self._funcs)

    def renew(self) -> None:
        """Say that there is serving again, as in tests."""
        with self._lock:
            self._begun = False
