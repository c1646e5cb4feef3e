from __future__ import annotations

import importlib
import os
import pickle
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jinja2
import pytest
from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import Aborter
from werkzeug.routing import Map, Rule
from werkzeug.test import EnvironBuilder, run_wsgi_app


class TestHello:
    def test_the_answer(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", "index", lambda: "Hello, World!")
        response = client.get("/")
        assert response.status == "200 OK"
        assert response.headers.to_wsgi_list() == [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", "13"),
        ]
        assert response.data == b"Hello, World!"

    def test_is_a_wsgi_application(self, app: Any) -> None:
        app.add_url_rule("/", "index", lambda: "Hello, World!")
        body, status, headers = run_wsgi_app(app, EnvironBuilder("/").get_environ())
        assert (b"".join(body), status) == (b"Hello, World!", "200 OK")
        assert isinstance(app.jinja_env, jinja2.Environment)

    def test_middleware_around_wsgi_app(self, app: Any, client: Any) -> None:
        app.add_url_rule("/under", "index", lambda: "mounted")
        inner = app.wsgi_app

        def moved(environ: Any, start_response: Any) -> Any:
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/prefix")
            return inner(environ, start_response)

        app.wsgi_app = moved
        assert client.get("/prefix/under").text == "mounted"

    def test_repr_and_name(self, flask: Any, app: Any) -> None:
        assert repr(app) == "<Flask 'tested'>"
        assert app.name == "tested"
        assert app.import_name == "tested"

    def test_name_of_main_is_the_file(self, flask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys.modules["__main__"], "__file__", "/srv/guestbook.py")
        assert flask.Flask("__main__").name == "guestbook"
        monkeypatch.delattr(sys.modules["__main__"], "__file__")
        assert flask.Flask("__main__", root_path="/srv").name == "__main__"

    def test_an_app_cannot_be_pickled(self, app: Any) -> None:
        app.add_url_rule("/", "index", lambda: "x")
        with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
            pickle.dumps(app)


class TestConstructor:
    def test_defaults(self, flask: Any, tmp_path: Path) -> None:
        app = flask.Flask("plain", root_path=str(tmp_path))
        assert app.root_path == str(tmp_path)
        assert app.static_folder == str(tmp_path / "static")
        assert app.static_url_path == "/static"
        assert app.has_static_folder
        assert app.template_folder == "templates"
        assert app.url_map.host_matching is False
        assert app.subdomain_matching is False
        assert [rule.rule for rule in app.url_map.iter_rules()] == ["/static/<path:filename>"]
        assert list(app.view_functions) == ["static"]

    @pytest.mark.parametrize(
        ("options", "rule"),
        [
            ({"static_url_path": "/assets"}, "/assets/<path:filename>"),
            ({"static_url_path": "/assets/"}, "/assets/<path:filename>"),
            ({"static_url_path": ""}, "/<path:filename>"),
            ({"static_folder": "pub"}, "/pub/<path:filename>"),
            ({"static_folder": "a/pub/"}, "/pub/<path:filename>"),
            ({"static_folder": Path("a/pub")}, "/pub/<path:filename>"),
            ({"static_folder": "/srv/files", "static_url_path": "/f"}, "/f/<path:filename>"),
        ],
    )
    def test_static_rule(self, flask: Any, options: dict[str, Any], rule: str) -> None:
        app = flask.Flask("statics", **options)
        assert [r.rule for r in app.url_map.iter_rules()] == [rule]

    def test_no_static_folder(self, flask: Any, app: Any) -> None:
        bare = flask.Flask("bare", static_folder=None)
        assert not bare.has_static_folder
        assert bare.static_folder is None
        assert list(bare.url_map.iter_rules()) == []
        with bare.test_request_context(), pytest.raises(RuntimeError) as info:
            bare.send_static_file("x.css")
        assert str(info.value) == "'static_folder' must be set to serve static_files."

    def test_static_host_and_host_matching_belong_together(self, flask: Any) -> None:
        app = flask.Flask("hosted", static_host="cdn.example", host_matching=True)
        (rule,) = app.url_map.iter_rules()
        assert rule.host == "cdn.example"
        for options in ({"static_host": "cdn.example"}, {"host_matching": True}):
            with pytest.raises(AssertionError) as info:
                flask.Flask("hosted", **options)
            assert str(info.value) == "Invalid static_host/host_matching combination"
        flask.Flask("hosted", host_matching=True, static_folder=None)

    def test_host_matching(self, flask: Any) -> None:
        app = flask.Flask("hosted", host_matching=True, static_folder=None)
        app.add_url_rule("/", "a", lambda: "a", host="a.example")
        app.add_url_rule("/", "any", lambda name: name, host="<name>.b.example")
        client = app.test_client()
        assert client.get("/", base_url="http://a.example").text == "a"
        assert client.get("/", base_url="http://x.b.example").text == "x"
        assert client.get("/", base_url="http://c.example").status_code == 404

    def test_subdomain_matching(self, flask: Any) -> None:
        app = flask.Flask("subdomains", subdomain_matching=True, static_folder=None)
        app.config["SERVER_NAME"] = "h.example"
        app.add_url_rule("/", "bare", lambda: "bare")
        app.add_url_rule("/", "sub", lambda user: user, subdomain="<user>")
        client = app.test_client()
        assert client.get("/", base_url="http://h.example").text == "bare"
        assert client.get("/", base_url="http://ada.h.example").text == "ada"
        assert client.get("/", subdomain="bob").text == "bob"

    def test_subdomains_are_ignored_unless_asked_for(self, flask: Any) -> None:
        app = flask.Flask("plain", static_folder=None)
        app.config["SERVER_NAME"] = "h.example"
        app.add_url_rule("/", "bare", lambda: "bare")
        assert app.test_client().get("/", base_url="http://ada.h.example").text == "bare"

    def test_instance_path(self, flask: Any, tmp_path: Path) -> None:
        app = flask.Flask("inst", instance_path=str(tmp_path), instance_relative_config=True)
        assert app.instance_path == str(tmp_path)
        assert app.config.root_path == str(tmp_path)
        (tmp_path / "note.txt").write_text("é", encoding="utf-8")
        with app.open_instance_resource("note.txt", "r") as file:
            assert file.read() == "é"
        with app.open_instance_resource("note.txt") as file:
            assert file.read() == b"\xc3\xa9"
        with app.open_instance_resource("new.txt", "w") as file:
            file.write("written")
        assert (tmp_path / "new.txt").read_text() == "written"

    def test_instance_path_must_be_absolute(self, flask: Any) -> None:
        with pytest.raises(ValueError, match="instance path") as info:
            flask.Flask("inst", instance_path="instance")
        assert str(info.value) == (
            "If an instance path is provided it must be absolute."
            " A relative path was given instead."
        )

    def test_template_folder(self, flask: Any, tmp_path: Path) -> None:
        (tmp_path / "pages").mkdir()
        (tmp_path / "pages" / "x.html").write_text("page {{ n }}")
        app = flask.Flask("pages", root_path=str(tmp_path), template_folder="pages")
        with app.app_context():
            assert flask.render_template("x.html", n=1) == "page 1"

    def test_open_resource(self, flask: Any, app: Any) -> None:
        Path(app.root_path, "schema.sql").write_text("é", encoding="utf-8")
        with app.open_resource("schema.sql") as file:
            assert file.read() == b"\xc3\xa9"
        with app.open_resource("schema.sql", "r", "utf-8") as file:
            assert file.read() == "é"
        with pytest.raises(ValueError, match="Resources can only be opened for reading"):
            app.open_resource("schema.sql", "w")

    def test_root_path_of_a_namespace_package(
        self, flask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "a_namespace").mkdir()
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.import_module("a_namespace")
        with pytest.raises(RuntimeError) as info:
            flask.Flask("a_namespace")
        assert str(info.value) == (
            "No root path can be found for the provided module 'a_namespace'. This can happen"
            " because the module came from an import hook that does not provide file name"
            " information or because it's a namespace package. In this case the root path needs"
            " to be explicitly provided."
        )
        assert flask.Flask("a_namespace", root_path="/srv").root_path == "/srv"


class TestClassAttributes:
    def test_classes_can_be_replaced(self, flask: Any) -> None:
        class MyRule(Rule):
            pass

        class MyMap(Map):
            pass

        class MyConfig(flask.Config):
            pass

        class MyAborter(Aborter):
            pass

        class MyApp(flask.Flask):
            url_rule_class = MyRule
            url_map_class = MyMap
            config_class = MyConfig
            aborter_class = MyAborter
            default_config = ImmutableDict({**flask.Flask.default_config, "MINE": 1})

        app = MyApp("mine")
        assert type(app.url_map) is MyMap
        assert type(app.config) is MyConfig
        assert type(app.aborter) is MyAborter
        assert {type(rule) for rule in app.url_map.iter_rules()} == {MyRule}
        assert app.config["MINE"] == 1

    def test_config_attributes(self, flask: Any, app: Any) -> None:
        assert app.testing is True
        app.testing = False
        assert app.config["TESTING"] is False
        app.secret_key = "k" * 40
        assert app.config["SECRET_KEY"] == "k" * 40
        app.permanent_session_lifetime = 60
        assert app.permanent_session_lifetime == timedelta(seconds=60)
        app.permanent_session_lifetime = timedelta(days=1)
        assert app.permanent_session_lifetime == timedelta(days=1)

    def test_debug_follows_the_environment(
        self, flask: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("FLASK_DEBUG", raising=False)
        assert flask.Flask("x").debug is False
        for value, expected in [("1", True), ("0", False), ("False", False), ("yes", True)]:
            monkeypatch.setenv("FLASK_DEBUG", value)
            assert flask.Flask("x").debug is expected

    def test_debug_setter_reloads_templates(self, flask: Any, app: Any) -> None:
        app.debug = True
        assert app.config["DEBUG"] is True
        assert app.jinja_env.auto_reload is True
        app.debug = False
        assert app.jinja_env.auto_reload is False

    def test_registries_have_flasks_shape(self, flask: Any, app: Any) -> None:
        assert app.extensions == {}
        assert app.blueprints == {}
        assert app.url_build_error_handlers == []
        assert app.teardown_appcontext_funcs == []
        assert app.shell_context_processors == []
        assert app.before_request_funcs == {}
        assert app.after_request_funcs == {}
        assert app.teardown_request_funcs == {}
        assert app.url_value_preprocessors == {}
        assert app.url_default_functions == {}
        assert app.error_handler_spec == {}
        assert list(app.template_context_processors) == [None]
        assert len(app.template_context_processors[None]) == 1
        assert app.before_request_funcs["admin"] == []  # a registry makes the list asked for
        assert app.error_handler_spec["admin"][404] == {}
        assert isinstance(app.aborter, Aborter)

    def test_hooks_land_in_the_registries(self, flask: Any, app: Any) -> None:
        def hook(*args: Any) -> Any:
            return None

        assert app.before_request(hook) is hook
        assert app.after_request(hook) is hook
        assert app.teardown_request(hook) is hook
        assert app.teardown_appcontext(hook) is hook
        assert app.context_processor(hook) is hook
        assert app.url_value_preprocessor(hook) is hook
        assert app.url_defaults(hook) is hook
        assert app.shell_context_processor(hook) is hook
        assert app.errorhandler(404)(hook) is hook
        assert app.before_request_funcs == {None: [hook]}
        assert app.after_request_funcs == {None: [hook]}
        assert app.teardown_request_funcs == {None: [hook]}
        assert app.teardown_appcontext_funcs == [hook]
        assert app.template_context_processors[None][1:] == [hook]
        assert app.url_value_preprocessors == {None: [hook]}
        assert app.url_default_functions == {None: [hook]}
        assert app.shell_context_processors == [hook]
        ((code, handlers),) = app.error_handler_spec[None].items()
        assert code == 404
        assert list(handlers.values()) == [hook]

    def test_make_shell_context(self, flask: Any, app: Any) -> None:
        app.shell_context_processor(lambda: {"answer": 42})
        with app.app_context():
            assert app.make_shell_context() == {"app": app, "g": flask.g, "answer": 42}


SETUP: dict[str, Callable[[Any], Any]] = {
    "add_url_rule": lambda app: app.add_url_rule("/late", "late", lambda: "late"),
    "route": lambda app: app.route("/late")(lambda: "late"),
    "before_request": lambda app: app.before_request(lambda: None),
    "after_request": lambda app: app.after_request(lambda r: r),
    "teardown_request": lambda app: app.teardown_request(lambda e: None),
    "teardown_appcontext": lambda app: app.teardown_appcontext(lambda e: None),
    "context_processor": lambda app: app.context_processor(dict),
    "url_value_preprocessor": lambda app: app.url_value_preprocessor(lambda e, v: None),
    "url_defaults": lambda app: app.url_defaults(lambda e, v: None),
    "errorhandler": lambda app: app.errorhandler(404)(lambda e: "late"),
    "register_error_handler": lambda app: app.register_error_handler(404, lambda e: "late"),
    "template_filter": lambda app: app.template_filter("late")(str),
    "template_test": lambda app: app.template_test("late")(bool),
    "template_global": lambda app: app.template_global("late")(str),
    "shell_context_processor": lambda app: app.shell_context_processor(dict),
    "endpoint": lambda app: app.endpoint("late")(lambda: "late"),
}


class TestAfterTheFirstRequest:
    @pytest.mark.parametrize("name", SETUP)
    def test_set_up_is_over(self, app: Any, client: Any, name: str) -> None:
        client.get("/")
        with pytest.raises(AssertionError) as info:
            SETUP[name](app)
        assert str(info.value) == (
            f"The setup method '{name}' can no longer be called on the application. It has"
            " already handled its first request, any changes will not be applied consistently.\n"
            "Make sure all imports, decorators, functions, etc. needed to set up the application"
            " are done before running it."
        )

    def test_register_blueprint(self, flask: Any, app: Any, client: Any) -> None:
        client.get("/")
        with pytest.raises(AssertionError, match="The setup method 'register_blueprint' can no"):
            app.register_blueprint(flask.Blueprint("late", "late"))

    def test_a_context_alone_does_not_end_it(self, flask: Any, app: Any) -> None:
        with app.test_request_context():
            pass
        app.add_url_rule("/", "index", lambda: "late")
        assert app._got_first_request is False
        assert app.test_client().get("/").text == "late"
        assert app._got_first_request is True


class TestRegistration:
    def test_two_views_of_one_name(self, flask: Any, app: Any) -> None:
        def index() -> str:
            return "one"

        def other() -> str:
            return "two"

        app.add_url_rule("/", "index", index)
        app.add_url_rule("/again", "index", index)
        with pytest.raises(AssertionError) as info:
            app.add_url_rule("/other", "index", other)
        assert str(info.value) == (
            "View function mapping is overwriting an existing endpoint function: index"
        )

    def test_methods_as_a_string(self, flask: Any, app: Any) -> None:
        with pytest.raises(TypeError) as info:
            app.route("/", methods="GET")(lambda: "x")
        assert str(info.value) == (
            'Allowed methods must be a list of strings, for example: @app.route(..., methods=["POST"])'  # noqa: E501
        )

    def test_methods_with_a_verb_decorator(self, flask: Any, app: Any) -> None:
        with pytest.raises(TypeError) as info:
            app.get("/", methods=["POST"])
        assert str(info.value) == "Use the 'route' decorator to use the 'methods' argument."

    def test_neither_endpoint_nor_view(self, flask: Any, app: Any) -> None:
        with pytest.raises(AssertionError) as info:
            app.add_url_rule("/")
        assert str(info.value) == "expected view func if endpoint is not provided."

    def test_rule_without_leading_slash(self, flask: Any, app: Any) -> None:
        with pytest.raises(ValueError, match="URL rule 'index' must start with a slash"):
            app.route("index")(lambda: "x")

    def test_endpoint_decorator(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/", endpoint="named")

        @app.endpoint("named")
        def anything() -> str:
            return "named view"

        assert client.get("/").text == "named view"
        assert app.view_functions["named"] is anything

    def test_two_routes_on_one_view(self, flask: Any, app: Any, client: Any) -> None:
        @app.route("/")
        @app.route("/index")
        def index() -> str:
            return str(flask.url_for("index"))

        assert client.get("/").text == "/index"
        assert client.get("/index").text == "/index"

    def test_error_handlers_for_wrong_things(self, flask: Any, app: Any) -> None:
        def handler(error: Exception) -> str:
            return "handled"

        with pytest.raises(ValueError, match="not a recognized HTTP error code") as value:
            app.register_error_handler(999, handler)
        assert str(value.value) == (
            "'999' is not a recognized HTTP error code. Use a subclass of HTTPException with"
            " that code instead."
        )
        with pytest.raises(TypeError) as info:
            app.register_error_handler(ValueError("an instance"), handler)
        assert str(info.value) == (
            "ValueError('an instance') is an instance, not a class. Handlers can only be"
            " registered for Exception classes or HTTP error codes."
        )
        with pytest.raises(ValueError, match="not a subclass of Exception") as value:
            app.register_error_handler(dict, handler)
        assert str(value.value) == (
            "'dict' is not a subclass of Exception. Handlers can only be registered for Exception"
            " classes or HTTP error codes."
        )


class TestClients:
    def test_classes_and_arguments(self, flask: Any, app: Any) -> None:
        client = app.test_client(use_cookies=False)
        assert isinstance(client, flask.testing.FlaskClient)
        assert client.application is app

        class Mine(flask.testing.FlaskClient):
            def __init__(self, *args: Any, note: str, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                self.note = note

        app.test_client_class = Mine
        assert app.test_client(note="given").note == "given"
        assert isinstance(app.test_cli_runner(), flask.testing.FlaskCliRunner)

    def test_own_commands(self, flask: Any, app: Any) -> None:
        @app.cli.command("who")
        def who() -> None:
            print(flask.current_app.name, sorted(flask.g))

        log: list[str] = []
        app.teardown_appcontext(lambda exc: log.append("torn down"))
        result = app.test_cli_runner().invoke(args=["who"])
        assert result.output == "tested []\n"
        assert log == ["torn down"]

    def test_unicode_from_end_to_end(self, flask: Any, app: Any, client: Any) -> None:
        @app.post("/p/<name>")
        def page(name: str) -> dict[str, Any]:
            return {
                "path": [name, flask.request.path],
                "args": flask.request.args,
                "form": flask.request.form,
                "url": flask.url_for("page", name="é/ß", q="ü"),
            }

        response = client.post("/p/ünï?q=é", data={"a": "ж"})
        found = response.json
        assert found["path"] == ["ünï", "/p/ünï"]
        assert found["args"] == {"q": "é"}
        assert found["form"] == {"a": "ж"}
        assert found["url"].startswith("/p/%C3%A9")
        assert found["url"].endswith("%C3%9F?q=%C3%BC")

    def test_static_file_with_a_unicode_name(self, flask: Any, app: Any, client: Any) -> None:
        os.mkdir(app.static_folder)
        Path(app.static_folder, "ü.css").write_text("body {}", encoding="utf-8")
        response = client.get("/static/ü.css")
        assert response.text == "body {}"
        assert response.content_type == "text/css; charset=utf-8"
        response.close()
