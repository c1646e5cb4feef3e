from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import Counter
from functools import wraps
from typing import Any

import pytest
from werkzeug.exceptions import BadRequest

from erlen import (
    Blueprint,
    abort,
    current_app,
    g,
    has_websocket_context,
    request,
    session,
    url_for,
    websocket,
)
from erlen.asgi import WebSocket, WebSocketClosed
from erlen.asgi.testing import WebSocketRefused
from erlen.asgi.websocket import _is_longer

from .driver import Exchange, scope_of


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that does something else than receive is watched without delay."""
    monkeypatch.setattr("erlen.asgi.websocket._UNWATCHED_SECONDS", 0)


def ws_scope(path: str = "/ws", **more: Any) -> dict[str, Any]:
    scope = scope_of(path, **more) | {"type": "websocket", "scheme": "ws"}
    del scope["method"]
    return scope


class Talk(Exchange):
    """A WebSocket, as its server sees it."""

    def __init__(self, app: Any, path: str = "/ws", **more: Any) -> None:
        super().__init__(app, ws_scope(path, **more), pieces=())
        self.tell({"type": "websocket.connect"})

    def say(self, text: str) -> None:
        self.tell({"type": "websocket.receive", "text": text})

    def leave(self, code: int = 1001) -> None:
        self.tell({"type": "websocket.disconnect", "code": code, "reason": "bye"})


def echo(app: Any) -> None:
    @app.websocket("/ws")
    async def serve() -> None:
        async for message in websocket:
            await websocket.send(message)


class TestTalking:
    def test_texts_and_bytes(self, app: Any, client: Any) -> None:
        echo(app)
        with client.websocket("/ws") as ws:
            for message in ("text", "", "ünï", b"bytes", b""):
                ws.send(message)
                assert ws.receive() == message

    @pytest.mark.parametrize("gone", [False, True])
    def test_a_class_of_the_apps(self, app: Any, gone: bool) -> None:
        """What it makes of a message, a loop gets too."""
        log: list[Any] = []

        class Shouting(WebSocket):
            async def receive(self) -> str | bytes:
                message = await super().receive()
                assert isinstance(message, str)
                return message.upper()

        app.websocket_class = Shouting

        @app.websocket("/ws")
        async def serve() -> None:
            try:
                log.append(await websocket.receive())
                async for message in websocket:
                    log.append(message)
                log.append("the loop ends")
            finally:
                log.append(websocket.close_code)

        async def main() -> None:
            talk = Talk(app)
            await talk.until_sent(1)
            talk.say("one")
            talk.say("two")
            if gone:
                talk.leave(1001)
            else:
                while len(log) < 2:
                    await asyncio.sleep(0.001)
                talk.task.cancel()
            await asyncio.wait([talk.task])

        asyncio.run(main())
        assert log == ["ONE", "TWO", *(["the loop ends", 1001] if gone else [None])]

    def test_json(self, app: Any, client: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            value = await websocket.receive_json()
            await websocket.send_json(value)
            await websocket.send_json(a=1)
            await websocket.send_json(1, 2)

        with client.websocket("/ws") as ws:
            ws.send_json({"n": [1, None]})
            assert [ws.receive_json() for _ in range(3)] == [{"n": [1, None]}, {"a": 1}, [1, 2]]

    def test_bad_json_can_be_handled(self, app: Any, client: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            with pytest.raises(TypeError, match="either args or kwargs"):
                await websocket.send_json(1, a=2)
            try:
                await websocket.receive_json()
            except BadRequest as error:
                await websocket.send(str(error.description))
            await websocket.receive_json()

        with client.websocket("/ws") as ws:
            ws.send("{")
            assert ws.receive() == "The message is no JSON."
            ws.send("{")
            with pytest.raises(WebSocketClosed, match="with code 1008"):
                ws.receive()
            assert (ws.close_code, ws.close_reason) == (1008, "Bad Request")

    def test_only_texts_and_bytes_are_sent(self, app: Any, client: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            with pytest.raises(TypeError, match="a str or bytes, and not a dict"):
                await websocket.send({})  # type: ignore[arg-type]  # what is tested
            await websocket.send("fine")

        with client.websocket("/ws") as ws:
            assert ws.receive() == "fine"

    def test_two_receivers(self, app: Any, client: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()
            ours = websocket._get_current_object()
            first = asyncio.create_task(ours.receive())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="Another task is receiving"):
                await ours.receive()
            await ours.send(await first)

        with client.websocket("/ws") as ws:
            ws.send("one")
            assert ws.receive() == "one"

    def test_the_handshake_is_the_request(self, app: Any, client: Any) -> None:
        @app.websocket("/ws/<int:n>")
        async def serve(n: int) -> None:
            assert isinstance(websocket._get_current_object(), WebSocket)
            assert websocket._get_current_object() is request._get_current_object()
            assert has_websocket_context()
            await websocket.send_json(
                [n, request.path, websocket.args, request.headers["X-A"], request.cookies["c"]]
            )
            await websocket.send(f"{websocket.url} {url_for('serve', n=2)} {websocket.endpoint}")
            await websocket.send(url_for("index", _external=True))

        app.add_url_rule("/", "index", lambda: "x")
        client.set_cookie("c", "1")
        with client.websocket("/ws/4?q=2", headers={"X-A": "3"}) as ws:
            assert ws.receive_json() == [4, "/ws/4", {"q": "2"}, "3", "1"]
            assert ws.receive() == "ws://localhost/ws/4?q=2 ws://localhost/ws/2 serve"
            assert ws.receive() == "http://localhost/"
        assert not has_websocket_context()

    def test_outside(self, app: Any) -> None:
        with pytest.raises(RuntimeError, match="outside of websocket context"):
            websocket.accepted  # noqa: B018  # the look is what is tested
        with app.app_context(), pytest.raises(RuntimeError, match="of websocket context"):
            websocket.accepted  # noqa: B018  # the same
        with app.test_request_context(), pytest.raises(RuntimeError, match="of websocket context"):
            websocket.accepted  # noqa: B018  # the same

    def test_runs_on_the_loop(self, app: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.send(threading.current_thread().name)

        async def main() -> list[dict[str, Any]]:
            talk = Talk(app)
            await talk.task
            return talk.sent

        sent = asyncio.run(main())
        assert [message["type"] for message in sent] == [
            "websocket.accept",
            "websocket.send",
            "websocket.close",
        ]
        assert sent[1]["text"] == threading.current_thread().name
        assert sent[2]["code"] == 1000

    def test_a_sync_decorator(self, app: Any, client: Any) -> None:
        """Flask-Login's `login_required` is one."""

        def decorate(f: Any) -> Any:
            @wraps(f)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                if request.args.get("user") != "ada":
                    abort(401)
                return current_app.ensure_sync(f)(*args, **kwargs)

            return wrapper

        @app.websocket("/ws")
        @decorate
        async def serve() -> None:
            await websocket.send(f"got {await websocket.receive()!r}")

        with client.websocket("/ws?user=ada") as ws:
            ws.send("a")
            assert ws.receive() == "got 'a'"
        with pytest.raises(WebSocketRefused, match="401"), client.websocket("/ws"):
            pass


