from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
import click.testing
import pytest

Runner = click.testing.CliRunner


class TestAppGroup:
    def test_commands_run_within_the_context(self, flask: Any, cli: Any, runner: Runner) -> None:
        group = cli.AppGroup("group")

        @group.command()
        def inside() -> None:
            click.echo(flask.current_app.name)

        @group.command(with_appcontext=False)
        def outside() -> None:
            click.echo(bool(flask.current_app))

        @group.group()
        def below() -> None:
            pass

        @below.command("named")
        def _named() -> None:
            click.echo(f"below {flask.current_app.name}")

        assert isinstance(below, cli.AppGroup)
        info = cli.ScriptInfo(create_app=lambda: flask.Flask("app"))
        assert runner.invoke(group, ["inside"], obj=info).output == "app\n"
        assert runner.invoke(group, ["outside"], obj=info).output == "False\n"
        assert runner.invoke(group, ["below", "named"], obj=info).output == "below app\n"

    @pytest.mark.erlen_only
    def test_without_parentheses(self, flask: Any, cli: Any, runner: Runner) -> None:
        """Flask registers nothing then, and does not say so."""
        group = cli.AppGroup("group")

        @group.command
        def inside() -> None:
            click.echo(flask.current_app.name)

        @group.group
        def below() -> None:
            pass

        below.command(inside.callback)
        info = cli.ScriptInfo(create_app=lambda: flask.Flask("app"))
        assert isinstance(below, cli.AppGroup)
        assert runner.invoke(group, ["inside"], obj=info).output == "app\n"
        assert runner.invoke(group, ["below", "inside"], obj=info).output == "app\n"

    def test_another_class_of_group(self, cli: Any) -> None:
        @cli.AppGroup("group").group(cls=click.Group)
        def below() -> None:
            pass

        assert type(below) is click.Group


class TestAppCommands:
    def test_named_after_the_app(self, app: Any) -> None:
        assert app.cli.name == "tested"

    def test_parameters_see_the_app(self, flask: Any, cli: Any, app: Any, runner: Runner) -> None:
        @app.cli.command()
        @click.argument("value", callback=lambda ctx, param, value: flask.current_app.name)
        def check(value: str) -> None:
            loaded = click.get_current_context().obj.load_app()
            click.echo(f"{value} {loaded is flask.current_app._get_current_object()}")

        group = cli.FlaskGroup(create_app=lambda: app)
        assert runner.invoke(group, ["check", "x"]).output == "tested True\n"

    def test_another_app_s_context_is_no_hindrance(
        self, flask: Any, cli: Any, app: Any, runner: Runner
    ) -> None:
        @app.cli.command()
        def who() -> None:
            click.echo(flask.current_app.name)

        group = cli.FlaskGroup(create_app=lambda: app)
        with flask.Flask("other").app_context():
            assert runner.invoke(group, ["who"]).output == "tested\n"

    def test_of_blueprints(self, flask: Any, cli: Any, app: Any, runner: Runner) -> None:
        for name, options, at_registration in (
            ("own", {"cli_group": "customized"}, {}),
            ("same", {}, {}),
            ("merged", {"cli_group": None}, {}),
            ("late", {}, {"cli_group": "later"}),
        ):
            blueprint = flask.Blueprint(name, __name__, **options)
            blueprint.cli.command(f"do-{name}")(lambda name=name: click.echo(name))
            app.register_blueprint(blueprint, **at_registration)
        app.register_blueprint(flask.Blueprint("empty", __name__, cli_group="empty"))

        group = cli.FlaskGroup(create_app=lambda: app)
        for args in (["customized", "do-own"], ["same", "do-same"], ["later", "do-late"]):
            assert runner.invoke(group, args).output == f"{args[1][3:]}\n"
        assert runner.invoke(group, ["do-merged"]).output == "merged\n"
        assert runner.invoke(group, ["empty"]).exit_code == 2


