"""Where extensions and applications reach into Flask, as their own tests showed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_type_hints
from unittest import mock

import pytest
import werkzeug.utils


@pytest.mark.wsgi  # ASGI has the names of headers in lower case
def test_headers_set_to_a_plain_dict(flask: Any, app: Any, client: Any) -> None:
    # httpbin: Werkzeug makes Headers of it when the response is sent.
    @app.route("/")
    def view() -> Any:
        response = flask.make_response("a teapot")
        response.status_code = 418
        response.headers = {"x-more-info": "there"}
        return response

    @app.after_request
    def add(response: Any) -> Any:
        response.headers["X-Added"] = "yes"
        return response

    answer = client.get("/")
    assert answer.status_code == 418
    assert answer.text == "a teapot"
    assert dict(answer.headers) == {
        "x-more-info": "there",
        "X-Added": "yes",
        "Content-Length": "8",
    }


def test_make_response_outside_of_a_request(flask: Any, app: Any) -> None:
    # Flask-Compress's tests: with the application's context alone.
    with app.app_context():
        response = flask.make_response("", 204)
        assert (response.status_code, response.data) == (204, b"")
        assert flask.make_response({"a": 1}).get_json() == {"a": 1}
        with pytest.raises(RuntimeError, match="outside of request context"):
            flask.make_response(lambda environ, start_response: [])


def test_an_app_context_has_no_request(flask: Any, app: Any) -> None:
    # What an extension asks before it keeps something there.
    with app.app_context():
        app_ctx = flask.globals.app_ctx
        assert not hasattr(app_ctx, "request")
        assert not hasattr(app_ctx, "session")
        assert getattr(app_ctx, "session", "none") == "none"
        for proxy in (flask.request, flask.session):
            with pytest.raises(RuntimeError, match="outside of request context"):
                hasattr(proxy, "anything")


def test_a_request_is_seen_through_an_app_context(flask: Any, app: Any) -> None:
    with app.test_request_context("/there"):
        flask.session["n"] = 1
        with app.app_context():
            assert flask.request.path == "/there"
            assert flask.request._get_current_object().path == "/there"
            assert flask.session["n"] == 1
            assert "n" in flask.session
            assert flask.session.get("n") == 1


def test_a_request_is_mocked_on_its_context(flask: Any, app: Any) -> None:
    # Flask-Pydantic's tests: it is put back as it was.
    with app.test_request_context("/there"):
        real = flask.request._get_current_object()
        with mock.patch.object(flask.globals.request_ctx, "request") as stand_in:
            assert flask.request._get_current_object() is stand_in
        assert flask.request._get_current_object() is real
        del flask.globals.request_ctx.request
        with pytest.raises(AttributeError, match="request"):
            flask.globals.request_ctx.request  # noqa: B018  # the look is what is tested
        flask.globals.request_ctx.request = real


@pytest.mark.parametrize("kind", ["app_context", "test_request_context"])
def test_the_namespace_is_mocked_on_its_context(flask: Any, app: Any, kind: str) -> None:
    # As a request is; a request that is made in an app context shares it.
    with app.app_context(), getattr(app, kind)():
        flask.g.name = "real"
        with mock.patch.object(flask.globals.app_ctx, "g") as stand_in:
            assert flask.g._get_current_object() is stand_in
            assert flask.globals.app_ctx.g is stand_in
            flask.g.name = "mocked"
        assert flask.g.name == "real"
        real = flask.g._get_current_object()
        del flask.globals.app_ctx.g
        with pytest.raises(AttributeError, match="g"):
            flask.g.name  # noqa: B018  # the look is what is tested
        assert not hasattr(flask.globals.app_ctx, "g")
        flask.globals.app_ctx.g = real
        assert flask.g.name == "real"


def test_the_type_of_a_proxy_has_werkzeugs_name(flask: Any, app: Any) -> None:
    # Errbot's tests of webhooks look for it in the text of the type.
    for proxy in (flask.request, flask.session, flask.g, flask.current_app):
        assert str(type(proxy)) == "<class 'werkzeug.local.LocalProxy'>"


def test_annotations_are_found(flask: Any, app: Any) -> None:
    # Dishka injects into every view of an application, by its annotations.
    assert "static" in app.view_functions
    for view in app.view_functions.values():
        assert isinstance(get_type_hints(view), dict)

    class Mine(flask.Response):
        mine: int

    assert get_type_hints(Mine)["mine"] is int
    assert get_type_hints(flask.Flask.send_static_file)["return"] is flask.Response


@pytest.mark.parametrize("name", ["send_file", "send_from_directory"])
def test_a_sent_file_is_mocked_in_werkzeug(
    flask: Any, app: Any, client: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    # The debug toolbar's tests, by way of flask.helpers.werkzeug.utils.
    Path(app.root_path, "static").mkdir()
    Path(app.root_path, "static", "a.txt").write_text("real")
    stand_in = mock.Mock(return_value=app.response_class("mocked"))
    monkeypatch.setattr(werkzeug.utils, name, stand_in)
    assert client.get("/static/a.txt").text == "mocked"
    stand_in.assert_called_once()
