"""Every public name of Flask 3.1.3 exists here with the same signature and the same value."""

from __future__ import annotations

import importlib
import inspect
from functools import cached_property
from types import FunctionType, ModuleType
from typing import Any

import pytest

erlen: Any = importlib.import_module("erlen")  # Any, as the real Flask is here

pytestmark = pytest.mark.peer

PUBLIC = """
    Blueprint Config Flask Request Response abort after_this_request appcontext_popped
    appcontext_pushed appcontext_tearing_down before_render_template copy_current_request_context
    current_app flash g get_flashed_messages get_template_attribute got_request_exception
    has_app_context has_request_context json jsonify make_response message_flashed redirect
    render_template render_template_string request request_finished request_started
    request_tearing_down send_file send_from_directory session stream_template
    stream_template_string stream_with_context template_rendered url_for
""".split()

MODULES = """
    app blueprints cli config ctx debughelpers globals helpers json json.provider json.tag logging
    sessions signals templating testing typing views wrappers
""".split()

# Parameters that only erlen has, keyword-only and with defaults, and why.
EXTRA_PARAMETERS: dict[str, set[str]] = {
    # A blueprint may own its prefix, so that its 404 and 405 handlers answer below it.
    "Blueprint.__init__": {"owns_prefix"},
}

# Private names that extensions import (see the contacts), beside the public ones.
PRIVATE = {
    "globals": {"_cv_app", "_cv_request"},
    "ctx": {"_AppCtxGlobals"},
}


def real(module: str) -> ModuleType:
    return importlib.import_module(f"flask.{module}")


def ours(module: str) -> ModuleType:
    return importlib.import_module(f"erlen.{module}")


def own_names(module: str) -> list[str]:
    """Names that a module of Flask defines, rather than imports, and the private ones in use."""
    found = []
    for name, value in vars(real(module)).items():
        home = getattr(value, "__module__", None)
        borrowed = isinstance(value, ModuleType) or (
            isinstance(home, str) and home != f"flask.{module}"
        )
        if module == "typing" and name[0].isupper():
            borrowed = False
        if module in ("globals", "signals") and not isinstance(value, (ModuleType, type)):
            borrowed = False
        if name == "annotations" or name.startswith("_") or isinstance(value, TYPE_VARIABLES):
            borrowed = True
        if not borrowed or name in PRIVATE.get(module, ()):
            found.append(name)
    return found


TYPE_VARIABLES = (type(importlib.import_module("typing").TypeVar("T")),)


def plain(value: Any) -> Any:
    """A default or an attribute in a form that compares across the two packages."""
    if isinstance(value, type):
        return f"class {value.__name__}"
    if isinstance(value, FunctionType):
        return f"function {value.__name__}"
    if type(value) is object:
        return "a sentinel"
    if isinstance(value, (str, bytes, int, float, bool, tuple, frozenset, set, type(None))):
        return value
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return f"a {type(value).__name__}"


def signature(function: Any, name: str) -> list[tuple[str, str, Any]]:
    extra = EXTRA_PARAMETERS.get(name, set())
    parameters = inspect.signature(function).parameters.values()
    return [
        (parameter.name, parameter.kind.name, plain(parameter.default))
        for parameter in parameters
        if parameter.name not in extra
    ]


def classes() -> list[tuple[str, str]]:
    return [
        (module, name)
        for module in MODULES
        for name in own_names(module)
        if isinstance(getattr(real(module), name), type)
    ]


