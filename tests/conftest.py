"""What every test of the suite shares: the door under test, an app, a client."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

DOOR = os.environ.get("ERLEN_TEST_DOOR", "erlen")
# The door asgi is erlen, whose test clients ask as an ASGI server does.
PACKAGE = "erlen" if DOOR == "asgi" else DOOR

_property_tests: dict[str, Any] = {
    "deadline": None,  # No test of erlen measures time.
    "database": None,
    "suppress_health_check": list(HealthCheck),
}
# The usual run asks the same questions each time, so that a failure belongs to the change at hand.
# ERLEN_TEST_PROFILE=deep looks much longer, at random.
settings.register_profile("usual", settings(max_examples=300, derandomize=True, **_property_tests))
settings.register_profile("deep", settings(max_examples=10_000, **_property_tests))
settings.load_profile(os.environ.get("ERLEN_TEST_PROFILE", "usual"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "peer: needs the real Flask beside erlen in one process (door erlen only)"
    )
    config.addinivalue_line(
        "markers", "erlen_only: erlen differs from Flask on purpose (not run on the real Flask)"
    )
    config.addinivalue_line("markers", "wsgi: about WSGI itself (not run at the door asgi)")
    if DOOR == "asgi":
        client = importlib.import_module("erlen.asgi.testing").ASGIClient
        importlib.import_module("erlen").Flask.test_client_class = client


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    door = importlib.import_module(PACKAGE)
    no_asgi = pytest.mark.skip(reason="the door is ASGI")
    no_peer = pytest.mark.skip(reason="the door is not erlen: no real Flask beside it")
    real_flask = pytest.mark.skip(reason="the door is the real Flask")
    for item in items:
        if DOOR == "asgi" and item.get_closest_marker("wsgi"):
            item.add_marker(no_asgi)
        if DOOR != "erlen" and item.get_closest_marker("peer"):
            item.add_marker(no_peer)
        if door.__name__ != "erlen" and item.get_closest_marker("erlen_only"):
            item.add_marker(real_flask)


@pytest.fixture(scope="session")
def flask() -> Any:
    """The package under test: erlen, or whatever `flask` is in this process."""
    return importlib.import_module(PACKAGE)


@pytest.fixture
def app(flask: Any, tmp_path: Path) -> Any:
    """An app in an empty folder, in testing mode: exceptions of views propagate."""
    app = flask.Flask("tested", root_path=str(tmp_path))
    app.config.update(TESTING=True, SECRET_KEY="a secret key of more than thirty-two bytes")
    return app


@pytest.fixture
def client(app: Any) -> Any:
    return app.test_client()


@pytest.fixture
def templates(app: Any) -> Callable[..., None]:
    """Write into the app's template folder: `templates(**{"a.html": "..."})`."""

    def write(**sources: str) -> None:
        for name, source in sources.items():
            path = Path(app.root_path, "templates", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)

    return write


@pytest.fixture(autouse=True)
def environment_kept() -> Iterator[None]:
    """Take back what a test sets: the command line sets variables for the server it starts."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(autouse=True)
def no_context_left(flask: Any) -> Iterator[None]:
    """Fail the test that leaves a context pushed, and clean up for the next one."""
    yield
    globals_module = sys.modules[f"{flask.__name__}.globals"]
    left = []
    while (ctx := globals_module._cv_request.get(None)) is not None:
        left.append(ctx)
        ctx.pop()
    while (ctx := globals_module._cv_app.get(None)) is not None:
        left.append(ctx)
        ctx.pop()
    assert left == [], "the test left a context pushed"
