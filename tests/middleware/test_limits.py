from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from logging.handlers import QueueHandler
from queue import Queue
from typing import Any

import pytest
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import Client

from erlen.middleware import AllowedClients, AllowedHosts, SizeLimit, TimeLimit
from erlen.middleware import request_id as current_id
from erlen.middleware.request_id import RequestId

from .doors import Answer, asgi, ask, scope_for, wsgi
from .test_compress import asgi_serving, serving


def refused_websocket(app: Any, **scope: Any) -> list[Any]:
    answer: Answer = asgi(app, type="websocket", **scope)
    return answer.messages


class TestAllowedHosts:
    @pytest.mark.parametrize(
        ("host", "allowed"),
        [
            ("example.com", True),
            ("EXAMPLE.com:8080", True),
            ("a.example.org", True),
            ("example.org", True),
            ("a.example.com", False),
            ("example.com.evil", False),
            ("evil", False),
            ("", False),
        ],
    )
    def test_hosts(self, host: str, allowed: bool) -> None:
        hosts = ["example.com", ".example.org"]
        status = 200 if allowed else 400
        sent = {"Host": host}
        assert wsgi(AllowedHosts(serving(b"x"), hosts), headers=sent).status_code == status
        assert asgi(AllowedHosts(asgi_serving(b"x"), hosts), headers=sent).status_code == status

    def test_a_websocket_is_refused_too(self) -> None:
        app = AllowedHosts(asgi_serving(b"x"), ["example.com"])
        assert refused_websocket(app) == [{"type": "websocket.close", "code": 1008}]
        start, body = refused_websocket(app, extensions={"websocket.http.response": {}})
        assert (start["type"], start["status"]) == ("websocket.http.response.start", 400)
        assert body == {
            "type": "websocket.http.response.body",
            "body": b"This host is not served here.\n",
        }

    def test_head(self) -> None:
        app = AllowedHosts(serving(b"x"), ["x.example"])
        answer = wsgi(app, method="HEAD")
        assert (answer.status_code, answer.data) == (400, b"")
        assert asgi(AllowedHosts(asgi_serving(b"x"), ["x.example"]), method="HEAD").data == b""

    @pytest.mark.parametrize("host", ["*.example.org", "https://example.org", "a b", "", "."])
    def test_a_host_that_no_request_could_name(self, host: str) -> None:
        with pytest.raises(ValueError) as error:
            AllowedHosts(serving(b"x"), ["example.com", host])
        assert str(error.value) == (
            f"A host is 'example.com', or '.example.com' with all below it, not {host!r}."
        )

    def test_set_up(self) -> None:
        wrong: list[Any] = [[], "example.com"]
        for hosts in wrong:
            with pytest.raises(ValueError, match="The hosts are a list of at least one, not"):
                AllowedHosts(serving(b"x"), hosts)


class TestAllowedClients:
    @pytest.mark.parametrize(
        ("address", "allowed"),
        [
            ("10.1.2.3", True),
            ("::ffff:10.1.2.3", True),
            ("2001:db8::5", True),
            ("11.0.0.1", False),
            ("::ffff:11.0.0.1", False),
            ("2001:db9::", False),
            ("", False),
            ("10.1.2.3, 6.6.6.6", False),
        ],
    )
    def test_networks(self, address: str, allowed: bool) -> None:
        networks = ["10.0.0.0/8", "2001:db8::/32"]
        status = 200 if allowed else 403
        environ = {"REMOTE_ADDR": address}
        app = AllowedClients(serving(b"x"), networks)
        assert wsgi(app, environ_overrides=environ).status_code == status
        asgi_app = AllowedClients(asgi_serving(b"x"), networks)
        client = (address, 1) if address else None
        assert asgi(asgi_app, client=client).status_code == status

    def test_set_up(self) -> None:
        wrong: list[Any] = [[], "10.0.0.0/8"]
        for networks in wrong:
            with pytest.raises(ValueError, match="The networks are a list of at least one, not"):
                AllowedClients(serving(b"x"), networks)
        with pytest.raises(ValueError, match="10.0.0.1/8 has host bits set"):
            AllowedClients(serving(b"x"), ["10.0.0.1/8"])