class TestHandshake:
    def test_accept(self, app: Any, client: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            assert websocket.requested_subprotocols == ["a", "b"]
            with pytest.raises(ValueError, match="does not offer the subprotocol 'c'"):
                await websocket.accept(subprotocol="c")
            await websocket.accept(headers={"X-A": "1"}, subprotocol="b")
            await websocket.accept()
            await websocket.send(websocket.subprotocol or "")

        with client.websocket("/ws", headers={"Sec-WebSocket-Protocol": "a, b"}) as ws:
            assert (ws.subprotocol, ws.headers["X-A"], ws.receive()) == ("b", "1", "b")

    @pytest.mark.parametrize("way", ["return", "abort", "before", "missing", "fail"])
    def test_refused_with_a_response(
        self, app: Any, client: Any, way: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        app.testing = False

        @app.before_websocket
        async def before() -> Any:
            return ("before", 429, {"Retry-After": "3"}) if way == "before" else None

        @app.errorhandler(403)
        async def forbidden(error: Any) -> Any:
            return {"error": "403"}, 403

        @app.websocket("/ws")
        async def serve() -> Any:
            if way == "abort":
                abort(403)
            if way == "fail":
                raise ValueError("inside")
            return "returned", 401

        path = "/ws" if way != "missing" else "/elsewhere"
        with pytest.raises(WebSocketRefused) as info, client.websocket(path):
            pass
        answer = info.value.response
        expected = {
            "return": (401, "returned"),
            "abort": (403, '{"error":"403"}\n'),
            "before": (429, "before"),
        }
        if way in expected:
            assert (answer.status_code, answer.text) == expected[way]
        else:
            assert answer.status_code == {"missing": 404, "fail": 500}[way]
            assert "inside" not in answer.text
        assert answer.headers.get("Retry-After") == ("3" if way == "before" else None)
        assert ("ValueError: inside" in caplog.text) == (way == "fail")

    @pytest.mark.parametrize("how", ["closes", "returns nothing", "no extension"])
    def test_refused_without_a_response(self, app: Any, how: str) -> None:
        @app.websocket("/ws")
        async def serve() -> Any:
            if how == "closes":
                await websocket.close()
                with pytest.raises(WebSocketClosed):
                    await websocket.accept()
            return "text" if how == "no extension" else None

        async def main() -> list[dict[str, Any]]:
            talk = Talk(app)
            await talk.task
            return talk.sent

        assert [message["type"] for message in asyncio.run(main())] == ["websocket.close"]

    def test_a_stream_as_a_refusal(self, app: Any, client: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> Any:
            return iter(["a", "b"]), 400

        with pytest.raises(WebSocketRefused) as info, client.websocket("/ws"):
            pass
        assert info.value.response.text == "ab"

    def test_plain_http(self, app: Any, client: Any) -> None:
        echo(app)
        app.add_url_rule("/page", "page", lambda: "x")
        assert client.get("/ws").status_code == 400
        with pytest.raises(WebSocketRefused, match="400"), client.websocket("/page"):
            pass

    def test_session(self, app: Any, client: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            session["n"] = session.get("n", 0) + 1
            await websocket.send(str(session["n"]))

        for n in ("1", "2"):
            with client.websocket("/ws") as ws:
                assert ws.receive() == n


class TestOrigin:
    """Another site's page cannot open one with the visitor's cookies (cross-site hijacking)."""

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "http://localhost.evil.example",
            "http://evil.example/localhost",
            "http://localhost:81",
            "http://localhost:443",
            "http://localhost:none",
            "file://localhost",
            "null",
            "",
            "localhost",
        ],
    )
    def test_another(self, app: Any, client: Any, origin: str) -> None:
        echo(app)
        called: list[str] = []
        app.before_websocket(lambda: called.append("hook"))
        with pytest.raises(WebSocketRefused, match="403"):
            with client.websocket("/ws", headers={"Origin": origin}):
                pass
        assert called == []

    @pytest.mark.parametrize(
        ("origin", "host"),
        [
            ("http://localhost", "localhost"),
            ("https://localhost", "localhost"),  # a proxy speaks TLS for it
            ("http://localhost:8000", "localhost:8000"),
            ("https://Example.com", "example.com:443"),
            ("http://[::1]:5000", "[::1]:5000"),
        ],
    )
    def test_the_same(self, app: Any, client: Any, origin: str, host: str) -> None:
        echo(app)
        with client.websocket("/ws", headers={"Origin": origin, "Host": host}) as ws:
            ws.send("a")
            assert ws.receive() == "a"

    @pytest.mark.parametrize("allowed", [["https://a.example"], ["*"]])
    def test_allowed(self, app: Any, client: Any, allowed: list[str]) -> None:
        echo(app)
        app.config["WEBSOCKET_ORIGINS"] = allowed
        with client.websocket("/ws", headers={"Origin": "https://a.example"}) as ws:
            ws.send("a")
            assert ws.receive() == "a"

    def test_the_log_says_what_to_do(
        self, app: Any, client: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        echo(app)
        with pytest.raises(WebSocketRefused):
            with client.websocket("/ws", headers={"Origin": "https://a.example"}):
                pass
        assert "'https://a.example' was refused. Add it to WEBSOCKET_ORIGINS" in caplog.text


class TestHooks:
    def test_order(self, app: Any, client: Any) -> None:
        log: list[str] = []
        bp = Blueprint("bp", "bp", url_prefix="/<lang>")

        @bp.url_value_preprocessor
        def language(endpoint: str | None, values: dict[str, Any] | None) -> None:
            assert values is not None
            g.lang = values.pop("lang")

        for name, scaffold in (("app", app), ("bp", bp)):

            async def before(name: str = name) -> None:
                log.append(f"before {name} {g.lang}")

            def after(response: Any, name: str = name) -> Any:
                log.append(f"after {name} {response}")
                return response

            async def teardown(exc: Any, name: str = name) -> None:
                log.append(f"teardown {name} {exc}")

            scaffold.before_websocket(before)
            scaffold.after_websocket(after)
            scaffold.teardown_websocket(teardown)
        bp.before_app_websocket(lambda: log.append("before all"))
        bp.after_app_websocket(lambda response: log.append("after all") or response)
        bp.teardown_app_websocket(lambda exc: log.append("teardown all"))
        app.teardown_appcontext(lambda exc: log.append(f"teardown context {has_request()}"))
        app.before_request(lambda: log.append("never"))

        def has_request() -> bool:
            return bool(request)

        @bp.websocket("/ws")
        async def serve() -> None:
            log.append("view")
            await websocket.accept()

        app.register_blueprint(bp)
        with client.websocket("/en/ws"):
            pass
        assert log == [
            "before app en",
            "before all",
            "before bp en",
            "view",
            "after bp None",
            "after all",
            "after app None",
            "teardown bp None",
            "teardown all",
            "teardown app None",
            "teardown context False",
        ]

    def test_after_may_change_the_refusal(self, app: Any, client: Any) -> None:
        @app.after_websocket
        def after(response: Any) -> Any:
            response.status_code = 418
            return response

        @app.websocket("/ws")
        async def serve() -> Any:
            return "text"

        with pytest.raises(WebSocketRefused, match="418"), client.websocket("/ws"):
            pass


class TestEnds:
    @pytest.mark.parametrize("code", [1000, 1012, 3000, 4999])
    def test_close(self, app: Any, client: Any, code: int) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()
            await websocket.close(code, "a reason")
            await websocket.close()
            assert websocket.close_code == code
            with pytest.raises(WebSocketClosed) as info:
                await websocket.send("too late")
            assert (info.value.code, info.value.reason) == (code, "a reason")
            with pytest.raises(asyncio.CancelledError):
                await websocket.receive()

        with client.websocket("/ws") as ws:
            with pytest.raises(WebSocketClosed):
                ws.receive()
            assert (ws.close_code, ws.close_reason) == (code, "a reason")

    @pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
    def test_codes_that_cannot_be_sent(self, app: Any, client: Any, code: int) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()
            with pytest.raises(ValueError, match=f"cannot be closed with code {code}"):
                await websocket.close(code)
            with pytest.raises(ValueError, match="more than 123 bytes"):
                await websocket.close(1000, "ü" * 62)
            await websocket.close(4000)

        with client.websocket("/ws") as ws:
            with pytest.raises(WebSocketClosed, match="4000"):
                ws.receive()

    @pytest.mark.parametrize("testing", [True, False])
    def test_an_error_of_the_view(
        self, app: Any, client: Any, testing: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        app.testing = testing
        heard: list[Any] = []
        app.teardown_websocket(heard.append)

        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()
            raise ValueError("inside")

        def talk() -> None:
            with client.websocket("/ws") as ws:
                with pytest.raises(WebSocketClosed, match="1011"):
                    ws.receive()
                assert ws.close_reason == ""

        if testing:
            with pytest.raises(ValueError, match="inside"):
                talk()
            assert [type(error) for error in heard] == [ValueError]
        else:
            talk()
            assert "Exception on /ws" in caplog.text

    def test_abort_after_it_was_accepted(self, app: Any, client: Any) -> None:
        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()
            abort(404)

        with client.websocket("/ws") as ws:
            with pytest.raises(WebSocketClosed, match="1008"):
                ws.receive()

    @pytest.mark.parametrize("waits", ["in receive", "in the loop", "elsewhere", "in a group"])
    def test_the_client_goes(self, app: Any, waits: str) -> None:
        log: list[Any] = []
        app.teardown_websocket(lambda exc: log.append(exc))

        @app.websocket("/ws")
        async def serve() -> None:
            try:
                await websocket.accept()
                if waits == "in receive":
                    await websocket.receive()
                elif waits == "in the loop":
                    async for _ in websocket:
                        pass
                    log.append("the loop ends")
                elif waits == "elsewhere":
                    await asyncio.Event().wait()
                else:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(websocket.receive())
                        group.create_task(asyncio.Event().wait())
            finally:
                log.append((websocket.close_code, websocket.close_reason))

        async def main() -> None:
            talk = Talk(app)
            await talk.until_sent(1)
            talk.leave(1001)
            await asyncio.wait_for(talk.task, 20)

        asyncio.run(main())
        assert log == [*["the loop ends"] * (waits == "in the loop"), (1001, "bye"), None]

    def test_sending_to_a_client_that_has_gone(self, app: Any) -> None:
        log: list[Any] = []

        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()
            await websocket.receive()
            try:
                while True:
                    await websocket.send("x")
            except WebSocketClosed as error:
                log.append(error.code)
                raise

        async def main() -> None:
            talk = Talk(app)
            await talk.until_sent(1)
            talk.gone = True
            talk.say("go on")
            await asyncio.wait_for(talk.task, 20)

        asyncio.run(main())
        assert log == [1006]

    def test_sending_from_a_group(self, app: Any, caplog: pytest.LogCaptureFixture) -> None:
        app.testing = False

        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.receive()
            async with asyncio.TaskGroup() as group:
                group.create_task(websocket.send("x"))

        async def main() -> None:
            talk = Talk(app)
            await talk.until_sent(1)
            talk.gone = True
            talk.say("go on")
            await asyncio.wait_for(talk.task, 20)

        asyncio.run(main())
        assert caplog.text == ""

    def test_that_another_one_is_closed_is_an_error(
        self, app: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        app.testing = False

        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()
            raise WebSocketClosed(1006)

        async def main() -> Talk:
            talk = Talk(app)
            await asyncio.wait_for(talk.task, 20)
            return talk

        assert asyncio.run(main()).sent[-1]["code"] == 1011
        assert "Exception on /ws" in caplog.text

    def test_a_cancellation_of_the_server_goes_on(self, app: Any) -> None:
        echo(app)

        async def main() -> None:
            talk = Talk(app)
            talk.say("a")
            await talk.until_sent(2)
            talk.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await talk.task

        asyncio.run(main())

    def test_nothing_stays_of_a_thousand(self, app: Any) -> None:
        echo(app)

        @app.websocket("/push")
        async def push() -> None:
            await websocket.accept()
            await asyncio.Event().wait()

        async def main() -> int:
            for _ in range(10):
                talks = [Talk(app, path) for path in ["/ws", "/push"] * 50]
                for talk in talks:
                    await talk.until_sent(1) if talks.index(talk) % 2 else talk.say("a")
                for talk in talks:
                    talk.leave()
                await asyncio.wait_for(asyncio.gather(*(talk.task for talk in talks)), 20)
            return len(asyncio.all_tasks())

        assert asyncio.run(main()) == 1


class TestLimits:
    @pytest.mark.parametrize(
        ("message", "limit", "longer"),
        [("ab", 2, False), ("abc", 2, True), ("ü", 2, False), ("üü", 3, True), (b"abc", 2, True)],
    )
    def test_bytes_are_counted(self, message: str | bytes, limit: int, longer: bool) -> None:
        assert _is_longer(message, limit) == longer

    def test_a_message_that_is_too_big(self, app: Any, client: Any) -> None:
        echo(app)
        app.config["WEBSOCKET_MAX_MESSAGE_SIZE"] = 10
        with client.websocket("/ws") as ws:
            ws.send("x" * 10)
            assert ws.receive() == "x" * 10
            ws.send("x" * 11)
            with pytest.raises(WebSocketClosed, match="1009"):
                ws.receive()

    def test_a_limit_by_default(self, app: Any, client: Any) -> None:
        echo(app)
        with client.websocket("/ws") as ws:
            ws.send(b"x" * (1_048_576 + 1))
            with pytest.raises(WebSocketClosed, match="1009"):
                ws.receive()

    def test_back_pressure(self, app: Any) -> None:
        """What a view does not receive stays with the server, but for a few messages."""

        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()
            await asyncio.Event().wait()

        async def main() -> int:
            talk = Talk(app)
            await talk.until_sent(1)
            for n in range(100):
                talk.say(str(n))
            for _ in range(300):
                await asyncio.sleep(0)
            left = talk.incoming.qsize()
            talk.task.cancel()
            await asyncio.wait([talk.task])
            return left

        assert 80 <= asyncio.run(main()) < 100

    def test_what_was_read_ahead_is_received_in_order(self, app: Any) -> None:
        go = asyncio.Event()

        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()
            await go.wait()
            await websocket.send(" ".join([str(await websocket.receive()) for _ in range(50)]))

        async def main() -> str:
            talk = Talk(app)
            await talk.until_sent(1)
            for n in range(50):
                talk.say(str(n))
            for _ in range(100):
                await asyncio.sleep(0)
            go.set()
            await talk.until_sent(2)
            await talk.task
            return str(talk.sent[1]["text"])

        assert asyncio.run(main()) == " ".join(map(str, range(50)))

    def test_a_view_that_comes_back_receives_for_itself(self, app: Any) -> None:
        away = asyncio.Event()
        readers: list[Any] = []

        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()
            ours = websocket._get_current_object()
            await away.wait()
            readers.append(ours._reader)
            for _ in range(3):
                await websocket.send(await websocket.receive())
                readers.append(ours._reader)

        async def main() -> str:
            talk = Talk(app)
            await talk.until_sent(1)
            for _ in range(5):
                await asyncio.sleep(0)
            away.set()
            for n in range(3):
                for _ in range(5):
                    await asyncio.sleep(0)
                talk.say(str(n))
                await talk.until_sent(n + 2)
            await talk.task
            return "".join(message.get("text", "") for message in talk.sent)

        assert asyncio.run(main()) == "012"
        assert readers[0] is not None
        assert readers[1:] == [None, None, None]

    def test_a_view_that_received_and_then_waits_elsewhere(self, app: Any) -> None:
        received = asyncio.Event()

        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.receive()
            received.set()
            await asyncio.Event().wait()

        async def main() -> None:
            talk = Talk(app)
            talk.say("hello")
            await received.wait()
            talk.leave()
            await asyncio.wait_for(talk.task, 20)

        asyncio.run(main())


def test_who_only_sends_lets_others_have_their_turn(app: Any) -> None:
    """Where the server takes messages without a pause, as hypercorn does."""
    log: list[Any] = []

    @app.websocket("/ws")
    async def serve() -> None:
        try:
            while True:
                await websocket.send("more")
        finally:
            log.append(websocket.close_code)

    async def main() -> None:
        talk = Talk(app)
        await talk.until_sent(1)
        talk.leave(1001)
        await asyncio.wait_for(talk.task, 20)

    asyncio.run(main())
    assert log == [1001]


def test_the_road_of_a_message_is_short(app: Any) -> None:
    """Python calls for one that is received and sent back: those of the view, and no more."""
    echo(app)

    async def calls_for(messages: int) -> Counter[str]:
        incoming: list[Any] = [{"type": "websocket.connect"}]
        incoming += [{"type": "websocket.receive", "text": "hello"}] * messages
        incoming += [{"type": "websocket.disconnect", "code": 1000}]
        incoming.reverse()
        called: Counter[str] = Counter()

        async def receive() -> Any:
            return incoming.pop()

        async def send(message: Any) -> None: ...

        def note(frame: Any, event: str, _: Any) -> None:
            if event == "call" and f"{os.sep}erlen{os.sep}" in frame.f_code.co_filename:
                called[frame.f_code.co_qualname] += 1

        sys.setprofile(note)
        try:
            await app(ws_scope(), receive, send)
        finally:
            sys.setprofile(None)
        return called

    asyncio.run(calls_for(1))  # what only the first does
    # Fewer than those after which others have their turn.
    more = asyncio.run(calls_for(51)) - asyncio.run(calls_for(1))
    view = ["WebSocket.__anext__", "WebSocket.send"]
    proxy = ["_WebSocketProxy.send"]
    if sys.version_info < (3, 12):  # a proxy looks through first
        proxy = [
            "_look_through_first.<locals>.__getattribute__",
            "_WebSocketProxy.__getattr__",
            "_serving",
        ]
    assert {name: number / 50 for name, number in more.items()} == dict.fromkeys(view + proxy, 1)


class TestEnd:
    """The end of the server, which a worker tells its app of."""

    def test_what_is_open_is_closed_and_then_cancelled(self, app: Any) -> None:
        log: list[str] = []

        @app.websocket("/ws")
        async def serve() -> None:
            await websocket.accept()
            try:
                await asyncio.Event().wait()
            finally:
                log.append(f"told {websocket.close_code}")
                await asyncio.sleep(0.01)
                log.append("cleaned up")

        async def main() -> Talk:
            talk = Talk(app)
            await talk.until_sent(1)
            app._ending.begin()
            app._ending.begin()
            await asyncio.wait_for(talk.task, 20)
            return talk

        closing = {"type": "websocket.close", "code": 1001, "reason": "The server is ending."}
        assert asyncio.run(main()).sent[1:] == [closing]
        assert log == ["told 1001", "cleaned up"]

    def test_a_handshake_that_is_accepted_afterwards(self, app: Any) -> None:
        echo(app)

        async def main() -> Talk:
            app._ending.begin()
            talk = Talk(app)
            await asyncio.wait_for(talk.task, 20)
            return talk

        assert [message["type"] for message in asyncio.run(main()).sent] == [
            "websocket.accept",
            "websocket.close",
        ]

    def test_a_client_that_does_not_read(self, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("erlen.asgi.websocket._CLOSE_SECONDS", 0.01)
        echo(app)

        async def main() -> None:
            talk = Talk(app)
            await talk.until_sent(1)
            talk._send = stuck  # type: ignore[method-assign]
            app._ending.begin()
            await asyncio.wait_for(talk.task, 20)

        async def stuck(message: Any) -> None:
            await asyncio.Event().wait()

        asyncio.run(main())

    def test_what_has_ended_is_forgotten(self, app: Any) -> None:
        echo(app)

        async def main() -> None:
            talk = Talk(app)
            await talk.until_sent(1)
            talk.leave()
            await asyncio.wait_for(talk.task, 20)

        asyncio.run(main())
        assert not app._ending._funcs


class TestMatching:
    """A handshake is matched by the compiled table, where that tells all that Werkzeug would."""

    def test_werkzeug_is_asked_once_for_a_host(
        self, app: Any, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app.add_websocket("/a/<int:n>", "a", say_number)
        with client.websocket("/a/1") as ws:
            assert ws.receive() == "1"
        monkeypatch.setattr(app.url_map, "bind_to_environ", None)
        with client.websocket("/a/2") as ws:
            assert ws.receive() == "2"

    def test_untrusted_hosts_are_refused_afterwards_too(self, app: Any, client: Any) -> None:
        app.add_websocket("/a/<int:n>", "a", say_number)
        with client.websocket("/a/1") as ws:
            assert ws.receive() == "1"
        app.config["TRUSTED_HOSTS"] = ["example.org"]
        with pytest.raises(WebSocketRefused) as refused, client.websocket("/a/2"):
            pass
        assert refused.value.response.status_code == 400

    def test_http_does_not_reach_a_websocket(self, app: Any, client: Any) -> None:
        app.add_websocket("/a/<int:n>", "a", say_number)
        with client.websocket("/a/1") as ws:
            assert ws.receive() == "1"
        assert client.get("/a/1").status_code == 400
        with pytest.raises(WebSocketRefused) as refused, client.websocket("/a/x"):
            pass
        assert refused.value.response.status_code == 404


async def say_number(n: int) -> None:
    await websocket.send(str(n))
