"""What only the channels of one process do."""

from __future__ import annotations

import gc
from types import SimpleNamespace
from typing import Any

import pytest

from erlen.channels import _memory


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000
        time = SimpleNamespace(time_ns=lambda: self.seconds * 1_000_000_000)
        monkeypatch.setattr(_memory, "time", time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def held(setup: Any, topic: str) -> list[Any]:
    """The data that the history of a topic holds."""
    with setup.channels.subscribe(topic, after="0-0") as subscription:
        subscription.close()
        return [message.data for message in subscription]


def test_ids_only_grow(make: Any, clock: Clock) -> None:
    setup = make("memory://", history=9)
    with setup.channels.subscribe("a") as subscription:
        for seconds in (1000, 1000, 999, 1001):
            clock.seconds = seconds
            setup.channels.publish("a", seconds)
        subscription.close()
        ids = [message.id for message in subscription]
    assert ids == ["1000000-0", "1000000-1", "1000000-2", "1001000-0"]


def test_topics_that_nobody_publishes_to_are_forgotten(make: Any, clock: Clock) -> None:
    setup = make("memory://", history=9, history_seconds=60)
    setup.channels.publish("old", 1)
    clock.seconds += 30
    setup.channels.publish("young", 2)
    assert (held(setup, "old"), held(setup, "young")) == ([1], [2])
    clock.seconds += 31
    setup.channels.publish("new", 3)
    assert (held(setup, "old"), held(setup, "young"), held(setup, "new")) == ([], [2], [3])
    assert list(setup.hub._kept) == ["young", "new"]


def test_the_garbage_collector_may_end_a_subscription_anywhere(make: Any) -> None:
    """In a loop that was left, and that something holds in a circle."""
    setup = make("memory://", history=1)
    setup.channels.publish("a", 1)
    circle: list[Any] = [iter(setup.channels.subscribe("a", after="0-0"))]
    circle.append(circle)
    assert next(circle[0]).data == 1
    with setup.hub._lock:
        # As in a thread that publishes.
        del circle
        gc.collect()
    assert setup.hub.all() == []


def test_topics_that_nobody_listens_to_take_no_room(make: Any) -> None:
    setup = make("memory://")
    for n in range(10):
        with setup.channels.subscribe(f"topic {n}"):
            setup.channels.publish(f"topic {n}", n)
    assert (setup.hub._topics, dict(setup.hub._kept)) == ({}, {})
