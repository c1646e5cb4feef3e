"""What the tests of channels share: a Redis, and apps that use it or the memory."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from erlen.channels import Channels

PATIENCE = 20  # seconds until something that does not happen is given up
REDIS_URL = os.environ.get("ERLEN_TEST_REDIS", "redis://127.0.0.1:6379")


def connect(url: str) -> Any:
    return pytest.importorskip("redis").Redis.from_url(url, socket_connect_timeout=PATIENCE)


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis that runs."""
    redis = pytest.importorskip("redis", reason="redis is not installed")
    with connect(REDIS_URL) as client:
        try:
            client.ping()
        except redis.exceptions.ConnectionError:
            pytest.skip(f"there is no Redis at {REDIS_URL}")
    return REDIS_URL


class Setup:
    """An app with channels; both are new for each test."""

    def __init__(self, flask: Any, url: str, prefix: str, **settings: Any) -> None:
        self.app = flask.Flask("tested")
        self.app.config.update(
            TESTING=True, CHANNELS_URL=url, CHANNELS_PREFIX=prefix, CHANNELS_HISTORY_SECONDS=60
        )
        self.app.config.update(
            {f"CHANNELS_{key.upper()}": value for key, value in settings.items()}
        )
        self.channels = Channels(self.app)
        self.hub = self.app.extensions["channels"]


@pytest.fixture
def make(flask: Any, request: Any) -> Iterator[Callable[..., Setup]]:
    """Make setups: ``make(url, history=10)``; those of one test share a prefix."""
    prefix = f"erlen-test-{uuid4().hex}"
    made: list[Setup] = []

    def make(url: str, **settings: Any) -> Setup:
        made.append(Setup(flask, url, settings.pop("prefix", prefix), **settings))
        return made[-1]

    yield make
    for setup in made:
        setup.channels.close()


@pytest.fixture(params=["memory", "redis"])
def url(request: Any) -> str:
    """Where messages go: every test that asks for this runs with each."""
    return "memory://" if request.param == "memory" else request.getfixturevalue("redis_url")


class OwnRedis:
    """A Redis that a test may stop and start."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            ["redis-server", *options],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        end = time.monotonic() + PATIENCE
        with connect(self.url) as client:
            while True:
                try:
                    client.ping()
                    return
                except OSError:  # not there yet
                    assert time.monotonic() < end
                except Exception as error:
                    if type(error).__name__ not in ("ConnectionError", "BusyLoadingError"):
                        raise
                    assert time.monotonic() < end
                time.sleep(0.01)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    def break_subscriptions(self) -> None:
        """Cut the connections of all who have subscribed."""
        with connect(self.url) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server command")
    pytest.importorskip("redis", reason="redis is not installed")
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.stop()