class TestFlaskGroup:
    def test_defaults(self, cli: Any) -> None:
        group = cli.FlaskGroup()
        assert sorted(group.commands) == ["routes", "run", "shell"]
        assert [param.name for param in group.params] == ["env_file", "app", "debug", "version"]
        assert group.context_settings["auto_envvar_prefix"] == "FLASK"
        assert (group.create_app, group.load_dotenv, group.set_debug_flag) == (None, True, True)

    def test_all_left_out(self, cli: Any) -> None:
        group = cli.FlaskGroup(
            add_default_commands=False,
            add_version_option=False,
            params=[click.Option(["--mine"])],
            context_settings={"auto_envvar_prefix": "MINE"},
        )
        assert group.commands == {}
        assert [param.name for param in group.params] == ["mine", "env_file", "app", "debug"]
        assert group.context_settings == {"auto_envvar_prefix": "MINE"}

    @pytest.mark.parametrize("sets", [True, False])
    def test_debug_flag(self, flask: Any, cli: Any, runner: Runner, sets: bool) -> None:
        def create_app() -> Any:
            app = flask.Flask("app")
            app.debug = True
            return app

        group = cli.FlaskGroup(create_app=create_app, set_debug_flag=sets)
        group.command("show")(lambda: click.echo(flask.current_app.debug))
        assert runner.invoke(group, ["show"]).output == f"{not sets}\n"

    @pytest.mark.parametrize(
        ("args", "env", "debug"),
        [
            (["--debug"], {}, True),
            (["--debug"], {"FLASK_DEBUG": "0"}, True),
            (["--no-debug"], {"FLASK_DEBUG": "1"}, False),
            ([], {"FLASK_DEBUG": "1"}, True),
            ([], {"FLASK_DEBUG": "no"}, False),
            ([], {}, False),
        ],
    )
    def test_debug_option(
        self,
        flask: Any,
        cli: Any,
        app: Any,
        runner: Runner,
        args: list[str],
        env: dict[str, str],
        debug: bool,
    ) -> None:
        app.cli.command("show")(lambda: click.echo(flask.current_app.debug))
        group = cli.FlaskGroup(create_app=lambda: app)
        assert runner.invoke(group, [*args, "show"], env=env).output == f"{debug}\n"

    def test_debug_is_set_before_the_factory_runs(
        self, flask: Any, cli: Any, runner: Runner
    ) -> None:
        seen = []

        def create_app() -> Any:
            seen.append(os.environ["FLASK_DEBUG"])
            return flask.Flask("app")

        runner.invoke(cli.FlaskGroup(create_app=create_app), ["--debug", "routes"])
        assert seen == ["1"]

    def test_under_another_group(self, flask: Any, cli: Any, app: Any, runner: Runner) -> None:
        outer, inner = click.Group("outer"), cli.FlaskGroup(name="inner", create_app=lambda: app)
        outer.add_command(inner)
        inner.command("show")(lambda: click.echo(flask.current_app.name))
        assert runner.invoke(outer, ["inner", "show"]).output == "tested\n"

    def test_an_obj_of_one_s_own(self, cli: Any, app: Any, runner: Runner) -> None:
        info = cli.ScriptInfo(create_app=lambda: app)
        result = runner.invoke(cli.FlaskGroup(), ["routes"], obj=info)
        assert "static" in result.output

    def test_tells_app_run_to_do_nothing(self, cli: Any, runner: Runner) -> None:
        runner.invoke(cli.FlaskGroup(), ["--version"])
        assert os.environ["FLASK_RUN_FROM_CLI"] == "true"


class TestBrokenApps:
    def test_unknown_command(self, cli: Any, runner: Runner) -> None:
        result = runner.invoke(cli.cli, ["missing"])
        assert result.exit_code == 2
        assert "Error: Could not locate a Flask application. Use the 'flask --app'" in result.stderr
        assert "Error: No such command 'missing'." in result.stderr
        assert "Usage:" in result.stderr

    def test_unknown_option(self, cli: Any, runner: Runner) -> None:
        result = runner.invoke(cli.cli, ["run", "--missing"])
        assert result.exit_code == 2
        assert "Error: No such option" in result.stderr and "--missing" in result.stderr

    @pytest.mark.parametrize("args", [["--help"], []])
    def test_help_without_an_app(self, cli: Any, runner: Runner, args: list[str]) -> None:
        result = runner.invoke(cli.cli, args)
        assert "Error: Could not locate a Flask application." in result.stderr
        assert "Run a development server." in result.output

    def test_help_with_an_error(self, cli: Any, runner: Runner) -> None:
        def create_app() -> None:
            raise Exception("oh no")

        result = runner.invoke(cli.FlaskGroup(create_app=create_app), ["--help"])
        assert result.exit_code == 0
        assert "Traceback (most recent call last):" in result.stderr
        assert "Exception: oh no" in result.stderr
        assert "Run a development server." in result.stdout

    def test_an_error_in_the_app_is_raised_for_its_commands(self, cli: Any, runner: Runner) -> None:
        def create_app() -> None:
            raise RuntimeError("oh no")

        result = runner.invoke(cli.FlaskGroup(create_app=create_app), ["mine"])
        assert repr(result.exception) == "RuntimeError('oh no')"


