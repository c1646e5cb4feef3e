"""The extension: an app's channels, and how they are set up."""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import Generator
from concurrent.futures import Future
from functools import partial
from importlib import import_module
from urllib.parse import urlsplit
from weakref import WeakSet

import msgspec

from ..globals import current_app
from ..typing import App
from ._memory import History, MemoryHub
from ._subscription import Subscription, _has_loop

if t.TYPE_CHECKING:
    from ._redis import RedisHub

_DEFAULTS: dict[str, t.Any] = {
    "CHANNELS_URL": "memory://",
    "CHANNELS_PREFIX": "channels",
    "CHANNELS_QUEUE_SIZE": 100,
    "CHANNELS_OVERFLOW": "drop",
    "CHANNELS_HISTORY": 0,
    "CHANNELS_HISTORY_SECONDS": 3600,
}


class Channels:
    """Publish in one place, and many WebSockets and event streams get it.

    ``CHANNELS_URL`` is ``memory://`` for one process, or that of a Redis (``redis://``,
    ``rediss://``, ``unix://``) for many.

    :param app: the app; or call :meth:`init_app`.
    """

    def __init__(self, app: App | None = None) -> None:
        self._apps: WeakSet[t.Any] = WeakSet()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: App) -> None:
        """Set an app's channels up; its connections are closed at the end of its lifespan.

        :raises RuntimeError: it has some already.
        :raises ValueError: a setting is none that can be.
        :raises ModuleNotFoundError: redis is not installed; the message names the extra.
        """
        if "channels" in app.extensions:
            raise RuntimeError("This app has channels already.")
        for name, value in _DEFAULTS.items():
            app.config.setdefault(name, value)
        for name in ("QUEUE_SIZE", "HISTORY_SECONDS"):
            _check_number(f"CHANNELS_{name}", app.config[f"CHANNELS_{name}"], 1)
        _check_number("CHANNELS_HISTORY", app.config["CHANNELS_HISTORY"], 0)
        _closes(app.config["CHANNELS_OVERFLOW"])
        hub = app.extensions["channels"] = _make_hub(app)
        app.after_serving(hub.close_async)
        self._apps.add(app)

    def publish(self, topic: str, message: t.Any) -> Published:
        """Send a message to all who have subscribed to a topic now.

        In a thread it waits until the message is on its way. On an event loop it does not: await
        what it returns, to wait, and to have the error.

        :param topic: any name.
        :param message: a value that JSON can hold.
        :return: to be awaited in async code.
        :raises ChannelError: Redis cannot be reached.
        :raises TypeError: JSON cannot hold the message, bytes among it.
        :raises RuntimeError: there is no app.
        """
        _check_topic(topic)
        if isinstance(message, (bytes, bytearray, memoryview)):
            raise TypeError("A message is a value that JSON can hold, and was bytes.")
        app = self._app()
        done = self._hub(app).publish(topic, msgspec.json.encode(message).decode())
        if not _has_loop():
            done.result()
        return Published(done, app.logger)

    def subscribe(
        self,
        *topics: str,
        after: str | None = None,
        queue_size: int | None = None,
        overflow: str | None = None,
    ) -> Subscription:
        """Subscribe to topics; iterate what is returned, or make an ``EventStream`` of it.

        :param topics: one or more.
        :param after: the id of the last message that the subscriber got, as
            :func:`erlen.sse.last_event_id` tells it: what has come since is received first, as
            far as ``CHANNELS_HISTORY`` goes. For a single topic.
        :param queue_size: how many messages wait for a subscriber that is slow. Default:
            ``CHANNELS_QUEUE_SIZE``, 100.
        :param overflow: what happens with one more: ``"drop"`` drops the oldest and counts it,
            ``"close"`` ends the subscription. Default: ``CHANNELS_OVERFLOW``, ``"drop"``.
        :raises ValueError: for a parameter that cannot be.
        :raises RuntimeError: there is no app.
        """
        if not topics:
            raise ValueError("Subscribe to at least one topic.")
        for topic in topics:
            _check_topic(topic)
        if after is not None and len(topics) > 1:
            raise ValueError("'after' is an id within one topic, and these are more than one.")
        app = self._app()
        size = app.config["CHANNELS_QUEUE_SIZE"] if queue_size is None else queue_size
        _check_number("queue_size", size, 1)
        closes = _closes(overflow or app.config["CHANNELS_OVERFLOW"])
        return Subscription(self._hub(app), topics, after, size, closes)

    def close(self) -> None:
        """End all subscriptions and close the connections of the app; the next use opens them.

        For scripts and tests: an ASGI server's app does so at the end of its lifespan.

        :raises RuntimeError: on an event loop, which it would stop.
        """
        if _has_loop():
            raise RuntimeError("To wait here would stop the event loop: close in a thread.")
        self._hub(self._app()).close()

    def _app(self) -> App:
        """Return the current app; without one, as in a stream, the only one there is."""
        if current_app:
            return current_app._get_current_object()
        apps = list(self._apps)
        if len(apps) != 1:
            raise RuntimeError(
                f"Working outside of application context, and these are the channels of"
                f" {len(apps)} apps. Use them within 'with app.app_context()'."
            )
        return apps[0]

    def _hub(self, app: App) -> MemoryHub | RedisHub:
        hub: MemoryHub | RedisHub | None = app.extensions.get("channels")
        if hub is None:
            raise RuntimeError("This app has no channels: call 'init_app' with it.")
        return hub


class Published:
    """A message on its way: await it, to know that it has gone."""

    def __init__(self, done: Future[str | None], logger: t.Any) -> None:
        self._done = done
        self._logger = logger
        self._is_awaited = False

    def __del__(self) -> None:
        if not self._is_awaited:
            self._done.add_done_callback(partial(_log_failure, self._logger))

    def __await__(self) -> Generator[t.Any, None, str | None]:
        """Wait; the result is the message's id, None where no history is kept."""
        self._is_awaited = True
        if self._done.done():
            return self._done.result()
        return (yield from asyncio.wrap_future(self._done).__await__())


def _log_failure(logger: t.Any, done: Future[str | None]) -> None:
    error = done.exception()
    if error is not None:
        logger.error("A message was not published: %s", error)


def _make_hub(app: App) -> MemoryHub | RedisHub:
    url = app.config["CHANNELS_URL"]
    history = History(app.config["CHANNELS_HISTORY"], app.config["CHANNELS_HISTORY_SECONDS"])
    scheme = urlsplit(url).scheme
    if scheme == "memory":
        return MemoryHub(history)
    if scheme in ("redis", "rediss", "unix"):
        module = import_module(f"{__package__}._redis")
        hub: RedisHub = module.RedisHub(url, app.config["CHANNELS_PREFIX"], history, app.logger)
        return hub
    # Not the URL: there may be a password in it.
    raise ValueError(
        f"'CHANNELS_URL' is 'memory://' or the URL of a Redis, and begins with {scheme!r}."
    )


def _check_topic(topic: str) -> None:
    if not isinstance(topic, str) or not topic:
        raise ValueError(f"A topic is a name, and was {topic!r}.")


def _check_number(name: str, value: t.Any, least: int) -> None:
    if type(value) is not int or value < least:
        raise ValueError(f"{name!r} is a number from {least} on, and was {value!r}.")


def _closes(overflow: t.Any) -> bool:
    if overflow not in ("drop", "close"):
        raise ValueError(f"On overflow, 'drop' or 'close'; it was {overflow!r}.")
    return bool(overflow == "close")
