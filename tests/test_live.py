"""What is edited or replaced on an app after it has served requests, as extensions do."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from werkzeug.routing import Map, Rule


@pytest.fixture
def served(flask: Any, app: Any) -> Any:
    """An app with one view that has answered a request before the test edits it."""
    app.add_url_rule("/", "index", lambda: "hello")
    app.add_url_rule("/template", "template", lambda: flask.render_template_string("{{ x }}"))
    bp = flask.Blueprint("bp", "bp", url_prefix="/bp")
    bp.add_url_rule("/", "index", lambda: "blueprint")
    app.register_blueprint(bp)
    client = app.test_client()
    assert client.get("/").text == "hello"
    assert client.get("/bp/").text == "blueprint"
    assert client.get("/missing").status_code == 404
    return app


class TestHooks:
    @pytest.mark.parametrize("scope", [None, "bp"])
    def test_before_request(self, served: Any, scope: str | None) -> None:
        served.before_request_funcs.setdefault(scope, []).append(lambda: "before")
        client = served.test_client()
        assert client.get("/bp/").text == "before"
        assert client.get("/").text == ("before" if scope is None else "hello")
        served.before_request_funcs[scope].clear()
        assert client.get("/bp/").text == "blueprint"

    @pytest.mark.parametrize("scope", [None, "bp"])
    def test_after_request(self, flask: Any, served: Any, scope: str | None) -> None:
        served.after_request_funcs.setdefault(scope, []).append(lambda r: flask.Response("after"))
        client = served.test_client()
        assert client.get("/bp/").text == "after"
        assert client.get("/").text == ("after" if scope is None else "hello")
        del served.after_request_funcs[scope]
        assert client.get("/bp/").text == "blueprint"

    @pytest.mark.parametrize("scope", [None, "bp"])
    def test_teardown_request(self, served: Any, scope: str | None) -> None:
        seen: list[Any] = []
        served.teardown_request_funcs.setdefault(scope, []).append(seen.append)
        served.test_client().get("/bp/")
        assert seen == [None]

    def test_teardown_appcontext(self, served: Any) -> None:
        seen: list[Any] = []
        served.teardown_appcontext_funcs.append(seen.append)
        served.test_client().get("/")
        assert seen == [None]

    @pytest.mark.parametrize("scope", [None, "bp"])
    def test_url_value_preprocessors(self, served: Any, scope: str | None) -> None:
        seen: list[Any] = []
        served.url_value_preprocessors[scope] = [lambda e, v: seen.append((e, v))]
        served.test_client().get("/bp/")
        assert seen == [("bp.index", {})]

    def test_url_defaults(self, flask: Any, served: Any) -> None:
        served.url_default_functions[None] = [lambda e, values: values.update(q=1)]
        with served.test_request_context("/"):
            assert flask.url_for("index") == "/?q=1"

    def test_context_processors(self, served: Any) -> None:
        client = served.test_client()
        assert client.get("/template").text == ""
        served.template_context_processors[None].append(lambda: {"x": "processed"})
        assert client.get("/template").text == "processed"
        served.template_context_processors[None].pop()
        assert client.get("/template").text == ""

    def test_added_during_a_request(self, flask: Any, served: Any) -> None:
        """Flask-Caching adds to `after_request_funcs[None]` while a view runs."""

        def view() -> str:
            def once(response: Any) -> Any:
                served.after_request_funcs[None].remove(once)
                response.headers["X-Added"] = "1"
                return response

            served.after_request_funcs.setdefault(None, []).append(once)
            return "view"

        served.view_functions["index"] = view
        client = served.test_client()
        assert client.get("/").headers["X-Added"] == "1"
        assert served.after_request_funcs[None] == []

    @pytest.mark.parametrize(
        ("name", "hook", "text"),
        [
            ("before_request_funcs", lambda: "replaced", "replaced"),
            ("after_request_funcs", lambda r: (r.set_data("replaced"), r)[1], "replaced"),
        ],
    )
    def test_the_whole_dict_replaced(self, served: Any, name: str, hook: Any, text: str) -> None:
        setattr(served, name, {None: [hook]})
        assert served.test_client().get("/").text == text

    def test_other_dicts_replaced(self, served: Any) -> None:
        seen: list[str] = []
        served.teardown_request_funcs = {None: [lambda exc: seen.append("request")]}
        served.teardown_appcontext_funcs = [lambda exc: seen.append("app")]
        served.url_value_preprocessors = {None: [lambda e, v: seen.append("values")]}
        served.template_context_processors = {None: [lambda: {"x": "replaced"}]}
        assert served.test_client().get("/template").text == "replaced"
        assert seen == ["values", "request", "app"]


class TestErrorHandlers:
    def test_added_and_removed(self, served: Any) -> None:
        from werkzeug.exceptions import NotFound

        client = served.test_client()
        served.error_handler_spec[None][404][NotFound] = lambda error: ("mine", 404)
        assert client.get("/missing").text == "mine"
        served.error_handler_spec[None][404].clear()
        assert client.get("/missing").text != "mine"

    def test_of_a_class(self, served: Any) -> None:
        served.view_functions["index"] = lambda: 1 / 0
        client = served.test_client()
        with pytest.raises(ZeroDivisionError):
            client.get("/")
        served.error_handler_spec[None][None][ArithmeticError] = lambda error: "arithmetic"
        assert client.get("/").text == "arithmetic"
        served.error_handler_spec[None][None][ZeroDivisionError] = lambda error: "zero"
        assert client.get("/").text == "zero"

    def test_the_whole_dict_replaced(self, served: Any) -> None:
        from werkzeug.exceptions import NotFound

        spec: Any = defaultdict(lambda: defaultdict(dict))
        spec[None][404][NotFound] = lambda error: "replaced"
        served.error_handler_spec = spec
        assert served.test_client().get("/missing").text == "replaced"


class TestViewsAndRules:
    def test_view_function_edited(self, served: Any) -> None:
        client = served.test_client()
        served.view_functions["index"] = lambda: "edited"
        assert client.get("/").text == "edited"

        async def asynchronous() -> str:
            return "async"

        served.view_functions["index"] = asynchronous
        assert client.get("/").text == "async"
        served.view_functions["index"] = lambda: {"edited": "again"}
        assert client.get("/").json == {"edited": "again"}

    def test_decorated_in_place(self, served: Any) -> None:
        """Flask-Limiter and the like wrap what `view_functions` holds."""
        for endpoint, view in list(served.view_functions.items()):
            served.view_functions[endpoint] = lambda view=view, **kwargs: f"<{view(**kwargs)}>"
        assert served.test_client().get("/bp/").text == "<blueprint>"

    def test_the_whole_dict_replaced(self, served: Any) -> None:
        served.view_functions = {"index": lambda: "replaced"}
        assert served.test_client().get("/").text == "replaced"

    def test_emptied_and_filled_again(self, served: Any) -> None:
        """moto clears an app this way between two mocks."""
        served.view_functions = {}
        served.url_map = Map()
        client = served.test_client()
        assert client.get("/").status_code == 404
        served.url_map.add(Rule("/again/<int:n>", endpoint="again"))
        served.view_functions["again"] = lambda n: f"again {n}"
        assert client.get("/again/2").text == "again 2"
        with served.test_request_context("/"):
            assert served.url_for("again", n=3) == "/again/3"

    def test_map_options_edited(self, served: Any) -> None:
        served.url_map.add(Rule("/slash/", endpoint="index"))
        client = served.test_client()
        assert client.get("/slash").status_code == 308
        assert client.get("/slash/").text == "hello"

    def test_provide_automatic_options_of_a_rule(self, served: Any) -> None:
        client = served.test_client()
        assert client.options("/").data == b""
        for rule in served.url_map.iter_rules("index"):
            rule.provide_automatic_options = False
        assert client.options("/").data == b"hello"

    def test_host_matching_switched_on(self, flask: Any) -> None:
        app = flask.Flask("hosts", static_folder=None)
        app.add_url_rule("/", "index", lambda: "any host")
        assert app.test_client().get("/").text == "any host"
        app.url_map = Map([Rule("/", endpoint="index", host="h.example")], host_matching=True)
        client = app.test_client()
        assert client.get("/").status_code == 404
        assert client.get("/", base_url="http://h.example").text == "any host"


class TestClassesAndObjects:
    def test_request_class(self, flask: Any, served: Any) -> None:
        class Mine(flask.Request):
            own = "own"

        served.request_class = Mine
        served.view_functions["index"] = lambda: flask.request.own
        assert served.test_client().get("/").text == "own"

    def test_response_class(self, flask: Any, served: Any) -> None:
        class Mine(flask.Response):
            default_mimetype = "text/plain"

        served.response_class = Mine
        response = served.test_client().get("/")
        assert response.mimetype == "text/plain"
        served.view_functions["index"] = lambda: {"a": 1}
        served.after_request_funcs[None] = [lambda r: (r.set_data(type(r).__name__), r)[1]]
        assert served.test_client().get("/").text == "Mine"

    def test_session_interface(self, flask: Any, served: Any) -> None:
        log: list[str] = []

        class Session(dict[str, Any], flask.sessions.SessionMixin):
            pass

        class Mine(flask.sessions.SessionInterface):
            def open_session(self, app: Any, request: Any) -> Any:
                log.append(f"open {request.path}")
                return Session(given=1)

            def save_session(self, app: Any, session: Any, response: Any) -> None:
                log.append(f"save {dict(session)}")

        served.session_interface = Mine()
        served.view_functions["index"] = lambda: str(flask.session["given"])
        assert served.test_client().get("/").text == "1"
        assert log == ["open /", "save {'given': 1}"]

    def test_test_client_class(self, flask: Any, served: Any) -> None:
        class Mine(flask.testing.FlaskClient):
            pass

        served.test_client_class = Mine
        assert type(served.test_client()) is Mine

    def test_app_ctx_globals_class(self, flask: Any, served: Any) -> None:
        class Mine(flask.ctx._AppCtxGlobals):
            own = "own g"

        served.app_ctx_globals_class = Mine
        served.view_functions["index"] = lambda: flask.g.own
        assert served.test_client().get("/").text == "own g"

    def test_json_provider(self, flask: Any, served: Any) -> None:
        class Mine(flask.json.provider.DefaultJSONProvider):
            sort_keys = False
            mimetype = "application/own+json"

        served.json = Mine(served)
        served.view_functions["index"] = lambda: {"b": 1, "a": 2}
        response = served.test_client().get("/")
        assert response.data == b'{"b":1,"a":2}\n'
        assert response.mimetype == "application/own+json"

    def test_jinja_environment(self, flask: Any, served: Any) -> None:
        from jinja2 import DictLoader

        assert served.test_client().get("/template").status_code == 200
        served.jinja_env.globals["x"] = "global"
        assert served.test_client().get("/template").text == "global"
        served.jinja_env.loader = DictLoader({"own.html": "own {{ x }}"})
        with served.app_context():
            assert flask.render_template("own.html") == "own global"

    def test_logger(self, served: Any, caplog: pytest.LogCaptureFixture) -> None:
        import logging

        served.testing = False
        served.logger = logging.getLogger("replaced")
        served.view_functions["index"] = lambda: 1 / 0
        assert served.test_client().get("/").status_code == 500
        assert [record.name for record in caplog.records] == ["replaced"]


class TestConfig:
    @pytest.mark.parametrize("key", ["TESTING", "PROPAGATE_EXCEPTIONS", "DEBUG"])
    def test_propagation(self, served: Any, key: str) -> None:
        served.testing = False
        served.view_functions["index"] = lambda: 1 / 0
        client = served.test_client()
        assert client.get("/").status_code == 500
        served.config[key] = True
        with pytest.raises(ZeroDivisionError):
            client.get("/")

    def test_trap_http_exceptions(self, served: Any) -> None:
        from werkzeug.exceptions import NotFound

        served.config["TRAP_HTTP_EXCEPTIONS"] = True
        with pytest.raises(NotFound):
            served.test_client().get("/missing")

    def test_trusted_hosts(self, served: Any) -> None:
        client = served.test_client()
        served.config["TRUSTED_HOSTS"] = ["good.example"]
        assert client.get("/").status_code == 400
        assert client.get("/", base_url="http://good.example").status_code == 200
        served.config["TRUSTED_HOSTS"] = None
        assert client.get("/").status_code == 200

    def test_limits(self, flask: Any, served: Any) -> None:
        served.view_functions["index"] = lambda: flask.request.get_data() or "empty"
        served.config["MAX_CONTENT_LENGTH"] = 2
        client = served.test_client()
        assert client.get("/", data=b"123").status_code == 413
        served.config["MAX_CONTENT_LENGTH"] = 3
        assert client.get("/", data=b"123").data == b"123"

    def test_server_name(self, served: Any) -> None:
        served.config["SERVER_NAME"] = "named.example"
        with served.app_context():
            assert served.url_for("index") == "http://named.example/"

    def test_secret_key(self, flask: Any, served: Any) -> None:
        served.view_functions["index"] = lambda: str(flask.session.get("n"))
        client = served.test_client()
        with client.session_transaction() as session:
            session["n"] = 1
        assert client.get("/").text == "1"
        served.secret_key = "another key of more than thirty-two bytes"
        assert client.get("/").text == "None"


class TestSignals:
    def test_connected_after_a_request(self, flask: Any, served: Any) -> None:
        log: list[str] = []

        def receive(sender: Any, **extra: Any) -> None:
            log.append("received")

        client = served.test_client()
        signals = [
            flask.request_started,
            flask.request_finished,
            flask.request_tearing_down,
            flask.appcontext_pushed,
            flask.appcontext_popped,
            flask.appcontext_tearing_down,
        ]
        for signal in signals:
            signal.connect(receive, served)
        client.get("/")
        assert len(log) == len(signals)
        for signal in signals:
            signal.disconnect(receive, served)
        client.get("/")
        assert len(log) == len(signals)

    def test_an_error_in_a_receiver_is_an_error_of_the_request(
        self, flask: Any, served: Any
    ) -> None:
        def receive(sender: Any, **extra: Any) -> None:
            raise ValueError("receiver")

        served.error_handler_spec[None][None][ValueError] = lambda error: f"handled {error}"
        with flask.request_started.connected_to(receive, served):
            assert served.test_client().get("/").text == "handled receiver"
        served.testing = False
        with flask.request_finished.connected_to(receive, served):
            assert served.test_client().get("/").status_code == 500
