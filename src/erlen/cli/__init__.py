"""The command line: ``erlen run``, ``routes``, ``shell``, plugins, and an application's own."""

from __future__ import annotations

from .commands import routes_command as routes_command
from .commands import run_command as run_command
from .commands import shell_command as shell_command
from .dotenv import load_dotenv as load_dotenv
from .groups import AppGroup as AppGroup
from .groups import FlaskGroup as FlaskGroup
from .groups import cli as cli
from .groups import main as main
from .locate import NoAppException as NoAppException
from .locate import _called_with_wrong_args as _called_with_wrong_args
from .locate import find_app_by_string as find_app_by_string
from .locate import find_best_app as find_best_app
from .locate import locate_app as locate_app
from .locate import prepare_import as prepare_import
from .options import CertParamType as CertParamType
from .options import SeparatedPathType as SeparatedPathType
from .options import _app_option as _app_option
from .options import _debug_option as _debug_option
from .options import _env_file_callback as _env_file_callback
from .options import _env_file_option as _env_file_option
from .options import _set_app as _set_app
from .options import _set_debug as _set_debug
from .options import _validate_key as _validate_key
from .options import get_version as get_version
from .options import version_option as version_option
from .script import ScriptInfo as ScriptInfo
from .script import pass_script_info as pass_script_info
from .script import with_appcontext as with_appcontext
from .serve import run_app as run_app
from .serve import show_server_banner as show_server_banner
