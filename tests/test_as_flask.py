"""``flask`` as another name for ``erlen``: every way in, in processes of their own."""

from __future__ import annotations

import importlib.metadata
import os
import re
import site
import subprocess
import sys
import time
import urllib.request
import venv
from pathlib import Path
from typing import Any

import pytest

# The processes have doors of their own; the real Flask must be there for some to pass it by.
pytestmark = pytest.mark.peer

SRC = Path(__file__).resolve().parent.parent / "src"
HELLO = """
import flask
from flask import Flask

app = Flask(__name__)

@app.get("/")
def hello():
    return flask.__spec__.name

def create_app(word="made"):
    made = Flask(__name__)
    made.config["WORD"] = word
    return made
"""
# What Flask's users and extensions import.
MODULES = (
    *("app", "blueprints", "cli", "config", "ctx", "debughelpers", "globals", "helpers", "json"),
    *("json.provider", "json.tag", "logging", "sessions", "signals", "templating", "testing"),
    *("typing", "views", "wrappers"),
)
IS_ERLEN = "import flask, erlen; assert flask is erlen; print('the same')"


class Environment:
    """A virtual environment with erlen's source and its start-up line in it."""

    def __init__(self, home: Path) -> None:
        venv.create(home, symlinks=os.name != "nt")
        scripts, lib = ("Scripts", "Lib") if os.name == "nt" else ("bin", "lib/python*")
        self.python = home / scripts / "python"
        packages = next(home.glob(f"{lib}/site-packages"))
        (packages / "_paths.pth").write_text("\n".join((str(SRC), *_site_packages())) + "\n")
        start_up = SRC / "erlen-as-flask.pth"
        (packages / start_up.name).write_bytes(start_up.read_bytes())

    def run(self, *args: object, env: dict[str, str] | None = None, cwd: Any = None) -> str:
        """Run Python; return what it printed, or fail with it."""
        done = subprocess.run(
            [self.python, *map(str, args)],
            env=clean_environ() | (env or {}),
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()


def _site_packages() -> list[str]:
    return [path for path in sys.path if path in site.getsitepackages()]


def clean_environ() -> dict[str, str]:
    unwanted = ("FLASK_", "ERLEN_", "PYTHON", "COV_", "PYTEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("venv"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "hello.py").write_text(HELLO)
    return tmp_path


def test_by_import(environment: Environment) -> None:
    assert environment.run("-c", f"import erlen.as_flask; {IS_ERLEN}") == "the same"


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_by_variable(environment: Environment, value: str) -> None:
    assert environment.run("-c", IS_ERLEN, env={"ERLEN_AS_FLASK": value}) == "the same"


@pytest.mark.parametrize("value", [None, "", "0", "false", "False", "no"])
def test_off(environment: Environment, value: str | None) -> None:
    script = "import sys, flask; print(flask.__name__, '_erlen_as_flask' in sys.modules)"
    env = {} if value is None else {"ERLEN_AS_FLASK": value}
    assert environment.run("-c", script, env=env) == "flask False"


def test_variable_alone_loads_no_erlen(environment: Environment) -> None:
    script = "import sys; print([m for m in sys.modules if m.partition('.')[0] == 'erlen'])"
    assert environment.run("-c", script, env={"ERLEN_AS_FLASK": "1"}) == "[]"


def test_by_pytest_option(environment: Environment, project: Path) -> None:
    (project / "test_it.py").write_text(f"def test_it():\n    {IS_ERLEN}\n")
    out = environment.run("-m", "pytest", "-q", "-p", "erlen.as_flask", cwd=project)
    assert "1 passed" in out


def test_child_process_inherits_the_variable(environment: Environment, project: Path) -> None:
    # As the reloader does: the same interpreter and arguments once more.
    (project / "parent.py").write_text(
        "import os, subprocess, sys\n"
        "if 'CHILD' not in os.environ:\n"
        "    env = os.environ | {'CHILD': '1'}\n"
        "    sys.exit(subprocess.call([sys.executable, *sys.argv], env=env))\n" + IS_ERLEN
    )
    env = {"ERLEN_AS_FLASK": "1"}
    assert environment.run("parent.py", env=env, cwd=project) == "the same"


def test_run_as_a_module(environment: Environment) -> None:
    out = environment.run("-m", "flask", "--version", env={"ERLEN_AS_FLASK": "1"})
    assert out == environment.run("-m", "erlen", "--version")
    assert "Werkzeug" in out


def test_by_erlens_command(environment: Environment, project: Path) -> None:
    (project / "hello.py").write_text(
        HELLO
        + "import os, subprocess, sys\n"
        + f"@app.cli.command()\ndef both():\n    {IS_ERLEN}\n"
        + f"    sys.stdout.flush(); subprocess.run([sys.executable, '-c', {IS_ERLEN!r}])\n"
    )
    out = environment.run("-m", "erlen", "--app", "hello", "both", cwd=project)
    assert out.split("\n") == ["the same", "the same"]


def test_real_flask_came_first(environment: Environment) -> None:
    script = (
        "import flask\n"
        "try:\n    import erlen.as_flask\n"
        "except RuntimeError as error:\n    print(error)"
    )
    assert re.fullmatch(
        r"'flask' cannot be made another name for 'erlen': the real flask is imported already,"
        r" from .*flask/__init__\.py\. Import 'erlen\.as_flask' before anything that imports"
        r" flask, or set ERLEN_AS_FLASK=1 in the environment of the process\.",
        environment.run("-c", script).replace(os.sep, "/"),
    )


def test_importing_it_twice_installs_it_once(environment: Environment) -> None:
    script = """
import importlib, sys
import erlen.as_flask, flask, _erlen_as_flask
importlib.reload(erlen.as_flask)
_erlen_as_flask.install()
print([type(finder).__name__ for finder in sys.meta_path].count("AliasFinder"))
"""
    assert environment.run("-c", script, env={"ERLEN_AS_FLASK": "1"}) == "1"


def test_imports_no_more_than_erlen_does(environment: Environment) -> None:
    script = """
import sys, erlen
before = {name for name in sys.modules if name.startswith("erlen")}
import erlen.as_flask
print(sorted({name for name in sys.modules if "erlen" in name} - before))
known = {name for name in sys.modules if name.startswith("flask")}
print(all(sys.modules[name] is sys.modules["erlen" + name[5:]] for name in known))
"""
    assert environment.run("-c", script) == "['_erlen_as_flask', 'erlen.as_flask']\nTrue"


WATCH = """
import sys
from importlib.util import find_spec

class Watcher:
    # As wrapt and New Relic do it: the loader that was found is wrapped, and asks the module.
    def __init__(self):
        self.asked = set()
    def find_spec(self, fullname, path=None, target=None):
        if not fullname.startswith("flask") or fullname in self.asked:
            return None
        self.asked.add(fullname)
        spec = find_spec(fullname)
        self.asked.remove(fullname)
        run = spec.loader.exec_module
        def exec_module(module):
            run(module)
            loaded(module.__name__, module)
        spec.loader.exec_module = exec_module
        return spec

seen = []
def loaded(name, module):
    seen.append(name)
    if name == "flask.templating":
        assert not hasattr(module, "nothing")
        own = module.render_template_string
        module.render_template_string = lambda *args: "patched " + own(*args)
sys.meta_path.insert(0, Watcher())
"""


def test_who_watches_imports_sees_all_of_flask(environment: Environment) -> None:
    script = f"""{WATCH}
import flask
print(seen.index("flask.templating") < seen.index("flask.app") < seen.index("flask"))
print({{"flask.globals", "flask.json.provider", "flask.json", "flask.views"}} - {{*seen}})
print("flask.testing" in seen)
import flask.testing
print("flask.testing" in seen)
app = flask.Flask("x")
with app.app_context():
    print(flask.render_template_string("text"))
print(flask.__name__, flask.app.__name__, flask.app.__spec__.name)
"""
    told = environment.run("-c", script, env={"ERLEN_AS_FLASK": "1"})
    assert told.splitlines() == [
        "True",
        "{'flask.views'}",  # not imported before somebody does
        "False",
        "True",
        "patched text",
        "erlen erlen.app erlen.app",
    ]


def test_who_watches_imports_sees_what_was_there_before(environment: Environment) -> None:
    script = f"""{WATCH}
import erlen
print(seen)
import erlen.as_flask
print({{"flask.templating", "flask.app"}} <= {{*seen}}, "flask" in seen)
import flask
print("flask" in seen, flask is erlen)
"""
    assert environment.run("-c", script).splitlines() == ["[]", "True False", "True True"]


def test_every_module_is_the_same(environment: Environment) -> None:
    script = f"""
import erlen.as_flask, importlib
for name in {MODULES}:
    alias = importlib.import_module("flask." + name)
    module = importlib.import_module("erlen." + name)
    assert alias is module and module.__spec__.name == module.__name__ == "erlen." + name, name
import flask, flask.cli as c, erlen
from flask import cli, globals as flask_globals
assert c is cli is erlen.cli and flask_globals is erlen.globals
assert flask.json.provider.DefaultJSONProvider is erlen.json.provider.DefaultJSONProvider
print("the same")
"""
    assert environment.run("-W", "error", "-c", script) == "the same"


def test_modules_that_only_the_alias_knows(environment: Environment) -> None:
    script = """
import erlen.as_flask
import erlen, erlen.app, erlen.scaffold, flask.scaffold, flask.sansio.app
from flask.sansio.app import App, Flask, _make_timedelta
from flask.sansio.blueprints import Blueprint, BlueprintSetupState, DeferredSetupFunction
from flask.sansio.scaffold import Scaffold, T_route, find_package, setupmethod
from flask.sansio.scaffold import _endpoint_from_view_func, _sentinel
from flask.sansio.app import RequestRedirect
from flask.cli import click
from flask.wrappers import ResponseBase
assert Flask is erlen.Flask and issubclass(Flask, App) and Blueprint is erlen.Blueprint
assert flask.scaffold is flask.sansio.scaffold is erlen.scaffold
assert flask.sansio.app.Flask is erlen.app.Flask
assert not hasattr(flask.sansio.app, "no_such_name")
print("the same")
"""
    assert environment.run("-W", "error", "-c", script) == "the same"


@pytest.mark.parametrize("name", ["flask.no_such", "flask.sansio.no_such", "flask.json.no_such"])
def test_unknown_module(environment: Environment, name: str) -> None:
    script = f"""
import erlen.as_flask, importlib, importlib.util
try:
    importlib.import_module({name!r})
except ModuleNotFoundError as error:
    print(error, importlib.util.find_spec({name!r}))
"""
    assert environment.run("-c", script) == f"No module named '{name}' None"


def test_reload(environment: Environment) -> None:
    script = """
import erlen.as_flask, importlib, sys
import erlen, flask, flask.views
assert importlib.reload(flask.views) is erlen.views is sys.modules["flask.views"]
assert importlib.reload(flask) is erlen is sys.modules["flask"]
print("the same")
"""
    assert environment.run("-c", script) == "the same"


def test_find_spec(environment: Environment) -> None:
    script = """
import erlen.as_flask, importlib.util
for name in ("flask", "flask.views"):  # before they are imported
    spec, real = (importlib.util.find_spec(n) for n in (name, name.replace("flask", "erlen")))
    assert spec.name == name and spec.origin == real.origin, spec
    assert spec.submodule_search_locations == real.submodule_search_locations, spec
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.__spec__ is real or module.__spec__.name == real.name, module
assert importlib.util.find_spec("flask") is importlib.util.find_spec("erlen")
print("sensible")
"""
    assert environment.run("-c", script) == "sensible"


def test_pickle(environment: Environment) -> None:
    script = """
import erlen.as_flask, pickle
from flask.views import View
import erlen
assert pickle.loads(pickle.dumps(View)) is View
assert pickle.loads(b"cflask.views\\nView\\n.") is erlen.views.View  # written beside Flask
print("read")
"""
    assert environment.run("-c", script) == "read"


def test_walk_packages_and_data(environment: Environment) -> None:
    script = """
import erlen.as_flask, erlen, flask, importlib.resources, pkgutil
names = {module.name for module in pkgutil.walk_packages(flask.__path__, "flask.")}
assert {"flask.app", "flask.json", "flask.json.provider"} <= names, names
assert pkgutil.resolve_name("flask.json.provider:JSONProvider") is erlen.json.provider.JSONProvider
assert importlib.resources.files("flask").joinpath("py.typed").is_file()
print("walked")
"""
    assert environment.run("-c", script) == "walked"


def test_distribution_still_answers(environment: Environment) -> None:
    script = "import erlen.as_flask, flask, importlib.metadata as m; print(m.version('flask'))"
    assert environment.run("-c", script) == importlib.metadata.version("flask")


@pytest.mark.parametrize(
    ("target", "expression", "expected"),
    [
        ("hello", "app.import_name", "hello"),
        ("hello:app", "app.name", "hello"),
        ("hello:create_app", "app.config['WORD']", "made"),
        ("hello:create_app()", "app.config['WORD']", "made"),
        ("hello:create_app('given')", "app.config['WORD']", "given"),
        ("hello:create_app(word='named')", "app.config['WORD']", "named"),
    ],
)
def test_load(
    environment: Environment, project: Path, target: str, expression: str, expected: str
) -> None:
    script = f"""
from erlen.as_flask import load
import erlen
app = load({target!r})
assert isinstance(app, erlen.Flask)
print({expression})
"""
    assert environment.run("-c", script, cwd=project) == expected


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere:app", "Could not import 'nowhere'."),
        ("hello:nothing", "Failed to find attribute 'nothing' in 'hello'."),
        ("hello:create_app(1, 2)", "The factory 'create_app(1, 2)' in module 'hello' could not"),
    ],
)
def test_load_fails(environment: Environment, project: Path, target: str, message: str) -> None:
    script = f"""
import erlen.cli
from erlen.as_flask import load
try:
    load({target!r})
except erlen.cli.NoAppException as error:
    print(error.format_message())
"""
    assert environment.run("-c", script, cwd=project).startswith(message)


