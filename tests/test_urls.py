from __future__ import annotations

from typing import Any

import pytest
from werkzeug.routing import BuildError


@pytest.fixture
def urls(flask: Any, app: Any) -> Any:
    """An app with the rules that these tests build URLs of."""

    def view(**values: Any) -> Any:
        return {"endpoint": flask.request.endpoint, **values}

    app.add_url_rule("/", "index", view)
    app.add_url_rule("/user/<name>", "user", view)
    app.add_url_rule("/post/<int:id>/", "post", view)
    app.add_url_rule("/file/<path:name>", "file", view)
    app.add_url_rule("/form", "form", view, methods=["GET", "POST"])
    app.add_url_rule("/list/", "list", view, defaults={"page": 1})
    app.add_url_rule("/list/<int:page>", "list", view)
    bp = flask.Blueprint("bp", "bp", url_prefix="/bp")
    bp.add_url_rule("/", "index", view)
    child = flask.Blueprint("child", "child", url_prefix="/child")
    child.add_url_rule("/", "index", view)
    bp.register_blueprint(child)
    app.register_blueprint(bp)
    return app


class TestInsideARequest:
    @pytest.mark.parametrize(
        ("endpoint", "values", "url"),
        [
            ("index", {}, "/"),
            ("index", {"q": "a b&c"}, "/?q=a+b%26c"),
            ("index", {"a": [1, 2], "b": "é"}, "/?a=1&a=2&b=%C3%A9"),
            ("index", {"a": None, "b": ""}, "/?b="),
            ("user", {"name": "ada"}, "/user/ada"),
            ("user", {"name": "é ß?#%"}, "/user/%C3%A9%20%C3%9F%3F%23%25"),
            ("user", {"name": "ada", "q": 1}, "/user/ada?q=1"),
            ("user", {"name": 5}, "/user/5"),
            ("post", {"id": 5}, "/post/5/"),
            ("post", {"id": "5"}, "/post/5/"),
            ("file", {"name": "a/b c"}, "/file/a/b%20c"),
            ("index", {"_anchor": "top"}, "/#top"),
            ("index", {"_anchor": "a b", "q": 1}, "/?q=1#a%20b"),
            ("index", {"_anchor": "x!$&'()*+,/:;=?@"}, "/#x!$&'()*+,/:;=?@"),
            ("index", {"_external": True}, "http://localhost/"),
            ("index", {"_scheme": "https"}, "https://localhost/"),
            ("index", {"_scheme": "https", "_external": True}, "https://localhost/"),
            ("index", {"_scheme": "", "_external": True}, "//localhost/"),
            ("form", {"_method": "POST"}, "/form"),
            ("list", {}, "/list/"),
            ("list", {"page": 1}, "/list/"),
            ("list", {"page": 2}, "/list/2"),
            ("static", {"filename": "a/b.css"}, "/static/a/b.css"),
            ("bp.index", {}, "/bp/"),
            ("bp.child.index", {}, "/bp/child/"),
        ],
    )
    def test_build(
        self, flask: Any, urls: Any, endpoint: str, values: dict[str, Any], url: str
    ) -> None:
        with urls.test_request_context("/"):
            assert flask.url_for(endpoint, **values) == url
            assert urls.url_for(endpoint, **values) == url

    @pytest.mark.parametrize(
        ("path", "relative", "url"),
        [
            ("/", ".index", "/"),
            ("/bp/", ".index", "/bp/"),
            ("/bp/child/", ".index", "/bp/child/"),
            ("/bp/", "index", "/"),
            ("/bp/", ".child.index", "/bp/child/"),
        ],
    )
    def test_relative_endpoints(
        self, flask: Any, urls: Any, path: str, relative: str, url: str
    ) -> None:
        with urls.test_request_context(path):
            assert flask.url_for(relative) == url

    def test_script_name(self, flask: Any, urls: Any) -> None:
        with urls.test_request_context("/", base_url="https://h.example:444/mounted/"):
            assert flask.url_for("user", name="a") == "/mounted/user/a"
            assert flask.url_for("index", _external=True) == "https://h.example:444/mounted/"
            assert flask.url_for("index", _scheme="http").startswith("http://h.example:444/")

    def test_another_apps_method(self, flask: Any, urls: Any) -> None:
        # The current context says where URLs lead, whichever app is asked.
        other = flask.Flask("other")
        other.add_url_rule("/elsewhere", "index", lambda: "")
        with urls.test_request_context("/"):
            assert other.url_for("index") == flask.url_for("index") == "/"

    def test_scheme_needs_external(self, flask: Any, urls: Any) -> None:
        with urls.test_request_context("/"), pytest.raises(ValueError, match="_scheme") as info:
            flask.url_for("index", _scheme="https", _external=False)
        assert str(info.value) == "When specifying '_scheme', '_external' must be True."

    def test_in_a_template(self, flask: Any, urls: Any) -> None:
        with urls.test_request_context("/"):
            text = flask.render_template_string(
                '<a href="{{ url_for("user", name=name) }}">{{ name }}</a>', name="<é>"
            )
        assert text == '<a href="/user/%3C%C3%A9%3E">&lt;é&gt;</a>'

    def test_build_error_suggests(self, flask: Any, urls: Any) -> None:
        with urls.test_request_context("/"):
            with pytest.raises(BuildError) as info:
                flask.url_for("users", name="x")
            assert str(info.value) == (
                "Could not build url for endpoint 'users' with values ['name']."
                " Did you mean 'user' instead?"
            )
            with pytest.raises(BuildError, match="Did you forget to specify values") as info:
                flask.url_for("user")

    def test_what_was_built_is_routed_back(self, urls: Any) -> None:
        client = urls.test_client()
        with urls.test_request_context("/"):
            for name in ("ada", "é", "a b", "%", "?", "#", ";", "&=+", "\u4e16\u754c", "'\"<>"):
                url = urls.url_for("user", name=name)
                assert client.get(url).json == {"endpoint": "user", "name": name}

    @pytest.mark.erlen_only
    def test_a_slash_in_a_segment_is_never_another_url(self, flask: Any, urls: Any) -> None:
        """`/user/a/b` would not reach the view (pallets/werkzeug#3094)."""
        with urls.test_request_context("/"):
            try:
                url = urls.url_for("user", name="a/b")
            except BuildError as error:
                assert "'name'" in str(error)
            else:
                assert url == "/user/a%2Fb"


