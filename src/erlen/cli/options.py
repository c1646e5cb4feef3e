"""The options that the commands share, and the types of their values."""

from __future__ import annotations

import os
import typing as t

import click
from click.core import ParameterSource
from werkzeug.utils import import_string

from .dotenv import adopt_erlen_variables, load_dotenv
from .script import ScriptInfo

if t.TYPE_CHECKING:
    # Generic for the type checker alone in the older releases of click.
    _AnyParamType = click.ParamType[t.Any]
else:
    _AnyParamType = click.ParamType

#: The release of Flask whose API this is.
FLASK_API = "3.1.3"


def get_version(ctx: click.Context, param: click.Parameter, value: t.Any) -> None:
    """Print the versions of Python, erlen (with Flask's) and Werkzeug, and leave the program."""
    if not value or ctx.resilient_parsing:
        return
    # PERF: every process imports this room, and only --version needs these two.
    import platform
    from importlib.metadata import PackageNotFoundError, version

    try:
        erlen = version("erlen")
    except PackageNotFoundError:
        erlen = "from source"
    click.echo(
        f"Python {platform.python_version()}\n"
        f"Erlen {erlen} (the API of Flask {FLASK_API})\n"
        f"Werkzeug {version('werkzeug')}",
        color=ctx.color,
    )
    ctx.exit()


version_option = click.Option(
    ["--version"],
    help="Show the Flask version.",
    expose_value=False,
    callback=get_version,
    is_flag=True,
    is_eager=True,
)


def _set_app(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        ctx.ensure_object(ScriptInfo).app_import_path = value
    return value


# Eager, and ahead of --help: the help lists the application's commands.
_app_option = click.Option(
    ["-A", "--app"],
    metavar="IMPORT",
    help=(
        "The Flask application or factory function to load, in the form 'module:name'."
        " Module can be a dotted import or file path. Name is not required if it is"
        " 'app', 'application', 'create_app', or 'make_app', and can be 'name(args)' to"
        " pass arguments."
    ),
    is_eager=True,
    expose_value=False,
    callback=_set_app,
)


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> bool | None:
    source = ctx.get_parameter_source(param.name or "")
    if source in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP):
        # Not given: the environment decides, and it may not have spoken yet.
        return None
    # In the environment, where a factory sees it before there is an application.
    os.environ["FLASK_DEBUG"] = "1" if value else "0"
    if "ERLEN_DEBUG" in os.environ:
        # It would win over the command line.
        os.environ["ERLEN_DEBUG"] = os.environ["FLASK_DEBUG"]
    return value


_debug_option = click.Option(
    ["--debug/--no-debug"],
    help="Set debug mode.",
    expose_value=False,
    callback=_set_debug,
)


def _env_file_callback(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        try:
            import dotenv  # noqa: F401 - only whether it is there
        except ImportError:
            # Without a file named, load_dotenv says what is missing and goes on.
            raise click.BadParameter(
                "python-dotenv must be installed to load an env file.", ctx=ctx, param=param
            ) from None
    if value is not None or ctx.obj.load_dotenv_defaults:
        load_dotenv(value, load_defaults=ctx.obj.load_dotenv_defaults)
        adopt_erlen_variables()
    return value


# Eager and first of all: it sets the variables that the other options read.
_env_file_option = click.Option(
    ["-e", "--env-file"],
    type=click.Path(exists=True, dir_okay=False),
    help=(
        "Load environment variables from this file, taking precedence over"
        " those set by '.env' and '.flaskenv'. Variables set directly in the"
        " environment take highest precedence. python-dotenv must be installed."
    ),
    is_eager=True,
    expose_value=False,
    callback=_env_file_callback,
)


class CertParamType(_AnyParamType):
    """The value of ``--cert``: a file, ``adhoc``, or the import name of an ``ssl.SSLContext``."""

    name = "path"

    def __init__(self) -> None:
        self.path_type = click.Path(exists=True, dir_okay=False, resolve_path=True)

    def convert(
        self, value: t.Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> t.Any:
        try:
            import ssl
        except ImportError:
            raise click.BadParameter(
                'Using "--cert" requires Python to be compiled with SSL support.', ctx, param
            ) from None

        try:
            return self.path_type(value, param, ctx)
        except click.BadParameter:
            value = click.STRING(value, param, ctx).lower()
            if value == "adhoc":
                self._need_cryptography(param, ctx)
                return value
            context = import_string(value, silent=True)
            if isinstance(context, ssl.SSLContext):
                return context
            # What it is not, said as of a file.
            raise

    @staticmethod
    def _need_cryptography(param: click.Parameter | None, ctx: click.Context | None) -> None:
        try:
            import cryptography  # noqa: F401 - only whether it is there
        except ImportError:
            raise click.BadParameter(
                "Using ad-hoc certificates requires the cryptography library.", ctx, param
            ) from None


def _validate_port(ctx: click.Context, param: click.Parameter, value: int) -> int:
    """Refuse what is no port: the system would take its last sixteen bits. The help is Flask's."""
    if not 0 <= value <= 65535:
        raise click.BadParameter(f"{value} is no port: it is from 0 to 65535.", ctx, param)
    return value


def _validate_key(ctx: click.Context, param: click.Parameter, value: t.Any) -> t.Any:
    """Join ``--key`` to ``--cert``, which needs it when, and only when, it is a file."""
    cert = ctx.params.get("cert")
    is_adhoc = cert == "adhoc"
    # An SSLContext, told without ssl, which this Python may lack.
    is_context = cert is not None and not isinstance(cert, (str, tuple))

    if value is None:
        if cert and not (is_adhoc or is_context):
            raise click.BadParameter('Required when using "--cert".', ctx, param)
        return value

    if is_adhoc:
        raise click.BadParameter('When "--cert" is "adhoc", "--key" is not used.', ctx, param)
    if is_context:
        raise click.BadParameter(
            'When "--cert" is an SSLContext object, "--key" is not used.', ctx, param
        )
    if not cert:
        raise click.BadParameter('"--cert" must also be specified.', ctx, param)
    ctx.params["cert"] = cert, value
    return value


class SeparatedPathType(click.Path):
    """Paths in one value, with the system's path separator between them."""

    def convert(
        self, value: t.Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> t.Any:
        # super() without arguments does not see self in a comprehension before Python 3.12.
        convert = super().convert
        return [convert(item, param, ctx) for item in self.split_envvar_value(value)]
