from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from erlen import Blueprint, current_app, g, has_request_context

from .driver import ask


class TestServing:
    def test_order(self, app: Any) -> None:
        log: list[str] = []

        @app.before_serving
        async def before() -> None:
            await asyncio.sleep(0)
            log.append(f"before {current_app.name}")

        app.before_serving(lambda: log.append("before, sync"))
        for n in (1, 2):

            async def around(n: int = n) -> AsyncIterator[None]:
                log.append(f"begin {n}")
                yield
                log.append(f"end {n} {current_app.name}")

            app.while_serving(around)
        app.after_serving(lambda: log.append("after"))
        app.add_url_rule("/", "index", lambda: log.append("request") or "x")
        with app.test_app() as test_app:
            test_app.test_client().get("/")
        assert log == [
            "before tested",
            "before, sync",
            "begin 1",
            "begin 2",
            "request",
            "end 2 tested",
            "end 1 tested",
            "after",
        ]

    def test_of_a_blueprint(self, app: Any) -> None:
        log: list[str] = []
        bp = Blueprint("bp", __name__)
        bp.before_app_serving(lambda: log.append("before"))
        bp.after_app_serving(lambda: log.append("after"))

        @bp.while_app_serving
        async def around() -> AsyncIterator[None]:
            log.append("begin")
            yield
            log.append("end")

        app.register_blueprint(bp)
        app.register_blueprint(bp, name="again")
        with app.test_app():
            log.append("serving")
        assert log == ["before", "begin", "serving", "end", "after"]

    def test_the_same_loop(self, app: Any) -> None:
        loops: list[Any] = []

        @app.before_serving
        async def before() -> None:
            loops.append(asyncio.get_running_loop())

        @app.get("/")
        async def index() -> str:
            return str(asyncio.get_running_loop() is loops[0])

        with app.test_app() as test_app:
            assert test_app.test_client().get("/").text == "True"

    def test_a_failing_start(self, app: Any, caplog: pytest.LogCaptureFixture) -> None:
        log: list[str] = []

        @app.while_serving
        async def first() -> AsyncIterator[None]:
            yield
            log.append("taken back")

        @app.while_serving
        async def second() -> AsyncIterator[None]:
            raise KeyError("database")
            yield

        app.after_serving(lambda: log.append("never"))
        with pytest.raises(RuntimeError, match="failed at startup: KeyError: 'database'"):
            with app.test_app():
                pass
        assert log == ["taken back"]
        assert "Exception in lifespan startup" in caplog.text

    def test_a_failing_end(self, app: Any, caplog: pytest.LogCaptureFixture) -> None:
        @app.while_serving
        async def twice() -> AsyncIterator[None]:
            yield
            yield

        with pytest.raises(RuntimeError, match="'twice' of 'while_serving' has a second 'yield'"):
            with app.test_app():
                pass
        assert "Exception in lifespan shutdown" in caplog.text

    def test_a_failing_end_leaves_out_nothing(self, app: Any) -> None:
        log: list[str] = []

        @app.while_serving
        async def first() -> AsyncIterator[None]:
            yield
            log.append("first")

        @app.while_serving
        async def second() -> AsyncIterator[None]:
            yield
            raise KeyError("second")

        @app.after_serving
        async def third() -> None:
            raise KeyError("third")

        app.after_serving(lambda: log.append("fourth"))
        for _ in range(2):
            with pytest.raises(RuntimeError, match="failed at shutdown: KeyError: 'third'"):
                with app.test_app():
                    # Where the end before it had left its mark, this would be cut short.
                    assert not app._ending.is_awaited()
        assert log == ["first", "fourth"] * 2

    def test_without_a_server(self, app: Any) -> None:
        """As Quart's tests have it."""
        log: list[str] = []
        app.before_serving(lambda: log.append(f"before {current_app.name}"))

        @app.while_serving
        async def around() -> AsyncIterator[None]:
            log.append("begin")
            yield
            log.append("end")

        app.after_serving(lambda: log.append("after"))

        async def main() -> None:
            await app.startup()
            log.append("serving")
            await app.shutdown()

        asyncio.run(main())
        assert log == ["before tested", "begin", "serving", "end", "after"]

    def test_names_of_the_users_own(self, flask: Any) -> None:
        """Flask has no such methods, so a class of a user's may mean something else by them."""

        class Mine(flask.Flask):
            def startup(self) -> None:
                raise AssertionError

            shutdown = ensure_async = sync_to_async = startup

        app: Any = Mine("mine")
        done: list[str] = []

        @app.before_serving
        def before() -> None:
            app.add_background_task(lambda: done.append("task"))
            done.append("before")

        with app.test_app():
            pass
        assert sorted(done) == ["before", "task"]

    @pytest.mark.parametrize("name", ["before_serving", "while_serving", "after_serving"])
    def test_too_late(self, app: Any, client: Any, name: str) -> None:
        client.get("/")
        with pytest.raises(AssertionError, match=f"The setup method '{name}' can no longer"):
            getattr(app, name)(lambda: None)