class TestOutsideARequest:
    def test_needs_a_server_name(self, flask: Any, urls: Any) -> None:
        message = (
            "Unable to build URLs outside an active request without 'SERVER_NAME' configured."
            " Also configure 'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed."
        )
        with pytest.raises(RuntimeError) as info:
            urls.url_for("index")
        assert str(info.value) == message
        with urls.app_context(), pytest.raises(RuntimeError) as info:
            flask.url_for("index")
        assert str(info.value) == message

    @pytest.mark.parametrize(
        ("config", "values", "url"),
        [
            ({}, {}, "http://h.example/user/a"),
            ({"PREFERRED_URL_SCHEME": "https"}, {}, "https://h.example/user/a"),
            ({"APPLICATION_ROOT": "/mounted"}, {}, "http://h.example/mounted/user/a"),
            ({}, {"_external": False}, "/user/a"),
            ({"APPLICATION_ROOT": "/m"}, {"_external": False}, "/m/user/a"),
            ({}, {"_scheme": "https"}, "https://h.example/user/a"),
            ({"SERVER_NAME": "h.example:8080"}, {}, "http://h.example:8080/user/a"),
        ],
    )
    def test_server_name(
        self, flask: Any, urls: Any, config: dict[str, str], values: dict[str, Any], url: str
    ) -> None:
        urls.config.update({"SERVER_NAME": "h.example", **config})
        with urls.app_context():
            assert flask.url_for("user", name="a", **values) == url
        assert urls.url_for("user", name="a", **values) == url

    def test_server_name_does_not_restrict_requests(self, urls: Any) -> None:
        urls.config["SERVER_NAME"] = "h.example"
        client = urls.test_client()
        assert client.get("/", base_url="http://other.example").status_code == 200

    def test_a_dot_means_nothing_outside_a_request(self, flask: Any, urls: Any) -> None:
        urls.config["SERVER_NAME"] = "h.example"
        with urls.app_context(), pytest.raises(BuildError):
            flask.url_for(".index")

    def test_base_url_of_test_requests(self, flask: Any, urls: Any) -> None:
        urls.config.update(
            SERVER_NAME="h.example", APPLICATION_ROOT="/root", PREFERRED_URL_SCHEME="https"
        )
        with urls.test_request_context("/x"):
            assert flask.request.url == "https://h.example/root/x"
        with urls.test_request_context("/x", subdomain="s", url_scheme="http"):
            assert flask.request.url == "http://s.h.example/root/x"


