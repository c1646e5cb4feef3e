from __future__ import annotations

from pathlib import Path

import pytest
from guestbook import create_app

from erlen import Flask
from erlen.testing import FlaskClient


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
    result = app.test_cli_runner().invoke(args=["init-db"])
    assert result.exit_code == 0, result.output
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
