from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from guestbook import create_app

from erlen import Flask
from erlen.testing import FlaskClient


class Browser(FlaskClient):
    """A client that says where its requests come from, as browsers do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """The guestbook with an empty book in a folder of its own."""
    app = create_app(
        {
            "TESTING": True,
            "DATA_FOLDER": tmp_path / "data",
            "SECRET_KEY": "for the tests only, and long enough to sign",
            "ENTRIES_PER_PAGE": 3,
        }
    )
    app.test_client_class = Browser
    result = app.test_cli_runner().invoke(args=["init-db"])
    assert result.exit_code == 0, result.output
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def program(app: Flask) -> FlaskClient:
    """A client that says nothing: no browser of today."""
    return FlaskClient(app, app.response_class)