class TestBackgroundTasks:
    @pytest.mark.parametrize("asynchronous", [True, False])
    @pytest.mark.parametrize("view_is", ["async", "sync"])
    def test_after_the_response(self, app: Any, asynchronous: bool, view_is: str) -> None:
        log: list[Any] = []
        loops: list[Any] = []

        def work(a: int, *, b: int) -> None:
            g.x = 1
            log.append((a, b, current_app.name, has_request_context()))
            log.append(threading.current_thread().name)

        async def work_async(a: int, *, b: int) -> None:
            await asyncio.sleep(0)
            work(a, b=b)
            assert asyncio.get_running_loop() is loops[0]

        func = work_async if asynchronous else work

        def view() -> str:
            app.add_background_task(func, 1, b=2)
            return "x"

        async def view_async() -> str:
            return view()

        app.add_url_rule("/", "index", view_async if view_is == "async" else view)
        app.teardown_request(lambda exc: log.append("request is over"))

        async def main() -> None:
            loops.append(asyncio.get_running_loop())
            assert (await ask(app)).body == b"x"
            await asyncio.gather(*app.background_tasks)

        asyncio.run(main())
        thread = threading.current_thread().name if asynchronous else "erlen-sync"
        assert log == ["request is over", (1, 2, "tested", False), thread]

    def test_from_a_websocket(self, app: Any, client: Any) -> None:
        done = threading.Event()

        @app.websocket("/ws")
        async def ws() -> None:
            from erlen import websocket

            assert websocket.path == "/ws"
            app.add_background_task(done.set)
            await websocket.accept()

        with client.websocket("/ws"):
            assert done.wait(20)

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_under_wsgi(self, app: Any, asynchronous: bool) -> None:
        done = threading.Event()

        async def set_async() -> None:
            done.set()

        @app.get("/")
        def index() -> str:
            app.add_background_task(set_async if asynchronous else done.set)
            return "x"

        assert app.test_client().get("/").text == "x"
        assert done.wait(20)

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_errors_are_logged(
        self, app: Any, asynchronous: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        heard: list[Any] = []

        def fail() -> None:
            raise ValueError("in the background")

        async def fail_async() -> None:
            fail()

        @app.before_serving
        async def before() -> None:
            app.teardown_appcontext_funcs.append(heard.append)
            app.add_background_task(fail_async if asynchronous else fail)

        with app.test_app():
            pass
        assert "Exception in the background task <function" in caplog.text
        assert "ValueError: in the background" in caplog.text
        assert [str(error) for error in heard if error] == ["in the background"]

    def test_the_end_waits_for_them(self, app: Any) -> None:
        log: list[str] = []
        app.after_serving(lambda: log.append("after serving"))

        async def work() -> None:
            for _ in range(10):
                await asyncio.sleep(0)
            log.append("done")

        @app.before_serving
        async def before() -> None:
            app.add_background_task(work)

        with app.test_app():
            pass
        assert log == ["done", "after serving"]

    def test_but_not_for_ever(self, app: Any, caplog: pytest.LogCaptureFixture) -> None:
        app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = 0.01
        log: list[str] = []

        async def forever() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                log.append("cleaned up")

        @app.before_serving
        async def before() -> None:
            app.add_background_task(forever)

        with app.test_app():
            pass
        assert log == ["cleaned up"]
        assert "The background task 'forever' was not done 0.01 seconds after" in caplog.text


class TestSignals:
    """The signals for the end of the server are heard, and go on to the server."""

    @pytest.fixture(autouse=True)
    def handlers(self) -> Iterator[list[int]]:
        """The server's own handlers; they note what comes."""
        got: list[int] = []
        kept = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
        for signum in kept:
            signal.signal(signum, lambda signum, frame: got.append(signum))
        yield got
        for signum, handler in kept.items():
            signal.signal(signum, handler)

    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
    def test_what_is_open_is_told_before_the_shutdown(
        self, app: Any, handlers: list[int], signum: int
    ) -> None:
        mine = signal.getsignal(signum)

        async def main() -> None:
            told = asyncio.Event()
            app._ending.tell(told.set)
            lifespan = Lifespan(app)
            await lifespan.tell("startup")
            os.kill(os.getpid(), signum)
            await asyncio.wait_for(told.wait(), 20)
            assert handlers == [signum]
            await lifespan.tell("shutdown")

        asyncio.run(main())
        assert signal.getsignal(signum) is mine

    def test_a_handler_that_was_put_over_it_stays(self, app: Any) -> None:
        def other(signum: int, frame: Any) -> None: ...

        async def main() -> None:
            lifespan = Lifespan(app)
            await lifespan.tell("startup")
            signal.signal(signal.SIGTERM, other)
            await lifespan.tell("shutdown")

        asyncio.run(main())
        assert signal.getsignal(signal.SIGTERM) is other

    def test_where_the_server_has_no_handler_nothing_changes(self, app: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

        async def main() -> None:
            lifespan = Lifespan(app)
            await lifespan.tell("startup")
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            await lifespan.tell("shutdown")

        asyncio.run(main())

    def test_in_another_thread_nothing_changes(self, app: Any) -> None:
        mine = signal.getsignal(signal.SIGTERM)
        with app.test_app():
            assert signal.getsignal(signal.SIGTERM) is mine


class Lifespan:
    """A server's side of a lifespan."""

    def __init__(self, app: Any) -> None:
        self.incoming: asyncio.Queue[Any] = asyncio.Queue()
        self.outgoing: asyncio.Queue[Any] = asyncio.Queue()
        self.task = asyncio.ensure_future(
            app({"type": "lifespan"}, self.incoming.get, self.outgoing.put)
        )

    async def tell(self, what: str) -> None:
        self.incoming.put_nowait({"type": f"lifespan.{what}"})
        answer = await asyncio.wait_for(self.outgoing.get(), 20)
        assert answer["type"] == f"lifespan.{what}.complete"
