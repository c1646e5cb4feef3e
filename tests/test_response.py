from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.datastructures import Headers
from werkzeug.http import COEP, COOP, parse_cookie
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response as WerkzeugResponse


def environ(*args: Any, **kwargs: Any) -> Any:
    return EnvironBuilder(*args, **kwargs).get_environ()


class TestConstructor:
    @pytest.mark.parametrize(
        ("options", "content_type"),
        [
            ({}, "text/html; charset=utf-8"),
            ({"mimetype": "text/plain"}, "text/plain; charset=utf-8"),
            ({"mimetype": "application/json"}, "application/json"),
            ({"mimetype": "application/xml"}, "application/xml; charset=utf-8"),
            ({"mimetype": "image/svg+xml"}, "image/svg+xml; charset=utf-8"),
            ({"mimetype": "image/png"}, "image/png"),
            ({"mimetype": "application/javascript"}, "application/javascript; charset=utf-8"),
            ({"content_type": "text/x; charset=latin-1"}, "text/x; charset=latin-1"),
            ({"headers": {"Content-Type": "text/own"}}, "text/own"),
            ({"headers": {"content-type": "text/own"}, "mimetype": None}, "text/own"),
            (
                {"headers": {"Content-Type": "text/own"}, "mimetype": "text/plain"},
                "text/plain; charset=utf-8",
            ),
        ],
    )
    def test_content_type(self, flask: Any, options: dict[str, Any], content_type: str) -> None:
        response = flask.Response("x", **options)
        assert response.headers.getlist("Content-Type") == [content_type]
        assert response.content_type == content_type
        assert response.mimetype == content_type.partition(";")[0]

    @pytest.mark.parametrize(
        ("status", "line", "code"),
        [
            (None, "200 OK", 200),
            (404, "404 NOT FOUND", 404),
            ("404 Gone Fishing", "404 Gone Fishing", 404),
            ("404", "404 NOT FOUND", 404),
            (799, "799 UNKNOWN", 799),
            ("wrong", "0 wrong", 0),
        ],
    )
    def test_status(self, flask: Any, status: Any, line: str, code: int) -> None:
        response = flask.Response("x", status)
        assert (response.status, response.status_code) == (line, code)
        assert type(response.status_code) is int

    def test_empty_status(self, flask: Any) -> None:
        with pytest.raises(ValueError, match="Empty status argument"):
            flask.Response("x", "")

    def test_http_status_enum(self, flask: Any) -> None:
        from http import HTTPStatus

        response = flask.Response("x", HTTPStatus.NOT_FOUND)
        assert (response.status, response.status_code) == ("404 NOT FOUND", 404)

    def test_headers_given(self, flask: Any) -> None:
        given = Headers([("X-A", "1"), ("X-A", "2")])
        response = flask.Response("x", headers=given)
        assert response.headers.getlist("X-A") == ["1", "2"]
        response.headers["X-B"] = "3"
        assert "X-B" not in given or response.headers is given
        assert flask.Response("x", headers=[("X-A", "1")]).headers["X-A"] == "1"

    @pytest.mark.parametrize("body", [None, "", b"", [], "é", b"\xff", ["a", b"b"]])
    def test_bodies(self, flask: Any, body: Any) -> None:
        response = flask.Response(body)
        parts = [body] if isinstance(body, (str, bytes)) else body or []
        expected = b"".join(p.encode() if isinstance(p, str) else p for p in parts)
        assert response.get_data() == expected

    def test_repr(self, flask: Any) -> None:
        assert repr(flask.Response("abc")) == "<Response 3 bytes [200 OK]>"
        assert repr(flask.Response(iter("abc"))) == "<Response streamed [200 OK]>"


