from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder


class TestCookies:
    @pytest.mark.parametrize(
        ("header", "found"),
        [
            ("", {}),
            (";;;", {}),
            ("=", {}),
            ("a", {}),
            ("a=", {"a": ""}),
            ("a=1; a=2", {"a": "1"}),
            ('a="\\377"', {"a": "\ufffd"}),
            ("a=b=c", {"a": "b=c"}),
            ("a=1;b=2", {"a": "1", "b": "2"}),
        ],
    )
    def test_parsing(self, app: Any, header: str, found: dict[str, str]) -> None:
        response = app.test_client(use_cookies=False).get(
            "/read/cookies", headers={"Cookie": header}
        )
        assert response.status_code == 200
        if found or header in ("", ";;;"):
            assert response.json == found

    @pytest.mark.parametrize(
        "raw",
        ["a=\xff", "a=\xc3\x28", "\xff=1", "a=\x00", "a=" + "x" * 9_999],
        ids=ascii,
    )
    def test_raw_bytes(self, app: Any, raw: str) -> None:
        response = app.test_client(use_cookies=False).get(
            "/read/cookies", environ_overrides={"HTTP_COOKIE": raw}
        )
        assert response.status_code == 200

    @pytest.mark.parametrize(
        "value",
        ["", "x", ".", "..", "eyJhIjoxfQ", "eyJhIjoxfQ.a.b", "\xff\xfe", "." * 1000, "eyJ.." * 999],
    )
    def test_session_that_was_not_signed_here(self, app: Any, value: str) -> None:
        response = app.test_client(use_cookies=False).get(
            "/read/session", environ_overrides={"HTTP_COOKIE": f"session={value}"}
        )
        assert (response.status_code, response.json) == (200, {})

    def test_tampered_session(self, flask: Any, app: Any) -> None:
        client = app.test_client()
        with client.session_transaction() as session:
            session["admin"] = False
        cookie = client.get_cookie("session")
        assert client.get("/read/session").json == {"admin": False}
        for position in range(0, len(cookie.value), 7):
            flipped = "A" if cookie.value[position] != "A" else "B"
            value = cookie.value[:position] + flipped + cookie.value[position + 1 :]
            fresh = app.test_client()
            fresh.set_cookie("session", value)
            assert fresh.get("/read/session").json in ({}, {"admin": False})
        for value in (cookie.value[:-5], cookie.value[5:], cookie.value.replace(".", "")):
            fresh = app.test_client()
            fresh.set_cookie("session", value)
            assert fresh.get("/read/session").json == {}


