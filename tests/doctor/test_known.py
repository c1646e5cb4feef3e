"""The tables say what is so: held against erlen, its dependencies, the docs and the suites."""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import erlen
from erlen.doctor import known
from erlen.doctor.known import Removed, canonical
from erlen.doctor.names import ROOTS, missing

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "conformance" / "suites.toml"


@pytest.mark.parametrize("name", known.NAMES)
def test_name_is_missing(name: str) -> None:
    assert missing(name) == name


@pytest.mark.peer
@pytest.mark.parametrize("name", [name for name in known.NAMES if name.startswith("flask.")])
def test_name_is_missing_in_flask_too(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert not hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", known.ATTRIBUTES)
def test_attribute_is_missing(name: str) -> None:
    app = erlen.Flask("x")
    assert not hasattr(app, name)
    assert not hasattr(erlen.Blueprint("x", "x"), name)


@pytest.mark.parametrize("key", known.SETTINGS)
def test_setting_is_not_read(key: str) -> None:
    assert key not in erlen.Flask("x").config
    sources = (ROOT / "src" / "erlen").rglob("*.py")
    readers = [path for path in sources if key in path.read_text("utf-8")]
    assert [path.parent.name for path in readers] == ["doctor"]


@pytest.mark.parametrize("call", known.KEYWORDS)
def test_keyword_is_missing(call: str) -> None:
    name, keyword = call.removesuffix(")").split("(")
    function = getattr(erlen, name.removeprefix("flask."))
    parameters = inspect.signature(function).parameters
    assert keyword not in parameters
    # Its successor is there, though it may go to Werkzeug by **kwargs.
    instead = known.KEYWORDS[call].instead
    werkzeug_utils = importlib.import_module("werkzeug.utils")
    theirs = inspect.signature(getattr(werkzeug_utils, name.removeprefix("flask."))).parameters
    assert instead in parameters or instead in theirs


ALL = {
    **known.NAMES,
    **known.ATTRIBUTES,
    **known.KEYWORDS,
    **known.SETTINGS,
    "FLASK_ENV": known.FLASK_ENV,
}


@pytest.mark.parametrize(("name", "removed"), ALL.items(), ids=ALL)
def test_what_to_use_instead_is_there(name: str, removed: Removed) -> None:
    assert re.fullmatch(r"(Flask|Werkzeug|Jinja|MarkupSafe|itsdangerous) \d\.\d", removed.by)
    assert not removed.instead.endswith(".")
    found = re.fullmatch(r"from ([\w.]+) import (\w+)", removed.instead)
    if found is None:
        return
    module, attribute = found.groups()
    if module.partition(".")[0] in ROOTS:
        assert missing(f"{module}.{attribute}") is None
    else:
        assert hasattr(importlib.import_module(module), attribute)


DIFFERENCES = {**known.DIFFERENT_NAMES, **known.DIFFERENT_TEXTS}


@pytest.mark.parametrize(("name", "difference"), DIFFERENCES.items(), ids=DIFFERENCES)
def test_difference_stands_in_the_docs(name: str, difference: known.Difference) -> None:
    page = (ROOT / "docs" / "differences.md").read_text("utf-8")
    assert f"\n## {difference.heading}\n" in page


@pytest.mark.parametrize("name", known.DIFFERENT_NAMES)
def test_name_that_differs_is_there(name: str) -> None:
    assert missing(name) is None


def test_extensions_are_in_one_table_only() -> None:
    tables: list[Any] = [known.TESTED, known.DEAD]
    names = [canonical(name) for table in tables for name in table]
    assert len(names) == len(set(names))


def test_what_is_said_to_run_is_what_the_suites_test() -> None:
    suites = tomllib.loads(SUITES.read_text("utf-8")).values()
    tested = {canonical(suite["project"]): suite["version"] for suite in suites}
    del tested["flask"], tested["werkzeug"]
    assert {canonical(name): version for name, version in known.TESTED.items()} == tested
