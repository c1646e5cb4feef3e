from __future__ import annotations

import re
from typing import Any

import pytest

from erlen.middleware import SecurityHeaders, csp_nonce

from .doors import Answer, asgi, wsgi
from .test_compress import asgi_serving, serving


def nonce_of(answer: Any) -> str:
    found = re.search(r"'nonce-([A-Za-z0-9_-]{22})'", answer.headers["Content-Security-Policy"])
    assert found is not None
    return found[1]


@pytest.mark.parametrize("ask", [
    lambda **o: wsgi(SecurityHeaders(serving(b"x"), **o)),
    lambda **o: asgi(SecurityHeaders(asgi_serving(b"x"), **o)),
])  # fmt: skip
class TestBothProtocols:
    def test_defaults(self, ask: Any) -> None:
        answer = ask()
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy and "object-src 'none'" in policy
        assert "Strict-Transport-Security" not in answer.headers

    def test_each_request_has_a_nonce_of_its_own(self, ask: Any) -> None:
        assert len({nonce_of(ask()) for _ in range(20)}) == 20

    def test_what_is_set(self, ask: Any) -> None:
        answer = ask(
            policy="default-src 'none'",
            headers={"X-Frame-Options": None, "Permissions-Policy": "camera=()"},
        )
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
        assert answer.headers["Permissions-Policy"] == "camera=()"
        assert "X-Frame-Options" not in answer.headers
        assert "Content-Security-Policy" not in ask(policy=None).headers
        answer = ask(report_only=True)
        assert "Content-Security-Policy" not in answer.headers
        assert "'nonce-" in answer.headers["Content-Security-Policy-Report-Only"]


def test_what_the_application_sets_stays() -> None:
    app = serving(b"x", X_Frame_Options="DENY", Content_Security_Policy="default-src *")
    answer = wsgi(SecurityHeaders(app))
    assert answer.headers.getlist("X-Frame-Options") == ["DENY"]
    assert answer.headers.getlist("Content-Security-Policy") == ["default-src *"]


def test_https_alone_is_asked_to_stay() -> None:
    answer: Any = wsgi(SecurityHeaders(serving(b"x")), base_url="https://x")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    answer = asgi(SecurityHeaders(asgi_serving(b"x"), hsts="max-age=1"), scheme="https")
    assert answer.headers["Strict-Transport-Security"] == "max-age=1"
    answer = wsgi(SecurityHeaders(serving(b"x"), hsts=None), base_url="https://x")
    assert "Strict-Transport-Security" not in answer.headers


def test_a_304_does_not_change_the_nonce_of_the_page_that_it_confirms() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("304 Not Modified", [("ETag", '"a"')])
        return []

    assert "Content-Security-Policy" not in wsgi(SecurityHeaders(app)).headers
    fixed = SecurityHeaders(app, policy="default-src 'self'")
    assert wsgi(fixed).headers["Content-Security-Policy"] == "default-src 'self'"


def test_the_nonce_is_there_for_templates(flask: Any, app: Any) -> None:
    app.add_template_global(csp_nonce)
    page = '<script nonce="{{ csp_nonce() }}"></script>'
    app.add_url_rule("/", "index", lambda: flask.render_template_string(page))
    app.wsgi_app = SecurityHeaders(app.wsgi_app)
    answer = app.test_client().get("/")
    assert answer.text == f'<script nonce="{nonce_of(answer)}"></script>'


def test_the_nonce_is_there_on_an_asgi_server(flask: Any, app: Any) -> None:
    app.add_url_rule("/", "index", csp_nonce)
    answer: Answer = asgi(SecurityHeaders(app))
    assert answer.text == nonce_of(answer)


def test_without_the_middleware_there_is_no_nonce(app: Any) -> None:
    with app.test_request_context(), pytest.raises(RuntimeError, match="put SecurityHeaders, with"):
        csp_nonce()


def test_a_header_with_a_line_break() -> None:
    wrong: list[Any] = [{"policy": "a\nb"}, {"hsts": "a\r"}, {"headers": {"X": "a\nSet-Cookie: b"}}]
    for options in wrong:
        with pytest.raises(ValueError, match="A header's value is one line, not 'a"):
            SecurityHeaders(serving(b"x"), **options)
