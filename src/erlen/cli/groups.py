"""The groups of commands: an application's own, and the whole command line of one."""

from __future__ import annotations

import os
import typing as t

import click

from ..globals import current_app
from ..typing import App
from .commands import routes_command, run_command, shell_command
from .dotenv import adopt_erlen_variables
from .locate import NoAppException
from .options import _app_option, _debug_option, _env_file_option, version_option
from .script import ScriptInfo, with_appcontext

C = t.TypeVar("C", bound=click.Command)
_Register: t.TypeAlias = t.Callable[[t.Callable[..., t.Any]], C]


class AppGroup(click.Group):
    """A group whose commands run within the application's context: ``app.cli`` is one."""

    def command(  # type: ignore[override]  # click tells @command from @command(): here is one
        self, *args: t.Any, **kwargs: t.Any
    ) -> _Register[click.Command]:
        """Register a function as a command, within the context.

        :param with_appcontext: False leaves the context out. The rest goes to click.
        """
        if args and callable(args[0]):
            # Without parentheses: here is the function itself, not a name.
            return t.cast("_Register[click.Command]", self.command(**kwargs)(args[0]))
        within = kwargs.pop("with_appcontext", True)
        register: _Register[click.Command] = super().command(*args, **kwargs)

        def decorator(f: t.Callable[..., t.Any]) -> click.Command:
            return register(with_appcontext(f) if within else f)

        return decorator

    def group(  # type: ignore[override]  # as command
        self, *args: t.Any, **kwargs: t.Any
    ) -> _Register[click.Group]:
        """Register a function as a group of commands below this one, an AppGroup too."""
        if args and callable(args[0]):
            return t.cast("_Register[click.Group]", self.group(**kwargs)(args[0]))
        kwargs.setdefault("cls", AppGroup)
        register: _Register[click.Group] = super().group(*args, **kwargs)
        return register


class FlaskGroup(AppGroup):
    """The command line of an application: ``run``, ``shell``, ``routes``, plugins and its own.

    :param add_default_commands: whether ``run``, ``shell`` and ``routes`` are there.
    :param create_app: called without arguments for the application; None finds it by ``--app``.
    :param add_version_option: whether ``--version`` is there.
    :param load_dotenv: whether ``.env`` and ``.flaskenv`` are loaded.
    :param set_debug_flag: whether the application's ``debug`` is set from the environment.
    :param extra: the arguments of :class:`click.Group`.
    """

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: t.Callable[..., App] | None = None,
        add_version_option: bool = True,
        load_dotenv: bool = True,
        set_debug_flag: bool = True,
        **extra: t.Any,
    ) -> None:
        # Callbacks of the options do the work: the group's own callback is the user's. The file
        # of variables comes first, because --app reads one.
        params = [*(extra.pop("params", None) or ()), _env_file_option, _app_option, _debug_option]
        if add_version_option:
            params.append(version_option)
        extra.setdefault("context_settings", {}).setdefault("auto_envvar_prefix", "FLASK")
        super().__init__(params=params, **extra)

        self.create_app = create_app
        self.load_dotenv = load_dotenv
        self.set_debug_flag = set_debug_flag
        #: Commands that are there unless the application has one of the name.
        self.fallbacks: dict[str, click.Command] = {}
        self._loaded_plugin_commands = False
        if add_default_commands:
            for command in (run_command, shell_command, routes_command):
                self.add_command(command)

    def _load_plugin_commands(self) -> None:
        if self._loaded_plugin_commands:
            return
        # PERF: importing the application does not need this, only its command line.
        from importlib.metadata import entry_points

        for group in ("flask.commands", "erlen.commands"):
            for entry_point in entry_points(group=group):
                self.add_command(entry_point.load(), entry_point.name)
        self._loaded_plugin_commands = True

    def get_command(  # pyright: ignore[reportIncompatibleMethodOverride]  # Flask's name for it
        self, ctx: click.Context, name: str
    ) -> click.Command | None:
        """Find a command: built in or of a plugin, else of the application, then loaded.

        Last come the fallbacks, which leave it to the command to tell why none could be loaded.
        """
        self._load_plugin_commands()
        command = super().get_command(ctx, name)
        if command is not None:
            # These work without an application that can be loaded.
            return command

        fallback = self.fallbacks.get(name)
        try:
            app = ctx.ensure_object(ScriptInfo).load_app()
        except NoAppException as error:
            if fallback is None:
                _complain(f"Error: {error.format_message()}")
            return fallback
        except Exception:
            if fallback is None:
                raise
            return fallback
        if not current_app or current_app._get_current_object() is not app:
            # For the callbacks of the command's parameters, which run before the command.
            ctx.with_resource(app.app_context())
        found: click.Command | None = app.cli.get_command(ctx, name)
        return found or fallback

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted; a broken application is told and left out."""
        self._load_plugin_commands()
        names = {*super().list_commands(ctx), *self.fallbacks}
        try:
            names.update(ctx.ensure_object(ScriptInfo).load_app().cli.list_commands(ctx))
        except NoAppException as error:
            _complain(f"Error: {error.format_message()}")
        except Exception:
            import traceback

            _complain(traceback.format_exc())
        return sorted(names)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: t.Any,
    ) -> click.Context:
        """Prepare the environment and the :class:`ScriptInfo` that the commands share."""
        # Makes app.run() do nothing: a script without a guard would serve while it is imported.
        os.environ["FLASK_RUN_FROM_CLI"] = "true"
        adopt_erlen_variables()
        if "obj" not in extra and "obj" not in self.context_settings:
            extra["obj"] = ScriptInfo(
                create_app=self.create_app,
                set_debug_flag=self.set_debug_flag,
                load_dotenv_defaults=self.load_dotenv,
            )
        return super().make_context(info_name, args, parent=parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; where click shows the help first, the application's place before it."""
        shows_help = len(args) == 1 and args[0] in self.get_help_option_names(ctx)
        if shows_help or (not args and self.no_args_is_help):
            # These may come from the environment alone, and the help lists the app's commands.
            _env_file_option.handle_parse_result(ctx, {}, [])
            _app_option.handle_parse_result(ctx, {}, [])
        return super().parse_args(ctx, args)


def _complain(message: str) -> None:
    click.secho(f"{message}\n", err=True, fg="red")


cli = FlaskGroup(
    name="erlen",
    help="""\
A general utility script for Flask applications.

An application to load must be given with the '--app' option,
'FLASK_APP' environment variable, or with a 'wsgi.py' or 'app.py' file
in the current directory.
""",
)


def main() -> None:
    """Run the command line, as the program ``flask`` does under the alias."""
    cli.main()