@pytest.mark.erlen_only
class TestFallbacks:
    """Commands that give way to the application's of the same name."""

    @pytest.fixture
    def group(self, cli: Any, app: Any) -> Any:
        group = cli.FlaskGroup(create_app=lambda: app)
        group.fallbacks["shared"] = click.Command(
            "shared", callback=lambda: click.echo("of the group"), short_help="Of the group."
        )
        return group

    def test_the_application_s_own(self, app: Any, group: Any, runner: Runner) -> None:
        app.cli.command("shared", short_help="Own.")(lambda: click.echo("own"))
        assert runner.invoke(group, ["shared"]).output == "own\n"
        assert "  shared  Own.\n" in runner.invoke(group, ["--help"]).output

    def test_none_of_the_name(self, group: Any, runner: Runner) -> None:
        assert runner.invoke(group, ["shared"]).output == "of the group\n"
        assert "  shared  Of the group.\n" in runner.invoke(group, ["--help"]).output

    @pytest.mark.parametrize("error", ["NoAppException", "ValueError"])
    def test_no_application(self, cli: Any, group: Any, runner: Runner, error: str) -> None:
        """It is for the command to say so, where it needs one."""

        def create_app() -> Any:
            raise (cli.NoAppException if error == "NoAppException" else ValueError)("none")

        group.create_app = create_app
        assert runner.invoke(group, ["shared"]).output == "of the group\n"


class TestPlugins:
    @pytest.fixture
    def group(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.mark.parametrize(
        "group",
        ["flask.commands", pytest.param("erlen.commands", marks=pytest.mark.erlen_only)],
    )
    def test_entry_points(self, cli: Any, runner: Runner, tmp_path: Path, group: str) -> None:
        info = tmp_path / "plugin-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\nplugged = cli_plugin:command\n")
        (tmp_path / "cli_plugin.py").write_text(
            "import click\n@click.command()\ndef command():\n    click.echo('plugged in')\n"
        )
        sys.path.insert(0, str(tmp_path))
        assert runner.invoke(cli.FlaskGroup(), ["plugged"]).output == "plugged in\n"
        assert "plugged" in runner.invoke(cli.FlaskGroup(), ["--help"]).output


