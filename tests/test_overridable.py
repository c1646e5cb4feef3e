"""What subclasses and extensions replace: on a subclass, on an instance, on the class itself.

An instance and the class are patched after the app has served a request, as the debug toolbar,
RESTX and Sentry do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from werkzeug.exceptions import NotFound

GET: Callable[[Any], Any] = lambda app: app.test_client().get("/")  # noqa: E731 - a table's shorthand


def get(path: str, method: str = "GET") -> Callable[[Any], Any]:
    return lambda app: app.test_client().open(path, method=method)


def fail_quietly(app: Any) -> Any:
    app.testing = False
    return app.test_client().get("/fail")


# name: (what calls it, the types of the arguments it must be called with)
CALLS: dict[str, tuple[Callable[[Any], Any], tuple[tuple[str, ...], dict[str, str]]]] = {
    "wsgi_app": (GET, (("dict", "function"), {})),
    "request_context": (GET, (("dict",), {})),
    "create_url_adapter": (GET, (("Request",), {})),
    "full_dispatch_request": (GET, ((), {})),
    "preprocess_request": (GET, ((), {})),
    "dispatch_request": (GET, ((), {})),
    "make_response": (GET, (("str",), {})),
    "finalize_request": (GET, (("str",), {})),
    "process_response": (GET, (("Response",), {})),
    "do_teardown_request": (GET, (("NoneType",), {})),
    "do_teardown_appcontext": (GET, (("NoneType",), {})),
    "ensure_sync": (GET, (("function",), {})),
    "async_to_sync": (get("/async"), (("function",), {})),
    "app_context": (lambda app: app.test_cli_runner().invoke(args=["noop"]), ((), {})),
    "handle_user_exception": (fail_quietly, (("ValueError",), {})),
    "handle_exception": (fail_quietly, (("ValueError",), {})),
    "log_exception": (fail_quietly, (("tuple",), {})),
    "should_ignore_error": (fail_quietly, (("ValueError",), {})),
    "handle_http_exception": (get("/missing"), (("NotFound",), {})),
    "trap_http_exception": (get("/missing"), (("NotFound",), {})),
    "raise_routing_exception": (get("/missing"), (("Request",), {})),
    "make_default_options_response": (get("/", "OPTIONS"), ((), {})),
    "url_for": (
        get("/url"),
        (
            ("str",),
            dict.fromkeys(("_anchor", "_method", "_scheme", "_external"), "NoneType"),
        ),
    ),
    "inject_url_defaults": (get("/url"), (("str", "dict"), {})),
    "handle_url_build_error": (get("/bad-url"), (("BuildError", "str", "dict"), {})),
    "redirect": (get("/redirect"), (("str",), {"code": "int"})),
    "update_template_context": (get("/template"), (("dict",), {})),
    "create_jinja_environment": (get("/template"), ((), {})),
    "select_jinja_autoescape": (get("/template-file"), (("str",), {})),
    "get_send_file_max_age": (get("/static/a.css"), (("str",), {})),
    "send_static_file": (get("/static/a.css"), ((), {"filename": "str"})),
}


def build(flask: Any, folder: Path, app_class: Any) -> Any:
    """An app with a view for each entry of the table, which has served a request."""
    (folder / "static").mkdir(exist_ok=True)
    (folder / "static" / "a.css").write_text("body {}")
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "templates" / "t.html").write_text("template")
    app = app_class("replaced", root_path=str(folder))
    app.testing = True

    async def asynchronous() -> str:
        return "async"

    def fail() -> str:
        raise ValueError("fail")

    def bad_url() -> str:
        with pytest.raises(LookupError):
            flask.url_for("nowhere")
        return "x"

    views: dict[str, Callable[..., Any]] = {
        "/": lambda: "hello",
        "/warm-up": lambda: "warm",
        "/async": asynchronous,
        "/fail": fail,
        "/url": lambda: flask.url_for("/"),
        "/bad-url": bad_url,
        "/redirect": lambda: flask.redirect("/"),
        "/template": lambda: flask.render_template_string("template"),
        "/template-file": lambda: flask.render_template("t.html"),
    }
    for path, view in views.items():
        app.add_url_rule(path, path, view)
    app.cli.command("noop")(lambda: None)
    assert app.test_client().get("/warm-up").text == "warm"
    return app


def spy(original: Callable[..., Any], calls: list[Any]) -> Callable[..., Any]:
    def replacement(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(
            (
                tuple(type(value).__name__ for value in args),
                {name: type(value).__name__ for name, value in kwargs.items()},
            )
        )
        return original(self, *args, **kwargs)

    return replacement


class Equal:
    """A spy that passes for the function it calls in any comparison."""

    def __init__(self, original: Callable[..., Any], calls: list[Any]) -> None:
        self.original = original
        self.replacement = spy(original, calls)

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else partial(self.replacement, instance)

    def __eq__(self, other: object) -> bool:
        return other == self.original

    def __hash__(self) -> int:
        return hash(self.original)


def close(response: Any) -> None:
    getattr(response, "close", lambda: None)()


@pytest.mark.parametrize("name", CALLS)
class TestIsCalled:
    def test_on_a_subclass(self, flask: Any, tmp_path: Path, name: str) -> None:
        trigger, expected = CALLS[name]
        calls: list[Any] = []
        replaced = type("Mine", (flask.Flask,), {name: spy(getattr(flask.Flask, name), calls)})
        app = build(flask, tmp_path, replaced)
        calls.clear()
        close(trigger(app))
        assert expected in calls

    def test_on_an_instance(self, flask: Any, tmp_path: Path, name: str) -> None:
        trigger, expected = CALLS[name]
        calls: list[Any] = []
        app = build(flask, tmp_path, flask.Flask)
        replacement = spy(getattr(flask.Flask, name), calls)
        setattr(app, name, lambda *args, **kwargs: replacement(app, *args, **kwargs))
        close(trigger(app))
        assert expected in calls

    def test_on_the_class(
        self, flask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        trigger, expected = CALLS[name]
        calls: list[Any] = []
        app = build(flask, tmp_path, flask.Flask)
        monkeypatch.setattr(flask.Flask, name, spy(getattr(flask.Flask, name), calls))
        close(trigger(app))
        assert expected in calls
        calls.clear()
        monkeypatch.undo()
        fresh = build(flask, tmp_path, flask.Flask)
        close(trigger(fresh))
        assert calls == []

    def test_by_what_equals_it(
        self, flask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        # So do the wrappers of wrapt, which New Relic and many others use.
        trigger, expected = CALLS[name]
        calls: list[Any] = []
        app = build(flask, tmp_path, flask.Flask)
        monkeypatch.setattr(flask.Flask, name, Equal(getattr(flask.Flask, name), calls))
        close(trigger(app))
        assert expected in calls


# name: (what calls it, the replacement, the text of the answer then)
EFFECTS: dict[str, tuple[Callable[[Any], Any], Callable[..., Any], str]] = {
    "full_dispatch_request": (GET, lambda app: app.make_response("mine"), "mine"),
    "preprocess_request": (GET, lambda app: "mine", "mine"),
    "dispatch_request": (GET, lambda app: "mine", "mine"),
    "make_response": (GET, lambda app, rv: app.response_class(f"{rv}!"), "hello!"),
    "finalize_request": (GET, lambda app, rv: app.make_response(f"{rv}?"), "hello?"),
    "process_response": (GET, lambda app, r: app.response_class(r.data + b"."), "hello."),
    "ensure_sync": (GET, lambda app, f: lambda *a, **k: "wrapped " + f(*a, **k), "wrapped hello"),
    "async_to_sync": (get("/async"), lambda app, f: lambda: f"{f.__name__}", "asynchronous"),
    "handle_user_exception": (get("/fail"), lambda app, e: f"user {e}", "user fail"),
    "handle_exception": (
        get("/fail"),
        lambda app, e: app.make_response(f"mine {e}"),
        "mine fail",
    ),
    "handle_http_exception": (get("/missing"), lambda app, e: f"http {e.code}", "http 404"),
    "raise_routing_exception": (
        get("/missing"),
        lambda app, request: (_ for _ in ()).throw(NotFound(response=app.make_response("raised"))),
        "raised",
    ),
    "make_default_options_response": (
        get("/", "OPTIONS"),
        lambda app: app.make_response("options"),
        "options",
    ),
    "url_for": (get("/url"), lambda app, endpoint, **options: f"to {endpoint}", "to /"),
    "redirect": (
        get("/redirect"),
        lambda app, location, code: app.make_response(f"{code} {location}"),
        "302 /",
    ),
    "get_send_file_max_age": (get("/static/a.css"), lambda app, filename: 77, "body {}"),
    "send_static_file": (get("/static/a.css"), lambda app, filename: f"<{filename}>", "<a.css>"),
}


@pytest.mark.parametrize("where", ["subclass", "instance", "class"])
@pytest.mark.parametrize("name", EFFECTS)
def test_takes_effect(
    flask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, where: str
) -> None:
    trigger, replacement, text = EFFECTS[name]
    if where == "subclass":
        mine = type("Mine", (flask.Flask,), {})
        app = build(flask, tmp_path, mine)
        setattr(mine, name, replacement)
    else:
        app = build(flask, tmp_path, flask.Flask)
        if where == "instance":
            setattr(app, name, lambda *args, **kwargs: replacement(app, *args, **kwargs))
        else:
            monkeypatch.setattr(flask.Flask, name, replacement)
    response = trigger(app)
    assert response.text == text
    if name == "get_send_file_max_age":
        assert response.cache_control.max_age == 77
    response.close()


def test_trap_http_exception(flask: Any, tmp_path: Path) -> None:
    app = build(flask, tmp_path, flask.Flask)
    app.trap_http_exception = lambda e: True
    with pytest.raises(NotFound):
        app.test_client().get("/missing")


def test_should_ignore_error(flask: Any, tmp_path: Path) -> None:
    app = build(flask, tmp_path, flask.Flask)
    seen: list[Any] = []
    app.teardown_request_funcs[None] = [seen.append]
    app.should_ignore_error = lambda error: isinstance(error, ValueError)
    with pytest.raises(ValueError, match="fail"):
        app.test_client().get("/fail")
    assert seen == [None]


def test_do_teardown(flask: Any, tmp_path: Path) -> None:
    app = build(flask, tmp_path, flask.Flask)
    seen: list[Any] = []
    app.teardown_request_funcs[None] = [lambda exc: seen.append("hook")]
    app.do_teardown_request = lambda exc: seen.append("request")
    app.do_teardown_appcontext = lambda exc: seen.append("app")
    app.test_client().get("/")
    assert seen == ["request", "app"]


@pytest.mark.wsgi
def test_dunder_call(flask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentry wraps `Flask.__call__`."""
    app = build(flask, tmp_path, flask.Flask)
    original = flask.Flask.__call__
    seen: list[str] = []

    def call(self: Any, environ: Any, start_response: Any) -> Any:
        seen.append(environ["PATH_INFO"])
        return original(self, environ, start_response)

    monkeypatch.setattr(flask.Flask, "__call__", call)
    assert app.test_client().get("/").text == "hello"
    assert seen == ["/"]


