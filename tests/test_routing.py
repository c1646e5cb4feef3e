"""What an app's rules match. The matcher itself is compared with Werkzeug's in `differential/`."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from werkzeug.routing import BaseConverter, Rule, Submount, ValidationError


def route(app: Any, rule: str, endpoint: str | None = None, **options: Any) -> None:
    """Register a view that answers with its endpoint and arguments."""
    endpoint = endpoint or rule
    app.add_url_rule(
        rule,
        endpoint,
        lambda **values: {"endpoint": endpoint, **{k: repr(v) for k, v in values.items()}},
        **options,
    )


class TestConverters:
    @pytest.mark.parametrize(
        ("rule", "path", "value"),
        [
            ("/<v>", "/a", "a"),
            ("/<v>", "/a/b", None),
            ("/<v>", "/é", "é"),
            ("/<v>", "/a%2Fb", None),
            ("/<string:v>", "/a b", "a b"),
            ("/<string(length=2):v>", "/ab", "ab"),
            ("/<string(length=2):v>", "/abc", None),
            ("/<string(minlength=2,maxlength=3):v>", "/a", None),
            ("/<string(minlength=2,maxlength=3):v>", "/abc", "abc"),
            ("/<string(minlength=2,maxlength=3):v>", "/abcd", None),
            ("/<int:v>", "/12", 12),
            ("/<int:v>", "/0", 0),
            ("/<int:v>", "/-1", None),
            ("/<int:v>", "/1.0", None),
            ("/<int:v>", "/x", None),
            ("/<int:v>", "/\u0663", 3),
            ("/<int(signed=True):v>", "/-1", -1),
            ("/<int(min=5):v>", "/4", None),
            ("/<int(max=5):v>", "/6", None),
            ("/<int(min=1,max=5):v>", "/5", 5),
            ("/<int(fixed_digits=3):v>", "/007", 7),
            ("/<int(fixed_digits=3):v>", "/7", None),
            ("/<float:v>", "/1.5", 1.5),
            ("/<float:v>", "/1", None),
            ("/<float(signed=True):v>", "/-1.5", -1.5),
            ("/<path:v>", "/a/b.c", "a/b.c"),
            ("/x/<path:v>/end", "/x/a/b/end", "a/b"),
            ("/<any(one, two):v>", "/two", "two"),
            ("/<any(one, two):v>", "/three", None),
            (
                "/<uuid:v>",
                "/12345678-1234-5678-1234-567812345678",
                uuid.UUID("12345678-1234-5678-1234-567812345678"),
            ),
            ("/<uuid:v>", "/12345678", None),
            ("/a<v>b", "/axb", "x"),
            ("/<v>.txt", "/read.me.txt", "read.me"),
        ],
    )
    def test_match(self, app: Any, client: Any, rule: str, path: str, value: Any) -> None:
        route(app, rule, "index")
        response = client.get(path)
        if value is None:
            assert response.status_code == 404
        else:
            assert response.json == {"endpoint": "index", "v": repr(value)}

    def test_several_arguments(self, app: Any, client: Any) -> None:
        route(app, "/<a>/<int:b>-<c>/x", "index")
        assert client.get("/q/1-z/x").json == {
            "endpoint": "index",
            "a": "'q'",
            "b": "1",
            "c": "'z'",
        }

    def test_own_converter(self, flask: Any, app: Any, client: Any) -> None:
        class ListConverter(BaseConverter):
            def to_python(self, value: str) -> list[str]:
                if value == "bad":
                    raise ValidationError
                return value.split(",")

            def to_url(self, value: Any) -> str:
                return ",".join(super(ListConverter, self).to_url(item) for item in value)

        app.url_map.converters["list"] = ListConverter
        app.add_url_rule(
            "/<list:args>", "index", lambda args: flask.url_for("index", args=args[::-1])
        )
        assert client.get("/1,2,3").text == "/3,2,1"
        assert client.get("/bad").status_code == 404

    def test_unknown_converter(self, app: Any) -> None:
        with pytest.raises(LookupError, match="the converter 'nonsense' does not exist"):
            route(app, "/<nonsense:v>")

    @pytest.mark.parametrize(
        ("rule", "error", "message"),
        [
            ("/<a", ValueError, "malformed url rule: '/<a'"),
            ("/<int(>", ValueError, "malformed url rule"),
        ],
    )
    def test_malformed_rules(
        self, app: Any, rule: str, error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            route(app, rule)


class TestPrecedence:
    @pytest.mark.parametrize("reverse", [False, True])
    @pytest.mark.parametrize(
        ("rules", "path", "winner"),
        [
            (["/user/<name>", "/user/me"], "/user/me", "/user/me"),
            (["/user/<name>", "/user/me"], "/user/you", "/user/<name>"),
            (["/<path:p>", "/<name>", "/x"], "/x", "/x"),
            (["/<path:p>", "/<name>", "/x"], "/y", "/<name>"),
            (["/<path:p>", "/<name>", "/x"], "/y/z", "/<path:p>"),
            (["/<name>", "/<int:n>"], "/5", "/<int:n>"),
            (["/<name>", "/<int:n>"], "/five", "/<name>"),
            (["/<a>/x", "/<a>/<b>"], "/1/x", "/<a>/x"),
            (["/a/<b>/c", "/<a>/b/c"], "/a/b/c", "/a/<b>/c"),
            (["/<path:p>/edit", "/<path:p>"], "/a/b/edit", "/<path:p>/edit"),
            (["/f/<n>.json", "/f/<n>"], "/f/a.json", "/f/<n>.json"),
        ],
    )
    def test_does_not_depend_on_registration_order(
        self, app: Any, client: Any, rules: list[str], path: str, winner: str, reverse: bool
    ) -> None:
        for rule in reversed(rules) if reverse else rules:
            route(app, rule)
        assert client.get(path).json["endpoint"] == winner

    def test_methods_choose_between_equal_rules(self, app: Any, client: Any) -> None:
        route(app, "/x", "read", methods=["GET"])
        route(app, "/x", "write", methods=["POST"])
        route(app, "/<anything>", "rest", methods=["PUT"])
        assert client.get("/x").json["endpoint"] == "read"
        assert client.post("/x").json["endpoint"] == "write"
        assert client.put("/x").json["endpoint"] == "rest"
        assert client.delete("/x").status_code == 405

    @pytest.mark.parametrize("method", ["*", "ANY", "%", "get*"])
    def test_no_method_stands_for_all(self, app: Any, client: Any, method: str) -> None:
        route(app, "/x", methods=["POST"])
        route(app, "/<int:n>", methods=["POST"])
        for path in ("/x", "/1"):
            assert client.options(path).headers["Allow"] in ("POST, OPTIONS", "OPTIONS, POST")
            assert client.open(path, method=method).status_code == 405


class TestSlashes:
    @pytest.mark.parametrize(
        ("rule", "options", "path", "status", "location"),
        [
            ("/about/", {}, "/about/", 200, None),
            ("/about/", {}, "/about", 308, "http://localhost/about/"),
            ("/about/", {}, "/about?a=1&b=%C3%A9", 308, "http://localhost/about/?a=1&b=%C3%A9"),
            ("/about", {}, "/about", 200, None),
            ("/about", {}, "/about/", 404, None),
            ("/about/", {"strict_slashes": False}, "/about", 200, None),
            ("/about", {"strict_slashes": False}, "/about/", 200, None),
            ("/a/b", {}, "/a//b", 308, "http://localhost/a/b"),
            ("/a/b", {"merge_slashes": False}, "/a//b", 404, None),
            ("/<path:p>", {}, "/a//b", 200, None),
            ("/<name>/", {}, "/%C3%A9", 308, "http://localhost/%C3%A9/"),
        ],
    )
    def test_rule(
        self,
        app: Any,
        client: Any,
        rule: str,
        options: dict[str, Any],
        path: str,
        status: int,
        location: str | None,
    ) -> None:
        route(app, rule, "index", **options)
        response = client.get(path)
        assert (response.status_code, response.location) == (status, location)

    def test_redirect_keeps_the_mount_point(self, app: Any, client: Any) -> None:
        route(app, "/about/", "index")
        response = client.get("/about", base_url="https://h.example/mounted")
        assert response.location == "https://h.example/mounted/about/"

    def test_redirect_keeps_method_and_body(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/about/", "index", lambda: flask.request.form["a"], methods=["POST"])
        assert client.post("/about", data={"a": "1"}, follow_redirects=True).text == "1"

    def test_strict_slashes_of_the_map(self, app: Any, client: Any) -> None:
        app.url_map.strict_slashes = False
        route(app, "/about/", "index")
        assert client.get("/about").status_code == 200

    def test_merge_slashes_of_the_map(self, app: Any, client: Any) -> None:
        app.url_map.merge_slashes = False
        route(app, "/<path:p>", "index")
        assert client.get("/a//b").json["p"] == "'a//b'"


class TestOptions:
    def test_defaults(self, app: Any, client: Any) -> None:
        route(app, "/list/", "list", defaults={"page": 1})
        route(app, "/list/<int:page>", "list2")
        assert client.get("/list/").json == {"endpoint": "list", "page": "1"}

    def test_defaults_redirect_to_the_short_form(self, app: Any, client: Any) -> None:
        def view(page: int) -> str:
            return f"page {page}"

        app.add_url_rule("/list/", "list", view, defaults={"page": 1})
        app.add_url_rule("/list/<int:page>", "list", view)
        response = client.get("/list/1")
        assert (response.status_code, response.location) == (308, "http://localhost/list/")
        assert client.get("/list/2").text == "page 2"

    def test_redirect_to(self, app: Any, client: Any) -> None:
        route(app, "/old/<int:n>", "old", redirect_to="/new/<n>")
        route(app, "/older/<n>", "older", redirect_to=lambda adapter, n: f"/new/{n}")
        route(app, "/new/<int:n>", "new")
        assert client.get("/old/5").location == "http://localhost/new/5"
        assert client.get("/older/5").location == "http://localhost/new/5"

    def test_build_only(self, flask: Any, app: Any, client: Any) -> None:
        app.add_url_rule("/cdn/<name>", "cdn", build_only=True)
        assert client.get("/cdn/x").status_code == 404
        with app.test_request_context("/"):
            assert flask.url_for("cdn", name="x") == "/cdn/x"

    def test_alias(self, app: Any, client: Any) -> None:
        def view() -> str:
            return "x"

        app.add_url_rule("/", "index", view)
        app.add_url_rule("/home", "index", view, alias=True)
        assert client.get("/home").location == "http://localhost/"

    def test_host_and_subdomain_of_a_rule(self, flask: Any) -> None:
        app = flask.Flask("hosts", subdomain_matching=True)
        app.config["SERVER_NAME"] = "h.example"
        route(app, "/", "www", subdomain="www")
        route(app, "/", "any", subdomain="<name>")
        client = app.test_client()
        assert client.get("/", base_url="http://www.h.example").json["endpoint"] == "www"
        assert client.get("/", base_url="http://x.h.example").json["name"] == "'x'"
        with app.test_request_context("/", base_url="http://x.h.example"):
            assert flask.url_for("www") == "http://www.h.example/"
            assert flask.url_for("any", name="x") == "/"

    def test_url_map_takes_werkzeugs_own_rules(self, app: Any, client: Any) -> None:
        app.url_map.add(Rule("/direct", endpoint="direct"))
        app.url_map.add(Submount("/sub", [Rule("/<int:n>", endpoint="sub")]))
        app.view_functions["direct"] = lambda: "direct"
        app.view_functions["sub"] = lambda n: f"sub {n}"
        assert client.get("/direct").text == "direct"
        assert client.get("/sub/3").text == "sub 3"

    def test_rules_added_after_a_request(self, app: Any, client: Any) -> None:
        assert client.get("/late").status_code == 404
        app.url_map.add(Rule("/late", endpoint="late"))
        app.view_functions["late"] = lambda: "late"
        assert client.get("/late").text == "late"
        with app.test_request_context("/"):
            assert app.url_for("late") == "/late"

    def test_websocket_rules_need_a_websocket(self, app: Any, client: Any) -> None:
        route(app, "/ws", "ws", websocket=True)
        assert client.get("/ws").status_code == 400

    def test_url_map_can_be_iterated(self, app: Any) -> None:
        route(app, "/a", "a", methods=["POST"])
        (rule,) = app.url_map.iter_rules("a")
        assert (rule.rule, rule.methods) == ("/a", {"POST", "OPTIONS"})
        assert rule.provide_automatic_options is True

    def test_view_without_a_function(self, app: Any, client: Any) -> None:
        app.add_url_rule("/", endpoint="nothing")
        with pytest.raises(KeyError, match="nothing"):
            client.get("/")

    def test_static_rule_does_not_hide_others(self, app: Any, client: Any) -> None:
        route(app, "/static/made", "made")
        assert client.get("/static/made").json["endpoint"] == "made"
        assert client.get("/static/missing").status_code == 404


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "seen"),
        [
            ("/a%20b", "a b"),
            ("/a+b", "a+b"),
            ("/%E4%B8%96", "\u4e16"),
            ("/%C3", "\ufffd"),
            ("/a%3Fb", "a?b"),
            ("/a%23b", "a#b"),
            ("/a%00b", "a\x00b"),
            ("/%25", "%"),
            ("/a;b=c", "a;b=c"),
            ("/..", ".."),
            ("/.", "."),
        ],
    )
    def test_decoding(self, flask: Any, app: Any, client: Any, path: str, seen: str) -> None:
        app.add_url_rule("/<v>", "index", lambda v: {"v": v, "path": flask.request.path})
        assert client.get(path).json == {"v": seen, "path": f"/{seen}"}

    @pytest.mark.parametrize(
        ("path", "found"),
        [
            ("/fixed%0A", None),
            ("/%0A", None),
            ("/v/a%0A", "a\n"),
            ("/v/%0Aa", "\na"),
            ("/p/a%0Ab", None),
        ],
    )
    def test_newlines(self, app: Any, client: Any, path: str, found: str | None) -> None:
        app.add_url_rule("/", "index", lambda: "index")
        app.add_url_rule("/fixed", "fixed", lambda: "fixed")
        app.add_url_rule("/v/<v>", "one", lambda v: {"v": v})
        app.add_url_rule("/p/<path:v>", "many", lambda v: {"v": v})
        response = client.get(path)
        if found is None:
            assert response.status_code == 404
        else:
            assert response.json == {"v": found}

    @pytest.mark.parametrize(
        ("path", "status"), [("", 308), ("fixed", 200), ("//fixed", 200), ("/fixed", 200)]
    )
    def test_paths_of_odd_servers(self, app: Any, client: Any, path: str, status: int) -> None:
        app.add_url_rule("/", "index", lambda: "index")
        app.add_url_rule("/fixed", "fixed", lambda: "fixed")
        response = client.get("/", environ_overrides={"PATH_INFO": path})
        assert response.status_code == status
