from __future__ import annotations

from typing import Any

import pytest
from werkzeug.local import LocalProxy

OUTSIDE_APP = """\
Working outside of application context.

This typically means that you attempted to use functionality that needed
the current application. To solve this, set up an application context
with app.app_context(). See the documentation for more information."""

OUTSIDE_REQUEST = """\
Working outside of request context.

This typically means that you attempted to use functionality that needed
an active HTTP request. Consult the documentation on testing for
information about how to avoid this problem."""


@pytest.mark.parametrize("name", ["current_app", "g", "app_ctx"])
def test_app_proxies_say_what_is_missing(flask: Any, name: str) -> None:
    proxy = getattr(flask.globals, name)
    with pytest.raises(RuntimeError) as info:
        proxy.anything  # noqa: B018 - the look-up is what raises
    assert str(info.value) == OUTSIDE_APP
    with pytest.raises(RuntimeError) as info:
        proxy._get_current_object()
    assert str(info.value) == OUTSIDE_APP


@pytest.mark.parametrize("name", ["request", "session", "request_ctx"])
def test_request_proxies_say_what_is_missing(flask: Any, app: Any, name: str) -> None:
    proxy = getattr(flask.globals, name)
    with app.app_context():  # an app context is not enough
        with pytest.raises(RuntimeError) as info:
            proxy.anything  # noqa: B018 - the look-up is what raises
        assert str(info.value) == OUTSIDE_REQUEST
        assert not proxy
    with pytest.raises(RuntimeError) as info:
        proxy["x"] = 1
    assert str(info.value) == OUTSIDE_REQUEST


def test_unbound_proxies_have_a_repr_and_are_false(flask: Any) -> None:
    for name in ("current_app", "g", "app_ctx", "request", "session", "request_ctx"):
        proxy = getattr(flask.globals, name)
        assert isinstance(proxy, LocalProxy)
        assert repr(proxy) == "<LocalProxy unbound>"
        assert not proxy


def test_public_names_are_the_same_proxies(flask: Any) -> None:
    for name in ("current_app", "g", "request", "session"):
        assert getattr(flask, name) is getattr(flask.globals, name)


def test_bound_proxies_stand_for_their_objects(flask: Any, app: Any) -> None:
    with app.test_request_context("/x") as ctx:
        assert flask.current_app._get_current_object() is app
        assert flask.current_app == app
        assert flask.request._get_current_object() is ctx.request
        assert flask.session._get_current_object() is ctx.session
        assert flask.g._get_current_object() is flask.globals.app_ctx.g
        assert flask.globals.request_ctx._get_current_object() is ctx
        assert issubclass(type(flask.request), LocalProxy)
        assert isinstance(flask.request, flask.Request)
        assert repr(flask.request) == repr(ctx.request)
        assert flask.request
        assert flask.request.path == "/x"


def test_a_proxy_without_its_object_has_a_class(flask: Any, app: Any) -> None:
    with app.app_context():  # where there is no request
        assert not isinstance(flask.request, flask.Request)
        assert isinstance(flask.request, LocalProxy)
    assert flask.g.__class__ is type(flask.g)


def test_a_property_that_fails_is_called_once(flask: Any, app: Any) -> None:
    """It says itself what was missing, and may have done something before."""
    error = AttributeError("inside")
    calls = []

    class Mine(flask.Request):
        @property
        def broken(self) -> None:
            calls.append(1)
            raise error

    app.request_class = Mine
    with app.test_request_context():
        for _ in range(2):
            with pytest.raises(AttributeError) as info:
                flask.request.broken  # noqa: B018 - the look-up is what raises
            assert info.value is error
            assert getattr(flask.request, "broken", "none") == "none"
            assert not hasattr(flask.request, "_missing")
            with pytest.raises(AttributeError, match="^'Mine' object has no attribute 'missing'$"):
                flask.request.missing  # noqa: B018 - the look-up is what raises
    assert len(calls) == 4


def test_proxies_write_through(flask: Any, app: Any) -> None:
    with app.test_request_context():
        flask.g.user = "ada"
        flask.session["n"] = 1
        flask.request.note = "seen"
        assert flask.g._get_current_object().user == "ada"
        assert flask.globals.request_ctx.session["n"] == 1
        assert flask.globals.request_ctx.request.note == "seen"
        del flask.g.user
        assert "user" not in flask.g


def test_context_variables_give_the_innermost_context(flask: Any, app: Any) -> None:
    cv_app, cv_request = flask.globals._cv_app, flask.globals._cv_request
    assert cv_app.get(None) is None
    assert cv_request.get(None) is None
    with pytest.raises(LookupError):
        cv_request.get()
    with app.app_context() as outer:
        assert cv_app.get() is outer
        assert cv_request.get(None) is None
        with app.test_request_context() as ctx:
            assert cv_request.get() is ctx
            assert cv_app.get().app is app
    assert cv_request.get(None) is None


class TestG:
    def test_is_a_namespace(self, flask: Any, app: Any) -> None:
        with app.app_context():
            g = flask.g
            g.a = 1
            assert g.a == 1
            assert "a" in g
            assert "b" not in g
            assert g.get("a") == 1
            assert g.get("b") is None
            assert g.get("b", 7) == 7
            assert g.setdefault("a", 2) == 1
            assert g.setdefault("b", 2) == 2
            assert g.setdefault("c") is None
            assert list(g) == ["a", "b", "c"]
            assert g.pop("a") == 1
            assert g.pop("a", "gone") == "gone"
            assert g.pop("a", None) is None

    def test_missing_names(self, flask: Any, app: Any) -> None:
        with app.app_context():
            with pytest.raises(AttributeError) as info:
                flask.g.nothing  # noqa: B018 - the look-up is what raises
            assert str(info.value) == "nothing"
            with pytest.raises(AttributeError) as info:
                del flask.g.nothing
            assert str(info.value) == "nothing"
            with pytest.raises(KeyError):
                flask.g.pop("nothing")

    def test_repr_names_the_app(self, flask: Any, app: Any) -> None:
        with app.app_context():
            assert repr(flask.g) == "<flask.g of 'tested'>"
            kept = flask.g._get_current_object()
        assert repr(kept).startswith("<")
        assert "of 'tested'" not in repr(kept)

    def test_class_can_be_replaced(self, flask: Any, app: Any) -> None:
        class Quiet(flask.ctx._AppCtxGlobals):
            def __getattr__(self, name: str) -> None:
                return None

        app.app_ctx_globals_class = Quiet
        with app.app_context():
            assert flask.g.anything is None
            flask.g.x = 3
            assert flask.g.x == 3

    def test_a_class_says_itself_what_cannot_be_deleted(self, flask: Any, app: Any) -> None:
        class Firm(flask.ctx._AppCtxGlobals):
            def __delattr__(self, name: str) -> None:
                raise AttributeError(f"{name} stays")

        app.app_ctx_globals_class = Firm
        with app.app_context():
            flask.g.x = 3
            with pytest.raises(AttributeError, match="^x stays$"):
                del flask.g.x

    def test_is_empty_for_each_request(self, flask: Any, app: Any, client: Any) -> None:
        @app.get("/")
        def index() -> str:
            seen = flask.g.get("n", 0)
            flask.g.n = seen + 1
            return str(seen)

        assert [client.get("/").text for _ in range(3)] == ["0", "0", "0"]
