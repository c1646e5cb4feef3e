"""What a loaded application says: every replacement, and what it does to the road of a request."""

from __future__ import annotations

from typing import Any

import pytest
from blinker import Signal
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Map

from erlen import Flask, signals
from erlen._returned import to_response
from erlen.dispatch import ROAD
from erlen.doctor.application import findings_of
from erlen.doctor.findings import Verdict
from erlen.json.provider import DefaultJSONProvider
from erlen.sessions import SecureCookieSessionInterface
from erlen.signals import request_finished
from erlen.wrappers import Request, Response

HERE = __name__


def told(app: Any, verdict: Verdict) -> list[str]:
    return [f"{f.what}: {f.why}" for f in findings_of(app) if f.verdict is verdict]


@pytest.fixture(autouse=True)
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """No receivers: those of other tests' applications may still be there."""
    for signal in vars(signals).values():
        if isinstance(signal, Signal):
            monkeypatch.setattr(signal, "receivers", {})


def test_an_application_as_it_comes(app: Any) -> None:
    assert [(f.verdict, f.what, f.why) for f in findings_of(app)] == [
        ("runs", "the application", "It has URL rules: 1.")
    ]


GO_BY_METHODS = (
    "It runs as on Flask. Each request then goes by the methods of the application, one by one,"
    " and not by the short way past them."
)


@pytest.mark.parametrize("name", sorted(ROAD))
def test_a_method_of_the_road_on_the_instance(app: Any, name: str) -> None:
    assert app._is_plain()
    setattr(app, name, lambda *args: None)
    assert not app._is_plain()
    by = f"{HERE}.test_a_method_of_the_road_on_the_instance"
    assert told(app, Verdict.SLOWER) == [
        f"app.{name}: Replaced on the application, by {by}. {GO_BY_METHODS}"
    ]


@pytest.mark.parametrize("name", sorted(ROAD))
def test_a_method_of_the_road_in_a_subclass(name: str) -> None:
    mine = type("Mine", (Flask,), {name: lambda *args: None})
    app = mine("x")
    assert not app._is_plain()
    assert told(app, Verdict.SLOWER) == [
        f"app.{name}: Replaced in the class {HERE}.Mine. {GO_BY_METHODS}"
    ]
    assert f"class of the application: {HERE}.Mine. Taken as it is." in told(app, Verdict.RUNS)


def replacement(*args: Any) -> Any:
    """Stands for what an extension puts in a method's place."""


# As functools.wraps leaves it.
replacement.__module__ = "erlen.dispatch"
replacement.__qualname__ = "dispatch_request"


def test_a_method_of_the_class_itself(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Flask, "dispatch_request", replacement)
    monkeypatch.setattr(Flask, "__call__", replacement)
    by = f"Replaced on the class Flask, by {HERE}.replacement."
    assert told(app, Verdict.SLOWER) == [f"app.dispatch_request: {by} {GO_BY_METHODS}"]
    assert f"app.__call__: {by} Taken as it is." in told(app, Verdict.RUNS)


def test_methods_that_cost_nothing(app: Any) -> None:
    app.handle_exception = app.handle_user_exception = replacement
    assert app._is_plain()
    assert told(app, Verdict.SLOWER) == []
    assert (
        "app.handle_exception, app.handle_user_exception: Replaced on the application, by"
        f" {HERE}.replacement. Taken as it is."
    ) in told(app, Verdict.RUNS)


class Gate:
    def __init__(self, wsgi_app: Any) -> None:
        self.wsgi_app = wsgi_app

    def __call__(self, *args: Any) -> Any:
        return self.wsgi_app(*args)


def test_middleware(app: Any) -> None:
    app.wsgi_app = Gate(ProxyFix(app.wsgi_app))
    assert (
        f"app.wsgi_app: Wrapped in {HERE}.Gate around werkzeug.middleware.proxy_fix.ProxyFix. It"
        " costs what it costs on Flask. Taken as it is."
    ) in told(app, Verdict.RUNS)
    assert told(app, Verdict.SLOWER) == []


def test_middleware_in_a_circle(app: Any) -> None:
    gate = Gate(None)
    gate.wsgi_app = gate
    app.wsgi_app = gate
    assert any(f"Wrapped in {HERE}.Gate." in line for line in told(app, Verdict.RUNS))


class Opens(SecureCookieSessionInterface):
    def open_session(self, app: Any, request: Any) -> Any:
        return super().open_session(app, request)


class Salted(SecureCookieSessionInterface):
    salt = "mine"


class MyResponse(Response):
    pass


class MyProvider(DefaultJSONProvider):
    pass


class MyRequest(Request):
    pass


class MyMap(Map):
    pass


FULL = "A Response object is made for each request, where a plain one needs none."


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        (
            "session_interface",
            lambda app: Opens(),
            f"Sessions are kept by {HERE}.Opens. It opens a session for each request, also where"
            " no view looks at it.",
        ),
        ("response_class", lambda app: MyResponse, f"Responses are {HERE}.MyResponse. {FULL}"),
        (
            "json",
            MyProvider,
            f"JSON is written by {HERE}.MyProvider. A Response object is made for each dict or"
            " list that a view returns.",
        ),
        (
            "url_map",
            lambda app: MyMap(),
            f"URLs are matched by {HERE}.MyMap, without erlen's tables.",
        ),
    ],
)
def test_a_part_that_costs(app: Any, name: str, make: Any, expected: str) -> None:
    setattr(app, name, make(app))
    assert told(app, Verdict.SLOWER) == [f"app.{name}: {expected}"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("session_interface", Salted(), f"Sessions are kept by {HERE}.Salted."),
        ("request_class", MyRequest, f"{HERE}.MyRequest for requests."),
    ],
)
def test_a_part_that_costs_nothing(app: Any, name: str, value: Any, expected: str) -> None:
    setattr(app, name, value)
    assert told(app, Verdict.SLOWER) == []
    assert f"app.{name}: {expected} Taken as it is." in told(app, Verdict.RUNS)


