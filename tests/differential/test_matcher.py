"""erlen's matcher, wherever it answers, answers as Werkzeug's does on random maps and paths."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import BaseConverter, Map, RequestRedirect, Rule

from .application import ListConverter, ManyConverter
from .requests import latin1

METHODS = ("GET", "POST")


class Chosen(BaseConverter):
    """Refuses what its expression lets through."""

    regex = "[a-z0-9]+"

    def to_python(self, value: str) -> str:
        if value == "ab":
            raise importlib.import_module("werkzeug.routing").ValidationError
        return value.upper()


class Greedy(BaseConverter):
    """Its expression has groups and looks around."""

    regex = r"(a|b)+(?=c)c|(?!x)\d"


CONVERTERS = {"list": ListConverter, "many": ManyConverter, "chosen": Chosen, "greedy": Greedy}
# A segment of a rule; "{}" is the argument's name.
STATIC = ("a", "ab", "b", "1", "é", "a b", "a.b", "x+y", "A", "-", "%61")
DYNAMIC = (
    *("<{}>", "<{}>", "<int:{}>", "<int:{}>", "<path:{}>", "<float:{}>", "<uuid:{}>"),
    *("<any(a, b, 'a b'):{}>", "<string(length=2):{}>", "<string(minlength=2, maxlength=3):{}>"),
    *("<int(fixed_digits=2):{}>", "<int(signed=True):{}>", "<int(min=1, max=9):{}>"),
    *("<list:{}>", "<many:{}>", "<chosen:{}>", "<greedy:{}>", "<float(signed=True):{}>"),
    *("a<{}>", "a<int:{}>", "<{}>.html", "<int:{}>-<any(a, b):{}2>", "<{}>-<{}2>", "<path:{}>.b"),
)
TEXTS = (
    *STATIC,
    *("", "12", "7", "0", "-3", "1.5", "a+b", "ac", "abc", "a1", "1-a", "x-y", "a-b-c", "x.html"),
    *(
        "00000000-0000-0000-0000-000000000007",
        "a/b",
        "a/1",
        "..",
        "\n",
        "a\n",
        "é\n",
        "١",
        "9" * 5000,
    ),
)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """The arguments of a ``Rule``."""
    count = draw(st.integers(0, 4))
    parts = []
    for n in range(count):
        part = draw(st.one_of(st.sampled_from(STATIC), st.sampled_from(DYNAMIC)))
        parts.append(part.replace("{}", f"v{n}"))
    string = "/" + "/".join(parts) + draw(st.sampled_from(("", "", "/", "//")))
    options: dict[str, Any] = {"string": string, "endpoint": draw(st.sampled_from("efgh"))}
    if draw(st.booleans()):
        options["methods"] = draw(st.sets(st.sampled_from(METHODS), min_size=1, max_size=2))
    if draw(st.integers(0, 3)) == 0:
        odd: dict[str, Any] = {
            "strict_slashes": draw(st.booleans()),
            "merge_slashes": draw(st.booleans()),
            "defaults": {f"v{count}": 7, "v0": "a"} if "v0" not in string else {f"v{count}": 7},
            "redirect_to": "a/b",
            "alias": True,
            "build_only": True,
            "subdomain": "sub",
        }
        for name in draw(st.sets(st.sampled_from(sorted(odd)), max_size=2)):
            options[name] = odd[name]
    if draw(st.integers(0, 3)) == 0:
        options["websocket"] = True
        options["methods"] = draw(st.sampled_from((None, ["GET"], ["HEAD"])))
    return options


map_options = st.fixed_dictionaries(
    {},
    optional={
        "strict_slashes": st.just(False),
        "merge_slashes": st.just(False),
        "redirect_defaults": st.just(False),
    },
)


@st.composite
def maps_and_paths(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    found = draw(st.lists(rules(), min_size=1, max_size=7))
    texts = st.sampled_from(TEXTS)
    paths = []
    for _ in range(10):
        if draw(st.booleans()):  # near one of the rules: a text for each of its variables
            near = draw(st.sampled_from(found))["string"]
            segments = [draw(texts) if "<" in part else part for part in near.strip("/").split("/")]
        else:
            segments = draw(st.lists(texts, max_size=4))
        paths.append("/" + "/".join(segments) + draw(st.sampled_from(("", "", "/", "//"))))
    paths += draw(st.lists(st.text(st.characters(codec="utf-8"), max_size=6), max_size=2))
    return (
        draw(map_options),
        found,
        [latin1(path) for path in paths] + ["/\xff", "/a\xc3", "", "//a"],
    )


def werkzeug_answer(url_map: Map, method: Any, path: str) -> Any:
    """The rule's number and its arguments, or what kind of refusal."""
    adapter = url_map.bind("localhost")
    is_websocket = not isinstance(method, str)
    try:
        rule, values = adapter.match(
            path.encode("latin1").decode(errors="replace"),
            "GET" if is_websocket else method,
            return_rule=True,
            websocket=is_websocket,
        )
    except RequestRedirect as redirect:
        return "redirect", redirect.new_url
    except HTTPException as refused:
        return type(refused).__name__
    except ValueError as unconverted:  # a number of too many digits for int()
        return type(unconverted).__name__
    return list(url_map.iter_rules()).index(rule), values


@given(drawn=maps_and_paths())
def test_matcher(drawn: tuple[dict[str, Any], list[dict[str, Any]], list[str]]) -> None:
    routing = importlib.import_module("erlen.routing")
    options, found, paths = drawn
    try:
        theirs = Map([Rule(**rule) for rule in found], converters=CONVERTERS, **options)
    except (LookupError, ValueError, TypeError):
        event("no such map")
        return
    ours = routing.Map([routing.Rule(**rule) for rule in found], converters=CONVERTERS, **options)
    for path in paths:
        allowed = ours.allowed_methods(path)
        if allowed is not None:
            adapter = theirs.bind("localhost")
            text = path.encode("latin1").decode(errors="replace")
            assert allowed == set(adapter.allowed_methods(text)), path
        for method in (*METHODS, "FOO", routing.WEBSOCKET):
            expected = werkzeug_answer(theirs, method, path)
            try:
                hit = ours.find(method, path)
            except NotFound:
                assert expected in ("NotFound", "ValueError"), (method, path)
                continue
            if hit is None:
                # Werkzeug is asked, on the very map that erlen compiled.
                assert werkzeug_answer(ours, method, path) == expected, (method, path)
                event("left to Werkzeug" + (", a hit" if isinstance(expected[0], int) else ""))
                continue
            event("hit")
            rule, values = hit
            got = list(ours.iter_rules()).index(rule), values
            assert got == expected, (method, path)
            assert [type(v) for v in values.values()] == [type(v) for v in expected[1].values()]


@pytest.mark.parametrize("path", ["/a", "/user/x", "/int/5", "/deep/x/y/1/end", "/files/a/b"])
def test_matcher_answers_plain_hits_itself(path: str) -> None:
    """The property above would hold for a matcher that never answers."""
    routing = importlib.import_module("erlen.routing")
    strings = ("/a", "/user/<x>", "/int/<int:n>", "/deep/<x>/y/<int:n>/end", "/files/<path:p>")
    rules = [Rule(string, endpoint=string, methods=["GET"]) for string in strings]
    assert routing.Map(rules).find("GET", path) is not None
    rules = [Rule(string, endpoint=string, websocket=True) for string in strings]
    assert routing.Map(rules).find(routing.WEBSOCKET, path) is not None