def test_json_response(flask: Any, app: Any, client: Any) -> None:
    app.add_url_rule("/", "index", lambda: {"a": 1})
    assert client.get("/").json == {"a": 1}
    app.json.response = lambda value: flask.Response(f"json {value}")
    assert client.get("/").text == "json {'a': 1}"


def test_json_dumps(flask: Any, app: Any, client: Any) -> None:
    app.add_url_rule("/", "index", lambda: {"a": 1})
    assert client.get("/").json == {"a": 1}
    app.json.dumps = lambda value, **kwargs: "dumped"
    assert client.get("/").text == "dumped\n"


def test_make_aborter(flask: Any) -> None:
    class Mine(flask.Flask):
        def make_aborter(self) -> Any:
            aborter = super().make_aborter()
            aborter.mapping[799] = NotFound
            return aborter

    app = Mine("aborting")
    app.add_url_rule("/", "index", lambda: flask.abort(799))
    assert app.test_client().get("/").status_code == 404


def test_aborter_replaced(flask: Any, app: Any, client: Any) -> None:
    app.add_url_rule("/", "index", lambda: flask.abort(404))
    assert client.get("/").status_code == 404

    def aborter(code: int) -> None:
        raise ValueError(f"mine {code}")

    app.aborter = aborter
    with pytest.raises(ValueError, match="mine 404"):
        client.get("/")


