from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse


def make_request(flask: Any, path: str = "/", *args: Any, **kwargs: Any) -> Any:
    """Build a bare request: no app, no context."""
    return flask.Request(EnvironBuilder(path, *args, **kwargs).get_environ())


class TestRequestLine:
    def test_urls(self, flask: Any) -> None:
        request = make_request(
            flask, "/a/é", "https://h.example:444/mount/", query_string={"q": "ü", "n": "1"}
        )
        assert request.method == "GET"
        assert request.path == "/a/é"
        assert request.full_path == "/a/é?q=%C3%BC&n=1"
        assert request.script_root == "/mount"
        assert request.root_path == "/mount"
        assert request.url == "https://h.example:444/mount/a/é?q=ü&n=1"
        assert request.base_url == "https://h.example:444/mount/a/é"
        assert request.url_root == request.root_url == "https://h.example:444/mount/"
        assert request.host == "h.example:444"
        assert request.host_url == "https://h.example:444/"
        assert request.scheme == "https"
        assert request.is_secure
        assert request.query_string == b"q=%C3%BC&n=1"

    def test_ipv6_host(self, flask: Any) -> None:
        request = make_request(flask, "/x", "http://[::1]:5000/")
        assert (request.host, request.url) == ("[::1]:5000", "http://[::1]:5000/x")

    def test_default_ports_are_left_out(self, flask: Any) -> None:
        assert make_request(flask, "/", "http://h.example:80/").host == "h.example"
        assert make_request(flask, "/", "https://h.example:443/").host == "h.example"

    def test_full_path_always_has_the_mark(self, flask: Any) -> None:
        assert make_request(flask, "/x").full_path == "/x?"

    def test_address(self, flask: Any) -> None:
        request = make_request(
            flask,
            "/",
            environ_base={"REMOTE_ADDR": "10.0.0.1", "REMOTE_USER": "ada"},
            headers={"X-Forwarded-For": "1.2.3.4, 5.6.7.8"},
        )
        assert request.remote_addr == "10.0.0.1"
        assert request.remote_user == "ada"
        assert list(request.access_route) == ["1.2.3.4", "5.6.7.8"]

    def test_routing_of_the_app(self, flask: Any, app: Any) -> None:
        parent = flask.Blueprint("parent", "parent")
        child = flask.Blueprint("child", "child")
        child.add_url_rule("/<int:n>", "view", lambda n: "")
        parent.register_blueprint(child)
        app.register_blueprint(parent)
        with app.test_request_context("/4"):
            assert flask.request.endpoint == "parent.child.view"
            assert flask.request.blueprint == "parent.child"
            assert flask.request.blueprints == ["parent.child", "parent"]
            assert flask.request.view_args == {"n": 4}
            assert flask.request.url_rule.rule == "/<int:n>"
        with app.test_request_context("/nothing"):
            assert flask.request.endpoint is None
            assert flask.request.blueprint is None
            assert flask.request.blueprints == []
            assert flask.request.view_args is None
            assert flask.request.url_rule is None

    def test_repr(self, flask: Any) -> None:
        assert repr(make_request(flask, "/x?a=1")) == "<Request 'http://localhost/x?a=1' [GET]>"


