"""Where a package lives on disk, and where it was installed."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec


def get_root_path(import_name: str) -> str:
    """Find the folder that holds a module's or a package's own files.

    :param import_name: the module, imported or not.
    :return: the folder, absolute; the working directory where the module has no file, as in an
        interactive session.
    :raise RuntimeError: the module exists and does not tell its file, as a namespace package.
    """
    module = sys.modules.get(import_name)
    filename: str | None = getattr(module, "__file__", None)
    if filename is None:
        spec = _find_spec(import_name)
        loader = None if spec is None else spec.loader
        if loader is None:
            return os.getcwd()
        get_filename = getattr(loader, "get_filename", None)
        if get_filename is not None:
            filename = get_filename(import_name)
        else:
            __import__(import_name)
            filename = getattr(sys.modules[import_name], "__file__", None)
    if filename is None:
        raise RuntimeError(
            "No root path can be found for the provided module"
            f" {import_name!r}. This can happen because the module"
            " came from an import hook that does not provide file"
            " name information or because it's a namespace package."
            " In this case the root path needs to be explicitly"
            " provided."
        )
    return os.path.dirname(os.path.abspath(filename))


def find_package(import_name: str) -> tuple[str | None, str]:
    """Find where a package was installed, and the folder it is imported from.

    :param import_name: a module or package, or a part of one.
    :return: the prefix (the folder above ``lib``, as a virtual environment's) or ``None`` for
        code that is not installed, and the entry of :data:`sys.path`.
    """
    package_path = _find_package_path(import_name)
    system = os.path.abspath(sys.prefix)
    if _is_below(package_path, system):
        return system, package_path
    above, folder = os.path.split(package_path)
    if folder.lower() != "site-packages":
        return None, package_path
    lib, name = os.path.split(above)
    if name.lower() == "lib":  # Windows: <prefix>/lib/site-packages
        return lib, package_path
    if os.path.basename(lib).lower() == "lib":  # Unix: <prefix>/lib/python3.x/site-packages
        return os.path.dirname(lib), package_path
    return above, package_path


def find_name(import_name: str) -> str:
    """Find what to call an app: its import name, or the file's where that is ``__main__``."""
    if import_name == "__main__":
        path: str | None = getattr(sys.modules["__main__"], "__file__", None)
        if path is not None:
            return os.path.splitext(os.path.basename(path))[0]
    return import_name


def find_instance_path(import_name: str, name: str) -> str:
    """Find an app's instance folder: beside its package, or under ``var`` where installed.

    :param name: what the app is called.
    """
    prefix, package_path = find_package(import_name)
    if prefix is None:
        return os.path.join(package_path, "instance")
    return os.path.join(prefix, "var", f"{name}-instance")


def _find_package_path(import_name: str) -> str:
    """Find the folder that the top-level package of a name is imported from."""
    root = _find_spec(import_name.partition(".")[0])
    if root is None:
        return os.getcwd()
    if root.submodule_search_locations is None:
        return os.path.dirname(root.origin or "")
    if root.origin is None or root.origin == "namespace":
        return os.path.dirname(_portion(list(root.submodule_search_locations), import_name))
    return os.path.dirname(os.path.dirname(root.origin))


def _portion(locations: list[str], import_name: str) -> str:
    """Choose the folder of a namespace package that holds the named submodule, else the first."""
    spec = find_spec(import_name)
    if spec is not None and spec.submodule_search_locations:
        path = os.path.commonpath(list(spec.submodule_search_locations))
        for location in locations:
            if _is_below(path, location):
                return location
    return locations[0]


def _is_below(path: str, folder: str) -> bool:
    """Tell by their names whether a path is a folder or within it; both absolute.

    PERF: pathlib, which tells it too, takes a fortieth of the time to import erlen.
    """
    path, folder = (os.path.normcase(os.path.normpath(name)) for name in (path, folder))
    return path == folder or path.startswith(os.path.join(folder, ""))


def _find_spec(import_name: str) -> ModuleSpec | None:
    try:
        return find_spec(import_name)
    except (ImportError, ValueError):  # ValueError: "__main__", or a module without a spec
        return None
