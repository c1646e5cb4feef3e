"""The program ``erlen``, also ``python -m erlen``: the command line, for Flask's apps too."""

from __future__ import annotations

import os
import sys

# Before the application is imported, which may say `from flask import Flask`.
from . import as_flask as as_flask
from .cli import cli
from .cli import main as cli_main
from .doctor import doctor_command
from .new import new_command
from .server import serve_command
from .translate import translate_command

cli.add_command(doctor_command)
cli.add_command(new_command)
cli.add_command(serve_command)
# Flask applications come with a command of this name, after a widely read tutorial.
cli.fallbacks["translate"] = translate_command


def main() -> None:
    """Run the command line, with ``flask`` as another name for erlen here and in subprocesses."""
    os.environ["ERLEN_AS_FLASK"] = "1"
    cli_main()


if __name__ == "__main__":
    sys.exit(main())
