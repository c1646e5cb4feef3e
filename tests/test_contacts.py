"""Where extensions reach into Flask: one test for each place that they were seen to touch."""

from __future__ import annotations

import importlib
import importlib.metadata
import weakref
from typing import Any

import pytest
from werkzeug.routing import BuildError, Map
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as WerkzeugRequest

NAMES = {
    "app": "Flask",
    "globals": "request_ctx app_ctx _cv_request _cv_app current_app g request session",
    "ctx": "RequestContext AppContext _AppCtxGlobals has_request_context",
    "blueprints": "Blueprint BlueprintSetupState",
    "config": "Config ConfigAttribute",
    "json": "dumps loads dump load jsonify",
    "json.tag": "JSONTag TaggedJSONSerializer",
    "json.provider": "JSONProvider DefaultJSONProvider",
    "sessions": "SessionInterface SessionMixin SecureCookieSessionInterface SecureCookieSession",
    "signals": "Namespace template_rendered before_render_template request_started"
    " request_finished request_tearing_down got_request_exception appcontext_tearing_down"
    " appcontext_pushed appcontext_popped message_flashed",
    "testing": "FlaskClient EnvironBuilder FlaskCliRunner",
    "views": "View MethodView http_method_funcs",
    "wrappers": "Request Response",
    "typing": "ResponseReturnValue ResponseValue HeadersValue RouteCallable",
    "cli": "ScriptInfo FlaskGroup AppGroup with_appcontext find_best_app get_version locate_app"
    " prepare_import load_dotenv run_command shell_command routes_command NoAppException"
    " pass_script_info",
    "logging": "default_handler has_level_handler wsgi_errors_stream create_logger",
    "debughelpers": "DebugFilesKeyError",
    "helpers": "send_file url_for get_root_path",
    "templating": "render_template_string DispatchingJinjaLoader Environment _render",
}


@pytest.mark.parametrize("module", NAMES)
def test_names(flask: Any, module: str) -> None:
    found = importlib.import_module(f"{flask.__name__}.{module}")
    assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("flask.sansio.app", "App"),
        ("flask.sansio.scaffold", "Scaffold _endpoint_from_view_func T_route setupmethod"),
        ("flask.sansio.blueprints", "Blueprint BlueprintSetupState"),
    ],
)
def test_sansio_names(flask: Any, module: str, names: str) -> None:
    if importlib.import_module("flask") is not flask:
        pytest.skip("only the name `flask` knows sansio")
    found = importlib.import_module(module)
    assert [name for name in names.split() if not hasattr(found, name)] == []
    assert issubclass(flask.Flask, importlib.import_module("flask.sansio.app").App)


def test_scaffold_is_the_base_of_both(flask: Any, app: Any) -> None:
    bases = {cls.__name__ for cls in flask.Flask.__mro__} & {
        cls.__name__ for cls in flask.Blueprint.__mro__
    }
    assert "Scaffold" in bases


class TestContexts:
    def test_weak_reference_to_the_request_context(self, flask: Any, app: Any, client: Any) -> None:
        """OpenTelemetry compares the context at teardown with the one at the start."""
        kept: list[weakref.ref[Any]] = []
        same: list[bool] = []

        def current() -> Any:
            return flask.globals.request_ctx._get_current_object()

        app.before_request(lambda: kept.append(weakref.ref(current())))
        app.teardown_request(lambda exc: same.append(kept[0]() is current()))
        client.get("/")
        assert same == [True]

    def test_attributes_are_kept_on_contexts(self, flask: Any, app: Any, client: Any) -> None:
        """Flask-SQLAlchemy and Flask-Login put things on the app context and on `g`."""
        app.before_request(lambda: setattr(flask.globals.app_ctx, "_own", "app"))
        app.before_request(lambda: setattr(flask.globals.request_ctx, "_mine", "request"))
        app.before_request(lambda: setattr(flask.g, "_login_user", "ada"))

        @app.get("/")
        def index() -> list[str]:
            return [
                flask.globals.app_ctx._own,
                flask.globals.request_ctx._mine,
                flask.g._login_user,
            ]

        assert client.get("/").json == ["app", "request", "ada"]

    def test_identity_of_the_app_context_is_the_scope(
        self, flask: Any, app: Any, client: Any
    ) -> None:
        """Flask-SQLAlchemy scopes its session by `id(app_ctx._get_current_object())`."""
        scopes: list[int] = []

        def scope() -> int:
            return id(flask.globals.app_ctx._get_current_object())

        app.before_request(lambda: scopes.append(scope()))
        app.teardown_appcontext(lambda exc: scopes.append(scope()))

        @app.get("/")
        def index() -> str:
            scopes.append(scope())
            return "x"

        client.get("/")
        assert len(scopes) == 3
        assert len(set(scopes)) == 1

    def test_contextvars_can_be_set_and_reset(self, flask: Any, app: Any) -> None:
        ctx = app.test_request_context("/x")
        cv = flask.globals._cv_request
        assert cv.get(None) is None
        with ctx:
            assert cv.get() is ctx
            copied = ctx.copy()
            token = cv.set(copied)
            assert cv.get() is copied
            cv.reset(token)
            assert cv.get() is ctx


