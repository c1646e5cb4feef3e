"""Which proxies are believed, in what they say of the client.

Nobody is by default: a client can send these headers as well as a proxy can. What is not believed
is taken away, so that no application reads it by mistake.

Source: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-For
"""

from __future__ import annotations

import typing as t
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from .. import typing as ft

#: What proxies say in; taken away unless it is believed.
HEADERS = (
    "Forwarded",
    "X-Forwarded-By",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Real-Ip",
)
_KEYS = tuple("HTTP_" + name.upper().replace("-", "_") for name in HEADERS)
_NAMES = frozenset(name.lower().encode() for name in HEADERS)
_FOR, _PROTO, _HOST = b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"


@dataclass(frozen=True)
class Trust:
    """The proxies that are believed.

    :param networks: addresses and networks of proxies.
    :param everyone: believe whoever connects, one hop of proxies.
    :param unix: believe who connects to the unix socket.
    :param host: believe ``X-Forwarded-Host`` too.
    """

    networks: tuple[t.Any, ...] = ()
    everyone: bool = False
    unix: bool = False
    host: bool = False

    @classmethod
    def parse(cls, text: str, host: bool = False) -> Trust:
        """Read a list of addresses and networks with commas between; ``*``, ``unix``.

        :raises ValueError: an item is none of these.
        """
        items = [item.strip() for item in text.split(",") if item.strip()]
        words = {"*", "unix"}
        networks = tuple(ip_network(item) for item in items if item not in words)
        return cls(networks, "*" in items, "unix" in items, host)

    def __bool__(self) -> bool:
        return bool(self.networks) or self.everyone or self.unix

    def believes(self, peer: str) -> bool:
        """Tell whether the other end of a connection is a proxy; ``""`` is a unix socket's."""
        if self.everyone or not peer:
            return self.everyone or self.unix
        return self._lists(address_of(peer))

    def _lists(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self.networks)

    def client_of(self, forwarded: str) -> tuple[str, str] | None:
        """Find the client: the last address that no proxy of ours has.

        Each proxy adds at the end who connected to it, so what stands before the first address
        that is not a proxy's may be invented.

        :param forwarded: the value of ``X-Forwarded-For``.
        :return: the client's address, and that part of the value which is believed; None where
            the value ends with something that is no address.
        """
        values = [value.strip() for value in forwarded.split(",")]
        client, start = None, len(values)
        while start:
            address = address_of(values[start - 1])
            if address is None:
                break
            client, start = address, start - 1
            if self.everyone or not self._lists(address):
                break
        return None if client is None else (str(client), ", ".join(values[start:]))


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address, with or without a port: ``1.2.3.4``, ``1.2.3.4:80``, ``[::1]:80``."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _last(value: str) -> str:
    return value.rpartition(",")[2].strip()


class TrustedWSGI:
    """A WSGI application that is told who the client is.

    :param app: the application inside.
    :param trust: who is believed.
    """

    def __init__(self, app: t.Any, trust: Trust) -> None:
        self.app = app
        self.trust = trust

    def __call__(
        self, environ: ft.WSGIEnvironment, start_response: ft.StartResponse
    ) -> Iterable[bytes]:
        said = {key: environ.pop(key) for key in _KEYS if key in environ}
        if said and self.trust and self.trust.believes(environ.get("REMOTE_ADDR", "")):
            self._believe(environ, said)
        return self.app(environ, start_response)  # type: ignore[no-any-return]  # as it answers

    def _believe(self, environ: ft.WSGIEnvironment, said: dict[str, str]) -> None:
        found = self.trust.client_of(said.get("HTTP_X_FORWARDED_FOR", ""))
        if found is not None:
            environ["REMOTE_ADDR"], environ["HTTP_X_FORWARDED_FOR"] = found
        scheme = _last(said.get("HTTP_X_FORWARDED_PROTO", ""))
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = environ["HTTP_X_FORWARDED_PROTO"] = scheme
        host = _last(said.get("HTTP_X_FORWARDED_HOST", ""))
        if self.trust.host and host:
            environ["HTTP_HOST"] = environ["HTTP_X_FORWARDED_HOST"] = host


class TrustedASGI:
    """An ASGI application that is told who the client is.

    :param app: the application inside.
    :param trust: who is believed.
    """

    def __init__(self, app: t.Any, trust: Trust) -> None:
        self.app = app
        self.trust = trust

    def __call__(
        self, scope: ft.Scope, receive: ft.Receive, send: ft.Send
    ) -> Coroutine[t.Any, t.Any, None]:
        if scope["type"] != "lifespan":
            said: dict[bytes, str] = {}
            headers = []
            for name, value in scope["headers"]:
                if name in _NAMES:
                    text = value.decode("latin-1")
                    said[name] = f"{said[name]}, {text}" if name in said else text
                else:
                    headers.append((name, value))
            if said:
                scope = {**scope, "headers": headers}
                client = scope.get("client")
                if self.trust and self.trust.believes(client[0] if client else ""):
                    self._believe(scope, headers, said)
        return self.app(scope, receive, send)  # type: ignore[no-any-return]  # as it answers

    def _believe(
        self, scope: ft.Scope, headers: list[tuple[bytes, bytes]], said: dict[bytes, str]
    ) -> None:
        found = self.trust.client_of(said.get(_FOR, ""))
        if found is not None:
            scope["client"] = (found[0], 0)
            headers.append((_FOR, found[1].encode("latin-1")))
        scheme = _last(said.get(_PROTO, ""))
        if scheme in ("http", "https"):
            is_socket = scope["type"] == "websocket"
            scope["scheme"] = scheme.replace("http", "ws") if is_socket else scheme
            headers.append((_PROTO, scheme.encode()))
        host = _last(said.get(_HOST, "")).encode("latin-1")
        if self.trust.host and host:
            headers[:] = [header for header in headers if header[0] != b"host"]
            headers += [(b"host", host), (_HOST, host)]
