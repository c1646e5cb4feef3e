from __future__ import annotations

import datetime
import decimal
import io
import uuid
from typing import Any

import pytest
from markupsafe import Markup

WHEN = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize("inside", [False, True])
def test_dumps_and_loads(flask: Any, app: Any, inside: bool) -> None:
    data = {"b": [1, None], "a": "ä", "when": WHEN}
    text = '{"b": [1, null], "a": "\\u00e4", "when": "Wed, 01 Jan 2020 00:00:00 GMT"}'
    if inside:
        with app.app_context():
            # The provider sorts keys, Python's own json does not.
            assert flask.json.dumps(data, sort_keys=False) == text
            assert flask.json.dumps({"b": 1, "a": 2}) == '{"a": 2, "b": 1}'
            assert flask.json.loads(text)["b"] == [1, None]
    else:
        assert flask.json.dumps(data) == text
        assert flask.json.dumps({"b": 1, "a": 2}) == '{"b": 1, "a": 2}'
        assert flask.json.loads(text.encode())["b"] == [1, None]


@pytest.mark.parametrize("inside", [False, True])
def test_dump_and_load(flask: Any, app: Any, inside: bool) -> None:
    def round_trip() -> Any:
        file = io.StringIO()
        flask.json.dump({"id": uuid.UUID(int=1)}, file)
        binary = io.BytesIO(file.getvalue().encode())
        return flask.json.load(binary), flask.json.load(io.StringIO("[1.0]"), parse_float=str)

    expected = ({"id": "00000000-0000-0000-0000-000000000001"}, ["1.0"])
    if inside:
        with app.app_context():
            assert round_trip() == expected
    else:
        assert round_trip() == expected


def test_the_apps_provider_is_asked(flask: Any, app: Any) -> None:
    class Provider(flask.json.provider.JSONProvider):
        def dumps(self, obj: Any, **kwargs: Any) -> str:
            return f"dumped {obj} {kwargs}"

        def loads(self, s: str | bytes, **kwargs: Any) -> Any:
            return s, kwargs

    app.json = Provider(app)
    file = io.StringIO()
    with app.app_context():
        assert flask.json.dumps(1, a=2) == "dumped 1 {'a': 2}"
        assert flask.json.loads("x", a=2) == ("x", {"a": 2})
        flask.json.dump(1, file, a=3)
        assert file.getvalue() == "dumped 1 {'a': 3}"
        assert flask.json.load(io.StringIO("y")) == ("y", {})
        response = flask.jsonify(1)
        assert response.get_data() == b"dumped 1 {}"
        assert response.mimetype == "application/json"


@pytest.mark.parametrize(
    ("args", "kwargs", "body"),
    [
        ((), {}, b"null\n"),
        ((1,), {}, b"1\n"),
        ((None,), {}, b"null\n"),
        ((1, "a"), {}, b'[1,"a"]\n'),
        (([1, 2],), {}, b"[1,2]\n"),
        ((), {"b": 1, "a": [1, 2]}, b'{"a":[1,2],"b":1}\n'),
        (({"b": 1, "a": "ä/<"},), {}, b'{"a":"\\u00e4/<","b":1}\n'),
        ((decimal.Decimal("1.20"),), {}, b'"1.20"\n'),
        ((Markup("<b>"),), {}, b'"<b>"\n'),
        (("\u2028\x7f\ud800",), {}, b'"\\u2028\\u007f\\ud800"\n'),
    ],
)
def test_jsonify(flask: Any, app: Any, args: Any, kwargs: Any, body: bytes) -> None:
    with app.app_context():
        response = flask.jsonify(*args, **kwargs)
    assert response.get_data() == body
    assert response.mimetype == "application/json"
    assert isinstance(response, flask.Response)


def test_jsonify_indents_in_debug_mode(flask: Any, app: Any) -> None:
    app.debug = True
    with app.app_context():
        assert flask.jsonify({"b": [1], "a": {}}).get_data() == (
            b'{\n  "a": {},\n  "b": [\n    1\n  ]\n}\n'
        )


def test_jsonify_takes_one_kind_of_arguments(flask: Any, app: Any) -> None:
    with app.app_context(), pytest.raises(TypeError) as info:
        flask.jsonify({"a": 1}, b=2)
    assert str(info.value) == "app.json.response() takes either args or kwargs, not both"


def test_jsonify_outside_an_app(flask: Any) -> None:
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        flask.jsonify(1)


def test_what_is_not_serializable(flask: Any, app: Any) -> None:
    class User:
        pass

    with app.app_context(), pytest.raises(TypeError) as info:
        flask.jsonify([User()])
    assert str(info.value) == "Object of type User is not JSON serializable"


def test_views_return_dicts_and_lists(app: Any, client: Any) -> None:
    app.add_url_rule("/dict", view_func=lambda: {"b": 1, "a": WHEN}, endpoint="dict")
    app.add_url_rule("/list", view_func=lambda: [1, {"c": None}], endpoint="list")
    assert client.get("/dict").data == b'{"a":"Wed, 01 Jan 2020 00:00:00 GMT","b":1}\n'
    response = client.get("/list")
    assert response.data == b'[1,{"c":null}]\n'
    assert response.content_type == "application/json"


def test_request_json_reads_with_the_provider(flask: Any, app: Any, client: Any) -> None:
    app.add_url_rule("/", view_func=lambda: [flask.request.get_json()], methods=["POST"])
    assert client.post("/", json={"a": [1.5, "ä", None, True]}).json == [
        {"a": [1.5, "ä", None, True]}
    ]
    # What only Python's json reads: NaN, UTF-16, lone surrogates, a mark of byte order.
    for text, data in [
        (b"[NaN]", b"[[NaN]]\n"),
        ('["é"]'.encode("utf-16"), b'[["\\u00e9"]]\n'),
        (b'["\\ud800"]', b'[["\\ud800"]]\n'),
        (b"\xef\xbb\xbf[1]", b"[[1]]\n"),
    ]:
        assert client.post("/", data=text, content_type="application/json").data == data
    assert client.post("/", data=b"{", content_type="application/json").status_code == 400
