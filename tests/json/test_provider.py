from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import importlib
import json
import math
import threading
import uuid
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from erlen.json.provider import DefaultJSONProvider, _default


@pytest.fixture
def provider(flask: Any, app: Any) -> Any:
    return flask.json.provider.DefaultJSONProvider(app)


class Plain:
    """An app as far as a provider asks for one."""

    debug = False

    @staticmethod
    def response_class(text: str, mimetype: str) -> tuple[str, str]:
        return text, mimetype


@dataclasses.dataclass
class Point:
    x: Any
    y: Any


class Text(str):
    pass


class Number(int):
    def __repr__(self) -> str:
        return "not json"


class Real(float):
    def __repr__(self) -> str:
        return "not json"


class Colour(enum.IntEnum):
    RED = 1


class Level(enum.StrEnum):
    HIGH = "high"


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.sampled_from([Colour.RED, Level.HIGH, Number(3), Real(1.5), Real("nan"), Text("ä\ud800")]),
    st.decimals(),
    st.uuids(),
    st.datetimes(min_value=datetime.datetime(1971, 1, 1)),
    st.dates(min_value=datetime.date(1971, 1, 1)),
    st.text().map(Markup),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.text(), inner, max_size=4),
        st.dictionaries(
            st.one_of(st.integers(), st.none(), st.floats(), st.booleans(), st.text()),
            inner,
            max_size=2,
        ),
        st.builds(Point, inner, inner),
    ),
    max_leaves=12,
)


def outcome(call: Any) -> Any:
    """What a call returns, or the type and text of what it raises."""
    try:
        return call()
    except (TypeError, ValueError, RecursionError) as error:
        return type(error), str(error)


@given(values, st.booleans(), st.booleans(), st.booleans())
@example(float("inf"), True, True, False)
@example({1: 2, "a": 3}, True, True, True)
@example({object: 2}, True, False, True)
def test_writes_as_pythons_json(obj: Any, ascii: bool, sort: bool, compact: bool) -> None:
    provider: Any = DefaultJSONProvider(Plain)
    provider.ensure_ascii = ascii
    provider.sort_keys = sort
    kwargs: dict[str, Any] = {"separators": (",", ":")} if compact else {}
    expected = outcome(
        lambda: json.dumps(obj, default=_default, ensure_ascii=ascii, sort_keys=sort, **kwargs)
    )
    assert outcome(lambda: provider.dumps(obj, **kwargs)) == expected
    if compact and isinstance(expected, str):
        assert provider.response(obj) == (f"{expected}\n", "application/json")


@pytest.mark.peer
@given(values)
def test_answers_with_flasks_bytes(obj: Any) -> None:
    ours = DefaultJSONProvider(Plain)
    flasks = importlib.import_module("flask.json.provider").DefaultJSONProvider(Plain)
    assert outcome(lambda: ours.response(obj)) == outcome(lambda: flasks.response(obj))
    assert outcome(lambda: ours.dumps(obj)) == outcome(lambda: flasks.dumps(obj))


documents = st.recursive(
    st.one_of(
        st.sampled_from(["null", "true", "false", "NaN", "Infinity", "-Infinity", "-0", "-0.0"]),
        st.integers().map(str),
        st.integers(min_value=-(10**400), max_value=10**400).map(str),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.from_regex(r"\A-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,3})?\Z"),
        st.text().map(json.dumps),
        st.text().map(lambda text: json.dumps(text, ensure_ascii=False)),
        st.from_regex(r'\A"(\\u[dD][89a-fA-F][0-9a-f]{2}|\\[bfnrt/\\"]|[ -!#-Z]|\x7f){0,6}"\Z'),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(st.sampled_from(['"a"', '"\\u0061"', '""', '"é"']), inner), max_size=4)
        .map(lambda items: "{" + ",".join(f"{key}: {item}" for key, item in items) + "}"),
    ),
    max_leaves=8,
)  # fmt: skip
encodings = st.sampled_from(
    ["str", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]
)


def identity(value: Any) -> Any:
    """The value with its types, so that 1, True and 1.0 differ, and NaN equals itself."""
    if isinstance(value, dict):
        return dict, [(identity(key), identity(item)) for key, item in value.items()]
    if isinstance(value, list):
        return list, [identity(item) for item in value]
    if isinstance(value, float):
        return float, repr(value)
    return type(value), value


