"""What a loaded application says about how it will run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import iscoroutinefunction
from typing import Any

from ..app import Flask
from ..dispatch import ROAD
from ..json.provider import compact_text
from ..routing import Map
from ..sessions import weak_secret_key_reason
from ..signals import request_finished
from ..templating import _default_template_ctx_processor
from ..typing import App
from ..wrappers import Response
from . import known
from .findings import Code, Finding, Verdict
from .project import ignored_attribute, ignored_setting

#: What others may replace beside the methods of the road, and that costs nothing of itself.
_FREE = (
    "handle_exception",
    "handle_user_exception",
    "handle_http_exception",
    "log_exception",
    "make_default_options_response",
    "raise_routing_exception",
    "redirect",
    "select_jinja_autoescape",
    "send_static_file",
    "should_ignore_error",
    "trap_http_exception",
    "update_template_context",
    "url_for",
)
_CLASSES: dict[str, str] = {
    "request_class": "requests",
    "aborter_class": "abort()",
    "config_class": "the configuration",
    "url_rule_class": "URL rules",
    "app_ctx_globals_class": "g",
    "test_client_class": "the test client",
    "jinja_environment": "the templates' environment",
}
_FULL_RESPONSE = "A Response object is made for each request, where a plain one needs none."


def findings_of(app: App) -> Iterator[Finding]:
    """Tell what was replaced on an application, and what that means for its requests."""
    yield from _secret_key(app)
    for key, removed in known.SETTINGS.items():
        if key in app.config:
            yield ignored_setting(key, removed)
    for name in ("json_encoder", "json_decoder"):
        if any(hasattr(one, name) for one in (app, *app.iter_blueprints())):
            yield ignored_attribute(name)
    yield from _replaced_methods(app)
    yield from _replaced_parts(app)
    yield from _registered(app)


def _secret_key(app: App) -> Iterator[Finding]:
    reason = weak_secret_key_reason(app.secret_key)
    if reason is not None:
        yield Finding(
            Verdict.SET,
            "secret-key",
            "SECRET_KEY",
            f"SECRET_KEY {reason}. "
            + (
                "Whoever guesses it can forge sessions."
                if app.secret_key
                else "Sessions, flash() and forms need it; an application without them does not."
            ),
            "Set it from the environment to a random value, as from: python -c 'import secrets;"
            " print(secrets.token_hex())'.",
        )


def replacer(app: App, name: str) -> str | None:
    """Tell who replaced a method of an application.

    :return: where the replacement comes from, in words; None where it is erlen's own.
    """
    if name in vars(app):
        origin = _origin(vars(app)[name])
        # Python 3.11 has to be told on each application that its call passes for async.
        if not origin.startswith("erlen._serving."):
            return f"on the application, by {origin}"
    for cls in type(app).__mro__:
        if name in vars(cls):
            origin = _origin(vars(cls)[name])
            if not _is_ours(cls):
                return f"in the class {_origin(cls)}"
            if not origin.startswith("erlen."):
                return f"on the class {cls.__name__}, by {origin}"
            return None
    return None


def _origin(value: Any) -> str:
    """The dotted name of a function, of a class, or of an object's class."""
    code = getattr(value, "__code__", None)
    if code is not None:
        # By its code: functools.wraps gives a function the name and module of another one.
        module, name = value.__globals__.get("__name__", "?"), code.co_qualname
    else:
        named = value if hasattr(value, "__qualname__") else type(value)
        module, name = named.__module__, named.__qualname__
    return f"{module}.{name.partition('.<locals>')[0]}"


def _replaced_methods(app: App) -> Iterator[Finding]:
    for name in sorted(ROAD):
        if (by := replacer(app, name)) is not None:
            yield Finding(
                Verdict.SLOWER,
                "replaced-method",
                f"app.{name}",
                f"Replaced {by}. It runs as on Flask. Each request then goes by the methods of"
                " the application, one by one, and not by the short way past them.",
            )
    free: dict[str, list[str]] = {}
    for name in _FREE:
        if (by := replacer(app, name)) is not None:
            free.setdefault(by, []).append(f"app.{name}")
    for by, names in free.items():
        yield _runs("replaced-method", ", ".join(names), f"Replaced {by}.")
    if (by := replacer(app, "wsgi_app")) is not None:
        chain = " around ".join(_middleware(vars(app).get("wsgi_app")))
        told = f"Wrapped in {chain}." if chain else f"Replaced {by}."
        yield _runs("wsgi-middleware", "app.wsgi_app", f"{told} It costs what it costs on Flask.")
    if (by := replacer(app, "__call__")) is not None:
        yield _runs("replaced-method", "app.__call__", f"Replaced {by}.")


