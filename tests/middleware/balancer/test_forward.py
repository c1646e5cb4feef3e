"""What reaches a backend, and what of its answer reaches the client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client, create_environ

from erlen.middleware import Balancer, Dispatcher

from ..doors import asgi, ask, scope_for, wsgi
from .servers import Asked, Handle, Server, serving

pytest.importorskip("urllib3", reason="urllib3 (extra middleware) is not installed")


@pytest.fixture
def start() -> Iterator[Callable[[Handle], tuple[Balancer, Server]]]:
    """Start a backend and a balancer before it."""
    with ExitStack() as stack:

        def start(handle: Handle, **options: Any) -> tuple[Balancer, Server]:
            server = stack.enter_context(serving(handle))
            balancer = Balancer([server.url], **options)
            stack.callback(balancer.close)
            return balancer, server

        yield start


def seen(asked: Asked) -> None:
    asked.answer(f"{asked.command} {asked.path} {len(asked.body)}".encode())


class TestRequest:
    def test_method_path_query_and_body(self, start: Any) -> None:
        balancer, _ = start(seen)
        assert wsgi(balancer, "/a%20b/%25/%C3%A9?x=%26&y=a+b").text == (
            "GET /a%20b/%25/%C3%A9?x=%26&y=a+b 0"
        )
        assert wsgi(balancer, "/", "POST", data=b"x" * 200_000).text == "POST / 200000"
        assert wsgi(balancer, "/", "PATCH", data=b"").text == "PATCH / 0"
        assert asgi(balancer, "/é?x=1").text == "GET /%C3%A9?x=1 0"

    def test_a_body_without_length(self, start: Any) -> None:
        balancer, server = start(seen)
        chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": BytesIO(b"x" * 100_000)}
        ends = chunked | {"wsgi.input_terminated": True}
        assert wsgi(balancer, "/", "POST", environ_overrides=ends).text == "POST / 100000"
        assert "Content-Length" not in server.asked[0].headers
        # A server that does not tell where it ends: nothing is lost, nothing waits for ever.
        assert wsgi(balancer, "/", "POST", environ_overrides=chunked).status_code == 411
        body = [b"a" * 30_000, b"b" * 30_000]
        assert asgi(balancer, "/", "POST", body=body).text == "POST / 60000"
        assert asgi(balancer, "/", "GET").text == "GET / 0"
        assert "Transfer-Encoding" not in server.asked[-1].headers

    def test_a_length_that_is_no_number(self, start: Any) -> None:
        balancer, server = start(seen)
        for length in ("-1", "1_0", "٣", "x"):
            # wsgiref's validator would not let it through.
            environ = {"CONTENT_LENGTH": length}
            assert Client(balancer).get("/", environ_overrides=environ).status_code == 400
        assert server.asked == []

    def test_a_body_that_ends_early(self, start: Any) -> None:
        balancer, server = start(seen)
        environ = {"CONTENT_LENGTH": "10", "wsgi.input": BytesIO(b"short")}
        assert wsgi(balancer, "/", "PUT", environ_overrides=environ).status_code == 400

        class Broken(BytesIO):
            def read(self, *args: Any) -> bytes:
                raise ConnectionResetError

        environ["wsgi.input"] = Broken()
        assert wsgi(balancer, "/", "PUT", environ_overrides=environ).status_code == 400
        # The backend is not to blame.
        assert wsgi(balancer).status_code == 200

    def test_hop_by_hop_headers_stay(self, start: Any) -> None:
        balancer, server = start(seen)
        wsgi(
            balancer,
            headers={
                "Connection": "close, X-Private",
                "X-Private": "1",
                "Keep-Alive": "timeout=5",
                "Proxy-Authorization": "Basic x",
                "TE": "trailers",
                "Upgrade": "h2c",
                "Expect": "100-continue",
                "Accept-Language": "de",
                "Cookie": "a=1",
            },
        )
        names = {name.lower() for name in server.asked[0].headers}
        assert names == {
            "host", "accept-language", "cookie", "forwarded",
            "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
        }  # fmt: skip

    def test_what_proxies_say_is_said_anew(self, start: Any) -> None:
        balancer, server = start(seen)
        mounted = Dispatcher(None, {"/shop é": balancer})
        forged = {
            "Forwarded": "for=6.6.6.6",
            "X-Forwarded-For": "6.6.6.6",
            "X-Forwarded-Proto": "gopher",
            "X-Forwarded-Server": "evil",
            "X-Forwarded-Prefix": "/evil",
            "X-Real-IP": "6.6.6.6",
            "Host": "shop.example.com:8443",
        }
        environ = {"REMOTE_ADDR": "2001:db8::1", "wsgi.url_scheme": "https", "SERVER_PORT": "8443"}
        wsgi(mounted, "/shop é/x", headers=forged, environ_overrides=environ)
        headers = {
            name: value for name, value in server.asked[0].headers.items() if "orward" in name
        }
        assert headers == {
            "Forwarded": 'for="[2001:db8::1]";host="shop.example.com:8443";proto=https',
            "X-Forwarded-For": "2001:db8::1",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "shop.example.com:8443",
            "X-Forwarded-Port": "8443",
            "X-Forwarded-Prefix": "/shop%20%C3%A9",
        }
        assert server.asked[0].headers["X-Real-IP"] is None
        assert server.asked[0].path == "/x"
        assert server.asked[0].headers["Host"] == "shop.example.com:8443"

    def test_an_underscore_forges_nothing_on_an_asgi_server(self, start: Any) -> None:
        balancer, server = start(seen)
        asgi(balancer, headers={"x_forwarded_for": "6.6.6.6", "x_other": "1"})
        assert server.asked[0].headers["X-Forwarded-For"] == "127.0.0.1"
        assert server.asked[0].headers["X-Other"] is None

    def test_cookies_of_http_2_become_one(self, start: Any) -> None:
        balancer, server = start(seen)
        cookies = [(b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"host", b"x")]
        asyncio.run(ask(balancer, scope_for() | {"headers": cookies}))
        assert server.asked[-1].headers["Cookie"] == "a=1; b=2"

    def test_the_host_of_the_backend(self, start: Any) -> None:
        balancer, server = start(seen, preserve_host=False)
        wsgi(balancer, headers={"Host": "outside.example"})
        assert server.asked[0].headers["Host"] == server.url.removeprefix("http://")
        assert server.asked[0].headers["X-Forwarded-Host"] == "outside.example"

    def test_a_client_without_address(self, start: Any) -> None:
        balancer, server = start(seen)
        wsgi(balancer, environ_overrides={"REMOTE_ADDR": ""})
        assert server.asked[0].headers["Forwarded"] == "for=unknown;host=localhost;proto=http"
        assert "X-Forwarded-For" not in server.asked[0].headers

    def test_the_path_of_a_backend(self, start: Any) -> None:
        _, server = start(seen)
        balancer = Balancer([server.url + "/base/"])
        assert wsgi(balancer, "/x").text == "GET /base/x 0"
        balancer.close()

    @given(path=st.binary(max_size=20), query=st.binary(max_size=20))
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_path_and_query_arrive_as_they_are(
        self, start: Any, path: bytes, query: bytes
    ) -> None:
        from urllib.parse import unquote_to_bytes

        from erlen.middleware.balancer._forward import target_of

        raw = {
            "PATH_INFO": "/" + path.decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
        }
        target = target_of(raw)
        assert target.isascii() and target.isprintable() and " " not in target
        found, _, asked = target.partition("?")
        assert unquote_to_bytes(found) == b"/" + path
        assert unquote_to_bytes(asked) == unquote_to_bytes(query)


class TestResponse:
    def test_status_headers_and_body(self, start: Any) -> None:
        def handle(asked: Asked) -> None:
            asked.send_response(418, "I'm a teapot")
            for name, value in [
                ("Content-Length", "3"), ("Content-Type", "text/x-tea"), ("Set-Cookie", "a=1"),
                ("Set-Cookie", "b=2"), ("Keep-Alive", "timeout=5"), ("Connection", "X-Private"),
                ("X-Private", "1"), ("Content-Encoding", "gzip"),
            ]:  # fmt: skip
                asked.send_header(name, value)
            asked.end_headers()
            asked.wfile.write(b"tea")

        balancer, _ = start(handle)
        answer = wsgi(balancer)
        assert (answer.status, answer.data) == ("418 I'm a teapot", b"tea")
        assert answer.headers.getlist("Set-Cookie") == ["a=1", "b=2"]
        # Encoded as it is: nothing is unpacked on the way.
        assert answer.headers["Content-Encoding"] == "gzip"
        names = {"Server", "Date", "Content-Length", "Content-Type", "Set-Cookie"}
        assert set(answer.headers.keys()) == names | {"Content-Encoding"}
        assert asgi(balancer).data == b"tea"

    @pytest.mark.parametrize("status", [204, 304])
    def test_no_body(self, start: Any, status: int) -> None:
        def handle(asked: Asked) -> None:
            asked.send_response(status)
            asked.end_headers()

        balancer, server = start(handle)
        for _ in range(3):
            answer = wsgi(balancer)
            assert (answer.status_code, answer.data) == (status, b"")
        assert server.connections == 1

    def test_head(self, start: Any) -> None:
        balancer, server = start(lambda asked: asked.answer(b"x" * 100_000))
        for _ in range(3):
            answer = wsgi(balancer, "/", "HEAD")
            assert answer.headers["Content-Length"] == "100000" and answer.data == b""
        assert server.connections == 1

    def test_chunks_come_through_as_they_are_sent(self, start: Any) -> None:
        arrived = threading.Event()

        def handle(asked: Asked) -> None:
            asked.raw(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"5\r\nfirst\r\n"
            )
            assert arrived.wait(10)
            asked.raw(b"6\r\nsecond\r\n0\r\n\r\n")

        balancer, _ = start(handle)
        answer = wsgi(balancer, buffered=False)
        chunks = answer.iter_encoded()
        assert next(chunks) == b"first"
        arrived.set()
        assert list(chunks) == [b"second"]
        answer.close()

    def test_a_body_until_the_connection_ends(self, start: Any) -> None:
        arrived = threading.Event()

        def handle(asked: Asked) -> None:
            asked.raw(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nfirst")
            assert arrived.wait(10)
            asked.raw(b"second")

        balancer, _ = start(handle)
        answer = wsgi(balancer, buffered=False)
        chunks = answer.iter_encoded()
        assert next(chunks) == b"first"
        arrived.set()
        assert list(chunks) == [b"second"]
        answer.close()

    def test_a_length_beside_chunks_is_not_believed(self, start: Any) -> None:
        balancer, _ = start(
            lambda asked: asked.raw(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n"
            )
        )
        answer = wsgi(balancer)
        assert answer.data == b"whole" and "Content-Length" not in answer.headers

    def test_a_folded_header_is_unfolded(self, start: Any) -> None:
        balancer, _ = start(
            lambda asked: asked.raw(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Folded: a\r\n  b\r\n"
                b"Content-Length: 0\r\n\r\n"
            )
        )
        assert wsgi(balancer).headers["X-Folded"] == "a b"

    def test_informational_responses_are_read_over(self, start: Any) -> None:
        """Else the next request over the connection would get the answer to this one."""

        def hints(asked: Asked) -> None:
            asked.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 2)
            asked.answer(asked.path.encode())

        balancer, server = start(hints)
        for path in ("/a", "/b"):
            answer = wsgi(balancer, path)
            assert (answer.status_code, answer.text) == (200, path)
            assert "Link" not in answer.headers
        assert server.connections == 1

    def test_a_backend_that_switches_protocols_unasked(self, start: Any) -> None:
        balancer, _ = start(lambda asked: asked.raw(b"HTTP/1.1 101 Now\r\nUpgrade: x\r\n\r\n"))
        assert wsgi(balancer, "/", "POST").status_code == 502

    @pytest.mark.parametrize("length", ["-1", "1, 1", "x", "1_0", "1\r\nContent-Length: 2", ""])
    def test_a_length_that_is_no_number(self, start: Any, length: str) -> None:
        """Whoever reads it otherwise would see the next response begin elsewhere."""
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nabc"
        balancer, _ = start(lambda asked: asked.raw(head.encode()))
        assert wsgi(balancer, "/", "POST").status_code == 502

    def test_redirects_are_the_clients_to_follow(self, start: Any) -> None:
        balancer, server = start(lambda asked: asked.answer(status=302, Location="/other"))
        assert wsgi(balancer).headers["Location"] == "/other"
        assert len(server.asked) == 1

    def test_large_bodies_both_ways(self, start: Any) -> None:
        balancer, server = start(lambda asked: asked.answer(asked.body))
        body = bytes(range(256)) * 8_000
        for _ in range(2):
            assert wsgi(balancer, "/", "POST", data=body).data == body
        assert asgi(balancer, "/", "POST", {"Content-Length": str(len(body))}, [body]).data == body
        assert server.connections == 1

    def test_a_client_that_goes_away_frees_the_backend(self, start: Any) -> None:
        balancer, server = start(lambda asked: asked.answer(b"x" * 1_000_000))
        answer = wsgi(balancer, buffered=False)
        next(answer.iter_encoded())
        (member,) = balancer._members
        assert member.active == 1
        answer.close()
        assert member.active == 0
        assert wsgi(balancer).data == b"x" * 1_000_000


def test_an_environ_of_least(start: Any) -> None:
    balancer, server = start(seen)
    environ = create_environ("/x")
    del environ["HTTP_HOST"], environ["QUERY_STRING"]
    body = balancer(environ, lambda *args: print)
    assert b"".join(body) == b"GET /x 0"
    body.close()
    assert server.asked[0].headers["Forwarded"] == "for=unknown;proto=http"