@given(documents, encodings, st.one_of(st.just(""), st.text("]}, \x00\n\t\x0b\ufeff'1")))
@example("", "str", "")
@example("1" * 5000, "str", "")
@example('"\ud800"', "str", "")
@example("1e400", "utf-8", "")
@example("[01]", "utf-8", "")
@example('"\t"', "utf-8", "")
@example("\xa01", "utf-8", "")
def test_reads_as_pythons_json(text: str, encoding: str, tail: str) -> None:
    document: Any = text + tail
    if encoding != "str":
        document = document.encode(encoding, "surrogatepass")
    provider: Any = DefaultJSONProvider(Plain)
    expected = outcome(lambda: json.loads(document))
    assert identity(outcome(lambda: provider.loads(document))) == identity(expected)


@pytest.mark.erlen_only  # Flask lets the RecursionError through, which a view answers with 500
@pytest.mark.parametrize("document", ["[" * 100_000, b'{"a":' * 100_000])
def test_text_that_is_too_deep(provider: Any, document: Any) -> None:
    with pytest.raises(ValueError) as info:
        provider.loads(document)
    assert str(info.value) == "the JSON text is nested too deeply"


@given(st.binary())
@example(b'"\xed\xa0\x80"')
@example(b'"\xff"')
@example(b'{"\xed\xa0\x80": 1}')
def test_reads_any_bytes_as_pythons_json(document: bytes) -> None:
    provider: Any = DefaultJSONProvider(Plain)
    expected = outcome(lambda: json.loads(document))
    assert identity(outcome(lambda: provider.loads(document))) == identity(expected)


@pytest.mark.parametrize("document", [bytearray(b"[1]"), Text("[1]")])
def test_reads_what_pythons_json_reads(provider: Any, document: Any) -> None:
    assert provider.loads(document) == [1]


def test_refuses_what_pythons_json_refuses(provider: Any) -> None:
    with pytest.raises(TypeError) as info:
        provider.loads(memoryview(b"[1]"))
    assert str(info.value) == "the JSON object must be str, bytes or bytearray, not memoryview"


def test_loads_passes_arguments_on(provider: Any) -> None:
    assert provider.loads("[1.5]", parse_float=decimal.Decimal) == [decimal.Decimal("1.5")]


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        (datetime.date(2020, 1, 2), '"Thu, 02 Jan 2020 00:00:00 GMT"'),
        (
            datetime.datetime(
                2020, 1, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2))
            ),
            '"Wed, 01 Jan 2020 10:00:00 GMT"',
        ),
        (decimal.Decimal("1.10"), '"1.10"'),
        (uuid.UUID(int=5), '"00000000-0000-0000-0000-000000000005"'),
        (Point(1, Point(2, (3,))), '{"x": 1, "y": {"x": 2, "y": [3]}}'),
        (Markup("<b>"), '"<b>"'),
        ({"a": Colour.RED, "b": Level.HIGH}, '{"a": 1, "b": "high"}'),
        (math.nan, "NaN"),
    ],
)
def test_types(provider: Any, obj: Any, text: str) -> None:
    assert provider.dumps(obj) == text


def test_html_objects(provider: Any) -> None:
    class Widget:
        def __html__(self) -> Markup:
            return Markup("<i>")

    assert provider.dumps([Widget()]) == '["<i>"]'


def test_a_dataclass_itself_is_refused(provider: Any) -> None:
    with pytest.raises(TypeError, match="dataclass instances"):
        provider.dumps(Point)


def test_keys_of_different_types_do_not_sort(provider: Any) -> None:
    for kwargs in ({}, {"separators": (",", ":")}):
        with pytest.raises(TypeError) as info:
            provider.dumps({1: 1, "a": 2}, **kwargs)
        assert str(info.value) == "'<' not supported between instances of 'str' and 'int'"
    provider.sort_keys = False
    assert provider.dumps({1: 1, "a": 2}) == '{"1": 1, "a": 2}'


def test_data_that_contains_itself(provider: Any) -> None:
    data: list[Any] = []
    data.append({"a": data})
    with pytest.raises(ValueError) as info:
        provider.response(data)
    assert str(info.value) == "Circular reference detected"
    provider.default = lambda o: [o]
    with pytest.raises(ValueError) as info:
        provider.response(object())
    assert str(info.value) == "Circular reference detected"


