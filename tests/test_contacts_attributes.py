"""Each attribute of Flask's objects is there, and can be set exactly where Flask lets it be set."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

erlen: Any = importlib.import_module("erlen")  # Any, as the real Flask is here

pytestmark = pytest.mark.peer


def make_app(package: Any) -> Any:
    app = package.Flask("told", root_path="/")
    app.secret_key = "a secret key of more than thirty-two bytes"
    app.add_url_rule("/", "index", lambda: "x")
    return app


def of_request(name: str) -> Callable[[Any], Any]:
    def make(package: Any) -> Any:
        with make_app(package).test_request_context("/?a=1"):
            return getattr(package, name)._get_current_object()

    return make


def part(package: Any, module: str) -> Any:
    return importlib.import_module(f"{package.__name__}.{module}")


MAKE: dict[str, Callable[[Any], Any]] = {
    "app": make_app,
    "blueprint": lambda package: package.Blueprint("b", "b", root_path="/"),
    "app context": lambda package: make_app(package).app_context(),
    "request context": lambda package: make_app(package).test_request_context("/"),
    "request": of_request("request"),
    "session": of_request("session"),
    "g": of_request("g"),
    "response": lambda package: package.Response("x"),
    "client": lambda package: make_app(package).test_client(),
    "runner": lambda package: make_app(package).test_cli_runner(),
    "config": lambda package: make_app(package).config,
    "environment": lambda package: make_app(package).jinja_env,
    "loader": lambda package: make_app(package).jinja_env.loader,
    "json": lambda package: make_app(package).json,
    "cli": lambda package: make_app(package).cli,
    "session interface": lambda package: part(package, "sessions").SecureCookieSessionInterface(),
    "serializer": lambda package: part(package, "json.tag").TaggedJSONSerializer(),
    "map": lambda package: make_app(package).url_map,
    "rule": lambda package: next(make_app(package).url_map.iter_rules("index")),
    "builder": lambda package: part(package, "testing").EnvironBuilder(make_app(package), "/"),
    "script info": lambda package: part(package, "cli").ScriptInfo(),
    "group": lambda package: part(package, "cli").FlaskGroup(),
    "set-up state": lambda package: package.Blueprint("b", "b", root_path="/").make_setup_state(
        make_app(package), {}, True
    ),
}


def can_be_read(thing: Any, name: str) -> bool:
    try:
        getattr(thing, name)
    except AttributeError:
        return False
    except Exception:  # it is there, and says why it has no value now
        return True
    return True


def set_and_read(thing: Any, name: str) -> str:
    value = type("Text", (str,), {})("set by a test")
    try:
        setattr(thing, name, value)
    except Exception as error:
        return f"not set: {type(error).__name__}"
    try:
        return "read" if getattr(thing, name) is value else "read otherwise"
    except Exception as error:
        return f"not read: {type(error).__name__}"


@pytest.mark.parametrize("kind", MAKE)
def test_as_in_flask(kind: str) -> None:
    flask: Any = importlib.import_module("flask")
    make = MAKE[kind]
    names = [name for name in dir(make(flask)) if not name.startswith("__")]
    missing = [
        name
        for name in names
        if can_be_read(make(flask), name) and not can_be_read(make(erlen), name)
    ]
    assert missing == []
    expected = {name: set_and_read(make(flask), name) for name in names}
    assert len(set(expected.values()) & {"read", "read otherwise"}) > 0
    assert {name: set_and_read(make(erlen), name) for name in names} == expected
