"""Routes, hooks, error handlers and files, on an app and on a blueprint alike."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jinja2 import FileSystemLoader
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound


@pytest.fixture
def scaffold(flask: Any) -> Any:
    """The module; on the real Flask it is `flask.sansio.scaffold`."""
    try:
        return importlib.import_module(f"{flask.__name__}.scaffold")
    except ImportError:
        return importlib.import_module(f"{flask.__name__}.sansio.scaffold")


@pytest.fixture(params=["app", "blueprint"])
def either(request: pytest.FixtureRequest, flask: Any, tmp_path: Path) -> Any:
    if request.param == "app":
        return flask.Flask("tested", root_path=str(tmp_path), static_folder=None)
    return flask.Blueprint("part", "tested", root_path=str(tmp_path))


class TestNames:
    def test_what_extensions_import(self, scaffold: Any) -> None:
        for name in (
            "Scaffold",
            "setupmethod",
            "_endpoint_from_view_func",
            "_sentinel",
            "find_package",
            "T_route",
            "T_after_request",
            "T_before_request",
            "T_error_handler",
            "T_teardown",
            "T_template_context_processor",
            "T_url_defaults",
            "T_url_value_preprocessor",
        ):
            assert hasattr(scaffold, name), name

    def test_both_kinds_are_scaffolds(self, scaffold: Any, either: Any) -> None:
        assert isinstance(either, scaffold.Scaffold)
        assert repr(either) == f"<{type(either).__name__} {either.name!r}>"

    def test_scaffold_alone_leaves_set_up_to_others(self, scaffold: Any, tmp_path: Path) -> None:
        alone = scaffold.Scaffold("tested", root_path=str(tmp_path))
        with pytest.raises(NotImplementedError):
            alone.add_url_rule("/")
        with pytest.raises(NotImplementedError):
            alone._check_setup_finished("route")

    def test_root_path_is_found_from_the_import_name(self, flask: Any) -> None:
        assert flask.Blueprint("part", __name__).root_path == str(Path(__file__).parent)

    def test_the_default_endpoint_is_the_views_name(self, scaffold: Any) -> None:
        def index() -> str:
            return ""

        assert scaffold._endpoint_from_view_func(index) == "index"
        with pytest.raises(AssertionError, match="expected view func if endpoint is not provided."):
            scaffold._endpoint_from_view_func(None)


class TestSetupMethod:
    def test_it_asks_first_and_keeps_the_name(self, scaffold: Any) -> None:
        asked = []

        class Part(scaffold.Scaffold):
            def _check_setup_finished(self, f_name: str) -> None:
                asked.append(f_name)

            @scaffold.setupmethod
            def own(self, value: int) -> int:
                """Said here."""
                return value + 1

        assert Part("tested", root_path="/").own(1) == 2
        assert asked == ["own"]
        assert Part.own.__doc__ == "Said here."

    @pytest.mark.parametrize("verb", ["get", "post", "put", "delete", "patch"])
    def test_the_shortcuts_are_methods_of_set_up(self, app: Any, client: Any, verb: str) -> None:
        client.get("/")
        with pytest.raises(AssertionError, match=f"The setup method '{verb}' can no longer be"):
            getattr(app, verb)("/late")

    @pytest.mark.parametrize("verb", ["get", "post", "put", "delete", "patch"])
    def test_the_shortcuts_describe_themselves(self, flask: Any, verb: str) -> None:
        method = getattr(flask.Flask, verb)
        assert method.__name__ == verb
        assert verb.upper() in method.__doc__
        assert list(inspect.signature(method).parameters) == ["self", "rule", "options"]


class TestRoutes:
    @pytest.mark.parametrize("verb", ["get", "post", "put", "delete", "patch"])
    def test_a_shortcut_routes_its_method_only(self, app: Any, client: Any, verb: str) -> None:
        @getattr(app, verb)("/")
        def view() -> str:
            return verb

        assert getattr(client, verb)("/").text == verb
        other = "post" if verb == "get" else "get"
        assert getattr(client, other)("/").status_code == 405

    def test_a_shortcut_refuses_methods(self, either: Any) -> None:
        with pytest.raises(TypeError) as caught:
            either.get("/", methods=["POST"])
        assert str(caught.value) == "Use the 'route' decorator to use the 'methods' argument."

    def test_a_shortcut_goes_through_method_route(self, flask: Any) -> None:
        seen = []

        class Part(flask.Blueprint):
            def _method_route(self, method: str, rule: str, options: Any) -> Any:
                seen.append((method, rule, options))
                return super()._method_route(method, rule, options)

        Part("part", "tested", root_path="/").patch("/x", endpoint="y")(lambda: "")
        assert seen == [("PATCH", "/x", {"endpoint": "y"})]

    def test_route_returns_the_view(self, either: Any) -> None:
        def view() -> str:
            return ""

        assert either.route("/a")(view) is view
        assert either.get("/b")(view) is view

    def test_options_reach_the_rule(self, app: Any, client: Any) -> None:
        @app.route(
            "/page/", endpoint="pages", methods=["GET", "POST"], defaults={"n": 1}, alias=False
        )
        @app.route("/page/<int:n>", endpoint="pages")
        def page(n: int) -> str:
            return str(n)

        assert client.post("/page/").text == "1"
        assert client.get("/page/3").text == "3"
        assert client.get("/page/1").location == "http://localhost/page/"
        assert set(app.view_functions) == {"static", "pages"}

    def test_strict_slashes_and_redirect_to(self, app: Any, client: Any) -> None:
        app.add_url_rule("/loose/", "loose", lambda: "loose", strict_slashes=False)
        app.add_url_rule("/strict/", "strict", lambda: "strict")
        app.add_url_rule("/old/<int:n>", "old", redirect_to="new/<n>")
        app.add_url_rule("/new/<int:n>", "new", lambda n: str(n))
        assert client.get("/loose").text == "loose"
        assert client.get("/strict").status_code == 308
        assert client.get("/old/7").location == "http://localhost/new/7"

    def test_build_only(self, app: Any, client: Any, flask: Any) -> None:
        app.add_url_rule("/cdn/<name>", "cdn", build_only=True)
        assert client.get("/cdn/x").status_code == 404
        with app.test_request_context():
            assert flask.url_for("cdn", name="x") == "/cdn/x"

    def test_subdomain_and_host(self, flask: Any) -> None:
        app = flask.Flask("tested", root_path="/", subdomain_matching=True, static_folder=None)
        app.config["SERVER_NAME"] = "example.com"
        app.add_url_rule("/", "main", lambda: "main")
        app.add_url_rule("/", "admin", lambda: "admin", subdomain="admin")
        assert app.test_client().get("/", base_url="http://example.com").text == "main"
        assert app.test_client().get("/", subdomain="admin").text == "admin"

        hosts = flask.Flask("tested", root_path="/", host_matching=True, static_folder=None)
        hosts.add_url_rule("/", "a", lambda: "a", host="a.example")
        assert hosts.test_client().get("/", base_url="http://a.example").text == "a"
        assert hosts.test_client().get("/", base_url="http://b.example").status_code == 404

    def test_automatic_options_can_be_refused(self, app: Any, client: Any) -> None:
        app.add_url_rule("/on", "on", lambda: "on")
        app.add_url_rule("/off", "off", lambda: "off", provide_automatic_options=False)
        assert set(client.options("/on").allow) == {"GET", "HEAD", "OPTIONS"}
        assert client.options("/off").status_code == 405

    def test_endpoint_gives_the_view_later(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", endpoint="home")

        @app.endpoint("home")
        def view() -> str:
            return "later"

        assert client.get("/").text == "later"
        assert app.view_functions["home"] is view


HOOKS = {
    "before_request": "before_request_funcs",
    "after_request": "after_request_funcs",
    "teardown_request": "teardown_request_funcs",
    "url_value_preprocessor": "url_value_preprocessors",
    "url_defaults": "url_default_functions",
}


class TestHooks:
    @pytest.mark.parametrize(("method", "attribute"), HOOKS.items())
    def test_the_dict_is_empty_until_somebody_registers(
        self, either: Any, method: str, attribute: str
    ) -> None:
        def hook(*args: Any) -> None: ...

        assert getattr(either, attribute) == {}
        assert getattr(either, method)(hook) is hook
        assert getattr(either, attribute) == {None: [hook]}

    def test_context_processors_begin_with_the_default_one(self, either: Any) -> None:
        def hook() -> dict[str, Any]:
            return {}

        (default,) = either.template_context_processors[None]
        assert default.__name__ == "_default_template_ctx_processor"
        assert either.context_processor(hook) is hook
        assert either.template_context_processors == {None: [default, hook]}

    def test_order_of_all(self, flask: Any, app: Any, client: Any) -> None:
        log: list[str] = []
        part = flask.Blueprint("part", "tested", root_path="/")

        def note(name: str) -> Callable[..., Any]:
            def hook(*args: Any) -> Any:
                log.append(name)
                return args[0] if args and name.startswith("after") else None

            return hook

        for scaffold, name in ((app, "app"), (part, "part")):
            scaffold.url_value_preprocessor(note(f"values {name}"))
            for n in (1, 2):
                scaffold.before_request(note(f"before {name} {n}"))
                scaffold.after_request(note(f"after {name} {n}"))
                scaffold.teardown_request(note(f"teardown {name} {n}"))
        part.add_url_rule("/", "index", lambda: log.append("view") or "done")
        app.register_blueprint(part)

        assert client.get("/").text == "done"
        assert log == [
            "values app",
            "values part",
            "before app 1",
            "before app 2",
            "before part 1",
            "before part 2",
            "view",
            "after part 2",
            "after part 1",
            "after app 2",
            "after app 1",
            "teardown part 2",
            "teardown part 1",
            "teardown app 2",
            "teardown app 1",
        ]

    def test_the_dicts_are_live(self, app: Any, client: Any) -> None:
        def hook() -> str:
            return "hook"

        app.add_url_rule("/", "index", lambda: "view")
        assert client.get("/").text == "view"
        app.before_request_funcs[None] = [hook]
        assert client.get("/").text == "hook"
        app.before_request_funcs = {}
        assert client.get("/").text == "view"

    def test_language_in_every_url(self, flask: Any, app: Any, client: Any) -> None:
        @app.url_defaults
        def add_language(endpoint: str, values: dict[str, Any]) -> None:
            if "lang" in flask.g and app.url_map.is_endpoint_expecting(endpoint, "lang"):
                values.setdefault("lang", flask.g.lang)

        @app.url_value_preprocessor
        def pull_language(endpoint: str | None, values: dict[str, Any] | None) -> None:
            flask.g.lang = (values or {}).pop("lang", None)

        app.add_url_rule("/<lang>/", "index", lambda: flask.url_for("about"))
        app.add_url_rule("/<lang>/about", "about", lambda: "about")
        assert client.get("/de/").text == "/de/about"


class TestErrorHandlers:
    def test_the_shape(self, either: Any) -> None:
        def handler(error: Exception) -> str:
            return "handled"

        assert either.error_handler_spec == {}
        assert either.errorhandler(404)(handler) is handler
        either.register_error_handler(KeyError, handler)
        assert either.error_handler_spec == {
            None: {404: {NotFound: handler}, None: {KeyError: handler}}
        }

    def test_class_and_code(self, either: Any) -> None:
        find = type(either)._get_exc_class_and_code
        assert find(500) == (InternalServerError, 500)
        assert find(NotFound) == (NotFound, 404)
        assert find(HTTPException) == (HTTPException, None)
        assert find(OSError) == (OSError, None)

    @pytest.mark.parametrize(
        ("wrong", "error", "message"),
        [
            (
                999,
                ValueError,
                "'999' is not a recognized HTTP error code. Use a subclass of HTTPException with"
                " that code instead.",
            ),
            (
                KeyError("x"),
                TypeError,
                "KeyError('x') is an instance, not a class. Handlers can only be registered for"
                " Exception classes or HTTP error codes.",
            ),
            (
                int,
                ValueError,
                "'int' is not a subclass of Exception. Handlers can only be registered for"
                " Exception classes or HTTP error codes.",
            ),
        ],
    )
    def test_what_is_refused(
        self, either: Any, wrong: Any, error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error) as caught:
            either.register_error_handler(wrong, lambda e: "")
        assert str(caught.value) == message

    def test_nearest_class_and_blueprint_first(self, flask: Any, app: Any, client: Any) -> None:
        part = flask.Blueprint("part", "tested", root_path="/")

        def fail(error: type[Exception]) -> Any:
            raise error("x")

        app.register_error_handler(LookupError, lambda e: f"app lookup {e!r}")
        app.register_error_handler(KeyError, lambda e: "app key")
        part.register_error_handler(LookupError, lambda e: "part lookup")
        app.add_url_rule("/app/key", "key", lambda: fail(KeyError))
        app.add_url_rule("/app/index", "index", lambda: fail(IndexError))
        part.add_url_rule("/part/key", "key", lambda: fail(KeyError))
        app.register_blueprint(part)

        assert client.get("/app/key").text == "app key"
        assert client.get("/app/index").text == "app lookup IndexError('x')"
        # The blueprint's handler of a wider class goes before the app's of the very class.
        assert client.get("/part/key").text == "part lookup"


class TestFiles:
    @pytest.mark.parametrize("folder", ["files", "files/", Path("files")])
    def test_static_folder(self, either: Any, folder: Any) -> None:
        assert (either.static_folder, either.static_url_path) == (None, None)
        assert either.has_static_folder is False
        either.static_folder = folder
        assert either.static_folder == str(Path(either.root_path, "files"))
        assert either.static_url_path == "/files"
        assert either.has_static_folder is True
        either.static_folder = None
        assert either.has_static_folder is False

    @pytest.mark.parametrize(
        ("given", "path"), [("/x", "/x"), ("/x/", "/x"), ("/", ""), ("", ""), (None, None)]
    )
    def test_static_url_path(self, either: Any, given: Any, path: Any) -> None:
        either.static_url_path = given
        assert either.static_url_path == path

    def test_static_folder_that_is_the_root(self, flask: Any, tmp_path: Path) -> None:
        part = flask.Blueprint("part", "tested", static_folder="", root_path=str(tmp_path))
        assert part.static_url_path == ""

    def test_static_files_are_served(self, flask: Any, app: Any, client: Any) -> None:
        root = Path(app.root_path)
        (root / "static").mkdir()
        (root / "static" / "a.txt").write_text("the app's")
        (root / "own").mkdir()
        (root / "own" / "a.txt").write_text("the part's")
        part = flask.Blueprint(
            "part", "tested", root_path=str(root), static_folder="own", url_prefix="/part"
        )
        app.register_blueprint(part)

        for path, text in (("/static/a.txt", "the app's"), ("/part/own/a.txt", "the part's")):
            with client.get(path) as response:
                assert response.text == text
                assert response.cache_control.no_cache is True
        assert client.get("/static/../own/a.txt").status_code == 404
        with app.test_request_context():
            assert flask.url_for("part.static", filename="a.txt") == "/part/own/a.txt"

    def test_a_blueprint_has_its_own_max_age(self, flask: Any, app: Any, client: Any) -> None:
        class Part(flask.Blueprint):
            def get_send_file_max_age(self, filename: str | None) -> int | None:
                assert filename == "a.txt"
                return 100

        (Path(app.root_path) / "static").mkdir()
        (Path(app.root_path) / "static" / "a.txt").write_text("x")
        app.register_blueprint(
            Part("part", "tested", root_path=app.root_path, static_folder="static", url_prefix="/p")
        )
        app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 10
        for path, seconds in (("/static/a.txt", 10), ("/p/static/a.txt", 100)):
            with client.get(path) as response:
                assert response.cache_control.max_age == seconds

    @pytest.mark.parametrize(
        ("configured", "seconds"), [(None, None), (60, 60), (timedelta(minutes=2), 120)]
    )
    def test_max_age_comes_from_the_configuration(
        self, flask: Any, app: Any, configured: Any, seconds: int | None
    ) -> None:
        app.config["SEND_FILE_MAX_AGE_DEFAULT"] = configured
        part = flask.Blueprint("part", "tested", root_path="/")
        with app.app_context():
            assert app.get_send_file_max_age("x") == seconds
            assert part.get_send_file_max_age("x") == seconds

    def test_no_static_file_without_a_folder(self, either: Any) -> None:
        with pytest.raises(RuntimeError) as caught:
            either.send_static_file("x")
        assert str(caught.value) == "'static_folder' must be set to serve static_files."

    def test_jinja_loader(self, flask: Any, tmp_path: Path) -> None:
        (tmp_path / "pages").mkdir()
        (tmp_path / "pages" / "a.html").write_text("a")
        none = flask.Blueprint("none", "tested", root_path=str(tmp_path))
        some = flask.Blueprint("some", "tested", root_path=str(tmp_path), template_folder="pages")
        assert none.jinja_loader is None
        assert isinstance(some.jinja_loader, FileSystemLoader)
        assert some.jinja_loader.list_templates() == ["a.html"]
        assert some.jinja_loader is some.jinja_loader

    def test_open_resource(self, either: Any) -> None:
        (Path(either.root_path) / "schema.sql").write_bytes("naïve".encode())
        with either.open_resource("schema.sql") as f:
            assert f.read() == "naïve".encode()
        for mode in ("r", "rt"):
            with either.open_resource("schema.sql", mode, encoding="utf-8") as f:
                assert f.read() == "naïve"
        with either.open_resource("schema.sql", "r", encoding="latin-1") as f:
            assert f.read() == "naÃ¯ve"

    def test_open_resource_reads_only(self, either: Any) -> None:
        for mode in ("w", "x", "a", "r+", "wb"):
            with pytest.raises(ValueError) as caught:
                either.open_resource("schema.sql", mode)
            assert str(caught.value) == "Resources can only be opened for reading."

    def test_a_blueprints_text_is_utf_8(self, flask: Any) -> None:
        signature = inspect.signature(flask.Blueprint.open_resource)
        assert signature.parameters["encoding"].default == "utf-8"
        assert inspect.signature(flask.Flask.open_resource).parameters["encoding"].default is None
