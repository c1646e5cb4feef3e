"""The import finder behind ``erlen.as_flask``.

It stands outside the package, and imports nothing of it, so that the start-up line of
``erlen-as-flask.pth`` and the ``erlen`` command can install it without loading erlen: the package
comes in when somebody first imports ``flask``. The wheel carries both files at its top level.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec, PathFinder

# PERF: every process of an environment may load this file; typing would be half of its cost, and
# importlib.abc gives the loaders nothing at run time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.abc import Loader
    from types import CodeType, ModuleType
    from typing import Any
else:
    Loader = object

# Flask keeps these names in modules that erlen does not have.
_ELSEWHERE = {
    "flask.scaffold": "erlen.scaffold",
    "flask.sansio.blueprints": "erlen.blueprints",
    "flask.sansio.scaffold": "erlen.scaffold",
}

# Flask's other modules. Each is known by its name there as soon as it was run, as with Flask,
# where who watches imports to patch them (New Relic, wrapt) meets all that `import flask` brings.
_MODULES = frozenset(
    """
    app blueprints cli config ctx debughelpers globals helpers json json.provider json.tag logging
    sessions signals templating testing typing views wrappers
    """.split()
)

# Extensions whose names a battery answers to, where they are not installed.
_BATTERIES = {"flask_uploads": "erlen.uploads"}


class _Same(Loader):
    """Loads ``flask.x`` as the module ``erlen.x`` itself."""

    def __init__(self, spec: ModuleSpec) -> None:
        self.spec = spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.spec.name)
        if module.__name__ == "erlen":
            _introduce(module)
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The module ran when it was imported as erlen's. The import system has just written the
        # alias's spec on it; with that one, reload() and pickle would take the alias for its name.
        module.__spec__ = self.spec
        if self.spec.name != "erlen":
            _lend(module, self.spec.name)

    def get_code(self, fullname: str) -> CodeType | None:
        """The code of the module, for ``python -m flask``."""
        loader: Any = self.spec.loader
        code: CodeType | None = loader.get_code(self.spec.name)
        return code


def _lend(module: ModuleType, module_name: str) -> None:
    """Let a module have the names that only Flask's has; found when somebody asks for them."""
    own = vars(module).get("__getattr__")
    if own is not None and own.__module__ == __name__:
        return  # it goes by a second name, and has them already

    def __getattr__(name: str) -> Any:
        if own is not None:
            try:
                return own(name)
            except AttributeError:
                pass
        # The import system asks for names of its own, and hooks may ask before erlen is whole.
        if name.startswith("__") or getattr(sys.modules["erlen"].__spec__, "_initializing", False):
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}")
        names: Any = importlib.import_module("erlen._flask_names")
        return names.find(module_name, name)

    vars(module)["__getattr__"] = __getattr__


class _Sansio(Loader):
    """Loads ``flask.sansio``, an empty package, and ``flask.sansio.app``, which has App."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == "flask.sansio.app":
            app = importlib.import_module("erlen.app")
            _lend(app, app.__name__)
            names: Any = importlib.import_module("erlen._flask_names")
            vars(module).update(App=names.App, __getattr__=lambda name: getattr(app, name))


class AliasFinder:
    """Answers for ``flask`` and all below it with erlen's modules, each when first imported."""

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, rest = fullname.partition(".")
        if package == "erlen" and rest in _MODULES:
            return _introduced(_found_behind(self, fullname, path, target))
        if package != "flask":
            return None
        if fullname in ("flask.sansio", "flask.sansio.app"):
            return ModuleSpec(fullname, _Sansio(), is_package=fullname == "flask.sansio")
        name = _ELSEWHERE.get(fullname, "erlen" + fullname.removeprefix("flask"))
        return _alias(fullname, name) if not name.startswith("erlen.sansio.") else None


class BatteryFinder:
    """Answers for an extension that is not installed with the battery that has its API."""

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = _BATTERIES.get(fullname)
        if name is None:
            return None
        # What is installed wins, also where its finder came later than this one.
        if _found_behind(self, fullname, path, target):
            return None
        return _alias(fullname, name)


def _found_behind(
    finder: object, fullname: str, path: object, target: ModuleType | None
) -> ModuleSpec | None:
    """What the finders say that are asked after this one."""
    behind: list[Any] = sys.meta_path[sys.meta_path.index(finder) + 1 :]  # type: ignore[arg-type]  # it is one
    found = (other.find_spec(fullname, path, target) for other in behind)
    return next((spec for spec in found if spec is not None), None)


def _introduced(spec: ModuleSpec | None) -> ModuleSpec | None:
    """Have a module introduced when it was run."""
    loader: Any = spec and spec.loader
    if loader is not None:
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            _introduce(module)

        loader.exec_module = exec_module
    return spec


def _introduce(module: ModuleType) -> None:
    """Import a module by its name in Flask, so that every finder hears of it."""
    name = module.__name__
    alias = "flask" + name.removeprefix("erlen")
    erlen = sys.modules["erlen"]
    if alias in sys.modules or sys.modules.get("flask", erlen) is not erlen:
        return
    # A package that is still being run is not announced yet.
    parents = [alias[:dot] for dot in range(len(alias)) if alias[dot] == "."]
    lent = [parent for parent in parents if parent not in sys.modules]
    for parent in lent:
        sys.modules[parent] = sys.modules["erlen" + parent.removeprefix("flask")]
    # Some finders' loaders ask the module itself for its name.
    module.__name__ = alias
    try:
        importlib.import_module(alias)
    finally:
        module.__name__ = name
        for parent in lent:
            del sys.modules[parent]


def _alias(fullname: str, name: str) -> ModuleSpec | None:
    # Imported here: this is not needed where flask is not, and costs start-up time.
    from importlib.util import find_spec

    spec = find_spec(name)
    if spec is None:
        return None
    alias = ModuleSpec(fullname, _Same(spec), origin=spec.origin)
    alias.submodule_search_locations = spec.submodule_search_locations
    alias.has_location = spec.has_location
    return alias


def install() -> None:
    """Make ``flask`` and every ``flask.x`` the modules ``erlen`` and ``erlen.x``.

    So are dead or missing extensions the batteries that have their API.

    :raises RuntimeError: the real flask was imported before.
    """
    loaded = sys.modules.get("flask")
    if loaded is not None and loaded is not sys.modules.get("erlen"):
        raise RuntimeError(
            "'flask' cannot be made another name for 'erlen': the real flask is imported already,"
            f" from {getattr(loaded, '__file__', None) or 'an unknown place'}. Import"
            " 'erlen.as_flask' before anything that imports flask, or set ERLEN_AS_FLASK=1 in the"
            " environment of the process."
        )
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        # Ahead of the path finder, which would find the real flask; behind who watches imports.
        finders: list[Any] = sys.meta_path
        place = finders.index(PathFinder) if PathFinder in finders else 0
        finders.insert(place, AliasFinder())
        sys.meta_path.append(BatteryFinder())
        for name in sorted(_MODULES):
            if module := sys.modules.get(f"erlen.{name}"):
                _introduce(module)
