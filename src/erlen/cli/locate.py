"""From a name to the application: what ``--app`` and ``FLASK_APP`` may say, and where it leads."""

from __future__ import annotations

import ast
import inspect
import os
import sys
import typing as t
from types import ModuleType

import click

from ..scaffold import Scaffold
from ..typing import App


class NoAppException(click.UsageError):
    """The application could not be found or could not be loaded."""


Accepts: t.TypeAlias = t.Callable[[object], bool]


def is_app(value: object) -> bool:
    """Tell whether a value is an application of Flask's kind."""
    # The application's class lives above this room: what tells it from a blueprint is `wsgi_app`.
    return isinstance(value, Scaffold) and hasattr(value, "wsgi_app")


def find_best_app(module: ModuleType) -> App:
    """Pick the application of a module when no name was given.

    Tried in this order: ``app`` and ``application``, the only application among the module's
    values, the factories ``create_app`` and ``make_app`` called without arguments.

    :param module: the module, imported.
    :return: the application.
    :raises NoAppException: there is none, there are several, or the factory needs arguments.
    """
    return _find_best(module, is_app)


def _find_best(module: ModuleType, accepts: Accepts) -> App:
    # What is accepted beside apps is what servers call, by the name that they look for.
    value = getattr(module, "application", None)
    if accepts(value) and not is_app(value):
        return value

    for name in ("app", "application"):
        value = getattr(module, name, None)
        if is_app(value):
            return value

    apps = [value for value in vars(module).values() if is_app(value)]
    if len(apps) == 1:
        return apps[0]
    if apps:
        raise NoAppException(
            f"Detected multiple Flask applications in module '{module.__name__}'. Use"
            f" '{module.__name__}:name' to specify the correct one."
        )

    for name in ("create_app", "make_app"):
        factory = getattr(module, name, None)
        if not inspect.isfunction(factory):
            continue
        try:
            value = factory()
        except TypeError as error:
            if not _called_with_wrong_args(factory):
                raise
            raise NoAppException(
                f"Detected factory '{name}' in module '{module.__name__}', but could not call it"
                f" without arguments. Use '{module.__name__}:{name}(args)' to specify arguments."
            ) from error
        if is_app(value):
            return value

    raise NoAppException(
        f"Failed to find Flask application or factory in module '{module.__name__}'. Use"
        f" '{module.__name__}:name' to specify one."
    )


def _called_with_wrong_args(f: t.Callable[..., t.Any]) -> bool:
    """Tell a bad call of ``f`` from a ``TypeError`` raised inside it, while that is handled."""
    trace = sys.exc_info()[2]
    try:
        while trace is not None:
            if trace.tb_frame.f_code is f.__code__:
                return False
            trace = trace.tb_next
        return True
    finally:
        # A frame that holds its own traceback is a reference cycle.
        del trace


def _parse_app_name(app_name: str) -> tuple[str, list[t.Any], dict[str, t.Any]]:
    """Split ``name`` or ``name(1, key="x")`` into the name and the literal arguments."""
    unparsable = f"Failed to parse {app_name!r} as an attribute name or function call."
    try:
        expression = ast.parse(app_name.strip(), mode="eval").body
    except SyntaxError:
        raise NoAppException(unparsable) from None

    if isinstance(expression, ast.Name):
        return expression.id, [], {}
    if not isinstance(expression, ast.Call):
        raise NoAppException(unparsable)
    if not isinstance(expression.func, ast.Name):
        raise NoAppException(f"Function reference must be a simple name: {app_name!r}.")

    try:
        args = [ast.literal_eval(arg) for arg in expression.args]
        kwargs = {kw.arg: ast.literal_eval(kw.value) for kw in expression.keywords if kw.arg}
    except ValueError:
        # literal_eval names a node of the tree, which tells the user nothing.
        raise NoAppException(
            f"Failed to parse arguments as literal values: {app_name!r}."
        ) from None
    return expression.func.id, args, kwargs


def find_app_by_string(module: ModuleType, app_name: str) -> App:
    """Get the application that a string names in a module: a variable, or a factory to call.

    :param module: the module, imported.
    :param app_name: ``name``, or ``name(args)`` with Python literals as arguments.
    :return: the application.
    :raises NoAppException: the string says something else, nothing has that name, the arguments
        do not fit, or what comes out is no application.
    """
    return _find_by_string(module, app_name, is_app)


def _find_by_string(module: ModuleType, app_name: str, accepts: Accepts) -> App:
    name, args, kwargs = _parse_app_name(app_name)
    try:
        value = getattr(module, name)
    except AttributeError as error:
        raise NoAppException(
            f"Failed to find attribute {name!r} in {module.__name__!r}."
        ) from error

    if inspect.isfunction(value) and not accepts(value):
        try:
            app = value(*args, **kwargs)
        except TypeError as error:
            if not _called_with_wrong_args(value):
                raise
            raise NoAppException(
                f"The factory {app_name!r} in module {module.__name__!r} could not be called with"
                " the specified arguments."
            ) from error
    else:
        app = value

    if accepts(app):
        return app
    raise NoAppException(
        f"A valid Flask application was not obtained from '{module.__name__}:{app_name}'."
    )


def prepare_import(path: str) -> str:
    """Turn the path of a file or package into the name to import, and make that importable.

    :param path: a file, a package's directory, or a dotted name, from the working directory.
    :return: the dotted name. The directory above the outermost package comes first in ``sys.path``.
    """
    path = os.path.realpath(path)
    stem, extension = os.path.splitext(path)
    if extension == ".py":
        path = stem
    if os.path.basename(path) == "__init__":
        path = os.path.dirname(path)

    path, name = os.path.split(path)
    names = [name]
    while os.path.exists(os.path.join(path, "__init__.py")):
        path, name = os.path.split(path)
        names.append(name)

    if sys.path[0] != path:
        sys.path.insert(0, path)
    return ".".join(reversed(names))


@t.overload
def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: t.Literal[True] = True
) -> App: ...
@t.overload
def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: t.Literal[False] = ...
) -> App | None: ...
def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: bool = True
) -> App | None:
    """Import a module and find the application in it.

    :param module_name: the dotted name of the module.
    :param app_name: the variable or factory call in it; None picks by :func:`find_best_app`.
    :param raise_if_not_found: False returns None where no such module exists.
    :return: the application, or None.
    :raises NoAppException: the module does not exist, an import in it failed, or it has no
        application. Other errors of the module's own code are raised as they are.
    """
    return locate(module_name, app_name, raise_if_not_found, is_app)


def locate(
    module_name: str, app_name: str | None, raise_if_not_found: bool, accepts: Accepts
) -> App | None:
    """Find an application as :func:`locate_app` does.

    :param accepts: what is one; a module's ``application`` goes before its apps.
    """
    try:
        __import__(module_name)
    except ImportError as error:
        # With a second frame in the trace, the module was found and an import in it failed.
        if error.__traceback__ is not None and error.__traceback__.tb_next:
            import traceback  # PERF: only a failure needs it, and every process imports this room

            raise NoAppException(
                f"While importing {module_name!r}, an ImportError was"
                f" raised:\n\n{traceback.format_exc()}"
            ) from None
        if raise_if_not_found:
            raise NoAppException(f"Could not import {module_name!r}.") from None
        return None

    module = sys.modules[module_name]
    if app_name is None:
        return _find_best(module, accepts)
    return _find_by_string(module, app_name, accepts)