class TestHooks:
    def test_language_pattern(self, flask: Any, app: Any, client: Any) -> None:
        """Flask's pattern of a language code in every URL."""

        @app.url_defaults
        def add_language(endpoint: str, values: dict[str, Any]) -> None:
            if flask.g.get("lang"):
                values.setdefault("lang", flask.g.lang)

        @app.url_value_preprocessor
        def pull_language(endpoint: str | None, values: dict[str, Any] | None) -> None:
            flask.g.lang = (values or {}).pop("lang", None)

        app.add_url_rule("/<lang>/", "index", lambda: flask.url_for("about"))
        app.add_url_rule("/<lang>/about", "about", lambda: flask.url_for("about", lang="en"))
        assert client.get("/de/").text == "/de/about"
        assert client.get("/de/about").text == "/en/about"

    def test_preprocessors_get_none_where_nothing_matched(
        self, flask: Any, app: Any, client: Any
    ) -> None:
        seen: list[Any] = []
        app.url_value_preprocessor(lambda endpoint, values: seen.append((endpoint, values)))
        client.get("/nothing")
        assert seen == [(None, None)]

    def test_defaults_of_app_and_blueprints_in_order(self, flask: Any, app: Any) -> None:
        log: list[str] = []
        parent = flask.Blueprint("parent", "parent", url_prefix="/p")
        child = flask.Blueprint("child", "child", url_prefix="/c")
        for name, scaffold in (("app", app), ("parent", parent), ("child", child)):
            scaffold.url_defaults(lambda endpoint, values, name=name: log.append(name))
        child.add_url_rule("/", "index", lambda: "")
        app.add_url_rule("/", "index", lambda: "")
        parent.register_blueprint(child)
        app.register_blueprint(parent)
        with app.test_request_context("/"):
            flask.url_for("index")
            assert log == ["app"]
            log.clear()
            flask.url_for("parent.child.index")
            assert log == ["app", "parent", "child"]

    def test_defaults_are_called_before_building(self, flask: Any, app: Any) -> None:
        seen: list[Any] = []

        @app.url_defaults
        def default(endpoint: str, values: dict[str, Any]) -> None:
            seen.append((endpoint, dict(values)))
            values["q"] = "default"

        app.add_url_rule("/", "index", lambda: "")
        with app.test_request_context("/"):
            assert flask.url_for("index", a=1) == "/?a=1&q=default"
        assert seen == [("index", {"a": 1})]

    def test_build_error_handlers(self, flask: Any, app: Any) -> None:
        seen: list[Any] = []

        def refuse(error: BuildError, endpoint: str, values: dict[str, Any]) -> Any:
            seen.append((type(error), endpoint, values))
            return None

        def again(error: BuildError, endpoint: str, values: dict[str, Any]) -> Any:
            raise error

        def answer(error: BuildError, endpoint: str, values: dict[str, Any]) -> Any:
            return f"/external/{endpoint}" if endpoint == "known" else None

        app.url_build_error_handlers += [refuse, again, answer]
        with app.test_request_context("/"):
            assert flask.url_for("known", a=1) == "/external/known"
            with pytest.raises(BuildError) as info:
                flask.url_for("unknown")
        assert info.value.endpoint == "unknown"
        assert seen[0] == (
            BuildError,
            "known",
            {"a": 1, "_anchor": None, "_method": None, "_scheme": None, "_external": False},
        )

    def test_handle_url_build_error_alone(self, flask: Any, app: Any) -> None:
        error = BuildError("x", {}, None)
        with pytest.raises(BuildError) as info:
            app.handle_url_build_error(error, "x", {})
        assert info.value is error

    def test_endpoint_may_be_a_value_too(self, flask: Any, app: Any) -> None:
        app.add_url_rule("/<self>", "index", lambda self: "")
        with app.test_request_context("/"):
            assert app.url_for("index", **{"self": "me"}) == "/me"