def _middleware(wrapped: Any) -> Iterator[str]:
    """The names of the middleware around an application, from the outside in."""
    seen: set[int] = set()
    while wrapped is not None and id(wrapped) not in seen:
        origin = _origin(wrapped)
        if isinstance(wrapped, Flask) or origin == "erlen.dispatch.wsgi_app":
            return
        yield origin
        seen.add(id(wrapped))
        names = ("app", "wsgi_app", "application", "_app")
        inner = (getattr(wrapped, name, None) for name in names)
        wrapped = next((one for one in inner if callable(one)), None)


def _runs(code: Code, what: str, why: str) -> Finding:
    return Finding(Verdict.RUNS, code, what, f"{why} Taken as it is.")


def _slower(code: Code, what: str, why: str) -> Finding:
    return Finding(Verdict.SLOWER, code, what, why)


def _replaced_parts(app: App) -> Iterator[Finding]:
    interface = app.session_interface
    told = f"Sessions are kept by {_origin(interface)}."
    if not getattr(interface, "_opens_lazily", False):
        yield _slower(
            "replaced-part",
            "app.session_interface",
            f"{told} It opens a session for each request, also where no view looks at it.",
        )
    elif not _is_ours(type(interface)):
        yield _runs("replaced-part", "app.session_interface", told)
    if app.response_class is not Response:
        yield _slower(
            "replaced-part",
            "app.response_class",
            f"Responses are {_origin(app.response_class)}. {_FULL_RESPONSE}",
        )
    if compact_text(app.json, None, debug=False) is None:
        yield _slower(
            "replaced-part",
            "app.json",
            f"JSON is written by {_origin(app.json)}. A Response object is made for each dict or"
            " list that a view returns.",
        )
    if type(app.url_map) is not Map:
        yield _slower(
            "replaced-part",
            "app.url_map",
            f"URLs are matched by {_origin(app.url_map)}, without erlen's tables.",
        )
    elif app.url_map.host_matching or app.subdomain_matching:
        yield _slower(
            "replaced-part",
            "app.url_map",
            "Rules have hosts or subdomains, so Werkzeug matches them, without erlen's tables.",
        )
    if not _is_ours(type(app)):
        yield _runs("replaced-part", "class of the application", f"{_origin(app)}.")
    for name, what in _CLASSES.items():
        cls = getattr(app, name)
        if isinstance(cls, type) and not _is_ours(cls) and cls.__module__ != "werkzeug.exceptions":
            yield _runs("replaced-part", f"app.{name}", f"{_origin(cls)} for {what}.")
    env = vars(app).get("jinja_env")
    if env is not None and not hasattr(env, "compile_once"):
        yield _slower(
            "replaced-part",
            "app.jinja_env",
            f"{_origin(env)}. render_template_string compiles its source on each call.",
        )


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "erlen"


def _registered(app: App) -> Iterator[Finding]:
    """What is registered: counted, and who asks for each response."""
    if any(iscoroutinefunction(view) for view in app.view_functions.values()):
        shared = known.DIFFERENT_TEXTS["async view"]
        yield Finding(Verdict.DIFFERS, "difference", shared.heading, shared.why)
    after = app.after_request_funcs.get(None, [])
    if after:
        owners = ", ".join(sorted({_origin(function) for function in after}))
        yield _slower("after-request", "after_request", f"Functions: {owners}. {_FULL_RESPONSE}")
    if request_finished.receivers:
        yield _slower(
            "after-request",
            "signal request_finished",
            f"{len(request_finished.receivers)} receivers. {_FULL_RESPONSE}",
        )
    counts = {
        "URL rules": sum(1 for _ in app.url_map.iter_rules()),
        "blueprints": len(app.blueprints),
        "before_request": _count(app.before_request_funcs),
        "after_request": _count(app.after_request_funcs),
        "teardown_request": _count(app.teardown_request_funcs),
        "teardown_appcontext": len(app.teardown_appcontext_funcs),
        "context processors": sum(
            processor is not _default_template_ctx_processor
            for processors in app.template_context_processors.values()
            for processor in processors
        ),
        "URL processors": _count(app.url_value_preprocessors) + _count(app.url_default_functions),
        "error handlers": sum(
            len(handlers)
            for codes in app.error_handler_spec.values()
            for handlers in codes.values()
        ),
    }
    told = ", ".join(f"{what}: {count}" for what, count in counts.items() if count > 0)
    yield Finding(Verdict.RUNS, "registered", "the application", f"It has {told or 'nothing'}.")


def _count(functions: Mapping[Any, list[Callable[..., Any]]]) -> int:
    return sum(len(some) for some in functions.values())
