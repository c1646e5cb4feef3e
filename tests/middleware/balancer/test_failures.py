"""Backends that fail, hang, lie, fall ill and die, and what becomes of the requests."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.cookies import SimpleCookie
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from erlen.middleware import Backend, Balancer, Dispatcher, HealthCheck

from ..doors import asgi, wsgi
from .servers import Asked, Handle, Server, nobody, serving

pytest.importorskip("urllib3", reason="urllib3 (extra middleware) is not installed")

IDEMPOTENT = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start(stack: ExitStack) -> Callable[[Handle], Server]:
    return lambda handle: stack.enter_context(serving(handle))


@pytest.fixture
def balance(stack: ExitStack) -> Callable[..., Balancer]:
    """Make a balancer, whose backends' circuits stay closed."""

    def balance(*urls: Any, **options: Any) -> Balancer:
        defaults: dict[str, Any] = {"failures": 1000, "read_timeout": 10}
        balancer = Balancer(urls, **(defaults | options))
        stack.callback(balancer.close)
        return balancer

    return balance


def fine(asked: Asked) -> None:
    asked.answer(b"fine")


def hang_up(asked: Asked) -> None:
    asked.raw(b"")


def half(asked: Asked) -> None:
    asked.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhalf")


def nonsense(asked: Asked) -> None:
    asked.raw(b"nonsense\r\n\r\n")


def unavailable(asked: Asked) -> None:
    asked.answer(b"busy", 503)


class TestRetries:
    @pytest.mark.parametrize("handle", [hang_up, half, nonsense, unavailable])
    def test_idempotent_requests_go_to_another(
        self, start: Any, balance: Any, handle: Handle
    ) -> None:
        bad, good = start(handle), start(fine)
        good.handle = lambda asked: asked.answer(b"fine")
        balancer = balance(Backend(bad.url, weight=9), good.url)
        for method in ("GET", "PUT", "DELETE"):
            assert wsgi(balancer, "/", method).text == "fine"
        assert len(bad.asked) == 3

    @pytest.mark.parametrize(
        ("handle", "status"), [(hang_up, 502), (half, 502), (nonsense, 502), (unavailable, 503)]
    )
    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_others_do_not(
        self, start: Any, balance: Any, handle: Handle, status: int, method: str
    ) -> None:
        bad, good = start(handle), start(fine)
        balancer = balance(Backend(bad.url, weight=9), good.url)
        assert wsgi(balancer, "/", method, data=b"x").status_code == status
        assert (len(bad.asked), len(good.asked)) == (1, 0)

    def test_nothing_was_sent_where_nobody_listens(self, start: Any, balance: Any) -> None:
        good = start(lambda asked: asked.answer(asked.body))
        with nobody() as refusing:
            balancer = balance(Backend(refusing, weight=9), good.url)
            body = b"x" * 200_000
            assert wsgi(balancer, "/", "POST", data=body).data == body

    def test_a_small_body_is_sent_again(self, start: Any, balance: Any) -> None:
        bad, good = start(hang_up), start(lambda asked: asked.answer(asked.body))
        balancer = balance(Backend(bad.url, weight=9), good.url)
        assert wsgi(balancer, "/", "PUT", data=b"small").data == b"small"
        assert bad.asked[0].body == b"small"

    def test_a_large_body_cannot_be(self, start: Any, balance: Any) -> None:
        bad, good = start(hang_up), start(fine)
        balancer = balance(Backend(bad.url, weight=9), good.url)
        assert wsgi(balancer, "/", "PUT", data=b"x" * 100_000).status_code == 502
        assert good.asked == []

    def test_there_is_an_end(self, start: Any, balance: Any) -> None:
        bad = start(hang_up)
        assert wsgi(balance(bad.url, retries=1)).status_code == 502
        assert len(bad.asked) == 2
        assert wsgi(balance(bad.url, retries=0)).status_code == 502
        assert len(bad.asked) == 3

    def test_the_last_answer_is_passed_on(self, start: Any, balance: Any) -> None:
        bad = start(unavailable)
        answer = wsgi(balance(bad.url, retries=1))
        assert (answer.status_code, answer.text) == (503, "busy")
        assert len(bad.asked) == 2

    def test_which_statuses_are_failures(self, start: Any, balance: Any) -> None:
        bad = start(unavailable)
        assert wsgi(balance(bad.url, retry_on=())).status_code == 503
        assert len(bad.asked) == 1

    def test_a_backend_that_hangs(self, start: Any, balance: Any) -> None:
        release = threading.Event()

        def hang(asked: Asked) -> None:
            release.wait(10)
            asked.raw(b"")

        balancer = balance(start(hang).url, read_timeout=0.05, retries=0)
        answer = wsgi(balancer)
        release.set()
        assert answer.status_code == 504

    def test_what_has_begun_cannot_be_taken_back(self, start: Any, balance: Any) -> None:
        """The server breaks the connection off, so that the client knows."""
        import urllib3

        cut = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        bad = start(lambda asked: asked.raw(cut + b"4\r\nhalf\r\n"))
        balancer = balance(bad.url)
        with pytest.raises(urllib3.exceptions.ProtocolError):
            wsgi(balancer)
        assert len(bad.asked) == 1
        (member,) = balancer._members
        assert member.active == 0

    def test_errors_tell_nothing_of_the_inside(self, balance: Any) -> None:
        with nobody() as url:
            answer = wsgi(balance(url))
        assert answer.status_code == 502
        assert url.rpartition(":")[2] not in answer.text and "127.0.0.1" not in answer.text

    def test_it_is_logged(self, start: Any, balance: Any, caplog: Any) -> None:
        bad = start(unavailable)
        with nobody() as url:
            wsgi(balance(url, retries=0))
        wsgi(balance(bad.url, retries=0))
        assert caplog.messages[0].startswith(f"Backend {url} failed: ")
        assert caplog.messages[1] == f"Backend {bad.url} answered 503"