class TestRequestData:
    def test_args(self, flask: Any) -> None:
        request = make_request(flask, "/query?a=1&a=2&n=x&e=&p=a%20b+c")
        assert request.args.getlist("a") == ["1", "2"]
        assert request.args["a"] == "1"
        assert request.args.get("n", type=int) is None
        assert request.args.get("missing", 5) == 5
        assert request.args["e"] == ""
        assert request.args["p"] == "a b c"
        with pytest.raises(BadRequest):
            request.args["missing"]
        with pytest.raises(TypeError, match="immutable"):
            request.args["a"] = "3"

    def test_form(self, flask: Any) -> None:
        data = {"my_checkbox": ["X", "Z"], "t": "ä"}
        request = make_request(flask, method="POST", data=data)
        assert request.mimetype == "application/x-www-form-urlencoded"
        assert request.form.getlist("my_checkbox") == ["X", "Z"]
        assert request.form.getlist("other") == []
        assert request.form["t"] == "ä"
        assert request.files == {}

    def test_values(self, flask: Any) -> None:
        request = make_request(flask, "/?a=1", method="POST", data={"a": "2", "b": "3"})
        assert request.values.getlist("a") == ["1", "2"]
        assert request.values["b"] == "3"
        assert make_request(flask, "/?a=1", data={"a": "2"}).values.getlist("a") == ["1"]

    def test_files(self, flask: Any) -> None:
        request = make_request(
            flask,
            method="POST",
            data={"file": (io.BytesIO(b"content"), "../x.txt"), "field": "value"},
        )
        file = request.files["file"]
        assert (file.filename, file.mimetype, file.read()) == ("../x.txt", "text/plain", b"content")
        assert request.form["field"] == "value"
        file.close()

    def test_body(self, flask: Any) -> None:
        request = make_request(flask, method="PUT", data=b"raw", content_type="application/x-own")
        assert request.get_data() == b"raw"
        assert request.data == b"raw"
        assert request.get_data(as_text=True) == "raw"
        assert request.content_length == 3
        assert request.form == {}

    def test_stream(self, flask: Any) -> None:
        request = make_request(flask, method="PUT", data=b"raw bytes")
        assert request.stream.read(3) == b"raw"
        assert request.stream.read() == b" bytes"
        assert request.get_data() == b""

    def test_body_after_the_form(self, flask: Any) -> None:
        request = make_request(flask, method="POST", data={"a": "1"})
        assert request.form["a"] == "1"
        assert request.get_data() == b""
        request = make_request(flask, method="POST", data={"a": "1"})
        assert request.get_data() == b"a=1"
        assert request.form["a"] == "1"

    def test_cookies(self, flask: Any) -> None:
        request = make_request(flask, headers={"Cookie": 'a=1; b="x y"; a=2'})
        assert request.cookies["a"] == "1"
        assert request.cookies.getlist("a") == ["1", "2"]
        assert request.cookies["b"] == "x y"

    def test_headers(self, flask: Any) -> None:
        request = make_request(flask, headers={"X-Own": "1", "User-Agent": "me"})
        assert request.headers["x-own"] == "1"
        assert request.headers.get("missing") is None
        assert request.headers.getlist("X-OWN") == ["1"]
        lines = ["", "", "Host: localhost", "User-Agent: me", "X-Own: 1"]
        assert sorted(str(request.headers).split("\r\n")) == lines
        assert request.user_agent.string == "me"

    def test_parsed_headers(self, flask: Any) -> None:
        request = make_request(
            flask,
            headers={
                "Accept": "text/html;q=0.5, application/json",
                "Accept-Language": "de, en;q=0.5",
                "Accept-Encoding": "gzip, br;q=0",
                "Accept-Charset": "utf-8",
                "Authorization": "Basic YWRhOnNlY3JldA==",
                "Referer": "http://r.example/",
                "Origin": "http://o.example",
                "If-None-Match": '"a", W/"b"',
                "If-Match": "*",
                "If-Modified-Since": "Thu, 02 Jan 2020 00:00:00 GMT",
                "If-Unmodified-Since": "nonsense",
                "If-Range": '"r"',
                "Range": "bytes=0-4",
                "Cache-Control": "no-cache, max-age=0",
                "Date": "Thu, 02 Jan 2020 00:00:00 GMT",
                "Max-Forwards": "10",
                "Pragma": "no-cache",
                "Content-Type": "text/plain; charset=utf-8",
            },
        )
        offered = ["text/html", "application/json"]
        assert request.accept_mimetypes.best_match(offered) == "application/json"
        assert request.accept_languages.best_match(["en", "de"]) == "de"
        assert "gzip" in request.accept_encodings
        assert request.accept_encodings.quality("br") == 0
        assert request.accept_charsets.best == "utf-8"
        assert (request.authorization.username, request.authorization.password) == (
            "ada",
            "secret",
        )
        assert request.referrer == "http://r.example/"
        assert request.origin == "http://o.example"
        assert request.if_none_match.contains("a")
        assert request.if_none_match.contains_weak("b")
        assert request.if_match.star_tag
        assert request.if_modified_since == datetime(2020, 1, 2, tzinfo=UTC)
        assert request.if_unmodified_since is None
        assert request.if_range.etag == "r"
        assert request.range.ranges == [(0, 5)]
        assert request.cache_control.no_cache
        assert request.cache_control.max_age == 0
        assert request.date == datetime(2020, 1, 2, tzinfo=UTC)
        assert request.max_forwards == 10
        assert "no-cache" in request.pragma
        assert request.mimetype == "text/plain"
        assert request.mimetype_params == {"charset": "utf-8"}

    def test_flags(self, flask: Any) -> None:
        request = make_request(flask, multithread=True)
        assert request.is_multithread
        assert not request.is_multiprocess
        assert not request.is_run_once
        assert not request.is_json
        assert not request.want_form_data_parsed
        assert make_request(flask, data={"a": "1"}).want_form_data_parsed


