"""``url_for`` builds the same URLs, or fails in the same way, on Flask and on erlen."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from .application import VARIANTS, build
from .requests import ENDPOINTS, SEGMENTS, latin1

pytestmark = [
    pytest.mark.peer,
    pytest.mark.filterwarnings("ignore:Current server name:UserWarning"),
]

# The variables of each endpoint's rules.
WANTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("integer", "signed", "bounded", "digits"), ("n",)),
    **dict.fromkeys(("real", "old", "built", "verbs_read", "static_leaf"), ("x",)),
    **{"text": ("name",), "anything": ("word",), "unique": ("u",), "below": ("rest",)},
    **{"words": ("words",), "many": ("pair",), "mixed": ("a", "b", "c"), "two": ("a", "b")},
    **{"unicode": ("o",), "listed": ("page",), "static": ("filename",), "sub_of": ("x", "account")},
    **{"host_of": ("x", "account"), "parent.child.show": ("n", "lang"), "parent.show": ("lang",)},
    **{"parent.static": ("filename", "lang")},
}

# No slash: what becomes of it in a value is a difference on purpose.
texts = st.one_of(st.sampled_from(SEGMENTS), st.text(max_size=4).map(lambda s: s.replace("/", "")))
anything = st.one_of(
    texts,
    st.integers(-20, 200),
    st.sampled_from((None, True, 1.5, -2.0, [], ["a", "b"], ("x", 1), UUID(int=7), b"a", 10**25)),
)
# For each variable of the application's rules, what often fits.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "n": st.one_of(st.integers(0, 200), st.integers(0, 200), anything),
    "x": st.one_of(st.floats(0, 9, allow_nan=False), texts, anything),
    "name": st.one_of(texts, texts, anything),
    "s": texts,
    "word": st.sampled_from(("one", "three four", "four")),
    "u": st.sampled_from((UUID(int=7), "7")),
    "rest": st.sampled_from(("a", "a/b", "/a", "a//b")),
    "words": st.sampled_from((["a", "b"], "ab", [])),
    "pair": st.just("a/b"),
    "a": st.one_of(texts, st.integers(0, 9)),
    "b": st.one_of(texts, st.integers(0, 9)),
    "c": st.just("html"),
    "o": texts,
    "page": st.one_of(st.integers(0, 3), anything),
    "lang": texts,
    "account": st.just("me"),
    "filename": st.sampled_from(("a.txt", "é b", "sub/b.css")),
    "other": anything,
}
OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "_anchor": texts,
    "_method": st.sampled_from(("GET", "POST", "PUT", "get", "")),
    "_scheme": st.sampled_from(("https", "")),
    "_external": st.booleans(),
}


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    """The arguments of a call, more often than not such as an endpoint takes."""
    endpoint = draw(st.sampled_from(ENDPOINTS))
    names = set(WANTS.get(endpoint, ()))
    if draw(st.integers(0, 3)) == 0:
        names ^= draw(st.sets(st.sampled_from(sorted(VALUES)), max_size=2))
    chosen = {name: draw(VALUES[name]) for name in sorted(names)}
    for name in draw(st.sets(st.sampled_from(sorted(OPTIONS)), max_size=2)):
        chosen[name] = draw(OPTIONS[name])
    return {"endpoint": endpoint} | chosen


places = st.sampled_from(("/", "/user/x", "/parent/de/child/5", "/lonely/", "/nowhere", "é"))


@pytest.fixture(scope="module", params=sorted(VARIANTS.keys() - {"debug", "limited", "keyless"}))
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, flask: Any
) -> tuple[Any, Any]:
    folder: Path = tmp_path_factory.mktemp("urls")
    (folder / "static").mkdir()
    peer = importlib.import_module("flask")
    return build(peer, folder, request.param), build(flask, folder, request.param)


def built(package: Any, app: Any, place: str, script: str, args: dict[str, Any]) -> str:
    """The URL, or the error, in words."""
    base = f"http://example.org:8080/{script}"
    with app.test_request_context(latin1(place), base_url=base):
        try:
            return str(package.url_for(**args))
        except Exception as error:
            return f"{type(error).__name__}: {error}"


@given(
    args=calls(),
    place=places,
    script=st.sampled_from(("", "app")),
)
def test_same_url(
    pair: tuple[Any, Any],
    flask: Any,
    args: dict[str, Any],
    place: str,
    script: str,
) -> None:
    expected = built(importlib.import_module("flask"), pair[0], place, script, args)
    got = built(flask, pair[1], place, script, args)
    note(f"on Flask: {expected}\non erlen: {got}")
    assert got == expected