class TestBody:
    def test_data(self, flask: Any) -> None:
        response = flask.Response("é")
        assert response.data == b"\xc3\xa9"
        assert response.get_data(as_text=True) == "é"
        response.data = "longer"
        assert response.data == b"longer"
        assert response.headers["Content-Length"] == "6"
        response.set_data(b"x")
        assert response.content_length == 1
        assert response.calculate_content_length() == 1
        assert response.is_sequence
        assert not response.is_streamed

    def test_response_attribute(self, flask: Any) -> None:
        response = flask.Response("x")
        assert list(response.response) == [b"x"]
        response.response = [b"a", b"b"]
        assert response.data == b"ab"

    def test_stream(self, flask: Any) -> None:
        response = flask.Response()
        response.stream.write("a")
        response.stream.writelines(["b", "c"])
        assert response.data == b"abc"

    def test_iterators(self, flask: Any) -> None:
        response = flask.Response(iter(["a", "b"]))
        assert response.is_streamed
        assert not response.is_sequence
        assert list(response.iter_encoded()) == [b"a", b"b"]
        response = flask.Response(iter(["a", "b"]))
        assert response.get_data() == b"ab"
        response = flask.Response(iter(["a", "b"]))
        response.make_sequence()
        assert response.is_sequence
        assert response.data == b"ab"

    def test_direct_passthrough(self, flask: Any) -> None:
        response = flask.Response(iter([b"a"]), direct_passthrough=True)
        with pytest.raises(RuntimeError, match="passthrough mode"):
            response.get_data()

    def test_json(self, flask: Any) -> None:
        response = flask.Response('{"a": 1}', mimetype="application/json")
        assert response.is_json
        assert response.json == {"a": 1}
        assert response.get_json() == {"a": 1}
        assert flask.Response("{").get_json(silent=True) is None
        assert flask.Response("[1]").get_json(force=True) == [1]

    def test_freeze(self, flask: Any) -> None:
        response = flask.Response(iter(["a", "b"]))
        response.freeze()
        assert response.response == [b"a", b"b"]
        assert response.headers["Content-Length"] == "2"
        assert response.headers["ETag"]

    def test_context_manager_closes(self, flask: Any) -> None:
        log: list[str] = []
        with flask.Response("x") as response:
            response.call_on_close(lambda: log.append("closed"))
            assert log == []
        assert log == ["closed"]


