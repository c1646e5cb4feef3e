"""Which proxies are believed, and that nobody else is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from erlen.server.trust import HEADERS, Trust, TrustedASGI, TrustedWSGI, address_of

pytestmark = pytest.mark.erlen_only


def said_by_wsgi(trust: Trust, peer: str, headers: dict[str, str]) -> dict[str, Any]:
    """What an application inside is told by WSGI."""
    told: dict[str, Any] = {}

    def app(environ: Any, start_response: Any) -> list[bytes]:
        told.update(
            address=environ["REMOTE_ADDR"],
            scheme=environ["wsgi.url_scheme"],
            host=environ["HTTP_HOST"],
            left={
                name: environ[key]
                for name in HEADERS
                if (key := "HTTP_" + name.upper().replace("-", "_")) in environ
            },
        )
        return []

    environ = EnvironBuilder(headers=[*headers.items()]).get_environ() | {"REMOTE_ADDR": peer}
    TrustedWSGI(app, trust)(environ, lambda *args: lambda block: None)
    return told


def said_by_asgi(
    trust: Trust, peer: str, headers: dict[str, str], kind: str = "http"
) -> dict[str, Any]:
    """What an application inside is told by ASGI."""
    told: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        by_name = {name.decode(): value.decode() for name, value in scope["headers"]}
        told.update(
            address=scope["client"][0],
            scheme=scope["scheme"],
            host=by_name["host"],
            left={name: by_name[name.lower()] for name in HEADERS if name.lower() in by_name},
        )

    scope = {
        "type": kind,
        "scheme": "http",
        "client": (peer, 4711),
        "headers": [(b"host", b"localhost")]
        + [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }

    async def never(*args: Any) -> Any:
        raise AssertionError("the application inside asks for nothing")

    asyncio.run(TrustedASGI(app, trust)(scope, never, never))
    return told


DOORS = pytest.mark.parametrize("said", [said_by_wsgi, said_by_asgi])
ALL = dict.fromkeys(HEADERS, "evil") | {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "https",
}
UNTOLD = {"scheme": "http", "host": "localhost", "left": {}}


@DOORS
@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        ("", "127.0.0.1"),
        ("10.0.0.0/8", "203.0.113.7"),
        ("10.0.0.1", "10.0.0.2"),
        ("10.0.0.1", ""),
        ("unix", "127.0.0.1"),
        ("10.0.0.1", "a name"),
    ],
)
def test_who_is_not_trusted_says_nothing(said: Any, trusted: str, peer: str) -> None:
    told = said(Trust.parse(trusted, host=True), peer, ALL)
    assert told == UNTOLD | {"address": peer}


@DOORS
@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        ("10.0.0.1, 192.0.2.0/24", "10.0.0.1"),
        ("192.0.2.0/24", "192.0.2.9"),
        ("2001:db8::/32", "2001:db8::1"),
        # How an IPv4 client is named on an IPv6 socket.
        ("10.0.0.1", "::ffff:10.0.0.1"),
        ("unix", ""),
        ("*", ""),
        ("*", "10.0.0.1"),
    ],
)
def test_a_trusted_proxy_tells_client_and_scheme(said: Any, trusted: str, peer: str) -> None:
    told = said(Trust.parse(trusted), peer, ALL)
    # What it may only have passed on is taken away.
    assert told == {
        "address": "6.6.6.6",
        "scheme": "https",
        "host": "localhost",
        "left": {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"},
    }


@DOORS
def test_the_host_where_it_is_asked_for(said: Any) -> None:
    told = said(Trust.parse("10.0.0.1", host=True), "10.0.0.1", {"X-Forwarded-Host": "evil, good"})
    assert told == UNTOLD | {
        "address": "10.0.0.1",
        "host": "good",
        "left": {"X-Forwarded-Host": "good"},
    }


@DOORS
@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        # All are proxies: the outermost is the client.
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("203.0.113.7, ", "10.0.0.1"),
        ("unknown", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_who_is_no_proxy(said: Any, forwarded: str, address: str) -> None:
    told = said(Trust.parse("10.0.0.0/8"), "10.0.0.1", {"X-Forwarded-For": forwarded})
    assert told["address"] == address


@DOORS
def test_everybody_is_one_hop(said: Any) -> None:
    headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto": "https, http"}
    told = said(Trust.parse("*"), "10.0.0.1", headers)
    assert (told["address"], told["scheme"]) == ("203.0.113.7", "http")
    assert told["left"] == {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http"}


@DOORS
@pytest.mark.parametrize("scheme", ["ftp", "javascript", "HTTPS", ""])
def test_a_scheme_that_is_none_is_not_believed(said: Any, scheme: str) -> None:
    told = said(Trust.parse("*"), "10.0.0.1", {"X-Forwarded-Proto": scheme})
    assert told == UNTOLD | {"address": "10.0.0.1"}


def test_the_scheme_of_a_websocket() -> None:
    told = said_by_asgi(Trust.parse("*"), "10.0.0.1", {"X-Forwarded-Proto": "https"}, "websocket")
    assert told["scheme"] == "wss"


def test_several_headers_of_one_name_are_one_list() -> None:
    told: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        told.append(scope["client"])

    async def never(*args: Any) -> Any:
        raise AssertionError("the application inside asks for nothing")

    headers = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"203.0.113.7")]
    scope = {"type": "http", "scheme": "http", "client": ("10.0.0.1", 1), "headers": headers}
    asyncio.run(TrustedASGI(app, Trust.parse("*"))(scope, never, never))
    assert told == [("203.0.113.7", 0)]
    assert scope["headers"] == headers  # the server's own stays as it is


addresses = st.ip_addresses().map(str)


@given(invented=st.lists(st.text("0123456789abcdef.:, []", max_size=20) | addresses))
def test_no_client_can_invent_another(invented: list[str]) -> None:
    trust = Trust.parse("10.0.0.0/8")
    honest = "203.0.113.7, 10.0.0.2"
    assert trust.client_of(", ".join([*invented, honest])) == ("203.0.113.7", honest)


@pytest.mark.parametrize("text", ["example.org", "10.0.0.1/8", "10.0.0.1 10.0.0.2", "**"])
def test_a_list_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be|has host bits set"):
        Trust.parse(text)


@pytest.mark.parametrize(
    "text", ["", "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "::1]", "[", "[]:80"]
)
def test_what_is_no_address(text: str) -> None:
    assert address_of(text) is None


def test_the_lifespan_passes_by() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    async def never(*args: Any) -> Any:
        raise AssertionError("the application inside asks for nothing")

    asyncio.run(TrustedASGI(app, Trust.parse("*"))({"type": "lifespan"}, never, never))
    assert seen == [{"type": "lifespan"}]
