"""Redirects by the short way are Werkzeug's, to the byte."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.urls import iri_to_uri
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as WerkzeugResponse

from erlen import Response
from erlen.wrappers import _is_plain_path, redirect_to

PIECES = ("/", "//", "?", "#", "%", "%41", "&", "'", '"', "<", ":", "@", "[", "\\", ";", "..", "")
locations = st.one_of(
    st.text(max_size=8),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text("aZ0_-.~é \t", max_size=3))).map("".join),
)


def sent(response: Any, method: str = "GET") -> tuple[Any, ...]:
    started: list[Any] = []
    body = response({"REQUEST_METHOD": method}, lambda *args: started.extend(args))
    return b"".join(body), *started


def outcome(function: Any, *args: Any) -> Any:
    try:
        return function(*args)
    except ValueError as e:
        return type(e), str(e)


@given(st.one_of(locations, locations.map(lambda text: "/" + text)))
@example("/a?b=c&d='e'")
@example("/?")
@example("//HOST/")
@example("/a\n")
def test_the_same_answer_as_werkzeugs(location: str) -> None:
    if _is_plain_path(location):
        assert iri_to_uri(location) == location
    expected = outcome(lambda: sent(redirect(location, 307, WerkzeugResponse)))
    assert outcome(lambda: sent(redirect_to(location, 307, Response))) == expected
    named = {"Location": location}
    expected = outcome(lambda: sent(WerkzeugResponse("x", headers=named, mimetype="text/html")))
    assert outcome(lambda: sent(Response("x", headers=named))) == expected


@pytest.mark.parametrize("location", ["/plain?a=b", "/é", "http://HOST/"])
def test_hooks_see_the_location_as_it_was_given(location: str, flask: Any) -> None:
    app = flask.Flask(__name__)
    seen = []
    app.add_url_rule("/", view_func=lambda: flask.redirect(location))

    @app.after_request
    def look(response: Any) -> Any:
        seen.append(response.headers["Location"])
        response.headers["Location"] += "/é"
        return response

    answer = app.test_client().get("/")
    assert seen == [location]
    assert answer.headers["Location"] == iri_to_uri(location + "/é")


def test_two_locations_are_werkzeugs_business() -> None:
    headers = [("Location", "/a"), ("location", "/b")]
    expected = sent(WerkzeugResponse("x", headers=headers, mimetype="text/html"))
    assert sent(Response("x", headers=headers)) == expected


def test_a_response_class_of_another_kind(flask: Any) -> None:
    class Corrected(flask.Response):
        autocorrect_location_header = True

    app = flask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: flask.redirect("/to"))
    app.response_class = Corrected
    assert app.test_client().get("/").headers["Location"] == "http://localhost/to"


@pytest.mark.parametrize("status", [200, 201, 204, 205, 304])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", [str, iter, bytearray, list, tuple])
def test_bodies_of_any_status(kind: Any, method: str, status: int) -> None:
    def answer(cls: Any) -> Any:
        body = {str: "text", bytearray: bytearray(b"x")}.get(kind) or kind(["a", b"b", "é"])
        headers = {"Location": "/a", "X-Kind": "x"}
        return sent(cls(body, status, headers, mimetype="text/html"), method)

    assert answer(Response) == answer(WerkzeugResponse)
