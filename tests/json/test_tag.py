from __future__ import annotations

import importlib
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup


@pytest.fixture
def tag(flask: Any) -> Any:
    return importlib.import_module(f"{flask.__name__}.json.tag")


@pytest.fixture
def serializer(tag: Any) -> Any:
    return tag.TaggedJSONSerializer()


class Html:
    def __html__(self) -> str:
        return "<i>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ({"a": 1, "b": "x", "c": None, "d": True, "e": 1.5}, None),
        ({}, "{}"),
        ([], "[]"),
        ({"a": 1}, '{"a":1}'),
        ((1, ("a",)), '{" t":[1,{" t":["a"]}]}'),
        (b"\xff", '{" b":"/w=="}'),
        (Markup("<b>"), '{" m":"<b>"}'),
        (UUID(int=7), '{" u":"00000000000000000000000000000007"}'),
        (datetime(2020, 1, 1, tzinfo=UTC), '{" d":"Wed, 01 Jan 2020 00:00:00 GMT"}'),
        ({" t": "not a tuple"}, '{" di":{" t__":"not a tuple"}}'),
        ({" t": (1,)}, '{" di":{" t__":{" t":[1]}}}'),
        ({" di": {" t": 1}}, '{" di":{" di__":{" di":{" t__":1}}}}'),
        ({" t": 1, "b": 2}, '{" t":1,"b":2}'),
        ({"a": {" d": "x"}}, '{"a":{" di":{" d__":"x"}}}'),
        ([{"a": [b"", {"b": ()}]}], None),
    ],
)
def test_round_trip(serializer: Any, value: Any, text: str | None) -> None:
    dumped = serializer.dumps(value)
    assert text is None or dumped == text
    assert serializer.loads(dumped) == value
    assert type(serializer.loads(dumped)) is type(value)


def test_what_has_html_is_read_as_markup(serializer: Any) -> None:
    loaded = serializer.loads(serializer.dumps({"w": Html()}))
    assert loaded == {"w": Markup("<i>")} and isinstance(loaded["w"], Markup)


def test_the_current_apps_json_is_used(serializer: Any, app: Any) -> None:
    assert serializer.dumps({"b": 1, "a": "ä"}) == '{"b":1,"a":"\\u00e4"}'
    app.json.ensure_ascii = False
    with app.app_context():
        assert serializer.dumps({"b": 1, "a": "ä"}) == '{"a":"ä","b":1}'


def test_register(tag: Any, serializer: Any) -> None:
    class TagOrderedDict(tag.JSONTag):
        __slots__ = ()
        key = " od"

        def check(self, value: Any) -> bool:
            return isinstance(value, OrderedDict)

        def to_json(self, value: Any) -> Any:
            return [[key, self.serializer.tag(item)] for key, item in value.items()]

        def to_python(self, value: Any) -> Any:
            return OrderedDict(value)

    data = {"od": OrderedDict([("b", (1,)), ("a", 2)]), "x": 1}
    assert type(serializer.loads(serializer.dumps(data))["od"]) is dict
    serializer.register(TagOrderedDict, index=0)
    assert serializer.order[0].key == " od"
    loaded = serializer.loads(serializer.dumps(data))
    assert loaded == data and type(loaded["od"]) is OrderedDict
    with pytest.raises(KeyError) as info:
        serializer.register(TagOrderedDict)
    assert info.value.args == ("Tag ' od' is already registered.",)
    first = serializer.tags[" od"]
    serializer.register(TagOrderedDict, force=True, index=-1)
    assert serializer.tags[" od"] is not first
    assert serializer.order[-2] is serializer.tags[" od"]


def test_a_tag_for_scalars(tag: Any, serializer: Any) -> None:
    class TagText(tag.JSONTag):
        __slots__ = ()
        key = "text"

        def check(self, value: Any) -> bool:
            return isinstance(value, str)

        def to_json(self, value: Any) -> Any:
            return value[::-1]

        def to_python(self, value: Any) -> Any:
            return value[::-1]

    assert serializer.dumps({"a": "xy", "b": 1}) == '{"a":"xy","b":1}'
    serializer.register(TagText)
    assert serializer.dumps({"a": "xy", "b": 1}) == '{"a":{"text":"yx"},"b":1}'
    assert serializer.loads('{"a":{"text":"yx"},"b":1}') == {"a": "xy", "b": 1}
    assert serializer.loads('{"text":"yx"}') == "xy"