class TestEnvironment:
    """Which application, and values of options, from variables and files."""

    @pytest.fixture(autouse=True)
    def modules(self, flask: Any, tmp_path: Path) -> None:
        (tmp_path / "named.py").write_text(
            f"import click\nfrom {flask.__name__} import Flask\n"
            "def create_app(name='made'):\n"
            "    app = Flask(name)\n"
            "    @app.cli.command()\n"
            "    @click.option('--word', default='none')\n"
            "    def show(word):\n"
            "        click.echo(f'{app.name} {word} {app.debug}')\n"
            "    return app\n"
        )

    def test_app_option(self, cli: Any, runner: Runner) -> None:
        for args in (["--app", "named"], ["-A", "named:create_app"], ["--app=named.py"]):
            assert runner.invoke(cli.FlaskGroup(), [*args, "show"]).output == "made none False\n"
        args = ["--app", "named:create_app('x')", "show", "--word", "y"]
        assert runner.invoke(cli.FlaskGroup(), args).output == "x y False\n"

    def test_flask_variables(self, cli: Any, runner: Runner) -> None:
        env = {"FLASK_APP": "named:create_app('x')", "FLASK_DEBUG": "1", "FLASK_SHOW_WORD": "y"}
        assert runner.invoke(cli.FlaskGroup(), ["show"], env=env).output == "x y True\n"
        assert "show" in runner.invoke(cli.FlaskGroup(), ["--help"], env=env).output

    def test_the_option_wins(self, cli: Any, runner: Runner) -> None:
        args = ["--app", "named", "show", "--word", "z"]
        env = {"FLASK_APP": "nowhere", "FLASK_SHOW_WORD": "y"}
        assert runner.invoke(cli.FlaskGroup(), args, env=env).output == "made z False\n"

    def test_files(self, cli: Any, runner: Runner, tmp_path: Path) -> None:
        pytest.importorskip("dotenv")
        (tmp_path / ".flaskenv").write_text("FLASK_APP=named\nFLASK_SHOW_WORD=flaskenv\n")
        assert runner.invoke(cli.FlaskGroup(), ["show"]).output == "made flaskenv False\n"

    def test_a_file_by_option(self, cli: Any, runner: Runner, tmp_path: Path) -> None:
        pytest.importorskip("dotenv")
        (tmp_path / ".flaskenv").write_text("FLASK_APP=nowhere\nFLASK_DEBUG=1\n")
        (tmp_path / "mine").write_text("FLASK_APP=named\n")
        args = ["-e", "mine", "show"]
        assert runner.invoke(cli.FlaskGroup(), args).output == "made none True\n"

    def test_only_the_file_of_the_option(self, cli: Any, runner: Runner, tmp_path: Path) -> None:
        pytest.importorskip("dotenv")
        (tmp_path / ".flaskenv").write_text("FLASK_DEBUG=1\n")
        (tmp_path / "mine").write_text("FLASK_APP=named\n")
        group = cli.FlaskGroup(load_dotenv=False)
        args = ["--env-file", "mine", "show"]
        assert runner.invoke(group, args).output == "made none False\n"

    def test_files_are_left_alone(self, cli: Any, runner: Runner, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("LEFT_ALONE=1\n")
        runner.invoke(cli.FlaskGroup(), ["routes"], env={"FLASK_SKIP_DOTENV": "1"})
        assert "LEFT_ALONE" not in os.environ

    def test_env_file_without_the_package(
        self, cli: Any, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "dotenv", None)
        (tmp_path / "mine").touch()
        result = runner.invoke(cli.FlaskGroup(), ["-e", "mine", "routes"])
        assert result.exit_code == 2
        assert "python-dotenv must be installed to load an env file." in result.stderr

    @pytest.mark.erlen_only
    def test_erlen_variables(self, cli: Any, runner: Runner) -> None:
        env = {
            "ERLEN_APP": "named:create_app('x')",
            "FLASK_APP": "nowhere",
            "ERLEN_DEBUG": "1",
            "FLASK_DEBUG": "0",
            "ERLEN_SHOW_WORD": "y",
            "FLASK_SHOW_WORD": "f",
        }
        assert runner.invoke(cli.FlaskGroup(), ["show"], env=env).output == "x y True\n"

    @pytest.mark.erlen_only
    def test_the_command_line_wins_over_erlen_variables(self, cli: Any, runner: Runner) -> None:
        env = {"ERLEN_APP": "nowhere", "ERLEN_DEBUG": "0", "ERLEN_SHOW_WORD": "y"}
        args = ["--app", "named", "--debug", "show", "--word", "z"]
        assert runner.invoke(cli.FlaskGroup(), args, env=env).output == "made z True\n"

    @pytest.mark.erlen_only
    def test_erlen_variables_in_files(self, cli: Any, runner: Runner, tmp_path: Path) -> None:
        pytest.importorskip("dotenv")
        (tmp_path / ".env").write_text("ERLEN_APP=named\nERLEN_DEBUG=1\n")
        assert runner.invoke(cli.FlaskGroup(), ["show"]).output == "made none True\n"

    @pytest.mark.erlen_only
    def test_the_alias_variable_is_no_option(self, cli: Any, runner: Runner) -> None:
        runner.invoke(cli.FlaskGroup(), ["--version"], env={"ERLEN_AS_FLASK": "1"})
        assert "FLASK_AS_FLASK" not in os.environ
