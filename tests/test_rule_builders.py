"""The functions that build a rule's URLs are made when they are first called."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.routing import Map
from werkzeug.routing import Rule as WerkzeugRule

import erlen.routing
from erlen.routing import Rule

RULES = ["/", "/<a>", "/<a>-<int:b>/", "/<self>", "/<class>", "/<path:p>/x", "/é<a>"]
VALUES = {"a": "x/é", "b": 7, "self": "s", "class": "c", "p": "one/two", "more": "m n"}


def built(rule_class: type[WerkzeugRule], rule: str, append_unknown: bool) -> list[str]:
    map = Map([rule_class(rule, endpoint="page")])
    adapter = map.bind("localhost")
    # Twice: the first call makes what the second finds.
    return [adapter.build("page", VALUES, append_unknown=append_unknown) for _ in range(2)]


@pytest.mark.parametrize("append_unknown", [True, False])
@pytest.mark.parametrize("rule", RULES)
def test_the_same_urls_as_werkzeugs(rule: str, append_unknown: bool) -> None:
    urls = built(Rule, rule, append_unknown)
    assert urls == built(WerkzeugRule, rule, append_unknown)
    assert urls[0] == urls[1]


def test_defaults() -> None:
    rules = [Rule("/all", endpoint="page", defaults={"n": 1}), Rule("/<int:n>", endpoint="page")]
    adapter = Map(rules).bind("localhost")
    assert [adapter.build("page", {"n": n}) for n in (1, 2)] == ["/all", "/2"]


@pytest.mark.parametrize(
    ("rule", "error"),
    [("/<a>/<a>", SyntaxError), ("/<None>", ValueError)],
)
def test_what_cannot_be_built_is_refused_when_added(rule: str, error: type[Exception]) -> None:
    for rule_class in (WerkzeugRule, Rule):
        with pytest.raises(error):
            Map([rule_class(rule, endpoint="page")])


def test_nothing_is_compiled_before_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    get_code = WerkzeugRule._get_func_code
    monkeypatch.setattr(
        WerkzeugRule,
        "_get_func_code",
        staticmethod(lambda code, name: compiled.append(name) or get_code(code, name)),
    )
    adapter = Map([Rule("/<a>", endpoint="page")]).bind("localhost")
    assert adapter.match("/x") == ("page", {"a": "x"})
    assert compiled == []
    for _ in range(2):
        assert adapter.build("page", {"a": "x"}) == "/x"
        assert len(compiled) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"page": 2},
        {"page": 2, "sort": "new", "_": "~a.b-c"},
        {"q": "a b&c=d/é"},
        {"b c": 1},
        {"flag": True},
        {"none": None},
        {"many": [1, 2]},
        {"empty": "", "x": 1.5},
    ],
)
@pytest.mark.parametrize("sort", [False, True])
def test_what_is_left_over_becomes_the_query(sort: bool, values: dict[str, Any]) -> None:
    werkzeugs = Map([WerkzeugRule("/u/<int:id>/<a>", endpoint="page")], sort_parameters=sort)
    erlens = erlen.routing.Map([Rule("/u/<int:id>/<a>", endpoint="page")], sort_parameters=sort)
    expected = werkzeugs.bind("localhost").build("page", {"z": 1, "id": 3, "a": "x", **values})
    builder = erlens.plain_builder("page")
    assert builder is not None
    path = builder.build({"z": 1, "id": 3, "a": "x", **values})
    # None leaves the URL to Werkzeug.
    asks = any(value is None or "/" in str(value) for value in values.values())
    assert path == (None if asks else expected)


texts = st.one_of(st.text(max_size=5), st.text("aZ09-._~%&=+ ;@", max_size=5))


@pytest.mark.parametrize(
    "rule", ["//a%b/<a>/é/<int:n>.x", "/<a>", "/<int:n>/", "/no%20/<a><int:n>"]
)
@given(
    st.dictionaries(
        st.one_of(st.sampled_from("an"), texts), st.one_of(texts, st.integers(0, 10**9))
    )
)
def test_built_paths_are_werkzeugs(rule: str, values: dict[str, Any]) -> None:
    adapter = Map([WerkzeugRule(rule, endpoint="page")]).bind("localhost")
    builder = erlen.routing.Map([Rule(rule, endpoint="page")]).plain_builder("page")
    assert builder is not None
    try:
        path = builder.build(values)
    except ValueError as error:
        with pytest.raises(ValueError) as info:
            adapter.build("page", values)
        assert str(info.value) == str(error)
        return
    if path is None:
        asks = any("/" in str(value) for value in values.values())
        assert asks or not builder.rule.arguments <= values.keys()
    else:
        assert path == adapter.build("page", values)