def test_data_that_is_too_deep(provider: Any) -> None:
    data: list[Any] = []
    for _ in range(100_000):
        data = [data]
    with pytest.raises(RecursionError):
        provider.response(data)


def test_options_may_change_at_any_time(provider: Any) -> None:
    data = {"b": "ä", "a": {1, 2}}
    with pytest.raises(TypeError, match="Object of type set is not JSON serializable"):
        provider.dumps(data)
    provider.default = sorted
    assert provider.dumps(data) == '{"a": [1, 2], "b": "\\u00e4"}'
    provider.ensure_ascii = False
    assert provider.dumps(data) == '{"a": [1, 2], "b": "ä"}'
    provider.sort_keys = False
    assert provider.response(data).get_data(True) == '{"b":"ä","a":[1,2]}\n'
    provider.compact = False
    assert provider.response([1]).get_data() == b"[\n  1\n]\n"
    provider.mimetype = "application/vnd.api+json"
    assert provider.response([1]).mimetype == "application/vnd.api+json"
    provider.default = None
    with pytest.raises(TypeError, match="Object of type set is not JSON serializable"):
        provider.dumps(data)


def test_compact_in_debug_mode(provider: Any, app: Any) -> None:
    app.debug = True
    assert provider.response([1]).get_data() == b"[\n  1\n]\n"
    provider.compact = True
    assert provider.response([1]).get_data() == b"[1]\n"


def test_dumps_takes_the_options_of_pythons_json(provider: Any) -> None:
    data = {"b": "ä", "a": [1]}
    assert provider.dumps(data, separators=(" , ", " : ")) == '{"a" : [1] , "b" : "\\u00e4"}'
    assert provider.dumps(data, ensure_ascii=False, sort_keys=False) == '{"b": "ä", "a": [1]}'
    assert provider.dumps({1}, default=list) == "[1]"
    with pytest.raises(ValueError, match="Out of range float values"):
        provider.dumps(math.nan, allow_nan=False)


def test_default_as_a_method(flask: Any, app: Any) -> None:
    class Provider(flask.json.provider.DefaultJSONProvider):
        def default(self, o: Any) -> Any:
            return f"{type(o).__name__} by {type(self).__name__}"

    app.json = Provider(app)
    assert app.json.response({1}).get_data() == b'"set by Provider"\n'
    assert app.json.response({2}).get_data() == b'"set by Provider"\n'


def test_response_asks_an_overridden_dumps(flask: Any, app: Any) -> None:
    class Provider(flask.json.provider.DefaultJSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return f"{obj} {kwargs}"

    provider = Provider(app)
    assert provider.response(1).get_data() == b"1 {'separators': (',', ':')}\n"
    app.debug = True
    assert provider.response(1).get_data() == b"1 {'indent': 2}\n"
    plain = flask.json.provider.DefaultJSONProvider(app)
    plain.dumps = lambda obj, **kwargs: "replaced on the instance"
    assert plain.response(1).get_data() == b"replaced on the instance\n"


def test_the_base_class_leaves_the_work_to_others(flask: Any, app: Any) -> None:
    provider = flask.json.provider.JSONProvider(app)
    with pytest.raises(NotImplementedError):
        provider.dumps(1)
    with pytest.raises(NotImplementedError):
        provider.loads("1")
    assert provider._app.name == app.name


def test_threads_share_a_provider(provider: Any) -> None:
    wrong: list[str] = []

    def work(number: int) -> None:
        for _ in range(200):
            for separators in ((",", ":"), (", ", ": ")):
                text = provider.dumps({"n": number, "s": {number}}, separators=separators)
                if json.loads(text) != {"n": number, "s": [number]}:
                    wrong.append(text)

    provider.default = list
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_without_the_c_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    provider: Any = DefaultJSONProvider(Plain)
    data = {"b": [1, "ä", None], "a": 1.5}
    assert provider.response(data)[0] == '{"a":1.5,"b":[1,"\\u00e4",null]}\n'
    assert provider.dumps(data) == '{"a": 1.5, "b": [1, "\\u00e4", null]}'
