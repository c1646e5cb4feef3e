"""What one file says, and when each line of it runs."""

from __future__ import annotations

import pytest

from erlen.doctor.reading import Reading, When, read

IMPORT, CALL, MAYBE = When.IMPORT, When.CALL, When.MAYBE


def reading(source: str, module: str = "shop.views", is_package: bool = False) -> Reading:
    return read(source.encode(), "shop/views.py", module, is_package)


def marks(source: str, kind: str = "name") -> list[tuple[str, int, When]]:
    return [(mark.name, mark.line, mark.when) for mark in reading(source).of(kind)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import flask\nflask.Markup('x')", [("flask", 1), ("flask.Markup", 2)]),
        ("import flask as f\nf.json.x.y", [("flask", 1), ("flask.json.x.y", 2)]),
        ("import flask.json.tag\nflask.x", [("flask.json.tag", 1), ("flask.x", 2)]),
        ("from flask import json as j\nj.dump", [("flask.json", 1), ("flask.json.dump", 2)]),
        ("from flask import *", []),
        # Told once, where it is imported.
        ("from flask import Markup\nMarkup.escape", [("flask.Markup", 1)]),
        # The name means something else as well, so nothing is said of what it has.
        ("from flask import json\ndef f(json): json.x", [("flask.json", 1)]),
        ("from flask import json\njson = 1\njson.x", [("flask.json", 1)]),
        ("import boto3\nboto3.x\nx.flask.y", []),
        ("from .flask import x", []),
    ],
)
def test_names(source: str, expected: list[tuple[str, int]]) -> None:
    assert [(name, line) for name, line, _ in marks(source)] == expected


@pytest.mark.parametrize(
    ("source", "when"),
    [
        ("from flask import Markup", IMPORT),
        ("if __name__ == '__main__':\n from flask import Markup", IMPORT),
        ("class A:\n from flask import Markup", IMPORT),
        ("def f():\n from flask import Markup", CALL),
        ("async def f():\n from flask import Markup", CALL),
        ("if x:\n from flask import Markup", MAYBE),
        ("if x: pass\nelse:\n from flask import Markup", MAYBE),
        ("def f():\n if x:\n  from flask import Markup", MAYBE),
        ("try:\n from flask import Markup\nexcept ValueError: pass", IMPORT),
        ("try: pass\nexcept ValueError:\n from flask import Markup", IMPORT),
        ("try: pass\nfinally:\n from flask import Markup", IMPORT),
        ("with x:\n from flask import Markup", IMPORT),
    ],
)
def test_when_a_line_runs(source: str, when: When) -> None:
    assert [found[2] for found in marks(source)] == [when]


@pytest.mark.parametrize("caught", ["ImportError", "(KeyError, ImportError)", "Exception", ""])
def test_a_missing_name_that_is_caught(caught: str) -> None:
    source = "from flask import Flask\ntry:\n from flask import Markup\nexcept {}:\n {}"
    assert marks(source.format(caught, "pass")) == [("flask.Flask", 1, IMPORT)]
    # The way out is missing too.
    assert marks(source.format(caught, "from flask import escape")) == [
        ("flask.Flask", 1, IMPORT),
        ("flask.escape", 5, IMPORT),
    ]


def test_a_way_out_that_is_never_taken() -> None:
    source = "try:\n from flask import Flask\nexcept ImportError:\n from flask import Markup"
    assert marks(source) == [("flask.Flask", 2, IMPORT)]


def test_a_way_out_that_may_be_taken() -> None:
    source = "try:\n {}\nexcept {}:\n from flask import Markup"
    markup = ("flask.Markup", 4, MAYBE)
    assert marks(source.format("import boto3", "ImportError")) == [markup]
    assert marks(source.format("from flask import Flask", "Exception"))[1:] == [markup]


def test_suppressed() -> None:
    source = "import contextlib\nwith contextlib.suppress(ImportError):\n from flask import Markup"
    assert marks(source) == []


