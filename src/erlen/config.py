"""What an app is told from outside: its `Config`, and the environment's flags."""

from __future__ import annotations

import errno
import json
import os
import types
import typing as t
from collections.abc import Callable, Mapping
from datetime import timedelta

from werkzeug.datastructures import ImmutableDict
from werkzeug.utils import import_string

from .typing import App

T = t.TypeVar("T")

_NO = frozenset({"0", "false", "no"})

#: What an app is set to before anybody configures it; ``Flask.default_config``.
DEFAULTS: ImmutableDict[str, t.Any] = ImmutableDict(
    {
        "DEBUG": None,
        "TESTING": False,
        "PROPAGATE_EXCEPTIONS": None,
        "SECRET_KEY": None,
        "SECRET_KEY_FALLBACKS": None,
        "PERMANENT_SESSION_LIFETIME": timedelta(days=31),
        "USE_X_SENDFILE": False,
        "TRUSTED_HOSTS": None,
        "SERVER_NAME": None,
        "APPLICATION_ROOT": "/",
        "SESSION_COOKIE_NAME": "session",
        "SESSION_COOKIE_DOMAIN": None,
        "SESSION_COOKIE_PATH": None,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": False,
        "SESSION_COOKIE_PARTITIONED": False,
        "SESSION_COOKIE_SAMESITE": None,
        "SESSION_REFRESH_EACH_REQUEST": True,
        "MAX_CONTENT_LENGTH": None,
        "MAX_FORM_MEMORY_SIZE": 500_000,
        "MAX_FORM_PARTS": 1_000,
        "SEND_FILE_MAX_AGE_DEFAULT": None,
        "TRAP_BAD_REQUEST_ERRORS": None,
        "TRAP_HTTP_EXCEPTIONS": False,
        "EXPLAIN_TEMPLATE_LOADING": False,
        "PREFERRED_URL_SCHEME": "http",
        "TEMPLATES_AUTO_RELOAD": None,
        "MAX_COOKIE_SIZE": 4093,
        "PROVIDE_AUTOMATIC_OPTIONS": True,
        # Of ASGI alone.
        "ASGI_THREADS": 40,
        "ASGI_BODY_MEMORY_SIZE": 500_000,
        "BACKGROUND_TASK_SHUTDOWN_TIMEOUT": 5,
        "WEBSOCKET_ORIGINS": None,
        "WEBSOCKET_MAX_MESSAGE_SIZE": 1_048_576,
    }
)


def get_env(name: str) -> str | None:
    """Read a setting from the environment under erlen's name or Flask's.

    :param name: the variable without its prefix, as ``DEBUG``.
    :return: ``ERLEN_<name>`` where it is set, else ``FLASK_<name>``; an empty value counts as
        not set.
    """
    return os.environ.get(f"ERLEN_{name}") or os.environ.get(f"FLASK_{name}") or None


def get_debug_flag() -> bool:
    """Tell whether the environment asks for debug mode.

    :return: true where ``ERLEN_DEBUG`` or ``FLASK_DEBUG`` is set to anything but ``0``,
        ``false`` or ``no``; ``ERLEN_DEBUG`` decides where both are set.
    """
    value = get_env("DEBUG")
    return value is not None and value.lower() not in _NO


def get_load_dotenv(default: bool = True) -> bool:
    """Tell whether ``.env`` and ``.flaskenv`` are to be loaded.

    :param default: the answer where neither variable is set.
    :return: false where ``ERLEN_SKIP_DOTENV`` or ``FLASK_SKIP_DOTENV`` asks to skip them.
    """
    value = get_env("SKIP_DOTENV")
    return default if value is None else value.lower() in _NO


def _make_timedelta(value: timedelta | int | None) -> timedelta | None:
    if value is None or isinstance(value, timedelta):
        return value
    return timedelta(seconds=value)


class ConfigAttribute(t.Generic[T]):
    """An attribute of an app that reads and writes one key of its ``config``.

    :param name: the key.
    :param get_converter: called with the stored value on each read; what it returns is the
        attribute's value. Default: the stored value itself.
    """

    def __init__(self, name: str, get_converter: Callable[[t.Any], T] | None = None) -> None:
        self.__name__ = name
        self.get_converter = get_converter

    @t.overload
    def __get__(self, obj: None, owner: None) -> ConfigAttribute[T]: ...

    @t.overload
    def __get__(self, obj: App, owner: type[App]) -> T: ...

    def __get__(self, obj: App | None, owner: type[App] | None = None) -> T | ConfigAttribute[T]:
        if obj is None:
            return self
        value = obj.config[self.__name__]
        if self.get_converter is None:
            return value  # type: ignore[no-any-return]  # the config is untyped
        return self.get_converter(value)

    def __set__(self, obj: App, value: t.Any) -> None:
        obj.config[self.__name__] = value