@pytest.mark.parametrize(
    "options", [{"host_matching": True, "static_folder": None}, {"subdomain_matching": True}]
)
def test_hosts_and_subdomains(options: dict[str, Any]) -> None:
    assert told(Flask("x", **options), Verdict.SLOWER) == [
        "app.url_map: Rules have hosts or subdomains, so Werkzeug matches them, without erlen's"
        " tables."
    ]


def test_an_environment_of_jinja_s(app: Any) -> None:
    from jinja2 import Environment

    app.jinja_env = Environment()
    assert told(app, Verdict.SLOWER) == [
        "app.jinja_env: jinja2.environment.Environment. render_template_string compiles its source"
        " on each call."
    ]


def test_who_asks_for_each_response(app: Any) -> None:
    app.after_request(replacement)
    assert told(app, Verdict.SLOWER) == [f"after_request: Functions: {HERE}.replacement. {FULL}"]
    with request_finished.connected_to(replacement):
        assert told(app, Verdict.SLOWER)[1] == f"signal request_finished: 1 receivers. {FULL}"


@pytest.mark.parametrize(
    ("replace", "said"),
    [
        (lambda app: None, False),
        (lambda app: setattr(app, "request_class", MyRequest), False),
        (lambda app: setattr(app, "handle_exception", replacement), False),
        (lambda app: setattr(app, "wsgi_app", Gate(app.wsgi_app)), False),
        (lambda app: setattr(app, "session_interface", Salted()), False),
        (lambda app: setattr(app, "session_interface", Opens()), True),
        (lambda app: setattr(app, "response_class", MyResponse), True),
        (lambda app: setattr(app, "json", MyProvider(app)), True),
        (lambda app: setattr(app, "dispatch_request", lambda: {"a": 1}), True),
        (lambda app: app.after_request(lambda response: response), True),
    ],
)
def test_the_road_does_what_is_said(
    app: Any, monkeypatch: pytest.MonkeyPatch, replace: Any, said: bool
) -> None:
    """What is called slower makes a response object where the plain road makes none."""
    made: list[Any] = []

    def spy(*args: Any) -> Any:
        made.append(args)
        return to_response(*args)

    monkeypatch.setattr("erlen.dispatch.to_response", spy)
    monkeypatch.setattr("erlen.app.to_response", spy)
    app.add_url_rule("/", "index", lambda: {"a": 1})
    replace(app)
    assert app.test_client().get("/").json == {"a": 1}
    assert (bool(made), bool(told(app, Verdict.SLOWER))) == (said, said)


def test_what_is_registered(flask: Any, app: Any) -> None:
    blueprint = flask.Blueprint("b", "b", url_prefix="/b")
    blueprint.add_url_rule("/", "index", replacement)
    blueprint.before_request(replacement)
    app.register_blueprint(blueprint)
    app.before_request(replacement)
    app.teardown_appcontext(replacement)
    app.context_processor(replacement)
    app.url_defaults(replacement)
    app.errorhandler(404)(replacement)
    assert told(app, Verdict.RUNS) == [
        "the application: It has URL rules: 2, blueprints: 1, before_request: 2,"
        " teardown_appcontext: 1, context processors: 1, URL processors: 1, error handlers: 1."
    ]


def test_async_views(app: Any) -> None:
    async def view() -> str:
        return "x"

    app.add_url_rule("/", "x", view)
    [line] = told(app, Verdict.DIFFERS)
    assert line.startswith("Async views share a loop: Under WSGI")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, "SECRET_KEY is not set. Sessions, flash() and forms need it; an application"),
        ("dev", "SECRET_KEY is an example that everybody knows. Whoever guesses it can forge"),
        ("aA1?xyzäö", "SECRET_KEY has 11 bytes, and should have at least 16. Whoever guesses it"),
    ],
)
def test_secret_key(app: Any, key: str | None, expected: str) -> None:
    app.secret_key = key
    [finding] = [f for f in findings_of(app) if f.verdict is Verdict.SET]
    assert finding.why.startswith(expected) and finding.code == "secret-key"
    # A report is shown around.
    assert key is None or key not in finding.why + finding.fix


def test_settings_that_nobody_reads(app: Any) -> None:
    app.config["JSON_SORT_KEYS"] = False
    assert told(app, Verdict.SET) == ["JSON_SORT_KEYS: Not read since Flask 2.3."]


def test_an_encoder_that_nobody_asks(flask: Any, app: Any) -> None:
    blueprint = flask.Blueprint("b", "b")
    blueprint.json_encoder = object
    app.register_blueprint(blueprint)
    assert told(app, Verdict.FAILS) == [
        "app.json_encoder: Not read since Flask 2.3: JSON is written and read without it."
    ]
