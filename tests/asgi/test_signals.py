"""Quart's signals, of what WSGI has not."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from blinker import ANY
from werkzeug.exceptions import NotFound

from erlen import abort, current_app, websocket
from erlen.asgi.testing import WebSocketRefused

Heard = list[tuple[str, Any]]


@pytest.fixture
def hear(flask: Any, app: Any) -> Any:
    """Connect to signals of these names, half of the receivers ``async def``."""
    signals = importlib.import_module(f"{flask.__name__}.signals")
    with ExitStack() as stack:

        def hear(*names: str, sender: Any = app) -> Heard:
            heard: Heard = []

            def receiver(name: str) -> Callable[..., Any]:
                def hear_sync(sender: Any, **values: Any) -> None:
                    assert current_app.name == app.name
                    heard.append((name, next(iter(values.values()), sender)))

                async def hear_async(sender: Any, **values: Any) -> None:
                    await asyncio.sleep(0)
                    hear_sync(sender, **values)

                return hear_async if len(name) % 2 else hear_sync

            for name in names:
                signal = getattr(signals, name)
                stack.enter_context(signal.connected_to(receiver(name), sender))
            return heard

        yield hear


ROAD = ("websocket_started", "websocket_finished", "websocket_tearing_down")


def test_the_road(app: Any, client: Any, hear: Any) -> None:
    heard = hear(*ROAD)
    order: list[str] = []
    app.before_websocket(lambda: order.append(heard[-1][0]))
    app.after_websocket(lambda response: order.append(heard[-1][0]))
    app.teardown_websocket(lambda exc: order.append(heard[-1][0]))

    @app.websocket("/ws")
    async def serve() -> None:
        await websocket.send("done")

    with client.websocket("/ws") as ws:
        assert ws.receive() == "done"
    assert heard == [
        ("websocket_started", app),
        ("websocket_finished", None),
        ("websocket_tearing_down", None),
    ]
    assert order == ["websocket_started", "websocket_started", "websocket_finished"]


def test_refused(app: Any, client: Any, hear: Any) -> None:
    heard = hear(*ROAD)
    app.add_websocket("/ws", "ws", lambda: abort(404))
    with pytest.raises(WebSocketRefused):
        with client.websocket("/ws"):
            pass
    assert [name for name, _ in heard] == list(ROAD)
    assert heard[1][1].status_code == 404


def test_messages(app: Any, client: Any, hear: Any) -> None:
    """The sender is the message, as Quart's signals have it."""
    heard = hear("websocket_received", "websocket_sent", sender=ANY)
    of_one = hear("websocket_received", "websocket_sent", sender="hello")

    @app.websocket("/ws")
    async def serve() -> None:
        async for message in websocket:
            await websocket.send(message)

    with client.websocket("/ws") as ws:
        for message in ("hello", b"other"):
            ws.send(message)
            assert ws.receive() == message
    assert of_one == [("websocket_received", "hello"), ("websocket_sent", "hello")]
    assert heard[:2] == of_one
    assert heard[2:] == [("websocket_received", b"other"), ("websocket_sent", b"other")]


@pytest.mark.parametrize("accepted", [True, False])
def test_an_error(app: Any, client: Any, hear: Any, accepted: bool) -> None:
    """Those who report errors know Flask's signal, so it is sent too."""
    heard = hear("got_websocket_exception", "got_request_exception", "websocket_tearing_down")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    error = KeyError("mine")

    @app.websocket("/ws")
    async def serve() -> None:
        if accepted:
            await websocket.accept()
        raise error

    if accepted:
        with client.websocket("/ws"):
            pass
    else:
        with pytest.raises(WebSocketRefused):
            with client.websocket("/ws"):
                pass
    assert heard == [
        ("got_websocket_exception", error),
        ("got_request_exception", error),
        ("websocket_tearing_down", None),
    ]


def test_handled_is_no_error(app: Any, client: Any, hear: Any) -> None:
    heard = hear("got_websocket_exception", "got_request_exception")
    app.register_error_handler(NotFound, lambda e: ("gone", 404))
    app.add_websocket("/ws", "ws", lambda: abort(404))
    with pytest.raises(WebSocketRefused):
        with client.websocket("/ws"):
            pass
    assert heard == []


def test_in_the_background(app: Any, hear: Any) -> None:
    heard = hear("got_background_exception")
    error = KeyError("mine")

    async def fail() -> None:
        raise error

    app.before_serving(lambda: app.add_background_task(fail))
    with app.test_app():
        pass
    assert heard == [("got_background_exception", error)]


@pytest.mark.parametrize("where", ["before", "after"])
def test_around_serving(app: Any, hear: Any, where: str) -> None:
    heard = hear("got_serving_exception")
    error = KeyError("mine")

    def fail() -> None:
        raise error

    getattr(app, f"{where}_serving")(fail)
    with pytest.raises(RuntimeError, match="KeyError: 'mine'"):
        with app.test_app():
            pass
    assert heard == [("got_serving_exception", error)]
