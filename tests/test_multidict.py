"""The fields of a request: Werkzeug's multi dict, with short ways that answer the same."""

from __future__ import annotations

import copy
import pickle
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequestKeyError

pairs = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["1", "-2", "x", ""])))
keys = st.sampled_from(["a", "b", "none"])


def made(flask: Any, fields: list[tuple[str, str]]) -> Any:
    """The fields as a request's query string brings them."""
    return flask.Request({"QUERY_STRING": urlencode(fields)}).args


def outcome(fields: Any, key: Any) -> Any:
    try:
        return fields[key]
    except BadRequestKeyError as error:
        return str(error), error.args


@given(pairs, keys)
def test_each_short_way_answers_what_werkzeug_does(
    flask: Any, fields: list[tuple[str, str]], key: str
) -> None:
    mine, theirs = made(flask, fields), ImmutableMultiDict(fields)
    assert mine == theirs and theirs == mine and hash(mine) == hash(theirs)
    assert outcome(mine, key) == outcome(theirs, key)
    assert mine.get(key) == theirs.get(key)
    assert mine.get(key, "none") == theirs.get(key, "none")
    assert mine.get(key, default=7, type=int) == theirs.get(key, default=7, type=int)
    assert mine.get(key, type=lambda text: text + 1) == theirs.get(key, type=lambda text: text + 1)  # type: ignore[operator]  # a TypeError is the test
    assert mine.getlist(key) == theirs.getlist(key)


def test_an_empty_list_is_no_field(flask: Any) -> None:
    """A field without values may be made by hand."""
    mine = flask.Request.parameter_storage_class([("a", "1")])
    dict.__setitem__(mine, "a", [])
    assert mine.get("a", "none") == "none"
    with pytest.raises(BadRequestKeyError):
        mine["a"]


def test_what_can_be_no_key_is_refused_as_in_a_dict(flask: Any) -> None:
    fields = made(flask, [("a", "1")])
    with pytest.raises(TypeError, match="unhashable"):
        fields.get([])
    with pytest.raises(TypeError, match="unhashable"):
        fields[[]]


def test_it_passes_for_werkzeugs(flask: Any) -> None:
    fields = made(flask, [("a", "1"), ("a", "2")])
    assert isinstance(fields, ImmutableMultiDict)
    assert repr(fields) == "ImmutableMultiDict([('a', '1'), ('a', '2')])"
    assert copy.copy(fields) is fields
    assert type(fields.copy()) is MultiDict and fields.copy().getlist("a") == ["1", "2"]
    assert pickle.loads(pickle.dumps(fields)).getlist("a") == ["1", "2"]
    with pytest.raises(TypeError, match="immutable"):
        fields["a"] = "3"


def test_a_request_may_have_another_class(flask: Any) -> None:
    class Mine(flask.Request):
        parameter_storage_class = MultiDict

    assert type(Mine({"QUERY_STRING": "a=1"}).args) is MultiDict
