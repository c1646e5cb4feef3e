"""Hooks, error handlers and views that do anything and fail anywhere: Flask and erlen agree."""

# mypy: disable-error-code="untyped-decorator"
# The application is Any here: its class is the one or the other.

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug import exceptions

pytestmark = pytest.mark.peer


class Failure(BaseException):
    """What no handler of errors gets hold of."""


def divide() -> None:
    raise ZeroDivisionError("division by zero")


def divide_later(response: Any) -> None:
    divide()


# What a function may do before it returns what it was given.
DEEDS: dict[str, Callable[[Any, str], Any]] = {
    "nothing": lambda flask, at: None,
    "divide": lambda flask, at: divide(),
    "look up": lambda flask, at: [][0],
    "abort 404": lambda flask, at: flask.abort(404),
    "abort 418": lambda flask, at: flask.abort(418, at),
    "abort response": lambda flask, at: flask.abort(flask.Response(at, 409)),
    "look at args": lambda flask, at: flask.request.args["missing"],
    "fail": lambda flask, at: (_ for _ in ()).throw(Failure(at)),
    "set session": lambda flask, at: flask.session.__setitem__(at, 1),
    "read session": lambda flask, at: flask.session.get(at),
    "flash": lambda flask, at: flask.flash(at),
    "set g": lambda flask, at: setattr(flask.g, at, flask.g.get(at, 0)),
    "later": lambda flask, at: flask.after_this_request(
        lambda response: response.headers.add("X-Later", at) or response
    ),
    "divide later": lambda flask, at: flask.after_this_request(divide_later),
}
# What a view, a handler, or a hook before the view may return.
ANSWERS: dict[str, Callable[[Any, str], Any]] = {
    "none": lambda flask, at: None,
    "text": lambda flask, at: at,
    "tuple": lambda flask, at: (at, 201, {"X-At": at}),
    "response": lambda flask, at: flask.Response(at, 202),
    "redirect": lambda flask, at: flask.redirect(f"/{at}"),
}
ERRORS: tuple[Any, ...] = (
    *(404, 405, 418, 500, ZeroDivisionError, LookupError, Exception),
    *(exceptions.HTTPException, exceptions.BadRequestKeyError),
)
REPLACEABLE = (
    *("dispatch_request", "do_teardown_appcontext", "do_teardown_request", "finalize_request"),
    *("full_dispatch_request", "make_response", "preprocess_request", "process_response"),
    *("handle_exception", "handle_http_exception", "handle_user_exception", "log_exception"),
    *("request_context", "wsgi_app", "should_ignore_error", "trap_http_exception"),
)
SCOPES = ("app", "outer", "inner")

scopes, deeds, answers = (st.sampled_from(list(names)) for names in (SCOPES, DEEDS, ANSWERS))
# Mostly what does no harm, so that the others are reached.
mostly_harmless = st.one_of(st.sampled_from(["nothing", "set session", "set g"]), deeds)
plans = st.fixed_dictionaries(
    {
        "hooks": st.lists(
            st.tuples(
                scopes,
                st.sampled_from(["before", "after", "teardown", "teardown app"]),
                mostly_harmless,
                st.one_of(st.just("none"), answers),
                st.booleans(),
            ),
            max_size=5,
        ),
        "handlers": st.lists(
            st.tuples(scopes, st.sampled_from(ERRORS), mostly_harmless, answers), max_size=9
        ),
        "view": st.tuples(deeds, answers),
        "replaced": st.lists(st.sampled_from(REPLACEABLE), max_size=2, unique=True),
        "config": st.sampled_from(
            [
                {},
                {"TESTING": True},
                {"DEBUG": True},
                {"TRAP_HTTP_EXCEPTIONS": True},
                {"TRAP_BAD_REQUEST_ERRORS": True},
                {"DEBUG": True, "PROPAGATE_EXCEPTIONS": False},
            ]
        ),
        "paths": st.lists(
            st.sampled_from(["/view", "/outer/view", "/outer/inner/view", "/no", "/outer/no"]),
            min_size=1,
            max_size=3,
        ),
    }
)


class Told(logging.Handler):
    def __init__(self, trace: list[Any]) -> None:
        super().__init__()
        self.trace = trace

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0] if record.exc_info else None
        self.trace.append((record.levelname, record.getMessage(), error))


def build(flask: Any, plan: dict[str, Any], trace: list[Any]) -> Any:
    """Make the application that a plan tells of; what is called leaves its name in the trace."""

    def replacement(name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            trace.append(name)
            return getattr(flask.Flask, name)(*args)

        return call

    def function(at: str, deed: str, answer: str, returns_its_own: bool = False) -> Any:
        def call(*args: Any) -> Any:
            trace.append((at, [type(arg).__name__ for arg in args]))
            DEEDS[deed](flask, at)
            return args[0] if returns_its_own else ANSWERS[answer](flask, at)

        return call

    own = {name: replacement(name) for name in plan["replaced"]}
    app = type("App", (flask.Flask,), own)("hooks", static_folder=None, root_path="/")
    app.config.update(plan["config"], SECRET_KEY="a secret key of more than thirty-two bytes")
    app.logger.handlers[:] = [Told(trace)]
    app.logger.propagate = False
    outer = flask.Blueprint("outer", "hooks", url_prefix="/outer", root_path="/")
    inner = flask.Blueprint("inner", "hooks", url_prefix="/inner", root_path="/")
    at_scope = {"app": app, "outer": outer, "inner": inner}
    for n, (scope, kind, deed, answer, is_async) in enumerate(plan["hooks"]):
        hook = function(f"{kind}-{scope}-{n}", deed, answer, kind == "after")
        register = {
            "before": at_scope[scope].before_request,
            "after": at_scope[scope].after_request,
            "teardown": at_scope[scope].teardown_request,
            "teardown app": app.teardown_appcontext,
        }[kind]
        register(awaitable(hook) if is_async else hook)
    for scope, error, deed, answer in plan["handlers"]:
        at_scope[scope].register_error_handler(error, function(f"on-{scope}", deed, answer))
    for scope, where in at_scope.items():
        where.add_url_rule("/view", "view", function(f"view-{scope}", *plan["view"]))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    return app


def awaitable(function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any) -> Any:
        return function(*args)

    return call


def follow(flask: Any, plan: dict[str, Any]) -> list[Any]:
    """Ask for the paths of a plan; return all that could be seen."""
    seen: list[Any] = []
    client = build(flask, plan, seen).test_client()
    for path in plan["paths"]:
        try:
            answer = client.get(path)
        except (Exception, Failure) as error:
            seen.append((type(error), str(error)))
        else:
            # A signature tells the second.
            headers = [
                (name, value.partition(".")[0] if name == "Set-Cookie" else value)
                for name, value in answer.headers
            ]
            seen.append((answer.status, headers, answer.data))
        seen.append((flask.has_app_context(), flask.has_request_context()))
    return seen


@settings(max_examples=400)
@given(plan=plans)
def test_what_fails_where(plan: dict[str, Any]) -> None:
    theirs = follow(importlib.import_module("flask"), plan)
    assert follow(importlib.import_module("erlen"), plan) == theirs
