"""Contexts that end in another order than they began, as tests of applications let them.

Flask 3.1 has a stack of app contexts and one of requests. What crosses between the two is no
error there, and fixtures do it: ``with app.test_client() as client, app.app_context(): ...`` ends
the app context while the client still keeps the request that was made inside it.
"""

from __future__ import annotations

import contextvars
from typing import Any

import pytest

pytestmark = pytest.mark.wsgi  # an ASGI server keeps no context


@pytest.fixture
def log(app: Any) -> list[str]:
    log: list[str] = []
    app.teardown_request(lambda exc: log.append("request"))
    app.teardown_appcontext(lambda exc: log.append("app"))
    app.add_url_rule("/<name>", "index", lambda name: name)
    return log


class TestClient:
    def test_app_context_inside(self, flask: Any, app: Any, log: list[str]) -> None:
        with app.test_client() as client:
            with app.app_context():
                flask.g.value = 1
                client.get("/first")
                client.get("/second")
                assert log == ["request"] * 3  # the first once more, as it was kept
            assert flask.request.path == "/second"
            # The client keeps the app context too.
            assert flask.has_app_context()
            assert flask.g.value == 1
            assert "app" not in log
        assert log == ["request"] * 4 + ["app"]
        assert not flask.has_request_context()
        assert not flask.has_app_context()

    def test_app_context_around(self, flask: Any, app: Any, log: list[str]) -> None:
        with app.app_context():
            flask.g.value = 1
            with app.test_client() as client:
                client.get("/first")
                assert flask.request.path == "/first"
                assert flask.g.value == 1
            assert not flask.has_request_context()
            assert flask.g.value == 1
            assert log == ["request"] * 2
        assert log == ["request"] * 2 + ["app"]

    def test_no_app_context(self, flask: Any, app: Any, log: list[str]) -> None:
        with app.test_client() as client:
            client.get("/first")
            assert log == ["request", "app"]
            with app.test_request_context("/other"):
                assert flask.request.path == "/other"
            assert flask.request.path == "/first"
        assert not flask.has_app_context()


class TestByHand:
    def test_app_before_its_requests(self, flask: Any, app: Any, log: list[str]) -> None:
        around = app.app_context()
        first, second = app.test_request_context("/first"), app.test_request_context("/second")
        for ctx in (around, first, second):
            ctx.push()
        around.pop()
        assert log == ["app"]
        assert flask.request.path == "/second"
        second.pop()
        assert flask.request.path == "/first"
        first.pop()
        assert log == ["app", "request", "request"]
        assert not flask.has_app_context()

    def test_nothing_is_shared_with_what_ended(self, flask: Any, app: Any) -> None:
        around, ctx = app.app_context(), app.test_request_context("/first")
        around.push()
        ctx.push()
        flask.g.user = "ada"
        around.pop()
        with app.test_request_context("/second"):
            assert "user" not in flask.g
        ctx.pop()

    def test_request_before_an_app_inside(self, flask: Any, app: Any, log: list[str]) -> None:
        around, ctx, inside = app.app_context(), app.test_request_context("/"), app.app_context()
        for context in (around, ctx, inside):
            context.push()
        assert flask.has_request_context()
        ctx.pop()
        assert log == ["request"]
        assert not flask.has_request_context()
        assert flask.globals.app_ctx._get_current_object() is inside
        inside.pop()
        assert flask.globals.app_ctx._get_current_object() is around
        around.pop()
        assert not flask.has_app_context()

    def test_request_before_an_app_inside_another_request(self, flask: Any, app: Any) -> None:
        around, inside = app.app_context(), app.app_context()
        first, second = app.test_request_context("/first"), app.test_request_context("/second")
        for context in (around, first, second, inside):
            context.push()
        second.pop()
        assert flask.request.path == "/first"
        for context in (inside, first, around):
            context.pop()
        assert not flask.has_app_context()

    @pytest.mark.parametrize("made", ["own", "other app", "app inside"])
    def test_what_flask_refuses_too(self, flask: Any, app: Any, made: str) -> None:
        other = flask.Flask("other")
        around, ctx, inside = {
            "own": (app.test_request_context("/"), app.app_context(), None),
            "other app": (app.app_context(), other.test_request_context("/"), None),
            "app inside": (app.app_context(), app.test_request_context("/"), app.app_context()),
        }[made]

        def end_too_early() -> None:
            for context in (around, ctx, inside):
                if context is not None:
                    context.push()
            around.pop()

        with pytest.raises(AssertionError, match="Popped wrong"):
            # What it leaves pushed ends with the copy.
            contextvars.copy_context().run(end_too_early)
