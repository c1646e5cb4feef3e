"""What stands in Flask's modules and not in erlen's, for who imports it from there under the alias.

A module has the names that it imports for itself, and some extensions take those:
``from flask.cli import click``, ``from flask.wrappers import ResponseBase``. They are looked up
here, when asked for, so that no module of erlen imports what it does not need.
"""

from __future__ import annotations

import typing as t
from pkgutil import resolve_name

from .app import Flask

_SIGNALS = "got_request_exception request_finished request_started request_tearing_down"
_TYPES = "T_template_filter T_template_global T_template_test"
_STANDARD = "importlib inspect os platform re sys traceback"

#: Module -> where its names come from -> the names, ``new=old`` for one that is renamed.
_BORROWED: dict[str, dict[str, str]] = {
    "app": {
        "": "click weakref cabc=collections.abc cli=erlen.cli",
        "erlen._flask_names": "App",
        "erlen.globals": "_cv_app _cv_request current_app request_ctx session",
        "erlen.helpers": "get_flashed_messages send_from_directory",
        "erlen.config": "get_load_dotenv",
        "erlen.scaffold": "Scaffold find_package",
        "erlen.signals": f"appcontext_tearing_down {_SIGNALS}",
        "erlen.templating": f"DispatchingJinjaLoader Environment {_TYPES}",
        "erlen.wrappers": "_split_blueprint_path",
        "inspect": "iscoroutinefunction",
        "itertools": "chain",
        "types": "TracebackType",
        "urllib.parse": "_url_quote=quote",
        "werkzeug.datastructures": "Headers ImmutableDict",
        "werkzeug.exceptions": "BadRequest BadRequestKeyError InternalServerError",
        "werkzeug.routing": "RequestRedirect RoutingException",
        "werkzeug.serving": "is_running_from_reloader",
        "werkzeug.utils": "cached_property _wz_redirect=redirect",
        "werkzeug.wsgi": "get_host",
    },
    "blueprints": {
        "datetime": "timedelta",
        "erlen.blueprints": "SansioBlueprint=Blueprint",
        "erlen.cli": "AppGroup",
        "erlen.globals": "current_app",
        "erlen.helpers": "send_from_directory",
    },
    "cli": {
        "": f"ast click cabc=collections.abc t=typing {_STANDARD}",
        "click.core": "ParameterSource",
        "erlen.config": "get_debug_flag get_load_dotenv",
        "erlen.globals": "current_app",
        "functools": "update_wrapper",
        "operator": "itemgetter",
        "types": "ModuleType",
        "werkzeug.serving": "is_running_from_reloader run_simple",
        "werkzeug.utils": "import_string",
    },
    "ctx": {
        "": "contextvars sys",
        "erlen.globals": "_cv_app",
        "erlen.signals": "appcontext_popped appcontext_pushed",
    },
    "debughelpers": {
        "erlen.blueprints": "Blueprint",
        "erlen.globals": "request_ctx",
        "jinja2": "BaseLoader",
    },
    "helpers": {
        "": "importlib sys werkzeug",
        "erlen.globals": "_cv_app _cv_request",
        "functools": "cache",
        "werkzeug.exceptions": "_wz_abort=abort",
        "werkzeug.utils": "_wz_redirect=redirect",
    },
    "json.provider": {"": "decimal uuid"},
    "logging": {"erlen.globals": "request"},
    "scaffold": {
        "": "importlib pathlib sys",
        "jinja2": "BaseLoader FileSystemLoader",
        "werkzeug.utils": "cached_property",
    },
    "sessions": {
        "": "c=collections.abc",
        "datetime": "timezone",
        "itsdangerous": "BadSignature URLSafeTimedSerializer",
    },
    "templating": {
        "erlen.globals": "_cv_request current_app",
        "jinja2": "BaseEnvironment=Environment BaseLoader Template TemplateNotFound",
    },
    "typing": {"": "cabc=collections.abc"},
    "wrappers": {
        "": "t=typing json=erlen.json",
        "erlen.globals": "current_app",
        "werkzeug.exceptions": "BadRequest HTTPException",
        "werkzeug.wrappers": "RequestBase=Request ResponseBase=Response",
    },
}


def find(module: str, name: str) -> t.Any:
    """Return what a module of Flask has under a name that erlen's does not have.

    :param module: name of erlen's module, ``erlen.cli``.
    :param name: what is looked for in it.
    :raises AttributeError: Flask's module does not have it either.
    """
    for home, words in _BORROWED.get(module.removeprefix("erlen."), {}).items():
        for word in words.split():
            new, _, old = word.partition("=")
            if new == name:
                return resolve_name(f"{home}:{old or new}" if home else old or new)
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


class _LikeFlask(type):
    """Lets App, which stands below Flask here, pass for the base of Flask that it is there."""

    def __instancecheck__(cls, instance: t.Any) -> bool:
        return isinstance(instance, Flask) if cls is App else super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, Flask) if cls is App else super().__subclasscheck__(subclass)

    def __setattr__(cls, name: str, value: t.Any) -> None:
        super().__setattr__(name, value)
        if cls is App:
            type.__setattr__(Flask, name, value)

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        if cls is App:
            type.__delattr__(Flask, name)


def _no_static_route(app: Flask, static_host: str | None, host_matching: bool) -> None:
    # Quart, which derives from App, adds one with a view of its own.
    pass


_own = {name: value for name, value in vars(Flask).items() if not hasattr(object, name)}
#: ``flask.sansio.app.App``. It has Flask's attributes as its own, so that a patch of one finds
#: what it has to put back.
App: t.Any = _LikeFlask("App", (Flask,), {**_own, "_add_static_route": _no_static_route})
