from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from . import is_clean


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/path/%", 200),
            ("/path/%zz", 200),
            ("/path/%C3", 200),
            ("/path/%C3%28", 200),
            ("/path/%ED%A0%80", 200),
            ("/path/%F5%80%80%80", 200),
            ("/path/%00", 200),
            ("/path/a%00b", 200),
            ("/path/%0d%0aX-Injected:1", 404),
            ("/path/" + "a" * 100_000, 200),
            ("/path/" + "a/" * 5_000 + "b", 200),
            ("/%2e%2e/%2e%2e/etc/passwd", 404),
            ("/static/%2e%2e/%2e%2e/etc/passwd", 404),
            ("/static/..%5c..%5cwin.ini", 404),
            ("/static/%00", 404),
            ("/static/a%00.css", 404),
            ("/static/" + "a" * 5_000, 404),
            ("/static/con", 404),
            ("/static/~root", 404),
            ("/int/" + "9" * 4_000, 200),
            ("/int/" + "9" * 5_000, 404),
            ("/int/1e5", 404),
            ("/int/%D9%A3", 200),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_status(self, app: Any, path: str, status: int) -> None:
        response = app.test_client().get(path)
        assert response.status_code == status
        assert is_clean(response)

    @pytest.mark.parametrize(
        "path_info",
        ["", "no-slash", "//", "///x", "\xff\xfe", "\u00c3", "/\x00", "/a\r\nb", "/;%s"],
    )
    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "BREW", "get", "", "G\x00T"])
    def test_odd_environs(self, app: Any, path_info: str, method: str) -> None:
        """What broken servers hand over: never an exception."""
        environ = EnvironBuilder("/").get_environ()
        environ["PATH_INFO"] = path_info
        environ["REQUEST_METHOD"] = method
        body, status, _ = run_wsgi_app(app, environ)
        assert status[:3] in ("404", "405", "308")
        assert b"Traceback" not in b"".join(body)

    def test_location_of_a_redirect_cannot_be_injected(self, app: Any) -> None:
        app.add_url_rule("/slash/<x>/", "slash", lambda x: x)
        response = app.test_client().get("/slash/a%0d%0aX-Injected:%201")
        assert "X-Injected" not in response.headers
        assert "\n" not in response.headers.get("Location", "")

    def test_redirect_to_another_host_by_slashes(self, app: Any) -> None:
        app.add_url_rule("/<path:p>/", "any", lambda p: p)
        response = app.test_client().get("//evil.example/x", base_url="http://localhost")
        assert response.headers.get("Location", "http://localhost/").startswith("http://localhost/")
        environ = EnvironBuilder("/").get_environ()
        environ["PATH_INFO"] = "//evil.example/x"
        _, _, headers = run_wsgi_app(app, environ)
        assert headers.get("Location", "http://localhost/").startswith("http://localhost/")


class TestQueryStrings:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("a=%", {"a": ["%"]}),
            ("a=%zz", {"a": ["%zz"]}),
            ("a=%FF", {"a": ["%FF"]}),
            ("a=%C3%28", {"a": ["%C3("]}),
            ("%00=%00", {"\x00": ["\x00"]}),
            ("=", {"": [""]}),
            ("&&&", {}),
            ("a", {"a": [""]}),
            ("a=1;b=2", {"a": ["1;b=2"]}),
            ("a=%0d%0a", {"a": ["\r\n"]}),
            ("a[]=1&a[]=2", {"a[]": ["1", "2"]}),
        ],
    )
    def test_decoding(self, app: Any, query: str, found: dict[str, list[str]]) -> None:
        response = app.test_client().get(f"/read/args?{query}")
        assert response.json == found

    @pytest.mark.erlen_only
    def test_raw_bytes(self, app: Any) -> None:
        """Latin-1 text in the environ stands for bytes (PEP 3333), which may be no UTF-8."""
        client = app.test_client()
        raw = {"QUERY_STRING": "a=\xff&b=\xc3\xa9"}
        response = client.get("/read/args", environ_overrides=raw)
        assert response.status_code == 200
        assert response.json["b"] == ["é"]

    def test_many_and_long(self, app: Any) -> None:
        client = app.test_client()
        query = "&".join(f"k{n}=v" for n in range(5_000))
        assert len(client.get(f"/read/args?{query}").json) == 5_000
        assert client.get("/read/args?a=" + "x" * 500_000).status_code == 200


class TestHosts:
    @pytest.mark.parametrize(
        ("host", "status"),
        [
            ("good.example", 200),
            ("good.example:8080", 200),
            ("sub.dotted.example", 200),
            ("dotted.example", 200),
            ("evil.example", 400),
            ("good.example.evil.example", 400),
            ("notdotted.example", 400),
            ("", 400),
            ("good.example@evil.example", 400),
            ("evil.example#good.example", 400),
        ],
    )
    def test_trusted(self, app: Any, host: str, status: int) -> None:
        app.config["TRUSTED_HOSTS"] = ["good.example", ".dotted.example"]
        response = app.test_client().get("/read/host", environ_overrides={"HTTP_HOST": host})
        assert response.status_code == status
        assert is_clean(response)

    @pytest.mark.parametrize(
        "host",
        [
            "",
            " ",
            "a b",
            "a\x00b",
            "a\r\nX-Injected: 1",
            "h.example:port",
            "h.example:99999999",
            "[::1",
            "[::1]:80",
            "<script>",
            "h.example/path",
            "user@h.example",
            "\xff\xfe",
            "é.example",
            "a" * 10_000,
            "...",
            "h.example:80:80",
        ],
    )
    def test_malformed(self, app: Any, host: str) -> None:
        """Without a list of trusted hosts too: an answer, and nothing injected."""
        response = app.test_client().get("/read/host", environ_overrides={"HTTP_HOST": host})
        assert response.status_code in (200, 400)
        assert is_clean(response)
        redirect = app.test_client().get(
            "/read//host", environ_overrides={"HTTP_HOST": host}, follow_redirects=False
        )
        assert redirect.status_code in (308, 404, 400, 200)
        assert "X-Injected" not in redirect.headers

    @pytest.mark.parametrize("script_name", ["\xff", "//x", "no-slash", "/a\x00"])
    def test_script_names(self, app: Any, script_name: str) -> None:
        response = app.test_client().get(
            "/read/host", environ_overrides={"SCRIPT_NAME": script_name}
        )
        assert response.status_code in (200, 400, 404)
        assert is_clean(response)
