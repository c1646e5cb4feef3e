"""What the files of a project come to: one finding each, good and bad."""

from __future__ import annotations

from pathlib import Path

import pytest

from erlen.doctor.files import Place, read_project
from erlen.doctor.findings import Finding, Verdict
from erlen.doctor.project import findings_of, uninstalled

from .conftest import Install, Write

FAILS, CHECK, SET, DIFFERS = Verdict.FAILS, Verdict.CHECK, Verdict.SET, Verdict.DIFFERS


def examine(folder: Path) -> list[Finding]:
    readings, _ = read_project(Place(None, folder))
    return [*findings_of(readings, folder), *uninstalled(readings)]


def told(finding: Finding) -> str:
    return (
        f"{finding.verdict} {finding.what} {','.join(finding.where)}: {finding.why} {finding.fix}"
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "from flask import Markup",
            "fails flask.Markup app.py:1: Removed in Flask 3.0. Instead: from markupsafe import"
            " Markup.",
        ),
        (
            "from flask.ext.wtf import Form",
            "fails flask.ext app.py:1: Removed in Flask 1.0. Instead: import the extension by its"
            " own name, as flask_wtf.",
        ),
        ("from flask import nonsense", "fails flask.nonsense app.py:1: erlen has no such name. "),
        (
            "from jinja2.filters import nonsense",
            "fails jinja2.filters.nonsense app.py:1: Jinja2 {jinja2} has no such name. ",
        ),
        (
            "if old:\n from werkzeug.urls import url_quote",
            "check werkzeug.urls.url_quote app.py:2: Removed in Werkzeug 3.0. Here it is taken"
            " under a condition. Instead: from urllib.parse import quote.",
        ),
        (
            "import flask\n@app.before_first_request\ndef f(): ...",
            "fails app.before_first_request app.py:2: Removed in Flask 2.3. Instead: run it where"
            " the application is made, within app.app_context().",
        ),
        (
            "import flask\nif hasattr(app, 'env'): app.env",
            "check app.env app.py:2: Removed in Flask 2.3. Here it is taken under a condition."
            " Instead: debug mode is app.debug; a name of your own goes to app.config.",
        ),
        (
            "import flask\napp.session_cookie_name = 'x'",
            "set app.session_cookie_name app.py:2: Not read since Flask 2.3. Instead:"
            " app.config['SESSION_COOKIE_NAME'].",
        ),
        (
            "import flask\napp.json_encoder = Mine",
            "fails app.json_encoder app.py:2: Not read since Flask 2.3: JSON is written and read"
            " without it. Instead: set app.json, a DefaultJSONProvider of your own.",
        ),
        (
            "import flask\nflask.send_file(x, attachment_filename=y)",
            "fails flask.send_file(attachment_filename) app.py:2: Removed in Flask 2.2. Instead:"
            " download_name.",
        ),
        (
            "import flask\napp.config['JSON_AS_ASCII'] = False",
            "set JSON_AS_ASCII app.py:2: Not read since Flask 2.3. Instead: app.json.ensure_ascii.",
        ),
        (
            "import flask, os\nos.environ['FLASK_ENV'] = 'x'",
            "set FLASK_ENV app.py:2: Not read since Flask 2.3. Instead: FLASK_DEBUG=1, or erlen"
            " --debug run, for debug mode.",
        ),
        (
            "import flask\n@app.get('/')\nasync def f(): ...",
            "differs Async views share a loop app.py:3: Under WSGI the async functions of a process"
            " run on one event loop, so that what one request connects the next can use. Each call"
            " crosses a thread. ",
        ),
        (
            "from flask.sansio.app import App",
            "differs No second core app.py:1: App and Blueprint of flask.sansio are Flask and"
            " Blueprint themselves. ",
        ),
        (
            "import flask\nimport erlen.as_flask",
            "check import erlen.as_flask app.py:2: It stands below an import of flask (line 1)."
            " Started by anything but erlen run, it raises RuntimeError, for Flask is loaded by"
            " then. Move it to the top of the module that starts the program, or set"
            " ERLEN_AS_FLASK=1 in the environment.",
        ),
        (
            "print 'x'",
            "check app.py app.py: This file was not read: Missing parentheses in call to 'print'."
            " Did you mean print(...)? in line 1. ",
        ),
        (
            "import flask_nowhere",
            "fails flask_nowhere app.py:1: Not installed in this environment. ",
        ),
        (
            "try:\n import flask_nowhere\nexcept ImportError: pass",
            None,
        ),
        (
            "from flask_script import Manager",
            "fails flask_script app.py:1: Not installed; Flask-Script 2.0.6, the last release,"
            " cannot be imported. Instead: commands of the application: @app.cli.command().",
        ),
    ],
)
def test_finding(write: Write, source: str, expected: str | None) -> None:
    from importlib.metadata import version

    found = [told(finding) for finding in examine(write({"app.py": source}))]
    wanted = [] if expected is None else [expected.format(jinja2=version("jinja2"))]
    assert list(dict.fromkeys(found)) == wanted


