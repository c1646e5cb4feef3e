"""Where extensions and applications reach into Flask, as their own tests showed."""

from __future__ import annotations

from typing import Any

import pytest


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