def flasks_part(cls: type) -> dict[str, Any]:
    """What Flask itself defines on a class, its own bases included, Werkzeug's left out."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.split(".")[0] == "flask":
            found.update(vars(base))
    ignored = {
        "__module__",
        "__dict__",
        "__weakref__",
        "__doc__",
        "__annotations__",
        "__annotations_cache__",
        "__annotate__",
        "__annotate_func__",
        "__static_attributes__",
        "__firstlineno__",
        "__parameters__",
        "__orig_bases__",
        "__abstractmethods__",
        "__slots__",
        "_abc_impl",
        "__hash__",
    }
    return {name: value for name, value in found.items() if name not in ignored}


def kind(cls: type, name: str) -> str:
    value = inspect.getattr_static(cls, name)
    if isinstance(value, (property, cached_property)) or type(value).__name__ in (
        "cached_property",
        "ConfigAttribute",
    ):
        return "property"
    if isinstance(value, (staticmethod, classmethod)):
        return type(value).__name__
    if isinstance(value, FunctionType):
        return "function"
    return "value"


def test_public_names() -> None:
    flask: Any = importlib.import_module("flask")

    assert sorted(n for n in PUBLIC if not hasattr(flask, n)) == []
    assert sorted(n for n in PUBLIC if not hasattr(erlen, n)) == []


def test_no_name_is_missing_from_the_list() -> None:
    flask: Any = importlib.import_module("flask")

    exported = {
        name
        for name, value in vars(flask).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert exported - {"annotations", "t"} == set(PUBLIC) - {"json"}


@pytest.mark.parametrize("module", MODULES)
def test_modules_have_flasks_names(module: str) -> None:
    missing = [name for name in own_names(module) if not hasattr(ours(module), name)]
    assert missing == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (module, name)
        for module in MODULES
        for name in own_names(module)
        if isinstance(getattr(real(module), name), FunctionType)
    ],
)
def test_functions(module: str, name: str) -> None:
    expected, found = getattr(real(module), name), getattr(ours(module), name)
    assert signature(found, name) == signature(expected, name)


@pytest.mark.parametrize(("module", "name"), classes())
def test_bases(module: str, name: str) -> None:
    """What `isinstance` and `except` see of the foreign bases is the same."""
    expected, found = getattr(real(module), name), getattr(ours(module), name)

    def foreign(cls: type) -> set[str]:
        return {
            f"{base.__module__}.{base.__qualname__}"
            for base in cls.__mro__
            if base.__module__.split(".")[0] not in ("flask", "erlen")
        }

    assert foreign(expected) - foreign(found) == set()
    assert found.__name__ == expected.__name__


@pytest.mark.parametrize(("module", "name"), classes())
def test_attributes_exist(module: str, name: str) -> None:
    expected, found = getattr(real(module), name), getattr(ours(module), name)
    missing = [
        attribute
        for attribute in flasks_part(expected)
        if not hasattr(found, attribute) and attribute not in vars(found)
    ]
    assert missing == []


METHODS = [
    (module, name, attribute)
    for module, name in classes()
    for attribute in flasks_part(getattr(real(module), name))
    if kind(getattr(real(module), name), attribute) in ("function", "classmethod", "staticmethod")
    and not (attribute.startswith("_") and attribute != "__init__")
]


@pytest.mark.parametrize(("module", "name", "attribute"), METHODS)
def test_methods(module: str, name: str, attribute: str) -> None:
    expected, found = getattr(real(module), name), getattr(ours(module), name)
    assert kind(found, attribute) == kind(expected, attribute)
    key = f"{name}.{attribute}"
    skip = kind(expected, attribute) == "function"  # nobody passes `self` by its name
    assert (
        signature(getattr(found, attribute), key)[skip:]
        == signature(getattr(expected, attribute), key)[skip:]
    )


VALUES = [
    (module, name, attribute)
    for module, name in classes()
    for attribute in flasks_part(getattr(real(module), name))
    if kind(getattr(real(module), name), attribute) == "value" and not attribute.startswith("_")
]


# Keys of the configuration that only erlen has.
EXTRA_KEYS = {
    "ASGI_BODY_MEMORY_SIZE",
    "ASGI_THREADS",
    "BACKGROUND_TASK_SHUTDOWN_TIMEOUT",
    "WEBSOCKET_MAX_MESSAGE_SIZE",
    "WEBSOCKET_ORIGINS",
}


@pytest.mark.parametrize(
    ("module", "name", "attribute"), [value for value in VALUES if value[2] != "default_config"]
)
def test_class_attributes(module: str, name: str, attribute: str) -> None:
    expected, found = getattr(real(module), name), getattr(ours(module), name)
    assert plain(getattr(found, attribute)) == plain(getattr(expected, attribute))


def test_default_config() -> None:
    flask: Any = importlib.import_module("flask")

    ours, app = dict(erlen.Flask.default_config), dict(erlen.Flask("x").config)
    for key in EXTRA_KEYS:
        del ours[key], app[key]
    assert ours == dict(flask.Flask.default_config)
    assert app == dict(flask.Flask("x").config)


def test_attributes_of_an_app() -> None:
    """What `Flask.__init__` sets: the same names, the same kinds of values."""
    flask: Any = importlib.import_module("flask")

    expected, found = vars(flask.Flask("x")), vars(erlen.Flask("x"))
    public = {name for name in expected if not name.startswith("_")}
    missing = {name for name in public if not hasattr(erlen.Flask("x"), name)}
    assert missing == set()
    kinds = {name: type(expected[name]).__name__ for name in public & set(found)}
    assert {name: type(found[name]).__name__ for name in kinds} == kinds


@pytest.mark.parametrize(
    ("make", "private"),
    [
        (lambda f: f.Blueprint("b", "b"), set()),
        (lambda f: f.Flask("x").app_context(), set()),
        (lambda f: f.Flask("x").test_request_context(), set()),
        (lambda f: f.sessions.SecureCookieSession({"a": 1}), set()),
    ],
    ids=["Blueprint", "AppContext", "RequestContext", "SecureCookieSession"],
)
def test_attributes_of_objects(make: Any, private: set[str]) -> None:
    flask: Any = importlib.import_module("flask")

    expected, found = make(flask), make(erlen)
    public = {name for name in vars(expected) if not name.startswith("_")}
    assert {name for name in public if not hasattr(found, name)} == set()


def test_http_method_funcs() -> None:
    assert ours("views").http_method_funcs == real("views").http_method_funcs


def test_signals_have_flasks_names() -> None:
    expected = {n: s.name for n, s in vars(real("signals")).items() if hasattr(s, "connect")}
    found = {n: s.name for n, s in vars(ours("signals")).items() if hasattr(s, "connect")}
    assert found.items() >= expected.items()


def test_json_tags() -> None:
    expected = real("json.tag").TaggedJSONSerializer
    found = ours("json.tag").TaggedJSONSerializer
    assert [tag.__name__ for tag in found.default_tags] == [
        tag.__name__ for tag in expected.default_tags
    ]
    keys = [(tag.__name__, tag.key) for tag in expected.default_tags]
    assert [(tag.__name__, tag.key) for tag in found.default_tags] == keys