class TestRequestJson:
    def test_loads(self, flask: Any) -> None:
        request = make_request(flask, method="POST", json={"ä": [1, None]})
        assert request.is_json
        assert request.json == {"ä": [1, None]}
        assert request.get_json() is request.json

    @pytest.mark.parametrize(
        "content_type",
        ["application/json", "application/vnd.api+json", "application/json; charset=utf-8"],
    )
    def test_media_types(self, flask: Any, content_type: str) -> None:
        request = make_request(flask, method="POST", data=b"[1]", content_type=content_type)
        assert request.json == [1]

    def test_wrong_media_type(self, flask: Any) -> None:
        request = make_request(flask, method="POST", data=b"[1]", content_type="text/plain")
        with pytest.raises(UnsupportedMediaType) as info:
            request.get_json()
        assert info.value.description == (
            "Did not attempt to load JSON data because the request Content-Type was not"
            " 'application/json'."
        )
        assert request.get_json(silent=True) is None
        assert request.get_json(force=True) == [1]

    def test_invalid(self, flask: Any, app: Any) -> None:
        request = make_request(flask, method="POST", data=b"[1", content_type="application/json")
        assert request.get_json(silent=True) is None
        with pytest.raises(BadRequest):
            request.get_json()
        with app.app_context():
            fresh = make_request(flask, method="POST", data=b"[1", content_type="application/json")
            with pytest.raises(BadRequest) as info:
                fresh.get_json()
            assert info.value.description == BadRequest.description
            app.debug = True
            with pytest.raises(BadRequest, match="Failed to decode JSON object"):
                fresh.get_json()

    def test_without_cache(self, flask: Any) -> None:
        request = make_request(flask, method="POST", data=b"[1]", content_type="application/json")
        assert request.get_json(cache=False) == [1]
        with pytest.raises(BadRequest):  # the body is gone
            request.get_json()

    def test_own_handling(self, flask: Any, app: Any, client: Any) -> None:
        class Mine(flask.Request):
            def on_json_loading_failed(self, e: ValueError | None) -> Any:
                return {"default": e is not None}

        app.request_class = Mine
        app.add_url_rule("/", "index", lambda: flask.request.get_json(), methods=["POST"])
        response = client.post("/", data="nonsense", content_type="application/json")
        assert response.json == {"default": True}
        assert client.post("/", data="x").json == {"default": False}

    def test_uses_the_apps_provider(self, flask: Any, app: Any, client: Any) -> None:
        class Upper(flask.json.provider.DefaultJSONProvider):
            def loads(self, s: str | bytes, **kwargs: Any) -> Any:
                return {"upper": str(s)}

        app.json = Upper(app)
        app.add_url_rule("/", "index", lambda: flask.request.json["upper"], methods=["POST"])
        assert client.post("/", data="[1]", content_type="application/json").text == "b'[1]'"


