"""Contexts on an event loop: entered there, and copied for other tasks and threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from erlen import (
    copy_current_app_context,
    copy_current_request_context,
    copy_current_websocket_context,
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
    websocket,
)

from .driver import ask


class TestEntered:
    """``async with``, as Quart has it."""

    def test_app_context(self, app: Any) -> None:
        log: list[Any] = []

        @app.teardown_appcontext
        async def end(exc: Any) -> None:
            await asyncio.sleep(0)
            log.append((asyncio.get_running_loop(), g.x, exc))

        async def main() -> None:
            error = KeyError()
            with pytest.raises(KeyError):
                async with app.app_context() as ctx:
                    assert ctx.app is app
                    g.x = 1
                    assert current_app.name == app.name
                    raise error
            assert not has_app_context()
            assert log == [(asyncio.get_running_loop(), 1, error)]

        asyncio.run(main())

    def test_an_app_context_within_a_request(self, app: Any) -> None:
        async def main() -> None:
            ctx = app.app_context()
            async with app.test_request_context("/x"):
                async with ctx:
                    assert request.path == "/x"
            async with ctx:
                assert not has_request_context()

        asyncio.run(main())

    def test_request_context(self, app: Any) -> None:
        log: list[str] = []

        @app.teardown_request
        async def end(exc: Any) -> None:
            await asyncio.sleep(0)
            log.append(request.path)

        app.teardown_appcontext(lambda exc: log.append("app"))

        async def main() -> None:
            async with app.test_request_context("/x") as ctx:
                assert ctx.request.path == request.path == "/x"
                async with ctx:
                    pass
                assert log == []
            assert log == ["/x", "app"]
            assert not has_app_context()

        asyncio.run(main())

    def test_out_of_order(self, app: Any) -> None:
        async def main() -> None:
            outer, inner = app.test_request_context(), app.test_request_context()
            await outer.__aenter__()
            await inner.__aenter__()
            with pytest.raises(AssertionError, match="Popped wrong request context"):
                await outer.__aexit__(None, None, None)

        asyncio.run(main())

    @pytest.mark.parametrize("name", ["do_teardown_request", "do_teardown_appcontext"])
    def test_a_method_that_was_replaced(self, app: Any, name: str) -> None:
        log: list[str] = []
        setattr(app, name, lambda *args: log.append(name))

        async def main() -> None:
            async with app.test_request_context():
                pass

        asyncio.run(main())
        assert log == [name]


class TestCopies:
    def test_of_a_websocket(self, app: Any, client: Any) -> None:
        log: list[str] = []

        @app.teardown_websocket
        async def end(exc: Any) -> None:
            log.append(f"end of {g.get('name')}")

        @app.websocket("/<name>")
        async def serve(name: str) -> None:
            g.name = "the view"

            @copy_current_websocket_context
            async def work(n: int) -> None:
                assert "name" not in g
                g.name = f"task {n}"
                await asyncio.sleep(0)
                assert websocket.view_args == {"name": name}
                await websocket.send(f"{g.name} {websocket.path}")

            @copy_current_websocket_context
            def work_sync() -> str:
                return f"in a thread: {websocket.path} {current_app.name}"

            await websocket.accept()
            # Without the contexts of their own, they would have the view's.
            await asyncio.gather(work(1), work(2))
            await websocket.send(await asyncio.to_thread(work_sync))
            assert g.name == "the view"

        with client.websocket("/ws") as ws:
            said = [ws.receive() for _ in range(3)]
        assert said == ["task 1 /ws", "task 2 /ws", f"in a thread: /ws {app.name}"]
        assert log == ["end of task 1", "end of task 2", "end of None", "end of the view"]

    def test_of_an_app(self, app: Any) -> None:
        log: list[str] = []
        app.teardown_appcontext(lambda exc: log.append(f"end of {g.get('name')}"))

        async def main() -> list[Any]:
            async with app.app_context():
                g.name = "outside"

                @copy_current_app_context
                async def work(n: int) -> str:
                    g.name = f"task {n}"
                    await asyncio.sleep(0)
                    return f"{g.name} of {current_app.name}"

                @copy_current_app_context
                def work_sync() -> str:
                    return f"in a thread of {current_app.name}"

            assert not has_app_context()
            answers = await asyncio.gather(work(1), work(2))
            with_threads: list[str] = []
            thread = threading.Thread(target=lambda: with_threads.append(work_sync()))
            thread.start()
            thread.join()
            return [*answers, *with_threads]

        name = app.name
        assert asyncio.run(main()) == [
            f"task 1 of {name}",
            f"task 2 of {name}",
            f"in a thread of {name}",
        ]
        assert log == ["end of outside", "end of task 1", "end of task 2", "end of None"]

    @pytest.mark.parametrize("after", [False, True])
    def test_of_a_request(self, app: Any, after: bool) -> None:
        """Flask's name; where Flask raises that there is a loop already, the copy is awaited."""
        app.secret_key = "a key of more than sixteen bytes"
        log: list[str] = []
        tasks: list[asyncio.Task[None]] = []
        app.teardown_request(lambda exc: log.append("end"))

        @app.get("/<name>")
        async def index(name: str) -> str:
            session["name"] = name

            @copy_current_request_context
            async def work(n: int) -> None:
                await asyncio.sleep(0.01 * n)
                log.append(f"{n} {request.path} {session['name']}")

            tasks.extend(asyncio.create_task(work(n)) for n in (1, 2))
            if not after:
                await asyncio.gather(*tasks)
            return "x"

        async def main() -> None:
            assert (await ask(app, "/a")).body == b"x"
            await asyncio.gather(*tasks)

        asyncio.run(main())
        work = ["1 /a a", "end", "2 /a a", "end"]
        assert log == (["end", *work] if after else [*work, "end"])

    def test_what_is_copied_keeps_its_name(self, app: Any) -> None:
        copies: list[Callable[..., Any]] = [copy_current_app_context, copy_current_request_context]

        async def work() -> None:
            """Work."""

        with app.test_request_context():
            for copy in copies:
                assert (copy(work).__name__, copy(work).__doc__) == ("work", "Work.")

    @pytest.mark.parametrize(
        ("copy", "what"),
        [
            (copy_current_app_context, "an app"),
            (copy_current_websocket_context, "a websocket"),
            (copy_current_request_context, "a request"),
        ],
    )
    def test_without_one(self, app: Any, copy: Callable[..., Any], what: str) -> None:
        message = f"'{copy.__name__}' can only be used when {what} context is active, such as in a"
        with pytest.raises(RuntimeError, match=message):
            copy(print)
        if copy is copy_current_websocket_context:
            with app.test_request_context(), pytest.raises(RuntimeError, match=message):
                copy(print)


class TestAwaitable:
    """``ensure_async`` and ``sync_to_async``, Quart's names."""

    def test_sync(self, app: Any) -> None:
        def work(a: int, *, b: int) -> tuple[int, int, str, str]:
            """Work."""
            return a, b, threading.current_thread().name, request.path

        async def main() -> None:
            async with app.test_request_context("/x"):
                for wrap in (app.ensure_async, app.sync_to_async):
                    assert (wrap(work).__name__, wrap(work).__doc__) == ("work", "Work.")
                    assert await wrap(work)(1, b=2) == (1, 2, "erlen-sync", "/x")

        asyncio.run(main())

    def test_async(self, app: Any) -> None:
        async def work() -> None: ...

        assert app.ensure_async(work) is work