class Config(dict[str, t.Any]):
    """An app's settings: a dict that can also be filled from files, objects and the environment.

    Only upper-case names are taken from files, objects and mappings, so that a configuration
    file may use lower-case names for itself. What is loaded later wins.

    :param root_path: the folder that relative file names start from; for ``app.config`` the
        app's ``root_path``, or its ``instance_path`` with ``instance_relative_config=True``.
    :param defaults: the first contents. Default: none.

    Source: https://flask.palletsprojects.com/en/stable/api/#configuration
    """

    def __init__(
        self, root_path: str | os.PathLike[str], defaults: dict[str, t.Any] | None = None
    ) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Load the Python file that an environment variable points to.

        :param variable_name: the variable that holds the file's name.
        :param silent: return ``False`` instead of raising where the variable is not set or the
            file is missing. Default: false.
        :return: whether a file was loaded.
        :raise RuntimeError: the variable is not set, and ``silent`` is false.
        """
        filename = os.environ.get(variable_name)
        if filename:
            return self.from_pyfile(filename, silent=silent)
        if silent:
            return False
        raise RuntimeError(
            f"The environment variable {variable_name!r} is not set"
            " and as such configuration could not be loaded. Set"
            " this variable and make it point to a configuration"
            " file"
        )

    def from_prefixed_env(
        self, prefix: str = "FLASK", *, loads: Callable[[str], t.Any] = json.loads
    ) -> bool:
        """Load every environment variable that begins with the prefix and an underscore.

        The rest of the name is the key; two underscores in it lead into a nested dict, which is
        made where it is missing (``FLASK_MAIL__PORT=25`` sets ``config["MAIL"]["PORT"]``).
        With the default prefix ``FLASK``, variables that begin with ``ERLEN_`` are loaded after
        these and so win; any other prefix stands for itself alone.

        :param prefix: the beginning of the names. Default: ``FLASK``.
        :param loads: makes the value from the text; where it raises, the text is the value.
            Default: :func:`json.loads`.
        :return: always ``True``.
        """
        for each in ("FLASK", "ERLEN") if prefix == "FLASK" else (prefix,):
            self._load_environment(f"{each}_", loads)
        return True

    def _load_environment(self, prefix: str, loads: Callable[[str], t.Any]) -> None:
        for name in sorted(os.environ):
            if not name.startswith(prefix):
                continue
            text = os.environ[name]
            try:
                value = loads(text)
            except Exception:
                value = text  # not in the loader's language: the text is meant as it stands
            target: dict[str, t.Any] = self
            *parents, key = name.removeprefix(prefix).split("__")
            for parent in parents:
                if parent not in target:
                    target[parent] = {}
                target = target[parent]
            target[key] = value

    def from_pyfile(self, filename: str | os.PathLike[str], silent: bool = False) -> bool:
        """Run a Python file and take its upper-case names.

        :param filename: the file, absolute or relative to ``root_path``.
        :param silent: return ``False`` instead of raising where the file is missing.
            Default: false.
        :return: whether the file was loaded.
        :raise OSError: the file cannot be read.
        """
        path = os.path.join(self.root_path, filename)
        module = types.ModuleType("config")
        module.__file__ = path
        try:
            with open(path, "rb") as file:
                exec(compile(file.read(), path, "exec"), module.__dict__)
        except OSError as error:
            return _missing(error, silent, errno.ENOENT, errno.EISDIR, errno.ENOTDIR)
        self.from_object(module)
        return True

    def from_object(self, obj: object | str) -> None:
        """Take the upper-case attributes of a module, a class or any other object.

        A class is not instantiated: pass an instance where it has properties. A dict has no
        such attributes: see :meth:`from_mapping`.

        :param obj: the object, or its import name (``"package.module.Class"``).
        :raise ImportError: there is nothing under the import name.
        """
        if isinstance(obj, str):
            obj = import_string(obj)
        for key in dir(obj):
            if key.isupper():
                self[key] = getattr(obj, key)

    def from_file(
        self,
        filename: str | os.PathLike[str],
        load: Callable[[t.IO[t.Any]], Mapping[str, t.Any]],
        silent: bool = False,
        text: bool = True,
    ) -> bool:
        """Take the upper-case keys of a data file, as TOML or JSON.

        :param filename: the file, absolute or relative to ``root_path``.
        :param load: reads an open file and returns a mapping, as ``tomllib.load``.
        :param silent: return ``False`` instead of raising where the file is missing.
            Default: false.
        :param text: open the file as text; ``tomllib`` wants ``False``. Default: true.
        :return: whether the file was loaded.
        :raise OSError: the file cannot be read.
        """
        path = os.path.join(self.root_path, filename)
        try:
            with open(path, "r" if text else "rb") as file:
                mapping = load(file)
        except OSError as error:
            return _missing(error, silent, errno.ENOENT, errno.EISDIR)
        return self.from_mapping(mapping)

    def from_mapping(self, mapping: Mapping[str, t.Any] | None = None, **kwargs: t.Any) -> bool:
        """Take the upper-case keys of a mapping and of the keyword arguments.

        :return: always ``True``.
        """
        for key, value in dict(mapping or (), **kwargs).items():
            if key.isupper():
                self[key] = value
        return True

    def get_namespace(
        self, namespace: str, lowercase: bool = True, trim_namespace: bool = True
    ) -> dict[str, t.Any]:
        """Collect the keys that begin alike, as keyword arguments for something.

        :param namespace: the common beginning, as ``IMAGE_STORE_``.
        :param lowercase: make the keys lower-case. Default: true.
        :param trim_namespace: cut the beginning off. Default: true.
        """
        start = len(namespace) if trim_namespace else 0
        return {
            key[start:].lower() if lowercase else key[start:]: value
            for key, value in self.items()
            if key.startswith(namespace)
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {dict.__repr__(self)}>"


def _missing(error: OSError, silent: bool, *forgiven: int) -> bool:
    """Answer for a file that could not be loaded: ``False`` if that is forgiven, else the error."""
    if silent and error.errno in forgiven:
        return False
    error.strerror = f"Unable to load configuration file ({error.strerror})"
    raise error
