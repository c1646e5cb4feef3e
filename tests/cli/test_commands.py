from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import click.testing
import pytest

from .program import TIMEOUT, clean_environ

Runner = click.testing.CliRunner
SORTS = ("endpoint", "methods", "domain", "rule", "match")


def add_rules(app: Any) -> Any:
    app.add_url_rule("/get_post/<int:x>/<int:y>", "yyy_get_post", methods=["GET", "POST"])
    app.add_url_rule("/zzz_post", "aaa_post", methods=["POST"])
    app.add_url_rule("/", "index")
    return app


class TestRoutes:
    def test_the_table(self, cli: Any, app: Any, runner: Runner) -> None:
        group = cli.FlaskGroup(create_app=lambda: add_rules(app))
        result = runner.invoke(group, ["routes"])
        assert result.exit_code == 0
        assert result.output.splitlines() == [
            "Endpoint      Methods    Rule                     ",
            "------------  ---------  -------------------------",
            "aaa_post      POST       /zzz_post                ",
            "index         GET        /                        ",
            "static        GET        /static/<path:filename>  ",
            "yyy_get_post  GET, POST  /get_post/<int:x>/<int:y>",
        ]

    @pytest.mark.parametrize(
        ("sort", "order"),
        [
            ("endpoint", ["aaa_post", "index", "static", "yyy_get_post"]),
            ("methods", ["static", "index", "yyy_get_post", "aaa_post"]),
            ("rule", ["index", "yyy_get_post", "static", "aaa_post"]),
        ],
    )
    def test_order(self, cli: Any, app: Any, runner: Runner, sort: str, order: list[str]) -> None:
        group = cli.FlaskGroup(create_app=lambda: add_rules(app))
        lines = runner.invoke(group, ["routes", "--sort", sort]).output.splitlines()[2:]
        assert [line.split()[0] for line in lines] == order

    def test_order_of_matching(self, cli: Any, app: Any, runner: Runner) -> None:
        group = cli.FlaskGroup(create_app=lambda: add_rules(app))
        lines = runner.invoke(group, ["routes", "-s", "match"]).output.splitlines()[2:]
        order = [rule.endpoint for rule in app.url_map.iter_rules()]
        assert [line.split()[0] for line in lines] == order

    def test_no_such_order(self, cli: Any, runner: Runner) -> None:
        result = runner.invoke(cli.FlaskGroup(), ["routes", "-s", "colour"])
        assert result.exit_code == 2
        assert "'colour' is not one of 'endpoint', 'methods', 'domain', 'rule'" in result.stderr

    def test_all_methods(self, cli: Any, app: Any, runner: Runner) -> None:
        group = cli.FlaskGroup(create_app=lambda: add_rules(app))
        output = runner.invoke(group, ["routes", "--all-methods"]).output
        assert "GET, HEAD, OPTIONS, POST" in output

    def test_no_routes(self, flask: Any, cli: Any, runner: Runner) -> None:
        group = cli.FlaskGroup(create_app=lambda: flask.Flask("x", static_folder=None))
        assert runner.invoke(group, ["routes"]).output == "No routes were registered.\n"

    @pytest.mark.parametrize("host_matching", [True, False])
    def test_domains(self, flask: Any, cli: Any, runner: Runner, host_matching: bool) -> None:
        app = flask.Flask("x", static_folder=None, host_matching=host_matching)
        key, header = ("host", "Host") if host_matching else ("subdomain", "Subdomain")
        app.add_url_rule("/a", "a", **{key: "z"})
        app.add_url_rule("/b", "b", **{key: "y"})
        app.add_url_rule("/c", "c")
        group = cli.FlaskGroup(create_app=lambda: app)
        lines = runner.invoke(group, ["routes", "-s", "domain"]).output.splitlines()
        assert lines[0].split() == ["Endpoint", "Methods", header, "Rule"]
        assert [line.split()[0] for line in lines[2:]] == ["c", "b", "a"]

    @pytest.mark.peer
    def test_as_flask_prints_it(self, cli: Any, runner: Runner, tmp_path: Path) -> None:
        """Every order with and without all methods, on three kinds of map."""
        script = tmp_path / "tables.py"
        script.write_text(TABLES)
        peer = subprocess.run(
            [sys.executable, str(script), "flask"],
            env=clean_environ(importlib.import_module("flask")),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        ours = subprocess.run(
            [sys.executable, str(script), cli.__name__.partition(".")[0]],
            env=clean_environ(importlib.import_module("erlen")),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=True,
        )
        assert peer.stdout.count("Endpoint") == 2 * len(SORTS) * 3
        assert ours.stdout == peer.stdout

    @pytest.mark.peer
    @pytest.mark.parametrize(
        "args", [["--help"], ["routes", "--help"], ["shell", "--help"], ["run", "--nope"]]
    )
    def test_help_as_flask_prints_it(self, tmp_path: Path, args: list[str]) -> None:
        def run(package: str) -> str:
            done = subprocess.run(
                [sys.executable, "-m", package, *args],
                cwd=tmp_path,
                env=clean_environ(importlib.import_module(package)),
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
            return f"{done.returncode}\n{done.stdout}\n{done.stderr}"

        def words(text: str) -> list[str]:
            # A longer name moves the column of the descriptions.
            return [" ".join(line.split()) for line in text.splitlines()]

        more = ("doctor ", "new ", "serve ", "translate ")
        ours = words(run("erlen"))
        added = [line for line in ours if line.startswith(more)]
        assert len(added) == (len(more) if "Commands:" in ours else 0)
        peers = words(run("flask").replace("python -m flask", "python -m erlen"))
        assert [line for line in ours if line not in added] == peers


TABLES = f"""
import importlib, itertools, sys
import click.testing
package = importlib.import_module(sys.argv[1])
cli = importlib.import_module(sys.argv[1] + ".cli")
for host_matching, domain in ((True, "host"), (False, "subdomain"), (False, None)):
    static_host = "h" if host_matching else None
    app = package.Flask("x", host_matching=host_matching, static_host=static_host)
    for number, methods in enumerate((["GET"], ["POST", "PUT"], ["DELETE"], ["OPTIONS"])):
        extra = {{domain: f"d{{9 - number}}"}} if domain and number else {{}}
        app.add_url_rule(f"/{{'x' * number}}/<int:a{{number}}>", f"e{{number * 7 % 5}}",
                         methods=methods, **extra)
    for sort, every in itertools.product({SORTS!r}, (False, True)):
        args = ["routes", "-s", sort] + ["--all-methods"] * every
        group = cli.FlaskGroup(create_app=lambda: app)
        print(args, click.testing.CliRunner().invoke(group, args).output)
"""


class TestShell:
    def shell(
        self, package: Any, folder: Path, stdin: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", package.__name__, "--app", "shelled", "shell"],
            cwd=folder,
            env=clean_environ(package) | (env or {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )

    @pytest.fixture(autouse=True)
    def module(self, tmp_path: Path) -> None:
        (tmp_path / "shelled.py").write_text(
            "from flask import Flask\n"
            "app = Flask(__name__)\n"
            "@app.shell_context_processor\n"
            "def more():\n    return {'answer': 42}\n"
        )

    def test_within_the_context(self, flask: Any, tmp_path: Path) -> None:
        code = "from flask import current_app\nprint(current_app.name, app.name, answer, g)\n"
        done = self.shell(flask, tmp_path, code)
        assert done.returncode == 0, done.stderr
        assert "shelled shelled 42 <flask.g of 'shelled'>" in done.stdout
        assert f"Python {sys.version} on {sys.platform}\nApp: shelled\nInstance: " in done.stderr
        assert f"{tmp_path / 'instance'}\n" in done.stderr

    def test_startup_file(self, flask: Any, tmp_path: Path) -> None:
        (tmp_path / "startup.py").write_text("word = 'from startup'\nanswer = 'replaced'\n")
        env = {"PYTHONSTARTUP": str(tmp_path / "startup.py")}
        done = self.shell(flask, tmp_path, "print(word, answer)\n", env)
        assert "from startup 42" in done.stdout

    def test_completion_and_history_hook(self, flask: Any, tmp_path: Path) -> None:
        pytest.importorskip("readline")
        code = "import readline\nprint(readline.get_completer()('answ', 0))\n"
        assert "answer" in self.shell(flask, tmp_path, code).stdout


class TestEveryName:
    @pytest.mark.peer
    def test_of_flask_cli(self) -> None:
        """What flask.cli defines is here, with the same parameters."""
        theirs, ours = importlib.import_module("flask.cli"), importlib.import_module("erlen.cli")
        defined = {
            name
            for name, value in vars(theirs).items()
            if getattr(value, "__module__", None) == "flask.cli" and name != "F"
        }
        # Nothing calls it in Flask either.
        defined -= {"_path_is_ancestor"}
        assert len(defined) > 20
        assert {name for name in defined if not hasattr(ours, name)} == set()
        for name in defined:
            if inspect.isfunction(getattr(theirs, name)):
                expected = list(inspect.signature(getattr(theirs, name)).parameters)
                assert list(inspect.signature(getattr(ours, name)).parameters) == expected, name
