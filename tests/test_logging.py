from __future__ import annotations

import importlib
import logging
import re
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest

TIME = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]"


@pytest.fixture
def module(flask: Any) -> Any:
    return importlib.import_module(f"{flask.__name__}.logging")


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """A root of our own above the app's logger: pytest puts handlers on the real one."""
    logger = logging.getLogger("tested")
    parent, logger.parent = logger.parent, logging.RootLogger(logging.WARNING)
    # Another test's app of the same name may have been in debug mode.
    logger.setLevel(logging.NOTSET)
    logger.handlers.clear()
    yield logger.parent
    logger.parent = parent
    logger.setLevel(logging.NOTSET)
    logger.handlers.clear()
    logger.propagate = True


def test_name_and_identity(app: Any, module: Any) -> None:
    assert app.logger.name == "tested"
    assert app.logger is app.logger is logging.getLogger("tested")
    assert module.create_logger(app) is app.logger
    assert app.logger.level == logging.NOTSET
    assert app.logger.handlers == [module.default_handler]


def test_debug_mode_lets_everything_pass(app: Any) -> None:
    app.debug = True
    assert app.logger.level == logging.DEBUG


def test_a_level_that_was_set_is_kept(app: Any) -> None:
    logging.getLogger("tested").setLevel(logging.ERROR)
    app.debug = True
    assert app.logger.level == logging.ERROR


def test_existing_root_handlers_are_respected(app: Any, root: logging.Logger) -> None:
    root.addHandler(logging.StreamHandler(StringIO()))
    assert app.logger.handlers == []


def test_a_handler_that_takes_too_little_is_not_enough(
    app: Any, module: Any, root: logging.Logger
) -> None:
    handler = logging.StreamHandler(StringIO())
    handler.setLevel(logging.CRITICAL)
    root.addHandler(handler)
    assert app.logger.handlers == [module.default_handler]


def test_has_level_handler(module: Any, root: logging.Logger) -> None:
    logger = logging.getLogger("tested.sub")
    assert module.has_level_handler(logger) is False
    handler = logging.StreamHandler(StringIO())
    root.addHandler(handler)
    assert module.has_level_handler(logger) is True
    logging.getLogger("tested").propagate = False
    assert module.has_level_handler(logger) is False
    logging.getLogger("tested").propagate = True
    handler.setLevel(logging.ERROR)  # the effective level is the root's: WARNING
    assert module.has_level_handler(logger) is False
    root.setLevel(logging.ERROR)
    assert module.has_level_handler(logger) is True


def test_the_errors_stream(app: Any, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    assert module.wsgi_errors_stream._get_current_object() is stderr
    with app.app_context():
        assert module.wsgi_errors_stream._get_current_object() is stderr
    stream = StringIO()
    with app.test_request_context(errors_stream=stream):
        assert module.wsgi_errors_stream._get_current_object() is stream


def test_lines(app: Any, client: Any) -> None:
    @app.get("/")
    def index() -> str:
        app.logger.info("an info")
        app.logger.warning("a %s", "warning")
        return ""

    stream = StringIO()
    client.get("/", errors_stream=stream)
    assert re.fullmatch(rf"{TIME} WARNING in test_logging: a warning\n", stream.getvalue())
    app.logger.setLevel(logging.DEBUG)
    stream = StringIO()
    client.get("/", errors_stream=stream)
    info, warning = stream.getvalue().splitlines()
    assert re.fullmatch(rf"{TIME} INFO in test_logging: an info", info)
    assert re.fullmatch(rf"{TIME} WARNING in test_logging: a warning", warning)


def test_an_exception_of_a_view(app: Any, client: Any) -> None:
    app.testing = False

    @app.get("/broken")
    def broken() -> str:
        raise ValueError("on purpose")

    stream = StringIO()
    assert client.get("/broken", errors_stream=stream).status_code == 500
    text = stream.getvalue()
    assert "ERROR in app: Exception on /broken [GET]\nTraceback (most recent call last):" in text
    assert text.endswith("ValueError: on purpose\n")