class TestCircuit:
    def test_a_failing_backend_is_left_alone_and_tried_again(
        self, start: Any, balance: Any
    ) -> None:
        now = 0.0
        bad, good = start(unavailable), start(fine)
        balancer = balance(bad.url, good.url, failures=2, recovery=10)
        balancer._clock = lambda: now
        for _ in range(20):
            assert wsgi(balancer).text == "fine"
        assert len(bad.asked) == 2
        now = 10.0
        for _ in range(20):
            assert wsgi(balancer).text == "fine"
        assert len(bad.asked) == 3
        bad.handle, now = fine, 20.0
        for _ in range(20):
            assert wsgi(balancer).text == "fine"
        assert len(bad.asked) > 10

    def test_nobody_is_left(self, start: Any, balance: Any) -> None:
        balancer = balance(start(unavailable).url, failures=1, recovery=9.5, retries=0)
        wsgi(balancer)
        answer = wsgi(balancer)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")


def test_what_is_closed_opens_anew(start: Any, balance: Any) -> None:
    server = start(fine)
    balancer = balance(server.url, retries=0, health=HealthCheck("/", interval=60))
    for _ in range(2):
        assert wsgi(balancer).text == "fine"
        balancer.close()
    balancer.close()


class TestHealth:
    def test_an_ill_backend_is_asked_nothing_until_it_is_well(
        self, start: Any, balance: Any, caplog: Any
    ) -> None:
        ill, checks = threading.Event(), Queue[bool]()

        def handle(asked: Asked) -> None:
            if asked.path == "/base/health?quick":
                found = ill.is_set()
                asked.answer(status=500 if found else 204)
                checks.put(found)
            else:
                asked.answer(b"first")

        def wait_until_noted(found: bool) -> None:
            # Its checks come one after the other: the second began when the first was noted.
            for _ in range(2):
                while checks.get(timeout=10) is not found:
                    pass

        first, second = start(handle), start(lambda asked: asked.answer(b"second"))
        check = HealthCheck("/health?quick", interval=0.001, fall=1)
        balancer = balance(first.url + "/base", second.url, health=check)
        ill.set()
        assert wsgi(balancer).status_code == 200  # starts the checks
        wait_until_noted(True)
        assert {wsgi(balancer).text for _ in range(4)} == {"second"}
        ill.clear()
        wait_until_noted(False)
        assert {wsgi(balancer).text for _ in range(4)} == {"first", "second"}
        assert caplog.messages == [
            f"Backend {first.url}/base is down",
            f"Backend {first.url}/base is up",
        ]
        balancer.close()
        assert "erlen-health-check" not in {each.name for each in threading.enumerate()}

    def test_falls_and_rises_in_a_row(self, caplog: Any) -> None:
        from erlen.middleware.balancer._backends import Circuit, Member, Members
        from erlen.middleware.balancer._health import Checker

        group = Members([Member(Backend("http://x"), None, Circuit(1, 1))], "round_robin")
        (member,) = group
        checker = Checker(HealthCheck("/", fall=3, rise=2), group, OSError)
        seen = ""
        for well in [False, False, True, False, False, False, True, False, True, True, False]:
            checker.note(member, well)
            seen += "u" if member.healthy else "d"
        assert seen == "uuuuuddddu" + "u"

    def test_a_backend_that_refuses(self, start: Any, balance: Any) -> None:
        with nobody() as url:
            check = HealthCheck("/health", interval=60, fall=1)
            balancer = balance(url, start(fine).url, health=check, retries=0)
            wsgi(balancer)
            checker = balancer._checker
            checker.stop()
            assert {wsgi(balancer).text for _ in range(4)} == {"fine"}

    def test_the_lifespan_of_a_server_ends_them(self, start: Any, balance: Any) -> None:
        import asyncio

        balancer = balance(start(fine).url, health=HealthCheck("/", interval=60))
        assert asgi(balancer).text == "fine"
        told = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> Any:
            return {"type": next(told)}

        async def send(message: Any) -> None:
            pass

        async def main() -> None:
            await balancer({"type": "lifespan"}, receive, send)

        asyncio.run(main())
        assert "erlen-health-check" not in {each.name for each in threading.enumerate()}