def reading(environ: Any, start_response: Any) -> list[bytes]:
    body = environ["wsgi.input"].read(-1)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(len(body)).encode()]


async def asgi_reading(scope: Any, receive: Any, send: Any) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message["more_body"]
    await asgi_serving(str(size).encode())(scope, receive, send)


class TestSizeLimit:
    def test_a_length_that_is_said(self) -> None:
        for size, status in ((10, 200), (11, 413)):
            answer = wsgi(SizeLimit(reading, 10), "/", "POST", data=b"x" * size)
            assert answer.status_code == status
            sent = {"Content-Length": str(size)}
            found = asgi(SizeLimit(asgi_reading, 10), "/", "POST", sent, [b"x" * size])
            assert found.status_code == status
        assert answer.text == "The body may have 10 bytes.\n"

    def test_a_length_that_is_not(self) -> None:
        for size, status in ((10, 200), (11, 413)):
            environ = {"wsgi.input": BytesIO(b"x" * size), "wsgi.input_terminated": True}
            app = SizeLimit(reading, 10)
            assert wsgi(app, "/", "POST", environ_overrides=environ).status_code == status
            body = [b"x" * 5, b"x" * (size - 5)]
            found = asgi(SizeLimit(asgi_reading, 10), "/", "POST", body=body)
            assert found.status_code == status

    @pytest.mark.parametrize("length", ["-1", "1e9", "٣"])
    def test_a_length_that_is_no_number(self, length: str) -> None:
        app = Client(SizeLimit(reading, 10))  # wsgiref's validator would not let it through
        answer = app.post("/", environ_overrides={"CONTENT_LENGTH": length})
        assert (answer.status_code, answer.text) == (400, "The Content-Length is no number.\n")

    def test_lines_are_counted(self) -> None:
        def lines(environ: Any, start_response: Any) -> list[bytes]:
            found = list(environ["wsgi.input"])
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(len(found)).encode()]

        for most, status in ((6, 200), (5, 413)):
            environ = {"wsgi.input": BytesIO(b"a\nb\nc\n"), "wsgi.input_terminated": True}
            answer = wsgi(SizeLimit(lines, most), "/", "POST", environ_overrides=environ)
            assert answer.status_code == status

    def test_an_application_that_answers_what_it_could_not_read(self) -> None:
        """As Falcon and Starlette do, with 500."""
        closed: list[bool] = []

        class Body(list[bytes]):
            def close(self) -> None:
                closed.append(True)

        def failing(environ: Any, start_response: Any) -> Body:
            try:
                environ["wsgi.input"].read(-1)
            except Exception:
                start_response("500 Oh", [("Content-Type", "text/plain")])(b"it")
            return Body([b"failed"])

        environ = {"wsgi.input": BytesIO(b"x" * 11), "wsgi.input_terminated": True}
        answer = wsgi(SizeLimit(failing, 10), "/", "POST", environ_overrides=environ)
        assert (answer.status_code, answer.text) == (413, "The body may have 10 bytes.\n")
        assert closed == [True]

        async def asgi_failing(scope: Any, receive: Any, send: Any) -> None:
            try:
                await receive()
            except Exception as error:
                await send({"type": "http.response.start", "status": 500, "headers": []})
                await send({"type": "http.response.body", "body": b"it failed"})
                raise RuntimeError("It could not be read.") from error

        found = asgi(SizeLimit(asgi_failing, 10), "/", "POST", body=[b"x" * 11])
        assert (found.status_code, found.text) == (413, "The body may have 10 bytes.\n")

    def test_an_application_that_fails_by_itself(self) -> None:
        def failing(environ: Any, start_response: Any) -> list[bytes]:
            raise LookupError

        with pytest.raises(LookupError):
            wsgi(SizeLimit(failing, 10))

        async def asgi_failing(scope: Any, receive: Any, send: Any) -> None:
            raise LookupError

        with pytest.raises(LookupError):
            asgi(SizeLimit(asgi_failing, 10))

    def test_an_application_that_has_begun(self) -> None:
        def late(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [environ["wsgi.input"].read(-1)]

        environ = {"wsgi.input": BytesIO(b"x" * 11), "wsgi.input_terminated": True}
        with pytest.raises(RequestEntityTooLarge):
            wsgi(SizeLimit(late, 10), "/", "POST", environ_overrides=environ)

        async def asgi_late(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await receive()

        with pytest.raises(RequestEntityTooLarge):
            asgi(SizeLimit(asgi_late, 10), "/", "POST", body=[b"x" * 11])

    def test_around_erlen_on_an_asgi_server(self, flask: Any, app: Any) -> None:
        app.add_url_rule("/", "size", lambda: str(len(flask.request.data)), methods=["POST"])
        sent = {"Transfer-Encoding": "chunked"}
        for size, status in ((10, 200), (11, 413)):
            body = [b"x" * 5, b"x" * (size - 5)]
            answer = asgi(SizeLimit(app, 10), "/", "POST", sent, body)
            assert answer.status_code == status

    @pytest.mark.wsgi
    def test_in_erlen(self, flask: Any, app: Any) -> None:
        app.add_url_rule("/", "size", lambda: str(len(flask.request.data)), methods=["POST"])
        app.wsgi_app = SizeLimit(app.wsgi_app, 10)
        for size, status in ((10, 200), (11, 413)):
            environ = {"wsgi.input": BytesIO(b"x" * size), "wsgi.input_terminated": True}
            answer = app.test_client().post("/", environ_overrides=environ)
            assert answer.status_code == status

    def test_set_up(self) -> None:
        assert wsgi(SizeLimit(reading, 0)).status_code == 200
        with pytest.raises(ValueError, match="max_bytes is at least 0, not -1"):
            SizeLimit(reading, -1)

    def test_other_connections_pass(self) -> None:
        seen: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["type"])

        for limit in (SizeLimit(app, 1), TimeLimit(app, 1)):
            asyncio.run(ask(limit, scope_for() | {"type": "websocket"}))
        assert seen == ["websocket"] * 2


class TestTimeLimit:
    def test_in_time(self) -> None:
        answer = wsgi(TimeLimit(serving(b"a", b"b", stream=True), 10))
        assert (answer.status_code, answer.data) == (200, b"ab")
        assert asgi(TimeLimit(asgi_serving(b"a", b"b"), 10)).data == b"ab"

    def test_too_late(self) -> None:
        release, closed = threading.Event(), threading.Event()

        class Body:
            def __iter__(self) -> Iterator[bytes]:
                raise AssertionError("nobody reads it")

            def close(self) -> None:
                closed.set()

        def slow(environ: Any, start_response: Any) -> Body:
            assert release.wait(10)
            start_response("200 OK", [("Content-Type", "text/plain")])
            return Body()

        answer = wsgi(TimeLimit(slow, 0.01))
        assert (answer.status_code, answer.text) == (503, "It takes too long.\n")
        release.set()
        assert closed.wait(10)

    def test_what_fails_too_late_is_logged(self) -> None:
        release = threading.Event()
        logged: Queue[logging.LogRecord] = Queue()

        def slow(environ: Any, start_response: Any) -> list[bytes]:
            assert release.wait(10)
            raise LookupError("nobody hears it")

        logger, handler = logging.getLogger("erlen.middleware"), QueueHandler(logged)
        logger.addHandler(handler)
        assert wsgi(TimeLimit(slow, 0.01)).status_code == 503
        release.set()
        message = logged.get(timeout=10).getMessage()
        logger.removeHandler(handler)
        assert message.startswith("A request that took too long failed")
        assert "nobody hears it" in message

    def test_a_system_without_threads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(thread: Any) -> None:
            raise RuntimeError("can't start new thread")

        app = TimeLimit(reading, 10, threads=1)
        with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="can't start"):
            patched.setattr(threading.Thread, "start", fail)
            wsgi(app)
        assert wsgi(app).status_code == 200

    def test_threads_are_bounded(self) -> None:
        started, release = Queue[str](), threading.Event()

        def slow(environ: Any, start_response: Any) -> list[bytes]:
            started.put(environ["PATH_INFO"])
            assert release.wait(10)
            return []

        app = TimeLimit(slow, 0.02, threads=1)
        assert [wsgi(app, path).status_code for path in ("/1", "/2")] == [503, 503]
        assert started.get(timeout=10) == "/1"
        release.set()
        assert started.empty()

    def test_errors_are_raised(self) -> None:
        def fail(environ: Any, start_response: Any) -> list[bytes]:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            wsgi(TimeLimit(fail, 10))

        async def asgi_fail(scope: Any, receive: Any, send: Any) -> None:
            raise TimeoutError("its own")

        with pytest.raises(TimeoutError, match="its own"):
            asgi(TimeLimit(asgi_fail, 10))

    def test_the_body_is_there_and_not_the_connection(self) -> None:
        seen: list[Any] = []

        def app(environ: Any, start_response: Any) -> list[bytes]:
            seen.append(environ["wsgi.input"])
            return reading(environ, start_response)

        assert wsgi(TimeLimit(app, 10), "/", "POST", data=b"x" * 3_000_000).text == "3000000"
        connection = BytesIO(b"x" * 2_000_000)
        ends = {"wsgi.input": connection, "wsgi.input_terminated": True}
        answer = wsgi(TimeLimit(app, 10), "/", "POST", environ_overrides=ends)
        assert answer.text == "2000000" and connection not in seen
        kept = {"wsgi.input": BytesIO(b"the next request")}
        assert wsgi(TimeLimit(app, 10), environ_overrides=kept).text == "0"

    def test_context_variables_reach_it(self) -> None:
        def app(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [current_id().encode()]

        answer = wsgi(RequestId(TimeLimit(app, 10)), headers={"X-Request-ID": "r1"})
        assert answer.text == "r1"

    def test_write_is_told_apart(self) -> None:
        def app(environ: Any, start_response: Any) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])(b"x")
            return []

        with pytest.raises(RuntimeError, match=r"cannot use write\(\)"):
            wsgi(TimeLimit(app, 10))

    def test_asgi_is_cancelled(self) -> None:
        cancelled: list[bool] = []

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(True)
                raise

        answer = asgi(TimeLimit(slow, 0.01))
        assert (answer.status_code, answer.text) == (503, "It takes too long.\n")
        assert cancelled == [True]

    def test_what_is_said_after_the_end_is_too_late(self) -> None:
        async def stubborn(scope: Any, receive: Any, send: Any) -> None:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"cancelled"})

        answer = asgi(TimeLimit(stubborn, 0.01))
        assert (answer.status_code, answer.text) == (503, "It takes too long.\n")

    def test_a_stream_that_has_begun_goes_on(self) -> None:
        async def stream(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await asyncio.sleep(0.05)
            await send({"type": "http.response.body", "body": b"late"})

        assert asgi(TimeLimit(stream, 0.02)).data == b"late"

    def test_in_erlen(self, flask: Any, app: Any) -> None:
        app.add_url_rule("/<name>", "hello", lambda name: f"{name} {flask.request.method}")
        app.wsgi_app = TimeLimit(app.wsgi_app, 10)
        assert app.test_client().get("/x").text == "x GET"

    def test_set_up(self) -> None:
        with pytest.raises(ValueError, match="seconds is above 0, not 0"):
            TimeLimit(reading, 0)
        with pytest.raises(ValueError, match="threads is above 0, not 0"):
            TimeLimit(reading, 1, threads=0)


def test_werkzeugs_are_here_too() -> None:
    import werkzeug.middleware.lint
    import werkzeug.middleware.profiler
    import werkzeug.middleware.proxy_fix
    import werkzeug.middleware.shared_data

    import erlen.middleware as ours

    assert ours.ProxyFix is werkzeug.middleware.proxy_fix.ProxyFix
    assert ours.LintMiddleware is werkzeug.middleware.lint.LintMiddleware
    assert ours.ProfilerMiddleware is werkzeug.middleware.profiler.ProfilerMiddleware
    assert ours.SharedDataMiddleware is werkzeug.middleware.shared_data.SharedDataMiddleware
