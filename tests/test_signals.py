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


@pytest.mark.parametrize("name", NAMES)
def test_the_ten_signals(flask: Any, name: str) -> None:
    module = importlib.import_module(f"{flask.__name__}.signals")
    signal = getattr(module, name.replace("-", "_"))
    assert isinstance(signal, blinker.NamedSignal)
    assert signal.name == name
    assert module._signals[name] is signal


def test_namespace_for_your_own(flask: Any) -> None:
    module = importlib.import_module(f"{flask.__name__}.signals")
    assert module.Namespace is blinker.Namespace
    assert sorted(module._signals) == sorted(NAMES)