class TestSticky:
    def test_a_client_keeps_its_backend(self, start: Any, balance: Any) -> None:
        servers = [start(lambda asked, n=n: asked.answer(str(n).encode())) for n in range(3)]
        balancer = balance(*(each.url for each in servers), sticky="node")
        answer = wsgi(balancer, environ_overrides={"SCRIPT_NAME": "/at"})
        cookie = SimpleCookie(answer.headers["Set-Cookie"])["node"]
        assert cookie["path"] == "/at" and cookie["httponly"] and cookie["samesite"] == "Lax"
        assert not cookie["secure"]
        back = {"Cookie": f"node={cookie.value}"}
        for _ in range(5):
            again = wsgi(balancer, headers=back)
            assert again.text == answer.text and "Set-Cookie" not in again.headers

    def test_its_path_is_that_of_the_mount(self, start: Any, balance: Any) -> None:
        balancer = balance(start(fine).url, sticky="node")
        answer = wsgi(Dispatcher(None, {"/é x": balancer}), "/é x/y")
        assert SimpleCookie(answer.headers["Set-Cookie"])["node"]["path"] == "/%C3%A9%20x"

    def test_other_cookies_may_be_anything(self, start: Any, balance: Any) -> None:
        balancer = balance(Backend(start(fine).url, name="a"), sticky="node")
        answer = wsgi(balancer, environ_overrides={"HTTP_COOKIE": "old=\xe9; node=a"})
        assert answer.text == "fine" and "Set-Cookie" not in answer.headers

    def test_over_tls_the_cookie_is_secure(self, start: Any, balance: Any) -> None:
        balancer = balance(start(fine).url, sticky="node")
        answer = wsgi(balancer, base_url="https://x")
        assert "Secure" in answer.headers["Set-Cookie"]

    def test_a_dead_backend_is_replaced(self, start: Any, balance: Any) -> None:
        bad, good = start(hang_up), start(fine)
        balancer = balance(Backend(bad.url, name="bad"), Backend(good.url, name="good"),
                           sticky="node")  # fmt: skip
        answer = wsgi(balancer, headers={"Cookie": "node=bad"})
        assert answer.text == "fine"
        assert answer.headers["Set-Cookie"].startswith("node=good;")

    def test_a_cookie_has_a_name(self, balance: Any) -> None:
        with pytest.raises(ValueError, match="sticky is the name of a cookie, not 'a;b'"):
            balance("http://x", sticky="a;b")

    def test_a_made_up_cookie_chooses_nothing(self, start: Any, balance: Any) -> None:
        balancer = balance(start(fine).url, sticky="node")
        answer = wsgi(balancer, headers={"Cookie": "node=http://evil"})
        assert answer.text == "fine" and answer.headers["Set-Cookie"].startswith("node=")