class TestRequestLimits:
    def test_come_from_the_config(self, flask: Any, app: Any) -> None:
        with app.test_request_context():
            assert flask.request.max_content_length is None
            assert flask.request.max_form_memory_size == 500_000
            assert flask.request.max_form_parts == 1_000
            app.config.update(MAX_CONTENT_LENGTH=1, MAX_FORM_MEMORY_SIZE=2, MAX_FORM_PARTS=3)
            assert flask.request.max_content_length == 1
            assert flask.request.max_form_memory_size == 2
            assert flask.request.max_form_parts == 3
            flask.request.max_content_length = 10
            flask.request.max_form_memory_size = 20
            flask.request.max_form_parts = 30
            assert flask.request.max_content_length == 10
            assert flask.request.max_form_memory_size == 20
            assert flask.request.max_form_parts == 30

    def test_outside_an_app(self, flask: Any) -> None:
        request = make_request(flask)
        assert request.max_content_length is None
        assert request.max_form_memory_size == 500_000
        assert request.max_form_parts == 1000

    def test_a_view_may_raise_its_own(self, flask: Any, app: Any, client: Any) -> None:
        app.config["MAX_CONTENT_LENGTH"] = 3

        @app.post("/<int:limit>")
        def index(limit: int) -> Any:
            if limit:
                flask.request.max_content_length = limit
            return flask.request.get_data()

        assert client.post("/10", data=b"12345").data == b"12345"
        assert client.post("/0", data=b"12345").status_code == 413

    def test_error_class(self, flask: Any, app: Any) -> None:
        app.config["MAX_CONTENT_LENGTH"] = 3
        with (
            app.test_request_context("/", method="POST", data={"a": "12345"}),
            pytest.raises(RequestEntityTooLarge),
        ):
            flask.request.form  # noqa: B018 - the look-up is what raises


class TestRequestClasses:
    def test_is_werkzeugs(self, flask: Any) -> None:
        assert issubclass(flask.Request, WerkzeugRequest)
        assert issubclass(flask.Response, WerkzeugResponse)

    def test_own_class(self, flask: Any, app: Any, client: Any) -> None:
        class Mine(flask.Request):
            def __init__(self, environ: Any, populate_request: bool = True) -> None:
                super().__init__(environ, populate_request)
                self.own = environ["PATH_INFO"] * 2

            @property
            def shout(self) -> str:
                return str(self.path).upper()

        app.request_class = Mine
        app.add_url_rule("/a", "a", lambda: f"{flask.request.shout} {flask.request.own}")
        assert client.get("/a").text == "/A /a/a"

    def test_own_attributes(self, flask: Any) -> None:
        request = make_request(flask)
        request.anything = 1
        assert request.anything == 1
        assert request.environ["werkzeug.request"] is request

    def test_shallow(self, flask: Any) -> None:
        builder = EnvironBuilder(method="POST", data={"a": "1"})
        request = flask.Request(builder.get_environ(), populate_request=False, shallow=True)
        assert "werkzeug.request" not in request.environ
        with pytest.raises(RuntimeError, match="shallow"):
            request.form  # noqa: B018 - the look-up is what raises

    def test_shallow_without_a_body(self, flask: Any) -> None:
        request = flask.Request({"REQUEST_METHOD": "GET"}, shallow=True)
        with pytest.raises(RuntimeError, match="shallow"):
            request.stream  # noqa: B018 - the look-up is what raises

    def test_close_closes_the_files(self, flask: Any) -> None:
        builder = EnvironBuilder(method="POST", data={"f": (io.BytesIO(b"x"), "x.txt")})
        with flask.Request(builder.get_environ()) as request:
            stream = request.files["f"].stream
        assert stream.closed

    def test_application_decorator(self, flask: Any) -> None:
        @flask.Request.application
        def hello(request: Any) -> Any:
            return flask.Response(f"hello {request.args['n']}")

        assert (
            WerkzeugResponse.from_app(hello, EnvironBuilder("/?n=x").get_environ()).data
            == b"hello x"
        )