def test_the_order_may_be_edited(tag: Any, serializer: Any) -> None:
    class Upper(tag.JSONTag):
        __slots__ = ()

        def check(self, value: Any) -> bool:
            return isinstance(value, str)

        def to_json(self, value: Any) -> Any:
            return value.upper()

        tag = to_json

    serializer.order.insert(0, Upper(serializer))
    assert serializer.dumps({"a": "x", "b": "y"}) == '{"a":"X","b":"Y"}'
    serializer.order.clear()
    assert serializer.dumps({"a": "x"}) == '{"a":"x"}'


def test_overridden_tag_and_untag(tag: Any) -> None:
    class Serializer(tag.TaggedJSONSerializer):
        def tag(self, value: Any) -> Any:
            return {"v": super().tag(value)}

        def untag(self, value: Any) -> Any:
            return value["v"] if "v" in value else super().untag(value)

    serializer = Serializer()
    assert serializer.dumps((1,)) == '{"v":{" t":[{"v":1}]}}'
    assert serializer.loads('{"v":{" t":[{"v":1}]}}') == (1,)


def test_other_default_tags(tag: Any) -> None:
    class Shout(tag.JSONTag):
        __slots__ = ()
        key = "!"

        def check(self, value: Any) -> bool:
            return isinstance(value, str)

        def to_json(self, value: Any) -> Any:
            return value

        def to_python(self, value: Any) -> Any:
            return value

    class Serializer(tag.TaggedJSONSerializer):
        default_tags = [Shout, tag.PassDict]

    assert Serializer().dumps({"a": "x", "b": 1}) == '{"a":{"!":"x"},"b":1}'
    assert Serializer().dumps([1, 2]) == "[1,2]"


def test_the_base_tag_leaves_the_work_to_others(tag: Any, serializer: Any) -> None:
    base = tag.JSONTag(serializer)
    for method in (base.check, base.to_json, base.to_python):
        with pytest.raises(NotImplementedError):
            method(1)


keys = st.one_of(st.text(max_size=3), st.sampled_from([" t", " b", " di", " d", " t__", "a", '" ']))
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.text().map(Markup),
    st.uuids(),
    st.datetimes(datetime(1971, 1, 1), timezones=st.just(UTC)).map(
        lambda when: when.replace(microsecond=0, fold=0)
    ),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
    ),
    max_leaves=10,
)


@pytest.mark.peer
@given(values)
@example({" t": [1]})
@example({"a": " t", "b": {" b": "x"}})
@example([{'\\" ': {" t": ()}}])
def test_writes_and_reads_as_flask_does(value: Any) -> None:
    ours = importlib.import_module("erlen.json.tag").TaggedJSONSerializer()
    flasks = importlib.import_module("flask.json.tag").TaggedJSONSerializer()
    text = ours.dumps(value)
    assert text == flasks.dumps(value)
    assert repr(ours.loads(text)) == repr(flasks.loads(text)) == repr(value)


@pytest.mark.peer
@given(
    st.recursive(
        st.sampled_from(["1", '"a"', "null", '" t"', '"\\u0020t"', "[]"]),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]"),
            st.lists(
                st.tuples(st.sampled_from(['" t"', '"\\u0020b"', '" m"', '"a"', '" di"']), inner),
                max_size=2,
            ).map(lambda items: "{" + " , ".join(f"{key} : {item}" for key, item in items) + "}"),
        ),
    )
)
def test_reads_any_json_as_flask_does(text: str) -> None:
    def read(module: str) -> Any:
        serializer = importlib.import_module(f"{module}.json.tag").TaggedJSONSerializer()
        try:
            return repr(serializer.loads(text))
        except Exception as error:
            return type(error)

    assert read("erlen") == read("flask")
