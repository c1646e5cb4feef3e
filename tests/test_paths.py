from __future__ import annotations

import importlib
import os
import sys
import types
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest


class Paths:
    def __init__(self, get_root_path: Any, find_package: Any) -> None:
        self.root = get_root_path
        self.package = find_package


@pytest.fixture
def paths(flask: Any) -> Paths:
    if flask.__name__ == "erlen":
        module = importlib.import_module("erlen._paths")
        return Paths(module.get_root_path, module.find_package)
    helpers = importlib.import_module("flask.helpers")
    scaffold = importlib.import_module("flask.sansio.scaffold")
    return Paths(helpers.get_root_path, scaffold.find_package)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An importable folder, and a working directory beside it."""
    (tmp_path / "code").mkdir()
    (tmp_path / "cwd").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.chdir(tmp_path / "cwd")
    yield tmp_path / "code"
    for name in [name for name in sys.modules if name.startswith("paths_")]:
        del sys.modules[name]


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.mark.parametrize("imported", [False, True])
def test_modules_and_packages(paths: Paths, tree: Path, imported: bool) -> None:
    write(tree / "paths_module.py")
    write(tree / "paths_package" / "__init__.py")
    write(tree / "paths_package" / "part.py")
    for name, folder in [
        ("paths_module", tree),
        ("paths_package", tree / "paths_package"),
        ("paths_package.part", tree / "paths_package"),
    ]:
        if imported:
            importlib.import_module(name)
        assert paths.root(name) == str(folder)
        assert paths.package(name) == (None, str(tree))


@pytest.mark.parametrize("name", ["no_such_module", "no_such.module", "__main__"])
def test_what_has_no_file_is_at_the_working_directory(
    paths: Paths, tree: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    assert paths.root(name) == os.getcwd()
    assert paths.package(name) == (None, os.getcwd())


class Loader:
    """A loader that tells no file, and sets one on the module or not."""

    def __init__(self, file: str | None) -> None:
        self.file = file

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == "paths_hooked" else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        if self.file is not None:
            module.__file__ = self.file


def test_an_import_hook_that_sets_the_file(
    paths: Paths, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "meta_path", [Loader("/srv/hooked.py"), *sys.meta_path])
    assert paths.root("paths_hooked") == "/srv"


def test_an_import_hook_without_files(
    paths: Paths, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "meta_path", [Loader(None), *sys.meta_path])
    with pytest.raises(RuntimeError) as info:
        paths.root("paths_hooked")
    assert str(info.value) == (
        "No root path can be found for the provided module 'paths_hooked'. This can happen"
        " because the module came from an import hook that does not provide file name"
        " information or because it's a namespace package. In this case the root path needs to be"
        " explicitly provided."
    )


def test_a_namespace_package_has_no_root_path(paths: Paths, tree: Path) -> None:
    (tree / "paths_space").mkdir()
    importlib.import_module("paths_space")
    with pytest.raises(RuntimeError, match="it's a namespace package"):
        paths.root("paths_space")


def test_the_portion_of_a_namespace_package(
    paths: Paths, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    write(tree / "paths_space" / "one" / "__init__.py")
    write(other / "paths_space" / "two" / "__init__.py")
    monkeypatch.setattr(sys, "path", [*sys.path, str(other)])
    assert paths.package("paths_space.one") == (None, str(tree))
    assert paths.package("paths_space.two") == (None, str(other))


@pytest.mark.erlen_only  # Flask raises StopIteration
def test_a_namespace_package_in_two_portions(
    paths: Paths, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree / "paths_space" / "one.py")
    write(tmp_path / "other" / "paths_space" / "two.py")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "other")])
    assert paths.package("paths_space") == (None, str(tree))


@pytest.mark.parametrize(
    ("site", "prefix"),
    [
        ("env/lib/python3.11/site-packages", "env"),
        ("env/Lib/site-packages", "env"),
        ("env/site-packages", "env"),
        ("env/dist-packages", None),
    ],
)
def test_installed_code(
    paths: Paths, tree: Path, monkeypatch: pytest.MonkeyPatch, site: str, prefix: str | None
) -> None:
    write(tree / site / "paths_installed" / "__init__.py")
    monkeypatch.syspath_prepend(str(tree / site))
    expected = None if prefix is None else str(tree / prefix)
    assert paths.package("paths_installed") == (expected, str(tree / site))


def test_code_below_the_systems_prefix(
    paths: Paths, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree / "paths_system.py")
    monkeypatch.setattr(sys, "prefix", str(tree.parent))
    assert paths.package("paths_system") == (str(tree.parent), str(tree))