BACKEND = """
import sys
from werkzeug.serving import WSGIRequestHandler, make_server

class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    def log(self, *args): pass

def app(environ, start_response):
    body = b"x" * 20_000
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body[:10_000], body[10_000:]]

server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


class TestDeath:
    def test_a_backend_killed_under_load_costs_no_idempotent_request(
        self, stack: ExitStack, balance: Any
    ) -> None:
        processes: list[subprocess.Popen[str]] = []
        for _ in range(3):
            process = subprocess.Popen(
                [sys.executable, "-c", BACKEND], stdout=subprocess.PIPE, text=True
            )
            stack.callback(process.stdout.close)  # type: ignore[union-attr]
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        urls = [f"http://127.0.0.1:{int(each.stdout.readline())}" for each in processes]  # type: ignore[union-attr]
        balancer = balance(*urls, failures=3, policy="least_connections")
        done = threading.Semaphore(0)

        def ask(n: int) -> tuple[int, int]:
            answer = wsgi(balancer, f"/{n}", ["GET", "PUT"][n % 2], data=b"body" * (n % 2))
            done.release()
            return answer.status_code, len(answer.data)

        with ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(ask, n) for n in range(600)]
            for _ in range(100):
                done.acquire()
            os.kill(processes[0].pid, signal.SIGKILL)
            for _ in range(200):
                done.acquire()
            os.kill(processes[1].pid, signal.SIGKILL)
            found = {answer.result() for answer in answers}
        assert found == {(200, 20_000)}


def test_nginx_is_told_the_same(balance: Any) -> None:
    balancer = balance(
        Backend("http://10.0.0.1:8000", weight=3), "http://[::1]:8001",
        policy="least_connections", failures=4, recovery=2.5, retries=1,
    )  # fmt: skip
    config = balancer.nginx(8080, "example.com")
    assert "least_conn;" in config and "listen 8080;" in config
    assert "server 10.0.0.1:8000 weight=3 max_fails=4 fail_timeout=3s;" in config
    assert "server [::1]:8001 weight=1" in config
    assert "proxy_next_upstream_tries 2;" in config
    assert "ip_hash;" in balance("http://x", sticky="node").nginx()
    assert "proxy_pass https://" in balance("https://x").nginx()


@pytest.mark.parametrize(
    "options", [{}, {"policy": "least_connections"}, {"sticky": "node"}, {"recovery": 0.0001}]
)
def test_nginx_takes_the_configuration(
    balance: Any, tmp_path: Path, options: dict[str, Any]
) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    balancer = balance("http://127.0.0.1:8000", "http://[::1]:8001", **options)
    (tmp_path / "site.conf").write_text(balancer.nginx(8080, "*.example.com"))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/nginx.pid; error_log stderr; events {{}}"
        " http { access_log off; include site.conf; }"
    )
    command = [nginx, "-t", "-p", str(tmp_path), "-c", "nginx.conf"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "syntax is ok" in done.stderr and "[warn]" not in done.stderr


def test_what_nginx_cannot_be_told(balance: Any) -> None:
    for urls in (["http://x", "https://y"], ["http://x/path"]):
        with pytest.raises(ValueError, match="one scheme, and no path"):
            balance(*urls).nginx()
    with pytest.raises(ValueError, match=re.escape("'a;b' is no server name")):
        balance("http://x").nginx(server_name="a;b")