@pytest.mark.parametrize(
    "source",
    [
        "import erlen.as_flask\nimport flask\napp = flask.Flask(__name__)",
        "from erlen import Flask\napp = Flask(__name__)\napp.config['TESTING'] = True",
        "def f():\n import flask\n\nimport erlen.as_flask",
        # Another framework's app, and a setting of nobody's.
        "import sphinx\napp.env = app.before_first_request\nJSON_AS_ASCII = 1",
        "try:\n from flask import Markup\nexcept ImportError:\n from markupsafe import Markup",
    ],
)
def test_nothing_to_find(write: Write, source: str) -> None:
    assert examine(write({"app.py": source})) == []


def test_a_module_of_the_project_imports_flask_before_the_alias(write: Write) -> None:
    files = {"db.py": "import flask", "app.py": "import db\nimport erlen.as_flask"}
    [finding] = examine(write(files))
    assert (finding.code, finding.where) == ("late-alias", ("app.py:2",))


def test_environment(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write({".env": "A=1\nexport FLASK_ENV=x\n", ".flaskenv": "FLASK_ENV=x\n"})
    monkeypatch.setenv("FLASK_ENV", "x")
    where = [finding.where for finding in examine(folder) if finding.what == "FLASK_ENV"]
    assert where == [(), (".flaskenv:1",), (".env:2",)]


@pytest.mark.parametrize("name", ["gunicorn.conf.py", "usercustomize.py"])
def test_code_that_runs_before_the_application(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = write({name: "import os\nimport flask"})
    monkeypatch.syspath_prepend(str(folder))
    [finding] = examine(folder)
    assert told(finding) == (
        f"set {name} {name}:2: It imports flask before the application is loaded, so that"
        " erlen.as_flask, imported by the application, comes too late. Set ERLEN_AS_FLASK=1 in"
        " the environment."
    )
    assert examine(write({name: "import os"})) == []


def test_a_flask_of_its_own(write: Write) -> None:
    files = {"flask/__init__.py": "", "shop/_vendor/flask/app.py": "class Flask: ..."}
    first, second = examine(write(files))
    assert told(first) == (
        "check flask/__init__.py : The project has a module named flask of its own. Under the"
        " alias that name is erlen, and this one is not imported. Give it another name."
    )
    assert told(second) == (
        "check shop/_vendor/flask : A copy of Flask under another name. It stays Flask: an"
        " application made from it does not run on erlen. Import flask instead."
    )


def test_the_project_s_own_module_is_not_an_extension(write: Write, install: Install) -> None:
    install("flask-there", "1.0", {"flask_there.py": ""})
    files = {"flask_mine.py": "", "app.py": "import flask_mine, flask_there"}
    assert examine(write(files)) == []