WAYS_FOR_SERVERS: list[tuple[str, dict[str, str]]] = [
    ("erlen.as_flask:load('hello:app')", {}),
    ("hello:app", {"ERLEN_AS_FLASK": "1"}),
]


@pytest.mark.skipif(os.name == "nt", reason="gunicorn needs a POSIX system")
@pytest.mark.parametrize(("target", "env"), WAYS_FOR_SERVERS)
def test_gunicorn_serves_a_flask_module(
    environment: Environment, project: Path, target: str, env: dict[str, str]
) -> None:
    gunicorn = [str(environment.python), "-m", "gunicorn", "--bind", "127.0.0.1:0", target]
    environment.run(*gunicorn[1:], "--check-config", env=env, cwd=project)
    log = project / "log.txt"
    with log.open("wb") as out:
        server = subprocess.Popen(
            gunicorn, env=clean_environ() | env, cwd=project, stdout=out, stderr=out
        )
    try:
        url = wait_for(server, log, r"Listening at: (http://127\.0\.0\.1:\d+)")
        with urllib.request.urlopen(url, timeout=20) as response:
            assert response.read() == b"erlen"
    finally:
        server.terminate()
        server.wait(20)


def wait_for(server: subprocess.Popen[bytes], log: Path, pattern: str) -> str:
    for _ in range(200):
        if found := re.search(pattern, log.read_text()):
            return found[1]
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"{pattern!r} never came in: {log.read_text()}")
