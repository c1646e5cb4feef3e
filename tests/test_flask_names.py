"""What only Flask's modules have: the names that they import, and flask.sansio.app.App."""

from __future__ import annotations

import importlib
import types
import typing

import pytest

import erlen
from erlen._flask_names import App, find

MODULES = """
    app blueprints cli config ctx debughelpers globals helpers json json.provider json.tag logging
    sessions signals templating testing typing views wrappers
    sansio.app sansio.blueprints sansio.scaffold
""".split()
ELSEWHERE = {"sansio.app": "app", "sansio.blueprints": "blueprints", "sansio.scaffold": "scaffold"}
# Flask's own, below what its documentation and its users name.
PRIVATE = {"_dump_loader_info", "_path_is_ancestor", "_werkzeug_version"}


@pytest.mark.peer
@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_flasks_modules(module: str) -> None:
    """It is there or lent; what Flask took from elsewhere is the very same thing."""
    own = importlib.import_module(f"erlen.{ELSEWHERE.get(module, module)}")
    peer = vars(importlib.import_module(f"flask.{module}"))
    for name, value in peer.items():
        if name.startswith("__") or name in PRIVATE or isinstance(value, typing.TypeVar):
            continue
        if hasattr(own, name):
            continue
        found = find(own.__name__, name)
        home = getattr(value, "__module__", None) or ""
        if isinstance(value, types.ModuleType):
            assert found.__name__.replace("erlen", "flask") == value.__name__
        elif isinstance(value, type | types.FunctionType) and not home.startswith("flask"):
            assert found is value, name
        else:
            assert isinstance(found, type) == isinstance(value, type), name
            assert callable(found) == callable(value), name


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match=r"^module 'erlen.cli' has no attribute 'nothing'$"):
        find("erlen.cli", "nothing")
    with pytest.raises(AttributeError, match=r"^module 'erlen.views' has no attribute 'click'$"):
        find("erlen.views", "click")


def test_lent_by_the_alias() -> None:
    """A module gets the names when it is loaded by its other name, once, and keeps its own."""
    finder = importlib.import_module("_erlen_as_flask")
    for name, lent, own in (
        ("cli", "click", "FlaskGroup"),
        ("templating", "TemplateNotFound", "DispatchingJinjaLoader"),
    ):
        real = importlib.import_module(f"erlen.{name}")
        module = types.ModuleType(real.__name__)
        vars(module)[own] = getattr(real, own)
        if "__getattr__" in vars(real):
            vars(module)["__getattr__"] = vars(real)["__getattr__"]
        finder._lend(module, real.__name__)
        lender = vars(module)["__getattr__"]
        finder._lend(module, real.__name__)
        assert vars(module)["__getattr__"] is lender
        assert getattr(module, lent) is find(real.__name__, lent)
        assert getattr(module, own) is getattr(real, own)
        assert not hasattr(module, "nothing")


class TestApp:
    """Flask derives from it; here it derives from Flask and passes for its base."""

    def test_stands_above_flask(self) -> None:
        app = erlen.Flask("x")
        assert isinstance(app, App)
        assert issubclass(erlen.Flask, App)
        assert not isinstance(object(), App)

        class Mine(App):
            pass

        assert not isinstance(app, Mine)
        assert not issubclass(erlen.Flask, Mine)
        assert isinstance(Mine("x"), Mine)

    def test_a_patch_reaches_flask(self, monkeypatch: pytest.MonkeyPatch) -> None:
        added: list[str] = []
        monkeypatch.setattr(App, "iter_blueprints", lambda self: added.append("patched"))
        monkeypatch.setattr(App, "own", 1, raising=False)
        erlen.Flask("x").iter_blueprints()
        App("x").iter_blueprints()
        assert added == ["patched", "patched"]
        assert erlen.Flask.own == 1  # type: ignore[attr-defined]  # set by the patch
        monkeypatch.undo()
        assert not hasattr(erlen.Flask, "own")
        assert list(erlen.Flask("x").iter_blueprints()) == []

    def test_a_subclass_is_its_own(self) -> None:
        class Mine(App):
            pass

        Mine.own = 1
        assert not hasattr(erlen.Flask, "own")
        del Mine.own
        assert not hasattr(Mine, "own")

    def test_adds_no_static_route(self) -> None:
        """Quart, which derives from it, adds one with a view of its own."""
        assert [rule.endpoint for rule in App("x").url_map.iter_rules()] == []
        assert "static" in {rule.endpoint for rule in erlen.Flask("x").url_map.iter_rules()}


@pytest.mark.peer
def test_the_peer_is_the_real_one() -> None:
    """Else every comparison above would be of erlen with itself."""
    assert importlib.import_module("flask") is not erlen