@pytest.mark.parametrize(
    "use", ["flask.x if old else 1", "1 if old else flask.x", "old and flask.x"]
)
def test_an_expression_under_a_condition(use: str) -> None:
    assert marks(f"import flask\n{use}")[1:] == [("flask.x", 2, MAYBE)]
    assert marks("import flask\nflask.x and new")[1:] == [("flask.x", 2, IMPORT)]


def test_what_only_a_type_checker_reads() -> None:
    source = "import typing as t\nif t.TYPE_CHECKING:\n from flask import Markup\nelse:\n import x"
    assert marks(source) == []
    assert ("x", 5, MAYBE) in marks(source, "import")


@pytest.mark.parametrize(
    ("source", "module", "is_package", "expected"),
    [
        ("from . import db", "shop.views", False, ["shop", "shop.db"]),
        ("from .db import get", "shop.views", False, ["shop.db", "shop.db.get"]),
        ("from . import db", "shop", True, ["shop", "shop.db"]),
        ("from ..a import b", "shop.sub.x", False, ["shop.a", "shop.a.b"]),
        ("import a.b, c", "shop", True, ["a.b", "c"]),
        ("from flask import Flask", "shop", True, ["flask"]),
    ],
)
def test_imports(source: str, module: str, is_package: bool, expected: list[str]) -> None:
    assert [mark.name for mark in reading(source, module, is_package).of("import")] == expected


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("@app.before_first_request\ndef f(): ...", "attribute", "before_first_request"),
        ("@shop.before_first_request\ndef f(): ...", "attribute of something", None),
        ("shop = flask.Flask('x')\nshop.env", "attribute", "env"),
        ("shop = flask.Blueprint('x', 'x')\nshop.json_encoder", "attribute", "json_encoder"),
        ("def f(shop: flask.Flask): shop.env", "attribute", "env"),
        ("flask.current_app.env", "attribute", "env"),
        ("self.app.env", "attribute", "env"),
        ("app.env = 1", "assignment", "env"),
        ("app.config['JSON_AS_ASCII'] = 1", "setting", "JSON_AS_ASCII"),
        ("app.config.update(JSON_AS_ASCII=1)", "setting", "JSON_AS_ASCII"),
        ("app.config.update({'JSON_AS_ASCII': 1})", "setting", "JSON_AS_ASCII"),
        ("class Config:\n JSON_AS_ASCII = 1", "setting", "JSON_AS_ASCII"),
        ("JSON_AS_ASCII: bool = 1", "setting", "JSON_AS_ASCII"),
        ("flask.send_file(x, cache_timeout=1)", "keyword", "flask.send_file(cache_timeout)"),
        ("os.environ.get('FLASK_ENV')", "text", "FLASK_ENV"),
        ("app.run(host='0.0.0.0', debug=True)", "text", "run(debug) for others"),
        ("@app.get('/')\nasync def f(): ...", "text", "async view"),
        ("@app.before_request\nasync def f(): ...", "text", "async view"),
    ],
)
def test_marks(source: str, kind: str, expected: str | None) -> None:
    found = [name for name, _, _ in marks(f"import flask\n{source}", kind)]
    assert found == [expected or "before_first_request"]


@pytest.mark.parametrize(
    "source",
    [
        "sphinx.env",
        "x.app.no_such",
        "app.run(host='0.0.0.0')",
        "app.run(debug=True)",
        "send_file(x, download_name=1)",
        "@app.get('/')\ndef f(): ...",
        "@cache\nasync def f(): ...",
        "print('FLASK_DEBUG')",
    ],
)
def test_nothing_to_say(source: str) -> None:
    kinds = {mark.kind for mark in reading(f"import flask\n{source}").marks}
    assert kinds <= {"import", "name"}


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (b"import flask\nprint 'x'\n", "Missing parentheses in call to 'print'. Did you mean"),
        (b"\0", ""),
        (b"# coding: no-such\nx\n", "unknown encoding"),
        (b"x = " + b"(" * 5000, ""),
    ],
)
def test_unreadable(source: bytes, error: str) -> None:
    found = read(source, "x.py", "x")
    assert found.error is not None and error in found.error
    assert found.marks == []


def test_place() -> None:
    found = reading("\nimport flask")
    assert found.place(found.marks[0]) == "shop/views.py:2"
