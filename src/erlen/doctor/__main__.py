"""The process in which ``erlen doctor`` loads an application: ``python -m erlen.doctor [APP]``.

What the application says is written to standard output as JSON, for the process that waits.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

from _erlen_as_flask import install

from ..cli import NoAppException, ScriptInfo, prepare_import
from ..typing import App
from .application import findings_of
from .files import shown, split_app
from .loading import Loaded, failed

# How long what the application leaves running may keep the process, in seconds.
_GRACE = 1.0


def main() -> None:
    """Load the application that the first argument names, and write what it says."""
    # What the application prints is not the answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    info = ScriptInfo(sys.argv[1] if len(sys.argv) > 1 else None)
    del sys.argv[1:]
    loaded = load(info)
    with open(answer, "wb") as file:
        file.write(json.dumps(asdict(loaded)).encode())
    # Threads that the application has started may never end.
    last = threading.Timer(_GRACE, os._exit, [0])
    last.daemon = True
    last.start()


def load(info: ScriptInfo) -> Loaded:
    """Load an application and ask it, or say why that failed, whatever it raises."""
    try:
        install()
        app = info.load_app()
        return Loaded(_target(app, info), list(findings_of(app)), sorted(sys.modules))
    except NoAppException as error:
        return _why_not(error)
    except BaseException as error:
        return failed(_message(error), where=_place(error))


def _why_not(error: NoAppException) -> Loaded:
    cause = error.__context__
    if isinstance(cause, ImportError) and str(cause) in error.message:
        # Its message is a whole traceback.
        return failed(_message(cause), where=_place(cause))
    for name in _applications_of_another_flask():
        return failed(
            f"It is made of {name}, a Flask that is not erlen.",
            "Import Flask from flask, under the alias.",
        )
    return failed(error.format_message())


def _applications_of_another_flask() -> Iterator[str]:
    """Look among all modules for applications whose class is another Flask."""
    modules = [module for module in sys.modules.values() if type(module) is ModuleType]
    for value in [value for module in modules for value in vars(module).values()]:
        for cls in type(value).__mro__:
            if cls.__name__ == "Flask" and not cls.__module__.startswith("erlen."):
                yield f"{cls.__module__}.Flask"


def _message(error: BaseException) -> str:
    """What was raised, in its own words, without the way there."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    return "".join(traceback.format_exception_only(error)).strip()


def _place(error: BaseException) -> tuple[str, ...]:
    """The last line of the project's own that led to an error."""
    if isinstance(error, SyntaxError) and error.filename:
        return (f"{shown(Path(error.filename))}:{error.lineno}",)
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).is_relative_to(Path.cwd())]
    own = [f for f in own if "site-packages" not in Path(f.filename).parts]
    return tuple(f"{shown(Path(frame.filename))}:{frame.lineno}" for frame in own[-1:])


def _target(app: App, info: ScriptInfo) -> str:
    """Write where an application is as a server's command line takes it: ``hello:app``."""
    path, name = split_app(info.app_import_path) if info.app_import_path else ("", None)
    names = [prepare_import(path)] if path else ["wsgi", "app"]
    module = next(sys.modules[name] for name in names if name in sys.modules)
    if name is not None:
        is_factory = "(" not in name and getattr(module, name) is not app
        return f"{module.__name__}:{name}{'()' if is_factory else ''}"
    for variable, value in vars(module).items():
        if value is app:
            return f"{module.__name__}:{variable}"
    factory = "create_app" if hasattr(module, "create_app") else "make_app"
    return f"{module.__name__}:{factory}()"


if __name__ == "__main__":
    main()