class TestWsgi:
    def test_answer(self, flask: Any) -> None:
        body, status, headers = run_wsgi_app(flask.Response("é", 201, {"X-A": "1"}), environ())
        assert (b"".join(body), status) == (b"\xc3\xa9", "201 CREATED")
        assert headers["X-A"] == "1"
        assert headers["Content-Length"] == "2"

    @pytest.mark.parametrize("status", [100, 101, 199, 204, 304])
    def test_statuses_without_a_body(self, flask: Any, status: int) -> None:
        body, _, headers = run_wsgi_app(flask.Response("x", status), environ())
        assert b"".join(body) == b""
        assert "Content-Length" not in headers

    def test_empty_body(self, flask: Any) -> None:
        response = flask.Response()
        body, status, pairs = response.get_wsgi_response(environ())
        assert (list(body), status, dict(pairs)["Content-Length"]) == ([], "200 OK", "0")
        assert "Content-Length" not in response.headers
        log: list[str] = []
        response.call_on_close(lambda: log.append("closed"))
        body, status, headers = run_wsgi_app(response, environ())
        assert (b"".join(body), status, headers["Content-Length"]) == (b"", "200 OK", "0")
        body.close()  # type: ignore[attr-defined]  # an iterator with close, as PEP 3333 has it
        assert log == ["closed"]

    def test_length_is_left_to_the_app(self, flask: Any) -> None:
        response = flask.Response()
        response.automatically_set_content_length = False
        assert "Content-Length" not in run_wsgi_app(response, environ())[2]

    def test_default_mimetype_set_on_the_class(
        self, flask: Any, app: Any, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app.add_url_rule("/", "index", lambda: "text")
        app.after_request(lambda response: response)
        monkeypatch.setattr(flask.Response, "default_mimetype", "text/css")
        assert client.get("/").headers["Content-Type"] == "text/css; charset=utf-8"

    def test_head(self, flask: Any) -> None:
        body, _, headers = run_wsgi_app(flask.Response("abc"), environ(method="HEAD"))
        assert b"".join(body) == b""
        assert headers["Content-Length"] == "3"

    def test_can_be_sent_twice(self, flask: Any) -> None:
        response = flask.Response("abc")
        for _ in range(2):
            body, _, _ = run_wsgi_app(response, environ())
            assert b"".join(body) == b"abc"

    def test_location_stays_relative(self, flask: Any) -> None:
        assert flask.Response.autocorrect_location_header is False
        response = flask.Response(headers={"Location": "/é x"})
        _, _, headers = run_wsgi_app(response, environ(base_url="http://h.example/m/"))
        assert headers["Location"] == "/%C3%A9%20x"
        response.autocorrect_location_header = True
        _, _, headers = run_wsgi_app(response, environ("/a", base_url="http://h.example/m/"))
        assert headers["Location"] == "http://h.example/%C3%A9%20x"

    def test_get_wsgi_methods(self, flask: Any) -> None:
        response = flask.Response("x")
        body, status, headers = response.get_wsgi_response(environ())
        assert (b"".join(body), status) == (b"x", "200 OK")
        assert ("Content-Length", "1") in headers
        assert response.get_wsgi_headers(environ())["Content-Length"] == "1"
        assert b"".join(response.get_app_iter(environ())) == b"x"

    @pytest.mark.parametrize("status", [200, 204, 304, 401])
    def test_headers_replaced_by_a_dict(self, flask: Any, status: int) -> None:
        """httpbin does so."""
        response = flask.Response("abc", status)
        response.headers = {"X-A": "1", "location": "/é"}
        body, _, headers = run_wsgi_app(response, environ())
        assert headers["X-A"] == "1"
        assert headers["Location"] == "/%C3%A9"
        assert headers.get("Content-Length") == ("3" if status in (200, 401) else None)
        assert b"".join(body) == (b"abc" if status in (200, 401) else b"")

    def test_get_wsgi_headers_can_be_overridden(self, flask: Any, app: Any, client: Any) -> None:
        class Mine(flask.Response):
            def get_wsgi_headers(self, environ: Any) -> Any:
                headers = super().get_wsgi_headers(environ)
                headers["X-Path"] = environ["PATH_INFO"]
                return headers

        app.response_class = Mine
        app.add_url_rule("/p", "p", lambda: "x")
        assert client.get("/p").headers["X-Path"] == "/p"

    def test_call_can_be_overridden(self, flask: Any, app: Any, client: Any) -> None:
        class Mine(flask.Response):
            def __call__(self, environ: Any, start_response: Any) -> Any:
                self.headers["X-Called"] = "1"
                return super().__call__(environ, start_response)

        app.response_class = Mine
        app.add_url_rule("/", "index", lambda: "x")
        assert client.get("/").headers["X-Called"] == "1"

    def test_iter_encoded_can_be_overridden(self, flask: Any, app: Any, client: Any) -> None:
        class Mine(flask.Response):
            def iter_encoded(self) -> Any:
                return (part.upper() for part in super().iter_encoded())

        app.response_class = Mine
        app.add_url_rule("/", "index", lambda: "shout")
        assert client.get("/").data == b"SHOUT"

    def test_force_type_and_from_app(self, flask: Any) -> None:
        forced = flask.Response.force_type(WerkzeugResponse("x", 404))
        assert type(forced) is flask.Response
        assert (forced.data, forced.status_code) == (b"x", 404)
        taken = flask.Response.from_app(WerkzeugResponse("y", 203), environ())
        assert (taken.data, taken.status_code) == (b"y", 203)
        with pytest.raises(TypeError, match="cannot convert WSGI application"):
            flask.Response.force_type(lambda environ, start_response: [])


class TestHeaders:
    def test_setting_through_properties(self, flask: Any) -> None:
        response = flask.Response("x")
        response.content_type = "text/own"
        response.location = "/é"
        response.age = 5
        response.allow.add("GET")
        response.cache_control.max_age = 60
        response.cache_control.public = True
        response.content_encoding = "gzip"
        response.content_language.add("de")
        response.content_location = "/c"
        response.content_security_policy.default_src = "'self'"
        response.content_security_policy_report_only.img_src = "*"
        response.date = datetime(2020, 1, 2, tzinfo=UTC)
        response.expires = datetime(2020, 1, 3, tzinfo=UTC)
        response.last_modified = datetime(2020, 1, 1, tzinfo=UTC)
        response.retry_after = 30
        response.vary.add("Cookie")
        response.vary.add("Accept")
        response.accept_ranges = "bytes"
        response.content_range.set(0, 5, 10)
        response.access_control_allow_origin = "*"
        response.access_control_allow_methods = ["GET", "PUT"]
        response.access_control_allow_credentials = True
        response.access_control_max_age = 10
        response.cross_origin_opener_policy = COOP.SAME_ORIGIN
        response.cross_origin_embedder_policy = COEP.REQUIRE_CORP
        headers = response.headers
        assert headers["Content-Type"] == "text/own"
        assert headers["Location"] == "/é"
        assert headers["Age"] == "5"
        assert headers["Allow"] == "GET"
        assert headers["Cache-Control"] == "max-age=60, public"
        assert headers["Content-Encoding"] == "gzip"
        assert headers["Content-Language"] == "de"
        assert headers["Content-Location"] == "/c"
        assert headers["Content-Security-Policy"] == "default-src 'self'"
        assert headers["Content-Security-Policy-Report-Only"] == "img-src *"
        assert headers["Date"] == "Thu, 02 Jan 2020 00:00:00 GMT"
        assert headers["Expires"] == "Fri, 03 Jan 2020 00:00:00 GMT"
        assert headers["Last-Modified"] == "Wed, 01 Jan 2020 00:00:00 GMT"
        assert headers["Retry-After"] == "30"
        assert headers["Vary"] == "Cookie, Accept"
        assert headers["Accept-Ranges"] == "bytes"
        assert headers["Content-Range"] == "bytes 0-4/10"
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Access-Control-Allow-Methods"] == "GET, PUT"
        assert headers["Access-Control-Allow-Credentials"] == "true"
        assert headers["Access-Control-Max-Age"] == "10"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"

    def test_replacing_all_headers(self, flask: Any) -> None:
        response = flask.Response("x")
        response.headers = Headers({"X-Only": "1"})
        _, _, headers = run_wsgi_app(response, environ())
        assert headers.to_wsgi_list() == [("X-Only", "1"), ("Content-Length", "1")]

    def test_status_can_be_set(self, flask: Any) -> None:
        response = flask.Response("x")
        response.status_code = 404
        assert response.status == "404 NOT FOUND"
        response.status = "299 Own"
        assert response.status_code == 299

    def test_mimetype_can_be_set(self, flask: Any) -> None:
        response = flask.Response("x")
        response.mimetype = "text/plain"
        assert response.content_type == "text/plain; charset=utf-8"
        assert response.mimetype_params == {"charset": "utf-8"}

    def test_etag_and_conditional(self, flask: Any) -> None:
        response = flask.Response("x")
        response.add_etag()
        etag = response.headers["ETag"]
        assert response.get_etag() == (etag.strip('"'), False)
        response.make_conditional(environ(headers={"If-None-Match": etag}))
        body, status, headers = run_wsgi_app(response, environ())
        assert (b"".join(body), status) == (b"", "304 NOT MODIFIED")
        response = flask.Response("0123456789")
        response.make_conditional(
            environ(headers={"Range": "bytes=2-3"}), accept_ranges=True, complete_length=10
        )
        body, status, headers = run_wsgi_app(response, environ())
        assert (b"".join(body), status) == (b"23", "206 PARTIAL CONTENT")
        assert headers["Content-Range"] == "bytes 2-3/10"

    def test_www_authenticate(self, flask: Any) -> None:
        from werkzeug.datastructures import WWWAuthenticate

        response = flask.Response("x", 401)
        response.www_authenticate = WWWAuthenticate("basic", {"realm": "r"})
        assert response.headers["WWW-Authenticate"] == "Basic realm=r"


class TestCookies:
    @pytest.mark.parametrize(
        ("options", "header"),
        [
            ({}, "k=v; Path=/"),
            (
                {"expires": datetime(2020, 1, 2, tzinfo=UTC)},
                "k=v; Expires=Thu, 02 Jan 2020 00:00:00 GMT; Path=/",
            ),
            ({"path": "/p"}, "k=v; Path=/p"),
            ({"path": None}, "k=v"),
            ({"domain": "h.example"}, "k=v; Domain=h.example; Path=/"),
            ({"secure": True, "httponly": True}, "k=v; Secure; HttpOnly; Path=/"),
            ({"samesite": "Lax"}, "k=v; Path=/; SameSite=Lax"),
            ({"samesite": "strict"}, "k=v; Path=/; SameSite=Strict"),
            ({"partitioned": True}, "k=v; Secure; Path=/; Partitioned"),
        ],
    )
    def test_attributes(self, flask: Any, options: dict[str, Any], header: str) -> None:
        response = flask.Response()
        response.set_cookie("k", "v", **options)
        assert response.headers.getlist("Set-Cookie") == [header]

    @pytest.mark.parametrize("max_age", [60, timedelta(minutes=1)])
    def test_max_age(self, flask: Any, max_age: Any) -> None:
        response = flask.Response()
        response.set_cookie("k", "v", max_age=max_age)
        assert "Max-Age=60" in response.headers["Set-Cookie"].split("; ")

    def test_wrong_samesite(self, flask: Any) -> None:
        with pytest.raises(ValueError, match="SameSite must be 'Strict', 'Lax', or 'None'"):
            flask.Response().set_cookie("k", "v", samesite="other")

    @pytest.mark.parametrize("value", ["", "a b", 'q"q', "é", "a;b", "a,b", "a\\b", "\r\n", "\x00"])
    def test_values_come_back(self, flask: Any, value: str) -> None:
        response = flask.Response()
        response.set_cookie("k", value)
        header = response.headers["Set-Cookie"]
        assert "\r" not in header
        assert "\n" not in header
        assert parse_cookie(header.rpartition("; ")[0])["k"] == value

    def test_several_and_deleted(self, flask: Any) -> None:
        response = flask.Response()
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        response.delete_cookie("c", path="/p", domain="h.example")
        assert response.headers.getlist("Set-Cookie") == [
            "a=1; Path=/",
            "b=2; Path=/",
            "c=; Domain=h.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/p",
        ]

    def test_too_large_warns(self, flask: Any, app: Any) -> None:
        response = flask.Response()
        with pytest.warns(UserWarning, match="The 'k' cookie is too large"):
            response.set_cookie("k", "x" * 5000)
        app.config["MAX_COOKIE_SIZE"] = 0
        with app.app_context():
            flask.Response().set_cookie("k", "x" * 5000)
            assert flask.Response().max_cookie_size == 0
        assert flask.Response().max_cookie_size == 4093
