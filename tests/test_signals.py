from __future__ import annotations

import importlib
from typing import Any

import blinker
import pytest

NAMES = [
    "template-rendered",
    "before-render-template",
    "request-started",
    "request-finished",
    "request-tearing-down",
    "got-request-exception",
    "appcontext-tearing-down",
    "appcontext-pushed",
    "appcontext-popped",
    "message-flashed",
]
# Quart's, of what WSGI has not; asgi/test_signals.py has what they tell.
QUARTS = [
    "websocket-started",
    "websocket-finished",
    "websocket-tearing-down",
    "websocket-received",
    "websocket-sent",
    "got-websocket-exception",
    "got-background-exception",
    "got-serving-exception",
]


@pytest.mark.parametrize("name", NAMES + QUARTS)
def test_the_signals(flask: Any, name: str) -> None:
    module = importlib.import_module(f"{flask.__name__}.signals")
    signal = getattr(module, name.replace("-", "_"))
    assert isinstance(signal, blinker.NamedSignal)
    assert signal.name == name
    assert module._signals[name] is signal


def test_namespace_for_your_own(flask: Any) -> None:
    module = importlib.import_module(f"{flask.__name__}.signals")
    assert module.Namespace is blinker.Namespace
    assert sorted(module._signals) == sorted(NAMES + QUARTS)
