"""The headers of a response and a request: Werkzeug's, with short ways that answer the same."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import EnvironHeaders
from werkzeug.datastructures import Headers as WerkzeugHeaders

names = st.sampled_from(["X-One", "x-one", "X-ONE", "X-Two", "Vary", "é"])
texts = st.text(st.characters(codec="latin-1"), max_size=4)
values = st.one_of(texts, st.integers(), st.none(), st.binary(max_size=3))


def made(flask: Any, *pairs: tuple[str, str]) -> Any:
    response = flask.Response()
    response.headers.clear()
    response.headers.extend(pairs)
    return response.headers


@given(st.lists(st.tuples(names, texts)), names, values)
def test_each_short_way_answers_what_werkzeug_does(
    flask: Any, pairs: list[tuple[str, str]], key: str, value: Any
) -> None:
    pairs = [(name, text.replace("\r", "").replace("\n", "")) for name, text in pairs]
    mine, theirs = made(flask, *pairs), WerkzeugHeaders(pairs)
    assert (key in mine) == (key in theirs)
    assert mine.get(key) == theirs.get(key)
    assert mine.get(key, "none") == theirs.get(key, "none")
    assert mine.get(key, default=1, type=int) == theirs.get(key, default=1, type=int)
    wrong: list[str] = []
    for headers in (mine, theirs):
        try:
            headers[key] = value
        except ValueError as error:
            wrong.append(str(error))
    assert len(wrong) in (0, 2) and len(set(wrong)) < 2
    assert list(mine) == list(theirs)


def test_equal_to_werkzeugs_both_ways(flask: Any) -> None:
    mine = made(flask, ("X-One", "1"))
    assert mine == WerkzeugHeaders({"x-one": "1"}) and WerkzeugHeaders({"x-one": "1"}) == mine
    assert mine != WerkzeugHeaders({"X-One": "2"}) and mine != {"X-One": "1"}
    with pytest.raises(TypeError, match="unhashable"):
        hash(mine)


def test_copies_and_words_are_werkzeugs(flask: Any) -> None:
    mine = made(flask, ("X-One", "1"))
    assert isinstance(mine, WerkzeugHeaders)
    assert repr(mine) == "Headers([('X-One', '1')])"
    for twin in (
        mine.copy(),
        copy.copy(mine),
        copy.deepcopy(mine),
        pickle.loads(pickle.dumps(mine)),
    ):
        assert twin == mine and twin is not mine
        twin["X-Two"] = "2"
        assert "X-Two" not in mine


def test_by_index_and_slice(flask: Any) -> None:
    mine = made(flask, ("X-One", "1"), ("X-Two", "2"))
    mine[0] = ("X-Three", 3)
    mine[1:] = [("X-Four", 4)]
    assert list(mine) == [("X-Three", "3"), ("X-Four", "4")]


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "\r"])
def test_a_line_break_is_refused(flask: Any, value: str) -> None:
    with pytest.raises(ValueError, match="must not contain newline characters"):
        made(flask)["X-One"] = value


# Of a request

ENVIRON = {
    "CONTENT_TYPE": "text/plain",
    "CONTENT_LENGTH": "7",
    "HTTP_X_ONE": "1",
    "HTTP_CONTENT_TYPE": "text/html",
    "HTTP_EMPTY": "",
    "REQUEST_METHOD": "GET",
}


def asked(flask: Any) -> Any:
    return flask.Request(ENVIRON.copy()).headers


@pytest.mark.parametrize(
    "key",
    [
        *("X-One", "x_one", "x-two", "Content-Type", "content_length", "Empty", "", "é"),
        *("Request-Method", "HTTP-X-One", 1, None, b"X-One"),
    ],
)
def test_a_request_s_headers_answer_as_werkzeug_s(flask: Any, key: Any) -> None:
    mine, theirs = asked(flask), EnvironHeaders(ENVIRON.copy())
    assert (key in mine) == (key in theirs)
    assert mine.get(key) == theirs.get(key)
    assert mine.get(key, "none") == theirs.get(key, "none")
    assert mine.get(key, default=5, type=int) == theirs.get(key, default=5, type=int)
    if isinstance(key, str):
        assert mine.getlist(key) == theirs.getlist(key)


def test_a_request_s_headers_are_werkzeug_s(flask: Any) -> None:
    mine, environ = asked(flask), ENVIRON.copy()
    theirs = EnvironHeaders(environ)
    assert isinstance(mine, EnvironHeaders)
    assert list(mine) == list(theirs) and len(mine) == len(theirs) and repr(mine) == repr(theirs)
    assert flask.Request(environ).headers == theirs and theirs == flask.Request(environ).headers
    assert mine != theirs
    with pytest.raises(TypeError, match="unhashable"):
        hash(mine)
    with pytest.raises(TypeError, match="immutable"):
        mine["X-One"] = "2"
    with pytest.raises(KeyError):
        mine["X-Two"]
