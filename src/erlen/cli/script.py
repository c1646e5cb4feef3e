"""What a command knows of the application: its place, the loaded object, and its context."""

from __future__ import annotations

import re
import typing as t
from functools import update_wrapper

import click

from ..config import get_debug_flag, get_load_dotenv
from ..globals import current_app
from ..typing import App
from .locate import Accepts, NoAppException, is_app, locate, prepare_import

F = t.TypeVar("F", bound=t.Callable[..., t.Any])


class ScriptInfo:
    """How to find the application of this command line, and the application once loaded.

    click carries it as ``ctx.obj``; :class:`FlaskGroup` makes it.

    :param app_import_path: what ``--app`` says, such as ``"hello:create_app('dev')"``.
    :param create_app: called without arguments for the application, instead of importing it.
    :param set_debug_flag: whether the loaded application's ``debug`` is set from the environment.
    :param load_dotenv_defaults: whether ``.env`` and ``.flaskenv`` are to be loaded; the variable
        ``FLASK_SKIP_DOTENV`` outweighs it. Kept for others to read: nothing is loaded here.
    """

    def __init__(
        self,
        app_import_path: str | None = None,
        create_app: t.Callable[..., App] | None = None,
        set_debug_flag: bool = True,
        load_dotenv_defaults: bool = True,
    ) -> None:
        self.app_import_path = app_import_path
        self.create_app = create_app
        #: For commands to keep what they like in.
        self.data: dict[t.Any, t.Any] = {}
        self.set_debug_flag = set_debug_flag
        self.load_dotenv_defaults = get_load_dotenv(load_dotenv_defaults)
        self._loaded_app: App | None = None
        #: What is an application; commands need one of Flask's kind, a server does not.
        self._accepts: Accepts = is_app

    def load_app(self) -> App:
        """The application, loaded at the first call.

        :raises NoAppException: none was found.
        """
        if self._loaded_app is None:
            app = self._find_app()
            if app is None:
                raise NoAppException(
                    "Could not locate a Flask application. Use the 'flask --app' option,"
                    " 'FLASK_APP' environment variable, or a 'wsgi.py' or 'app.py' file in the"
                    " current directory."
                )
            if self.set_debug_flag:
                # By the attribute, for what hangs on it there.
                app.debug = get_debug_flag()
            self._loaded_app = app
        return self._loaded_app

    def _find_app(self) -> App | None:
        if self.create_app is not None:
            return self.create_app()
        if self.app_import_path:
            # A colon before a slash belongs to a Windows drive.
            path, *name = re.split(r":(?![\\/])", self.app_import_path, maxsplit=1)
            app_name = name[0] if name else None
            return locate(prepare_import(path), app_name, True, self._accepts)
        for path in ("wsgi.py", "app.py"):
            app = locate(prepare_import(path), None, False, self._accepts)
            if app is not None:
                return app
        return None


pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)


def with_appcontext(f: F) -> F:
    """Run a command's callback within the application's context.

    Commands under ``app.cli`` and ``blueprint.cli`` have it without this decorator.
    """

    @click.pass_context
    def decorator(ctx: click.Context, /, *args: t.Any, **kwargs: t.Any) -> t.Any:
        if not current_app:
            ctx.with_resource(ctx.ensure_object(ScriptInfo).load_app().app_context())
        return ctx.invoke(f, *args, **kwargs)

    return t.cast(F, update_wrapper(decorator, f))