class TestHeadersIn:
    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("Accept", ["", "x", "*/*;q=nonsense", "text/html;q=2", ",,,", "\xff"]),
            ("Accept-Language", ["", "*", "de;q=x", "a" * 9999]),
            ("Authorization", ["", "Basic", "Basic !!!", "Bearer", "Digest x=", "x" * 9999]),
            ("If-Modified-Since", ["nonsense", "Thu, 99 Jan 2020 00:00:00 GMT", "0", "\x00"]),
            ("If-None-Match", ["", "*", '"', 'W/"', "\xff", ",,,"]),
            ("Range", ["", "bytes", "bytes=", "bytes=x-y", "bytes=5-1", "x=0-1", "\xff"]),
            ("Content-Type", ["", ";", "text/html; charset=\xff", "a" * 9999]),
            ("Cookie", ["", "\xff", "\x00"]),
            ("Cache-Control", ["", ",,,", "max-age=x", "\xff"]),
            ("X-Forwarded-For", ["", ",,,", "\xff", "unknown"]),
            ("Max-Forwards", ["", "x", "9" * 5000]),
        ],
    )  # fmt: skip
    def test_every_property_survives(
        self, flask: Any, app: Any, name: str, values: list[str]
    ) -> None:
        properties = (
            "accept_mimetypes accept_languages accept_encodings accept_charsets authorization"
            " if_modified_since if_unmodified_since if_none_match if_match if_range range"
            " content_type mimetype mimetype_params cookies cache_control access_route"
            " max_forwards date referrer user_agent is_json content_length headers"
        ).split()
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        for value in values:
            environ = EnvironBuilder("/").get_environ()
            environ[key] = value
            with app.request_context(environ):
                found = [repr(getattr(flask.request, p)) for p in properties]
            assert len(found) == len(properties)

    @pytest.mark.erlen_only
    @pytest.mark.parametrize("value", ["Basic \xff", "Basic /w==", "Digest \xff", "\xff \xff"])
    def test_authorization_of_other_bytes(self, flask: Any, app: Any, value: str) -> None:
        """Werkzeug lets a UnicodeError out where Basic credentials are not ASCII."""
        app.add_url_rule("/auth", "auth", lambda: str(flask.request.authorization is None))
        response = app.test_client().get("/auth", environ_overrides={"HTTP_AUTHORIZATION": value})
        assert response.status_code == 200

    def test_conditional_requests_for_files(self, app: Any, tmp_path: Any) -> None:
        (tmp_path / "static").mkdir()
        (tmp_path / "static" / "a.txt").write_text("0123456789")
        client = app.test_client()
        for header in ("If-Modified-Since", "If-None-Match", "If-Range", "Range", "If-Match"):
            for value in ("", "nonsense", '"', "bytes=99-1", "\xff", "bytes=0-" + "9" * 50):
                response = client.get("/static/a.txt", headers={header: value})
                assert response.status_code in (200, 206, 304, 412, 416)
                response.close()

    def test_duplicates(self, app: Any) -> None:
        """A server joins repeated headers with a comma (RFC 9110, section 5.3)."""
        response = app.test_client().post(
            "/read/json",
            data=b"{}",
            environ_overrides={"CONTENT_TYPE": "application/json, text/plain"},
        )
        assert response.status_code == 415


class TestHeadersOut:
    """What a view puts into headers from input cannot start another header."""

    @pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\rb", "a\r\n\r\n<html>"])
    def test_setting(self, flask: Any, value: str) -> None:
        response = flask.Response("x")
        attempts: list[Callable[[], Any]] = [
            lambda: response.headers.set("X-A", value),
            lambda: response.headers.add("X-A", value),
            lambda: response.headers.__setitem__("X-A", value),
            lambda: response.headers.extend({"X-A": value}),
            lambda: flask.Response("x", headers={"X-A": value}),
            lambda: flask.Response("x", headers=[("X-A", value)]),
            lambda: setattr(response, "location", value),
        ]
        for attempt in attempts:
            with pytest.raises(ValueError, match="must not contain newline"):
                attempt()

    @pytest.mark.parametrize(
        "attempt",
        [
            lambda flask, v: flask.redirect(v),
            lambda flask, v: ("x", 200, {"X-A": v}),
            lambda flask, v: ("x", {"X-A": v}),
            lambda flask, v: flask.Response("x", content_type=v),
            lambda flask, v: flask.Response("x", mimetype=v),
        ],
    )
    def test_in_views(self, flask: Any, app: Any, attempt: Any) -> None:
        value = "/a\r\nX-Injected: 1"
        app.add_url_rule("/out", "out", lambda: attempt(flask, value))
        response = app.test_client().get("/out")
        assert "X-Injected" not in response.headers
        assert all("\n" not in v and "\r" not in v for _, v in response.headers)

    def test_in_cookies(self, flask: Any) -> None:
        response = flask.Response("x")
        response.set_cookie("a", "1\r\nX-Injected: 1")
        for options in ({"path": "/\r\nX: 1"}, {"domain": "h\r\nX: 1"}):
            try:
                response.set_cookie("b", "1", **options)
            except (ValueError, UnicodeError):
                continue
        assert all("\n" not in v and "\r" not in v for _, v in response.headers)

    def test_status_line(self, flask: Any, app: Any) -> None:
        app.add_url_rule("/out", "out", lambda: ("x", "200 OK\r\nX-Injected: 1"))
        response = app.test_client().get("/out")
        assert "X-Injected" not in response.headers