def test_make_config(flask: Any) -> None:
    class Mine(flask.Flask):
        def make_config(self, instance_relative: bool = False) -> Any:
            config = super().make_config(instance_relative)
            config["MINE"] = instance_relative
            return config

        def auto_find_instance_path(self) -> str:
            return "/found"

        def create_global_jinja_loader(self) -> Any:
            from jinja2 import DictLoader

            return DictLoader({"x.html": "from a dict"})

    app = Mine("configured", instance_relative_config=True)
    assert app.config["MINE"] is True
    assert app.instance_path == "/found"
    with app.app_context():
        assert flask.render_template("x.html") == "from a dict"


def test_hooks_called_through_ensure_sync(flask: Any, app: Any, client: Any) -> None:
    """Each callable of the user passes `ensure_sync`: extensions count on it."""
    names: list[str] = []

    def ensure_sync(func: Any) -> Any:
        names.append(func.__name__)
        return func

    def before() -> None: ...
    def after(response: Any) -> Any:
        return response

    def after_this(response: Any) -> Any:
        return response

    def teardown(exc: Any) -> None: ...
    def teardown_app(exc: Any) -> None: ...
    def handler(error: Any) -> str:
        return "handled"

    def processor() -> dict[str, Any]:
        return {}

    def view() -> str:
        flask.after_this_request(after_this)
        flask.render_template_string("")
        raise ValueError

    app.before_request(before)
    app.after_request(after)
    app.teardown_request(teardown)
    app.teardown_appcontext(teardown_app)
    app.context_processor(processor)
    app.register_error_handler(ValueError, handler)
    app.add_url_rule("/", "index", view)
    app.ensure_sync = ensure_sync
    assert client.get("/").text == "handled"
    expected = {before, view, processor, handler, after_this, after, teardown, teardown_app}
    assert {f.__name__ for f in expected} <= set(names)
