"""What a visitor sees, and what a forger does not get."""

from __future__ import annotations

import pytest
from website import create_app

from erlen.testing import FlaskClient


@pytest.fixture
def client() -> FlaskClient:
    app = create_app({"SECRET_KEY": "only for the tests, and long enough", "TESTING": True})
    return app.test_client()


def test_who_says_a_name_is_greeted(client: FlaskClient) -> None:
    answer = client.post(
        "/",
        data={"name": "Ada"},
        headers={"Origin": "http://localhost"},
        follow_redirects=True,
    )
    assert answer.status_code == 200
    assert "Hello, Ada!" in answer.text


def test_a_name_is_needed(client: FlaskClient) -> None:
    assert client.post("/", headers={"Origin": "http://localhost"}).status_code == 400


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://forger.example"}])
def test_a_forged_request_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = client.post("/", data={"name": "Ada"}, headers=headers)
    assert answer.status_code == 400
    assert "Hello" not in client.get("/").text


def test_a_request_that_is_too_large_is_refused(client: FlaskClient) -> None:
    limit = client.application.config["MAX_CONTENT_LENGTH"]
    answer = client.post("/", data=bytes(limit + 1), headers={"Origin": "http://localhost"})
    assert answer.status_code == 413
