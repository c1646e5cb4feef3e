from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
import click.testing
import pytest


class TestScriptInfo:
    def test_defaults(self, cli: Any) -> None:
        info = cli.ScriptInfo()
        assert (info.app_import_path, info.create_app, info.data) == (None, None, {})
        assert (info.set_debug_flag, info.load_dotenv_defaults) == (True, True)

    @pytest.mark.parametrize(("value", "loads"), [("1", False), ("0", True), ("true", False)])
    def test_skip_dotenv_outweighs(
        self, cli: Any, monkeypatch: pytest.MonkeyPatch, value: str, loads: bool
    ) -> None:
        monkeypatch.setenv("FLASK_SKIP_DOTENV", value)
        assert cli.ScriptInfo().load_dotenv_defaults is loads
        assert cli.ScriptInfo(load_dotenv_defaults=False).load_dotenv_defaults is loads

    @pytest.mark.parametrize(
        "place", ["one", "one.py", "one:app", "one.py:app", "one:create('app')"]
    )
    def test_by_path(self, flask: Any, cli: Any, tmp_path: Path, place: str) -> None:
        (tmp_path / "one.py").write_text(
            f"from {flask.__name__} import Flask\n"
            "app = Flask('app')\n"
            "def create(name):\n    return Flask(name)\n"
        )
        info = cli.ScriptInfo(place)
        app = info.load_app()
        assert app.name == "app"
        assert info.load_app() is app

    @pytest.mark.parametrize("name", ["wsgi", "app"])
    def test_in_the_usual_files(self, flask: Any, cli: Any, tmp_path: Path, name: str) -> None:
        text = f"from {flask.__name__} import Flask\napplication = Flask('usual')\n"
        (tmp_path / f"{name}.py").write_text(text)
        assert cli.ScriptInfo().load_app().name == "usual"

    def test_nowhere(self, cli: Any) -> None:
        with pytest.raises(cli.NoAppException) as error:
            cli.ScriptInfo().load_app()
        assert error.value.message == (
            "Could not locate a Flask application. Use the 'flask --app' option, 'FLASK_APP'"
            " environment variable, or a 'wsgi.py' or 'app.py' file in the current directory."
        )

    @pytest.mark.parametrize(("flag", "debug"), [("1", True), ("0", False), (None, False)])
    def test_debug_from_the_environment(
        self, flask: Any, cli: Any, monkeypatch: pytest.MonkeyPatch, flag: str | None, debug: bool
    ) -> None:
        if flag is not None:
            monkeypatch.setenv("FLASK_DEBUG", flag)
        app = flask.Flask("x")
        app.debug = not debug
        assert cli.ScriptInfo(create_app=lambda: app).load_app().debug is debug

    def test_debug_left_alone(self, flask: Any, cli: Any) -> None:
        app = flask.Flask("x")
        app.debug = True
        info = cli.ScriptInfo(create_app=lambda: app, set_debug_flag=False)
        assert info.load_app().debug is True


class TestWithAppcontext:
    def test_a_plain_command(self, flask: Any, cli: Any, runner: click.testing.CliRunner) -> None:
        @click.command()
        @click.argument("word")
        @cli.with_appcontext
        def say(word: str) -> None:
            """Say it."""
            click.echo(f"{word} {flask.current_app.name}")

        info = cli.ScriptInfo(create_app=lambda: flask.Flask("within"))
        assert runner.invoke(say, ["in"], obj=info).output == "in within\n"
        assert say.help == "Say it."

    def test_a_context_that_is_there_is_kept(
        self, flask: Any, cli: Any, app: Any, runner: click.testing.CliRunner
    ) -> None:
        @click.command()
        @cli.with_appcontext
        def say() -> None:
            click.echo(flask.current_app.name)

        with app.app_context():
            assert runner.invoke(say, obj=cli.ScriptInfo()).output == "tested\n"

    def test_pass_script_info(self, cli: Any, runner: click.testing.CliRunner) -> None:
        @click.command()
        @cli.pass_script_info
        def say(info: Any) -> None:
            click.echo(type(info).__name__)

        assert runner.invoke(say).output == "ScriptInfo\n"


class TestDotenv:
    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path) -> None:
        pytest.importorskip("dotenv")
        (tmp_path / ".flaskenv").write_text("FOO=flaskenv\nBAR=bar\nEMPTY\n")
        (tmp_path / ".env").write_text("FOO=env\nHAM=火腿\nEGGS=env\n", encoding="utf-8")
        (tmp_path / "named").write_text("FOO=named\n")

    def test_precedence(self, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EGGS", "set before")
        assert cli.load_dotenv() is True
        names = ("FOO", "BAR", "HAM", "EGGS", "EMPTY")
        assert [os.environ.get(n) for n in names] == ["env", "bar", "火腿", "set before", None]

    def test_a_file_outweighs(self, cli: Any) -> None:
        assert cli.load_dotenv("named") is True
        assert (os.environ["FOO"], os.environ["BAR"]) == ("named", "bar")

    def test_only_a_file(self, cli: Any) -> None:
        assert cli.load_dotenv("named", load_defaults=False) is True
        assert (os.environ["FOO"], os.environ.get("BAR")) == ("named", None)
        assert cli.load_dotenv("missing", load_defaults=False) is False

    def test_found_above(self, cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
        cli.load_dotenv()
        assert os.environ["FOO"] == "env"
        assert Path.cwd() == tmp_path / "below"

    @pytest.mark.parametrize("path", [None, "named"])
    def test_without_the_package(
        self,
        cli: Any,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        path: str | None,
    ) -> None:
        monkeypatch.setitem(sys.modules, "dotenv", None)
        assert cli.load_dotenv(path) is False
        assert "FOO" not in os.environ
        assert capsys.readouterr().err == (
            " * Tip: There are .env files present. Install python-dotenv to use them.\n"
        )

    def test_without_the_package_and_files(
        self,
        cli: Any,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        tmp_path: Path,
    ) -> None:
        (tmp_path / "empty").mkdir()
        monkeypatch.chdir(tmp_path / "empty")
        monkeypatch.setitem(sys.modules, "dotenv", None)
        assert cli.load_dotenv() is False
        assert capsys.readouterr().err == ""
