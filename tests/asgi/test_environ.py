from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from erlen.asgi import environ as room
from erlen.asgi.environ import make_environ
from erlen.asgi.testing import make_scope

from .driver import scope_of

names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1).map(lambda name: f"x-{name}")
values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))


@given(
    path=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="?#")),
    query=st.text("abc=&%+;/", max_size=20),
    headers=st.dictionaries(names, values),
    root=st.sampled_from(["", "/app", "/ä b"]),
)
def test_the_environ_of_a_request(
    path: str, query: str, headers: dict[str, str], root: str
) -> None:
    """There and back again: what Werkzeug says of a request is what a scope of it says."""
    builder = EnvironBuilder(f"/{path.lstrip('/')}", f"http://a.example{root}", query_string=query)
    environ = builder.get_environ()
    environ |= {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in headers.items()}
    made = make_environ(make_scope(environ))
    for key in environ.keys() - {"wsgi.input", "CONTENT_LENGTH", "CONTENT_TYPE"}:
        if not key.startswith("wsgi.") and key not in ("REQUEST_URI", "RAW_URI"):
            assert made[key] == environ[key], key
    assert made["wsgi.url_scheme"] == "http"


class TestHeaders:
    def test_an_underscore_is_no_hyphen(self) -> None:
        """What a proxy removes cannot be smuggled in by another spelling."""
        headers = [(b"x_forwarded_for", b"1.2.3.4"), (b"x-real", b"1"), (b"X_Real", b"2")]
        environ = make_environ(scope_of(headers=headers))
        assert "HTTP_X_FORWARDED_FOR" not in environ
        assert environ["HTTP_X_REAL"] == "1"

    def test_folded(self) -> None:
        headers = [
            *[(b"x-a", b"1"), (b"x-a", b"2")],
            *[(b"cookie", b"a=1"), (b"cookie", b"b=2")],
            *[(b"content-type", b"text/plain"), (b"content-length", b"3")],
            (b"x-latin", "ü".encode("latin-1")),
        ]
        environ = make_environ(scope_of(headers=headers))
        assert environ["HTTP_X_A"] == "1,2"
        assert environ["HTTP_COOKIE"] == "a=1; b=2"
        assert environ["CONTENT_TYPE"] == "text/plain"
        assert environ["CONTENT_LENGTH"] == "3"
        assert environ["HTTP_X_LATIN"] == "ü"

    def test_two_hosts_are_none(self, app: Any) -> None:
        app.add_url_rule("/", "index", lambda: "x")
        environ = make_environ(scope_of(headers=[(b"host", b"evil.example")]))
        assert environ["HTTP_HOST"] == "localhost,evil.example"

    def test_invented_names_fill_no_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(room, "_keys", {})
        for n in range(1200):
            environ = make_environ(scope_of(headers=[(b"x-%d" % n, b"1")]))
            assert environ[f"HTTP_X_{n}"] == "1"
        assert len(room._keys) == 1000

    def test_nothing_of_the_environ_can_be_set(self) -> None:
        headers = [(b"wsgi.url-scheme", b"https"), (b"erlen.server", b"x"), (b"remote-addr", b"1")]
        environ = make_environ(scope_of(headers=headers))
        assert environ["wsgi.url_scheme"] == "http"
        assert "erlen.server" not in environ
        assert environ["REMOTE_ADDR"] == "127.0.0.1"


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "root", "script_name", "path_info"),
        [
            ("/a", "", "", "/a"),
            ("/app/a", "/app", "/app", "/a"),
            ("/app", "/app", "/app", ""),
            ("/a", "/app", "/app", "/a"),  # servers that leave the root out of the path
            ("/apple", "/app", "/app", "/apple"),
            ("/app/a", "/app/", "/app", "/a"),
        ],
    )
    def test_root_path(self, path: str, root: str, script_name: str, path_info: str) -> None:
        environ = make_environ(scope_of(path, root_path=root))
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == (script_name, path_info)

    def test_bytes_that_are_no_utf_8(self) -> None:
        scope = scope_of("/\ufffd", raw_path=b"/%ff")
        assert make_environ(scope)["PATH_INFO"] == "/\xff"
        assert make_environ(scope | {"raw_path": None})["PATH_INFO"] == "/\xef\xbf\xbd"

    def test_what_a_server_need_not_tell(self) -> None:
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "query_string": b"",
            "headers": [],
            "client": None,
            "server": ("/run/app.sock", None),
        }
        environ = make_environ(scope)
        assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("/run/app.sock", "")
        assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
        assert "REMOTE_ADDR" not in environ
        environ = make_environ({**scope, "server": None, "http_version": "2"})
        assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("localhost", "80")
        assert environ["SERVER_PROTOCOL"] == "HTTP/2"
