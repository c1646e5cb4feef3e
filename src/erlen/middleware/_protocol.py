"""Two protocols, one object: what every middleware of this battery is called with."""

from __future__ import annotations

import typing as t
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import partial

from .. import typing as ft
from .._serving import mark_one_asgi
from ..asgi.protocol import BOTH, Protocol, protocols

Scope: t.TypeAlias = MutableMapping[str, t.Any]
Message: t.TypeAlias = MutableMapping[str, t.Any]
Receive: t.TypeAlias = Callable[[], Awaitable[Message]]
Send: t.TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApplication: t.TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Application: t.TypeAlias = ft.WSGIApplication | ASGIApplication


class BothDoors:
    """An application that is called as WSGI or as ASGI, and tells the two apart."""

    speaks: frozenset[Protocol] = BOTH

    def _speak(self, found: frozenset[Protocol]) -> None:
        """Speak some protocols, and have servers that look before they call see ASGI."""
        self.speaks = found
        if "ASGI" in found:
            mark_one_asgi(self)

    @t.overload
    def __call__(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse, /
    ) -> Iterable[bytes]: ...
    @t.overload
    def __call__(self, scope: Scope, receive: Receive, send: Send, /) -> Awaitable[None]: ...
    @t.overload
    def __call__(self, scope: Scope, /) -> Callable[[Receive, Send], Awaitable[None]]: ...
    def __call__(self, first: t.Any, *rest: t.Any) -> t.Any:
        if len(rest) == 1:
            self._expect("WSGI")
            return self.wsgi(first, *rest)
        self._expect("ASGI")
        if not rest:  # ASGI 2, which servers take for what is no coroutine function
            return partial(self.asgi, first)
        return self.asgi(first, *rest)

    def wsgi(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        """Answer a request as a WSGI application."""
        raise NotImplementedError

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a connection as an ASGI application."""
        raise NotImplementedError

    def _expect(self, protocol: Protocol) -> None:
        if protocol not in self.speaks:
            raise TypeError(
                f"{type(self).__name__} was called as {protocol}, but the application inside"
                f" speaks {' and '.join(sorted(self.speaks))} only. Serve it on such a server,"
                " or mount it with Dispatcher, which translates."
            )


class Middleware(BothDoors):
    """An application around an application, called as WSGI or as ASGI like the one inside.

    :param app: the application inside.
    :raises TypeError: it is none.

    Source: https://peps.python.org/pep-3333/, https://asgi.readthedocs.io/en/latest/specs/main.html
    """

    def __init__(self, app: Application) -> None:
        self._speak(protocols(app))
        self.app: t.Any = app