class TestReplacedOnTheInstance:
    def test_debug_toolbar(self, flask: Any, app: Any, client: Any) -> None:
        """The toolbar puts its own `dispatch_request` on the app, which looks the view up."""
        app.add_url_rule("/<int:n>", "index", lambda n: f"view {n}")

        def dispatch_request() -> Any:
            request = flask.globals.request_ctx.request
            if request.routing_exception is not None:
                app.raise_routing_exception(request)
            rule = request.url_rule
            if getattr(rule, "provide_automatic_options", False) and request.method == "OPTIONS":
                return app.make_default_options_response()
            view = app.view_functions[rule.endpoint]
            return "toolbar: " + app.ensure_sync(view)(**request.view_args)

        app.dispatch_request = dispatch_request
        assert client.get("/5").text == "toolbar: view 5"
        assert client.get("/x").status_code == 404
        assert client.options("/5").status_code == 200

    def test_restx(self, flask: Any, app: Any, client: Any) -> None:
        """RESTX wraps both exception methods, and falls back on the original."""
        calls: list[str] = []

        def wrap(name: str) -> None:
            original = getattr(app, name)

            def replacement(e: Exception) -> Any:
                calls.append(f"{name} {type(e).__name__}")
                if isinstance(e, ValueError):
                    return app.make_response(({"message": str(e)}, 400))
                return original(e)

            setattr(app, name, replacement)

        def fail(kind: str) -> Any:
            raise {"value": ValueError, "key": KeyError}[kind]("broken")

        app.add_url_rule("/<kind>", "fail", fail)
        wrap("handle_exception")
        wrap("handle_user_exception")
        app.testing = False
        response = client.get("/value")
        assert (response.status_code, response.json) == (400, {"message": "broken"})
        assert client.get("/key").status_code == 500
        assert calls == [
            "handle_user_exception ValueError",
            "handle_user_exception KeyError",
            "handle_exception KeyError",
        ]

    def test_cors(self, flask: Any, app: Any, client: Any) -> None:
        """Flask-CORS adds headers in a wrapper of `handle_exception`."""
        app.testing = False
        original = app.handle_exception

        def handle_exception(e: Exception) -> Any:
            response = original(e)
            response.headers["Access-Control-Allow-Origin"] = "*"
            return response

        app.handle_exception = handle_exception
        app.add_url_rule("/", "index", lambda: 1 / 0)
        response = client.get("/")
        assert response.status_code == 500
        assert response.headers["Access-Control-Allow-Origin"] == "*"

    def test_wsgi_app(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: "x")
        inner = app.wsgi_app

        def middleware(environ: Any, start_response: Any) -> Any:
            def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
                return start_response(status, [*headers, ("X-Middleware", "1")], exc_info)

            return inner(environ, start)

        app.wsgi_app = middleware
        assert client.get("/").headers["X-Middleware"] == "1"

    def test_flask_itself_replaced_in_the_module(
        self, flask: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """OpenTelemetry puts its own subclass in the place of `flask.Flask`."""

        class Instrumented(flask.Flask):
            pass

        monkeypatch.setattr(flask, "Flask", Instrumented)
        app = flask.Flask("instrumented")
        app.add_url_rule("/", "index", lambda: "x")
        assert type(app) is Instrumented
        assert app.test_client().get("/").text == "x"


class TestChangedAfterConstruction:
    def test_moto(self, flask: Any, app: Any) -> None:
        """moto empties the app, and gives it a request class of two bases."""

        class Normalized(WerkzeugRequest):
            own = "aws"

        class AwsRequest(Normalized, flask.Request):
            pass

        app.add_url_rule("/", "index", lambda: "first")
        assert app.test_client().get("/").text == "first"
        app.view_functions = {}
        app.url_map = Map()
        app.request_class = AwsRequest
        app.url_map.add(app.url_rule_class("/second/<n>", endpoint="second"))
        app.view_functions["second"] = lambda n: f"{flask.request.own} {n} {flask.request.endpoint}"
        client = app.test_client()
        assert client.get("/second/1").text == "aws 1 second"
        assert client.get("/").status_code == 404

    def test_registries_can_be_read(self, flask: Any, app: Any) -> None:
        app.extensions["own"] = object()
        for name in (
            "before_request_funcs",
            "after_request_funcs",
            "teardown_request_funcs",
            "error_handler_spec",
            "template_context_processors",
            "url_value_preprocessors",
            "url_default_functions",
            "blueprints",
            "extensions",
            "view_functions",
        ):
            assert isinstance(getattr(app, name), dict)


class TestOtherParts:
    def test_got_first_request(self, app: Any, client: Any) -> None:
        assert app._got_first_request is False
        client.get("/")
        assert app._got_first_request is True
        app._got_first_request = False
        app.add_url_rule("/", "index", lambda: "added again")
        assert client.get("/").text == "added again"

    def test_create_url_adapter(self, flask: Any, app: Any) -> None:
        """Flask-Admin and RESTX bind adapters of their own."""
        app.add_url_rule("/<int:n>", "index", lambda n: "x")
        assert app.create_url_adapter(None) is None
        environ = EnvironBuilder("/5").get_environ()
        adapter = app.create_url_adapter(flask.Request(environ))
        assert adapter.match() == ("index", {"n": 5})
        assert adapter.match("/7") == ("index", {"n": 7})
        assert adapter.build("index", {"n": 6}) == "/6"
        app.config["SERVER_NAME"] = "h.example"
        outside = app.create_url_adapter(None)
        assert outside.build("index", {"n": 6}, force_external=True) == "http://h.example/6"

    def test_url_adapter_of_the_context(self, flask: Any, app: Any, client: Any) -> None:
        """Flask-Debugtoolbar and others match with the adapter of the request."""
        app.add_url_rule("/<int:n>", "index", lambda n: flask.globals.request_ctx.url_adapter.build(
            "index", {"n": n + 1}
        ))  # fmt: skip
        assert client.get("/5").text == "/6"
        with app.test_request_context("/9"):
            rule, values = flask.globals.request_ctx.url_adapter.match(return_rule=True)
            assert (rule.endpoint, values) == ("index", {"n": 9})
            assert sorted(flask.globals.request_ctx.url_adapter.allowed_methods()) == [
                "GET",
                "HEAD",
                "OPTIONS",
            ]

    def test_url_build_error_handlers(self, flask: Any, app: Any) -> None:
        """RESTful appends a handler to build the URLs of its own endpoints."""

        def handler(error: BuildError, endpoint: str, values: dict[str, Any]) -> str:
            return f"/api/{endpoint}"

        app.url_build_error_handlers.append(handler)
        with app.test_request_context():
            assert flask.url_for("resource") == "/api/resource"

    def test_overridden_make_response(self, flask: Any, app: Any, client: Any) -> None:
        """Flask-API and Flask-RESTful return data that only their `make_response` knows."""

        class Data:
            pass

        original = app.make_response
        app.make_response = lambda rv: original("data" if isinstance(rv, Data) else rv)
        app.add_url_rule("/", "index", Data)
        assert client.get("/").text == "data"

    def test_jinja_env(self, flask: Any, app: Any) -> None:
        app.jinja_env.add_extension("jinja2.ext.do")
        app.jinja_env.trim_blocks = True
        app.jinja_env.filters["double"] = lambda n: n * 2
        app.jinja_env.globals["answer"] = 42
        with app.app_context():
            source = "{% do x.append(answer|double) %}\n{{ x[0] }}"
            assert flask.render_template_string(source, x=[]) == "84"

    def test_blueprint_record(self, flask: Any, app: Any) -> None:
        states: list[Any] = []
        bp = flask.Blueprint("bp", "bp", url_prefix="/p")
        bp.record(states.append)
        bp.record_once(states.append)
        app.register_blueprint(bp, subdomain="s")
        app.register_blueprint(bp, name="again")
        assert [state.first_registration for state in states] == [True, True, False]
        assert (states[0].app, states[0].url_prefix, states[0].subdomain) == (app, "/p", "s")

    def test_patched_setup_state(
        self, flask: Any, app: Any, monkeypatch: pytest.MonkeyPatch, client: Any
    ) -> None:
        """RESTful patches `add_url_rule` of the set-up state to prefix its rules."""
        state_class = importlib.import_module(f"{flask.__name__}.blueprints").BlueprintSetupState
        original = state_class.add_url_rule

        def add_url_rule(self: Any, rule: str, *args: Any, **options: Any) -> None:
            original(self, f"/v1{rule}", *args, **options)

        monkeypatch.setattr(state_class, "add_url_rule", add_url_rule)
        bp = flask.Blueprint("bp", "bp", url_prefix="/p")
        bp.add_url_rule("/x", "x", lambda: "patched")
        app.register_blueprint(bp)
        assert client.get("/p/v1/x").text == "patched"

    def test_provide_automatic_options_of_a_view(self, flask: Any, app: Any, client: Any) -> None:
        """Flask-CORS sets it on the view function."""

        def view() -> str:
            return str(flask.request.method)

        view.provide_automatic_options = False  # type: ignore[attr-defined]  # Flask's knob
        view.required_methods = ["OPTIONS"]  # type: ignore[attr-defined]  # Flask's knob
        app.add_url_rule("/", "index", view)
        assert client.options("/").text == "OPTIONS"

    def test_log_exception_and_signal(self, flask: Any, app: Any, client: Any) -> None:
        """Sentry listens to the signal; RESTX calls `log_exception` itself."""
        seen: list[str] = []
        app.testing = False
        app.log_exception = lambda exc_info: seen.append(f"logged {exc_info[1]!r}")

        def receive(sender: Any, exception: Exception, **extra: Any) -> None:
            seen.append(f"sent {exception!r}")

        app.add_url_rule("/", "index", lambda: 1 / 0)
        with flask.got_request_exception.connected_to(receive, app):
            client.get("/")
        error = "ZeroDivisionError('division by zero')"
        assert seen == [f"sent {error}", f"logged {error}"]

    def test_cli_of_the_app(self, app: Any) -> None:
        import click

        group = click.Group("tools", commands=[click.Command("do", callback=lambda: None)])
        app.cli.add_command(group)
        assert app.test_cli_runner().invoke(args=["tools", "do"]).exit_code == 0

    def test_instance_path(self, app: Any) -> None:
        assert app.instance_path.endswith("instance")


class TestTestClient:
    def test_socketio(self, flask: Any, app: Any) -> None:
        """Flask-SocketIO builds the environ of its handshake from a test client."""
        client = app.test_client()
        client.set_cookie("a", "1")
        builder_request = client._request_from_builder_args(("/x?q=1",), {"method": "GET"})
        environ = builder_request.environ
        assert environ["QUERY_STRING"] == "q=1"
        fresh = EnvironBuilder("/x").get_environ()
        client._add_cookies_to_wsgi(fresh)
        assert fresh["HTTP_COOKIE"] == "a=1"
        with app.request_context(environ):
            assert flask.request.args["q"] == "1"

    def test_environ_base(self, flask: Any, app: Any, client: Any) -> None:
        client.environ_base["REMOTE_ADDR"] = "10.1.2.3"
        app.add_url_rule("/", "index", lambda: flask.request.remote_addr)
        assert client.get("/").text == "10.1.2.3"


def test_the_distribution_flask_is_there() -> None:
    """RESTX, the debug toolbar, OpenTelemetry, Sentry and MLflow read this version."""
    assert importlib.metadata.version("flask").startswith("3.")
