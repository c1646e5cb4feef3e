from __future__ import annotations

import pytest

from erlen import Flask
from erlen.testing import FlaskClient


def test_404_is_a_page_of_the_book(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert "This page is not in the book" in answer.text
    assert "Back to the book" in answer.text


@pytest.mark.parametrize("path", ["/fail", "/api/fail"])
def test_500_tells_nothing_of_the_inside(
    app: Flask, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise RuntimeError("the inside")

    app.add_url_rule(path, view_func=fail)
    app.testing = False
    answer = app.test_client().get(path)
    assert answer.status_code == 500
    assert "the inside" not in answer.text
    assert "the inside" in caplog.text
    if path.startswith("/api/"):
        assert answer.json is not None
        assert answer.json["error"]["status"] == 500
    else:
        assert "We have blotted the page" in answer.text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
