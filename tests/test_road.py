"""The road of a warm hello-world stays short: few files, few switches between them, few calls."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from blinker import Signal

from benchmarks.road import Road, walk


def hello() -> str:
    return "Hello, World!"


def make_road(flask: Any) -> Road:
    app = flask.Flask("hello_world")
    app.add_url_rule("/", view_func=hello)
    return walk(app)


@pytest.fixture(autouse=True)
def silence(flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No receivers: those of other tests' apps may still be there."""
    for signal in vars(import_module(f"{flask.__name__}.signals")).values():
        if isinstance(signal, Signal):
            monkeypatch.setattr(signal, "receivers", {})


@pytest.mark.erlen_only
def test_road_is_short(flask: Any) -> None:
    road = make_road(flask)
    told = "\n".join(f"{'  ' * depth}{name} {Path(file).name}" for file, name, depth in road.calls)
    assert len(road.files) <= 6, told
    assert road.switches <= 15, told
    assert len(road.calls) <= 20, told


def test_road_leads_through_the_view(flask: Any) -> None:
    """The count counts: the app, the view and nothing of the measurement are on the road."""
    calls = make_road(flask).calls
    names = [name for _, name, _ in calls]
    assert names[0] == "Flask.__call__"
    assert names.count("hello") == 1
    assert "serve" not in names
    assert [depth for _, name, depth in calls if name == "Flask.__call__"] == [0]


def test_switches_are_counted_there_and_back() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        return [Path("/").name.encode()]

    road = walk(app)
    assert [name for _, name, _ in road.calls][0].endswith("app")
    assert len(road.files) >= 2
    assert road.switches >= 2
